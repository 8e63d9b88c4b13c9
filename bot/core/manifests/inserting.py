"""One more key in a mapping that is there, on a line of its own or in its braces; every other byte stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core.manifests.document import parse
from bot.core.manifests.hazards import Hazard
from bot.core.manifests.locate import trail
from bot.core.manifests.nodes import Alias, Mapping, Scalar
from bot.core.manifests.scalars import is_line, written
from bot.core.manifests.splice import readable
from bot.core.manifests.verify import held

if TYPE_CHECKING:
    from bot.core.manifests.nodes import Node
    from bot.core.models import Path


def insert(content: bytes, path: Path, key: str, text: str) -> bytes:
    """A file of one document with `key: text` in the mapping at `path`. `Hazard` where that cannot be done safely."""
    parsed = readable(content)
    if len(parsed.documents) != 1:
        raise Hazard("document_ambiguous", 1, f"the file has {len(parsed.documents)} documents")
    mapping = trail(parsed.documents[0].root, path)[-1]
    if not isinstance(mapping, Mapping):
        raise Hazard("not_a_mapping", mapping.line, f"{key} belongs into a mapping, and there is none")
    if not (is_line(key) and is_line(text)):
        raise Hazard("bad_value", mapping.line, "the new value is empty or not one line of text")
    names, values = (written(one, "", parsed.quote, tagged=False) for one in (key, text))
    at, before, behind = _place(content, mapping)
    new = content[:at] + f"{before}{names}: {values}{behind}".encode() + content[at:]
    _verify(content, mapping, path, new, (key, text))
    return new


def _place(content: bytes, mapping: Mapping) -> tuple[int, str, str]:
    """Where to write, and what comes before and behind it."""
    if content[mapping.start : mapping.start + 1] == b"{":
        return mapping.start + 1, "", ", " if mapping.pairs else ""
    ending = "\r\n" if b"\r\n" in content else "\n"
    for key, _ in mapping.pairs:
        line = content.rfind(b"\n", 0, key.start) + 1
        margin = content[line : key.start]
        if not margin.strip(b" "):
            return line, margin.decode(), ending
    key, value = mapping.pairs[0]
    line, end = content.rfind(b"\n", 0, key.start) + 1, content.find(b"\n", value.end)
    if not isinstance(value, Scalar) or b"\n" in content[value.start : value.end]:
        raise Hazard("multi_line", key.line, "a key cannot be added beside a value of several lines")
    blanks = " " * (key.start - line)
    return (len(content) if end < 0 else end + 1), f"{ending if end < 0 else ''}{blanks}", ending if end >= 0 else ""


def _verify(content: bytes, mapping: Mapping, path: Path, new: bytes, pair: tuple[str, str]) -> None:
    """Read the result again: it must be what it was, with the one pair more."""
    problem = Hazard("verification_failed", mapping.line, "the edit did not give what was asked for")
    try:
        after = parse(new)
        there = trail(after.documents[0].root, path)[-1]
    except (Hazard, IndexError) as error:
        raise problem from error
    known = {held(key) for key, _ in mapping.pairs}
    added = [one for one in there.pairs if held(one[0]) not in known] if isinstance(there, Mapping) else []
    if [(held(key), held(value)) for key, value in added] != [pair]:
        raise problem
    fresh = {id(node) for one in added for node in one}
    if [_shape(n) for n in parse(content).nodes] != [_shape(n) for n in after.nodes if id(n) not in fresh]:
        raise problem


def _shape(node: Node) -> tuple[object, ...]:
    if isinstance(node, Scalar):
        return Scalar, node.tag, node.anchor, node.text, node.style
    return type(node), node.tag, node.anchor, node.name if isinstance(node, Alias) else ""
