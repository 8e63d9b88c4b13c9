"""What differs between two versions of a file, value by value, so that a person sees each change and not a rewrite."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bot.core.manifests.hazards import Hazard
from bot.core.manifests.locate import pointer
from bot.core.manifests.nodes import Alias, Mapping, Scalar, Sequence, key_text
from bot.core.manifests.splice import readable
from bot.core.models import Change, Path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.core.manifests.nodes import Node


class Leaf(NamedTuple):
    """A value that holds no others: its 1-based line and its text (`*name` for an alias, `{}`, `[]`)."""

    line: int
    text: str


def differences(file: str, old: bytes, new: bytes) -> Iterator[Change]:
    """Each value that was changed, added (old is empty) or removed (new is empty), in the order of the new file.

    The line is that of the new file; of a removed value, that of the old one. A file that cannot be read counts
    as empty.
    """
    before, after = leaves(old), leaves(new)
    for path, leaf in after.items():
        known = before.get(path)
        if known is None or known.text != leaf.text:
            yield Change(file, leaf.line, path, known.text if known else "", leaf.text)
    for path, leaf in before.items():
        if path not in after:
            yield Change(file, leaf.line, path, leaf.text, "")


def leaves(content: bytes) -> dict[str, Leaf]:
    """JSON Pointer → value, for each value of the file's first document that holds no others."""
    try:
        documents = readable(content).documents
    except Hazard:
        return {}
    return {pointer(path): leaf for path, leaf in _walk(documents[0].root)} if documents else {}


def pointers(content: bytes) -> list[str]:
    """The JSON Pointers of all values that hold no others, of all documents; none for a file that cannot be read."""
    try:
        documents = readable(content).documents
    except Hazard:
        return []
    return list(dict.fromkeys(pointer(path) for one in documents for path, _ in _walk(one.root)))


def _walk(root: Node) -> Iterator[tuple[Path, Leaf]]:
    waiting: list[tuple[Path, Node]] = [((), root)]
    while waiting:
        path, node = waiting.pop()
        inner = _inner(node)
        if inner:
            waiting += [((*path, step), value) for step, value in reversed(inner)]
        elif isinstance(node, Scalar):
            yield path, Leaf(node.line, node.value)
        else:
            yield path, Leaf(node.line, f"*{node.name}" if isinstance(node, Alias) else _EMPTY[type(node)])


_EMPTY: dict[type, str] = {Mapping: "{}", Sequence: "[]"}


def _inner(node: Node) -> list[tuple[str | int, Node]]:
    if isinstance(node, Mapping):
        return [(key_text(key) or "?", value) for key, value in node.pairs]
    return list(enumerate(node.items)) if isinstance(node, Sequence) else []
