"""An edited file is believed only after it was read again, by two readers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core.manifests.document import parse
from bot.core.manifests.hazards import Hazard
from bot.core.manifests.nodes import Alias, Node, Parsed, Scalar
from bot.core.manifests.opinion import Trail, accepts
from bot.core.manifests.scalars import is_string
from bot.core.manifests.texts import inner

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    counterparts = _compare(parsed, after, trails)
    same = [Trail([counterparts[id(node)] for node in trail.nodes], trail.new) for trail in trails]
    if not accepts(before, after, same):
        line = min(trail.nodes[-1].line for trail in trails)
        raise Hazard("second_opinion", line, "a second YAML reader does not accept the edited file")


def _compare(parsed: Parsed, new: bytes, trails: Sequence[Trail]) -> dict[int, Node]:
    """Node by node → the new nodes by the id() of the old ones, also in texts that are YAML themselves."""
    expected = {id(trail.nodes[-1]): trail.new for trail in trails}
    line = next((node.line for node in parsed.nodes if id(node) in expected), 1)
    problem = Hazard("verification_failed", line, "the edit did not give what was asked for")
    # The literal blocks that an edit is inside of.
    open_texts = {id(node) for trail in trails for node in trail.nodes[:-1] if isinstance(node, Scalar)}
    found: dict[int, Node] = {}
    try:
        waiting = [(parsed, parse(new))]
        for before, after in waiting:
            if len(after.nodes) != len(before.nodes) or len(after.documents) != len(before.documents):
                raise problem
            for old, now in zip(before.nodes, after.nodes, strict=True):
                found[id(old)] = now
                if id(old) in open_texts:
                    waiting.append(_texts(old, now, problem))
                elif not _is_meant(old, now, expected.get(id(old))):
                    raise problem
    except Hazard as hazard:
        raise problem from hazard
    return found


def _texts(old: Node, now: Node, problem: Hazard) -> tuple[Parsed, Parsed]:
    """Two literal blocks in each other's place → what they hold."""
    if not (isinstance(old, Scalar) and isinstance(now, Scalar)):
        raise problem
    if (old.tag, old.anchor, old.style) != (now.tag, now.anchor, now.style):
        raise problem
    return inner(old), inner(now)


def _is_meant(old: Node, now: Node, want: str | None) -> bool:
    return _same(old, now) if want is None else held(now) == want and now.anchor == old.anchor


def _same(old: Node, now: Node) -> bool:
    if type(old) is not type(now) or (old.tag, old.anchor) != (now.tag, now.anchor):
        return False
    if isinstance(old, Scalar) and isinstance(now, Scalar):
        return (old.text, old.style) == (now.text, now.style)
    return not (isinstance(old, Alias) and isinstance(now, Alias)) or old.name == now.name
