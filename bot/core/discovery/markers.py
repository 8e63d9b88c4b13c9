"""Flux's setter markers: comments, so that no event of the parser has them; they are read from the text.

https://fluxcd.io/flux/guides/image-update/#configure-image-update-for-custom-resources
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING, cast

from bot.core.discovery.facts import Marker, Trouble
from bot.core.manifests.nodes import Alias, Mapping, Scalar, Sequence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.core.discovery.facts import Part
    from bot.core.discovery.lines import Lines
    from bot.core.manifests.nodes import Node, Parsed

_COMMENT = re.compile(rb"(?:^|(?<=[ \t\r\n]))#[^\r\n]*\$imagepolicy[^\r\n]*")
_MARKER = re.compile(
    r'#\s*\{\s*"\$imagepolicy"\s*:\s*"(?P<namespace>[^":\s]+):(?P<policy>[^":\s]+)(?::(?P<part>tag|name|digest))?"\s*\}\s*'
)


def find_markers(content: bytes, parsed: Parsed, lines: Lines) -> tuple[dict[int, Marker], tuple[Trouble, ...]]:
    """The file's bytes and nodes → the markers by the id() of their scalar, and those that cannot be used."""
    leaves = sorted((leaf for document in parsed.documents for leaf in _leaves(document.root)), key=_end)
    ends = [_end(leaf) for leaf in leaves]
    scalars = sorted((node.start, node.end) for node in parsed.nodes if isinstance(node, Scalar))
    found: dict[int, Marker] = {}
    troubles: list[Trouble] = []
    for comment in _COMMENT.finditer(content):
        line = content.rfind(b"\n", 0, comment.start()) + 1
        # A line that is a comment says nothing: what was there was taken out.
        if _inside(scalars, comment.start()) or not content[line : comment.start()].strip():
            continue
        before = bisect_right(ends, comment.start()) - 1
        last = leaves[before] if before >= 0 else None
        on_line = last is not None and content.find(b"\n", max(last.end - 1, 0), comment.start()) < 0
        match = _MARKER.fullmatch(comment[0].decode("utf-8", "replace"))
        if match and on_line and last is not None:
            part = cast("Part", match["part"] or "image")
            found[id(last)] = Marker(match["namespace"], match["policy"], part)
        else:
            troubles.append(_trouble(lines.line(comment.start()), comment[0], on_line=on_line))
    return found, tuple(troubles)


def _trouble(line: int, comment: bytes, *, on_line: bool) -> Trouble:
    if comment.count(b"$imagepolicy") > 1:
        return Trouble(line, (), "several_markers", "the line has several setter markers")
    if not on_line:
        return Trouble(line, (), "bad_marker", "no value ends on the line of the setter marker")
    return Trouble(line, (), "bad_marker", "the setter marker cannot be read")


def _leaves(node: Node) -> Iterator[Scalar | Alias]:
    """Every value that is one scalar, keys left out."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Mapping):
            waiting += [value for _, value in one.pairs]
        elif isinstance(one, Sequence):
            waiting += one.items
        else:
            yield one


def _end(node: Node) -> int:
    return node.end


def _inside(spans: list[tuple[int, int]], position: int) -> bool:
    index = bisect_right(spans, (position, position)) - 1
    return index >= 0 and spans[index][0] <= position < spans[index][1]
