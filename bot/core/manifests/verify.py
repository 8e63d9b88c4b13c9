"""An edited file is believed only after it was read again, by two readers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core.manifests.document import parse
from bot.core.manifests.hazards import Hazard
from bot.core.manifests.nodes import Alias, Node, Parsed, Scalar
from bot.core.manifests.opinion import Trail, accepts
from bot.core.manifests.scalars import is_string

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

STR = "tag:yaml.org,2002:str"


def held(node: Node | None) -> str | None:
    """The string that every reader finds in the scalar; None if some find a number, a date, nothing or a tag."""
    if not isinstance(node, Scalar):
        return None
    if node.tag == STR or (node.tag is None and (node.style or is_string(node.text))):
        return node.value
    return None


def verify(before: bytes, parsed: Parsed, after: bytes, trails: Sequence[Trail]) -> None:
    """Compare the bytes `after` an edit with the file `before` and its nodes. `Hazard` if they are not as expected.

    `trails` lead through these nodes to the edited scalars: node by node the result must be the original, but for
    those, and those must be the strings that were meant.
    """
    now = _compare(parsed, after, {id(trail.nodes[-1]): trail.new for trail in trails})
    counterparts = dict(zip(map(id, parsed.nodes), now.nodes, strict=True))
    same = [Trail([counterparts[id(node)] for node in trail.nodes], trail.new) for trail in trails]
    if not accepts(before, after, same):
        line = min(trail.nodes[-1].line for trail in trails)
        raise Hazard("second_opinion", line, "a second YAML reader does not accept the edited file")


def _compare(parsed: Parsed, new: bytes, expected: Mapping[int, str]) -> Parsed:
    line = next((node.line for node in parsed.nodes if id(node) in expected), 1)
    problem = Hazard("verification_failed", line, "the edit did not give what was asked for")
    try:
        after = parse(new)
    except Hazard as hazard:
        raise problem from hazard
    if len(after.nodes) != len(parsed.nodes) or len(after.documents) != len(parsed.documents):
        raise problem
    for old, now in zip(parsed.nodes, after.nodes, strict=True):
        want = expected.get(id(old))
        if not (_same(old, now) if want is None else held(now) == want and now.anchor == old.anchor):
            raise problem
    return after


def _same(old: Node, now: Node) -> bool:
    if type(old) is not type(now) or (old.tag, old.anchor) != (now.tag, now.anchor):
        return False
    if isinstance(old, Scalar) and isinstance(now, Scalar):
        return (old.text, old.style) == (now.text, now.style)
    return not (isinstance(old, Alias) and isinstance(now, Alias)) or old.name == now.name
