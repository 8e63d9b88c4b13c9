"""YAML that is written as a text inside YAML: a literal block keeps its lines, so that each byte inside has its place.

Patches of kustomizations are commonly written so: https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/patches/
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING

from bot.core.manifests.document import parse
from bot.core.manifests.hazards import Hazard

if TYPE_CHECKING:
    from bot.core.manifests.nodes import Node, Parsed, Scalar

_LINE = re.compile(rb"[^\n]*\n?")


def inner(node: Scalar) -> Parsed:
    """What a literal block holds as YAML; every node knows its bytes and its line in the file.

    `Hazard` for what is no literal block, no YAML, or differs from the text that the file's reader sees.
    """
    if node.inner is None:
        if node.style != "|":
            raise Hazard("embedded", node.line, "the value stands in a text whose lines are folded or quoted")
        node.inner = _read(node)
    return node.inner


def root(node: Scalar) -> Node:
    """The one document in the text. `Hazard` as `inner`, and for none or several."""
    documents = inner(node).documents
    if len(documents) != 1:
        raise Hazard("document_ambiguous", node.line, f"the text has {len(documents)} documents")
    return documents[0].root


def _read(node: Scalar) -> Parsed:
    header, *body = (found for found in _LINE.findall(node.raw) if found)
    # A number behind the `|` says that blanks in front are text: the reader knows how many are not.
    indent = _blanks(body) - _blanks(_LINE.findall(node.text.encode("utf-8", "surrogatepass")))
    parts = [line[min(indent, len(line) - len(line.lstrip(b" "))) :] for line in body]
    if b"".join(parts).decode("utf-8", "replace").replace("\r\n", "\n").rstrip("\n") != node.text.rstrip("\n"):
        raise Hazard("embedded", node.line, "the text cannot be told from its indentation")
    try:
        parsed = parse(b"".join(parts))
    except Hazard as hazard:
        raise Hazard(hazard.code, node.line + hazard.line, hazard.what) from hazard
    _Moved(node, len(header), body, parts).move(parsed)
    return parsed


def _blanks(lines: list[bytes]) -> int:
    """How many blanks the first line that is not blank begins with."""
    first = next((line for line in lines if line.strip()), b"")
    return len(first) - len(first.lstrip(b" "))


class _Moved:
    """Offsets and lines of the text become those of the file."""

    def __init__(self, node: Scalar, header: int, body: list[bytes], parts: list[bytes]) -> None:
        self.node = node
        self.inner, self.outer, self.cut = [0], [node.start + header], list[int]()
        for line, part in zip(body, parts, strict=True):
            self.cut.append(len(line) - len(part))
            self.inner.append(self.inner[-1] + len(part))
            self.outer.append(self.outer[-1] + len(line))
        self.cut.append(0)

    def move(self, parsed: Parsed) -> None:
        """Move every node."""
        for one in parsed.nodes:
            one.end = self.offset(one.end, at_end=one.end > one.start)
            one.start = self.offset(one.start, at_end=False)
            one.line += self.node.line

    def offset(self, inside: int, *, at_end: bool) -> int:
        """Where a byte of the text is in the file; an end at the start of a line is that of the line before it."""
        line = bisect_right(self.inner, inside) - 1
        if at_end and inside == self.inner[line]:
            return self.outer[line]
        return self.outer[line] + self.cut[line] + inside - self.inner[line]
