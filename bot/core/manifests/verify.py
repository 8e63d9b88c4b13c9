"""An edited file is believed only after it was read again, by two readers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core.manifests.document import parse
from bot.core.manifests.hazards import Hazard
from bot.core.manifests.nodes import Alias, Node, Parsed, Scalar
from bot.core.manifests.scalars import is_string

if TYPE_CHECKING:
    from collections.abc import Mapping

STR = "tag:yaml.org,2002:str"


def held(node: Node | None) -> str | None:
    """The string that every reader finds in the scalar; None if some find a number, a date, nothing or a tag."""
    if not isinstance(node, Scalar):
        return None
    if node.tag == STR or (node.tag is None and (node.style or is_string(node.text))):
        return node.value
    return None


def verify(before: bytes, parsed: Parsed, after: bytes, expected: Mapping[int, str]) -> None:
    """Compare the bytes `after` an edit with the file `before` and its nodes. `Hazard` if they are not as expected.

    `expected` is the new text by the id() of its scalar among the nodes: node by node the result must be the
    original, but for these, and those must be strings.
    """
    _compare(parsed, after, expected)
    if not _ruamel_reads(after) and _ruamel_reads(before):
        raise Hazard("second_opinion", 1, "a second YAML reader does not accept the edited file")


def _compare(parsed: Parsed, new: bytes, expected: Mapping[int, str]) -> None:
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


def _same(old: Node, now: Node) -> bool:
    if type(old) is not type(now) or (old.tag, old.anchor) != (now.tag, now.anchor):
        return False
    if isinstance(old, Scalar) and isinstance(now, Scalar):
        return (old.text, old.style) == (now.text, now.style)
    return not (isinstance(old, Alias) and isinstance(now, Alias)) or old.name == now.name


def _ruamel_reads(content: bytes) -> bool:
    from ruamel.yaml import YAML

    reader = YAML(typ="safe", pure=True)
    reader.composer.warn_double_anchors = False
    try:
        list(reader.load_all(content))
    except Exception:  # noqa: BLE001 - whatever the second reader fails with, its answer is no
        return False
    return True
