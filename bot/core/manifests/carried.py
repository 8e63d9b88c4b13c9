"""Values that go from one file to another as they are: a number stays a number, a text a text.

Which ones is said by JSON Pointers (https://www.rfc-editor.org/rfc/rfc6901) in which `*` stands for any one step.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from bot.core.manifests.document import parse
from bot.core.manifests.hazards import Hazard
from bot.core.manifests.locate import from_pointer, pointer, scalar, trail
from bot.core.manifests.nodes import Alias, Mapping, Node, Parsed, Scalar, Sequence, key_text
from bot.core.manifests.splice import Edit, Edited, check_text, edit, is_empty, readable
from bot.core.manifests.verify import held
from bot.core.models import Carried, Change

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from collections.abc import Mapping as Values

    from bot.core.models import Path, Refusal

ANY = "*"
_PLAIN = re.compile(r"[A-Za-z0-9+.~_-][A-Za-z0-9+.:~_-]*")


class FoundValues(NamedTuple):
    """The values by JSON Pointer, and what is named and cannot be carried."""

    values: Values[str, Carried]
    refusals: tuple[Refusal, ...]


def find_values(file: str, content: bytes, patterns: Iterable[str]) -> FoundValues:
    """The scalars of the file's one document that any of the patterns names.

    A pattern without `*` must lead to one; with `*`, what is no scalar, is empty, or is filled in later is left out.
    """
    values: dict[str, Carried] = {}
    refusals: list[Refusal] = []
    try:
        root = _root(readable(content))
    except Hazard as hazard:
        return FoundValues({}, tuple(hazard.refusal(file, pattern) for pattern in patterns))
    for pattern in patterns:
        try:
            if ANY not in from_pointer(pattern):
                values[pattern] = _value(scalar(trail(root, from_pointer(pattern))))
                continue
            values |= dict(_matches(root, from_pointer(pattern)))
        except Hazard as hazard:
            refusals.append(hazard.refusal(file, pattern))
    return FoundValues(values, tuple(refusals))


def set_values(file: str, content: bytes, values: Values[str, Carried]) -> Edited:
    """Write every value at its JSON Pointer, or none. Only scalars that are there are changed, and nothing else."""
    texts = [Edit(from_pointer(at), one.text) for at, one in values.items() if not one.plain]
    edited = edit(file, content, texts) if texts else Edited(content)
    refusals = list(edited.refusals)
    changes = list(edited.changes)
    new = edited.content
    for at, one in values.items():
        if one.plain:
            try:
                new, change = _set_plain(file, new, from_pointer(at), one.text)
                changes += change
            except Hazard as hazard:
                refusals.append(hazard.refusal(file, at))
    if refusals:
        return Edited(content, (), tuple(refusals))
    return Edited(new, tuple(sorted(changes, key=lambda change: change.line)), (), edited.notes)


def _root(parsed: Parsed) -> Node:
    if len(parsed.documents) != 1:
        raise Hazard("document_ambiguous", 1, f"the file has {len(parsed.documents)} documents")
    return parsed.documents[0].root


def _value(node: Scalar | Alias) -> Carried:
    """What is carried of a scalar. `Hazard` if it means something only where it stands."""
    if isinstance(node, Alias):
        raise Hazard("alias", node.line, f"the value is the alias *{node.name}")
    if is_empty(node):
        raise Hazard("empty_value", node.line, "the value is empty")
    check_text(node)
    text = held(node)
    if text is not None:
        return Carried(text)
    if node.tag is not None:
        raise Hazard("tagged", node.line, f"the value has the YAML tag {node.tag}")
    return Carried(node.text, plain=True)


def _matches(root: Node, pattern: Path) -> Iterator[tuple[str, Carried]]:
    found: list[tuple[Path, Node]] = [((), root)]
    for part in pattern:
        found = [((*path, step), inner) for path, node in found for step, inner in _inner(node) if part in (ANY, step)]
    for path, node in found:
        if isinstance(node, Scalar):
            try:
                trail(root, path)
                yield pointer(path), _value(node)
            except Hazard:
                continue


def _inner(node: Node) -> Iterator[tuple[str, Node]]:
    if isinstance(node, Mapping):
        yield from ((name, value) for key, value in node.pairs if (name := key_text(key)) is not None)
    elif isinstance(node, Sequence):
        yield from ((str(number), item) for number, item in enumerate(node.items))


def _set_plain(file: str, content: bytes, path: Path, text: str) -> tuple[bytes, tuple[Change, ...]]:
    """Write a number, a truth value or a date as it was written elsewhere."""
    parsed = readable(content)
    node = scalar(trail(_root(parsed), path))
    if isinstance(node, Alias):
        raise Hazard("alias", node.line, f"the value is the alias *{node.name}")
    if (node.text, node.style) == (text, ""):
        return content, ()
    if is_empty(node):
        raise Hazard("empty_value", node.line, "the value is empty")
    if node.tag is not None:
        raise Hazard("tagged", node.line, f"the value has the YAML tag {node.tag}")
    check_text(node)
    old = content[node.start : node.end]
    if node.style in ("|", ">") or b"\n" in old or b"\r" in old:
        raise Hazard("multi_line", node.line, "the value has several lines")
    if not _PLAIN.fullmatch(text):
        raise Hazard("bad_value", node.line, "the new value cannot be written without quotes")
    new = content[: node.start] + text.encode() + content[node.end :]
    _verify(parsed, node, new, text)
    return new, (Change(file, node.line, pointer(path), node.value, text),)


def _verify(parsed: Parsed, changed: Scalar, new: bytes, text: str) -> None:
    """Read the result again: node by node it must be what it was, but for the one."""
    problem = Hazard("verification_failed", changed.line, "the edit did not give what was asked for")
    try:
        after = parse(new)
    except Hazard as hazard:
        raise problem from hazard
    if [_shape(n) for n in after.nodes] != [_shape(n, text if n is changed else None) for n in parsed.nodes]:
        raise problem


def _shape(node: Node, text: str | None = None) -> tuple[object, ...]:
    """What must stay of a node; of a changed one, with its new plain text."""
    if isinstance(node, Scalar):
        return Scalar, node.tag, node.anchor, node.text if text is None else text, node.style if text is None else ""
    return type(node), node.tag, node.anchor, node.name if isinstance(node, Alias) else ""
