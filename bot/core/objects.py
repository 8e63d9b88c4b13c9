"""Kubernetes objects in a YAML stream, as nodes: what was written is kept, and nothing of it is run or expanded."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import yaml

from bot.core.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

DEPTH = 100
"""Levels of nesting; Kubernetes objects have a few, and composing nodes is recursive."""


class Key(NamedTuple):
    """What names an object. `copy` tells apart those that have the same names otherwise."""

    kind: str
    namespace: str
    name: str
    copy: int = 0

    def __str__(self) -> str:
        place = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.kind} {place}"


def documents(text: str) -> list[yaml.Node]:
    """The documents of a YAML 1.1 stream (https://yaml.org/spec/1.1/), without the empty ones.

    `Refused` (`not_parsable`, `too_deep`) for what is not YAML.
    """
    try:
        _check_depth(text)
        return [node for node in yaml.compose_all(text, Loader=yaml.CSafeLoader) if not _is_empty(node)]
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark else ""
        problem = getattr(error, "problem", None) or "it has a character that YAML does not allow"
        raise Refused(f"{where}this is not YAML: {problem}", reason_code="not_parsable") from error


def objects(text: str) -> dict[Key, yaml.MappingNode]:
    """Every object of the stream, those inside a List too. `Refused` as for `documents`."""
    found: dict[Key, yaml.MappingNode] = {}
    for node in (one for document in documents(text) for one in _unlisted(document)):
        metadata = child(node, "metadata")
        key = Key(scalar(node, "kind"), scalar(metadata, "namespace"), scalar(metadata, "name"))
        while key in found:
            key = key._replace(copy=key.copy + 1)
        found[key] = node
    return found


def child(node: yaml.Node | None, *path: str) -> yaml.Node | None:
    """The value below these keys; None if it is not there. Of a key that comes twice, the last counts."""
    for name in path:
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        node = next((value for key, value in reversed(pairs) if key.value == name), None)
    return node


def scalar(node: yaml.Node | None, *path: str) -> str:
    """The text of a scalar below these keys; empty if there is none."""
    found = child(node, *path)
    return str(found.value) if isinstance(found, yaml.ScalarNode) else ""


def as_text(node: yaml.Node) -> str:
    """The node as YAML text, its order and quoting kept; no line is folded."""
    text: str = yaml.serialize(node, Dumper=yaml.CSafeDumper, width=1_000_000, allow_unicode=True)
    return text


def _check_depth(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEPTH:
            raise Refused(f"it is nested more than {DEPTH} levels deep", reason_code="too_deep")


def _is_empty(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def _unlisted(node: yaml.Node) -> Iterator[yaml.MappingNode]:
    items = child(node, "items")
    if scalar(node, "kind").endswith("List") and isinstance(items, yaml.SequenceNode):
        yield from (item for item in items.value if isinstance(item, yaml.MappingNode))
    elif isinstance(node, yaml.MappingNode):
        yield node
