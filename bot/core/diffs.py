"""What differs between two sets of Kubernetes objects, object by object, without what is secret in them."""

from __future__ import annotations

import re
from difflib import unified_diff
from typing import TYPE_CHECKING

import yaml

from bot.core.inspection import ObjectDiff, State
from bot.core.objects import Key, as_text, objects

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MOST_LINES = 5_000
"""Lines of one object that are compared: comparing takes quadratic time at worst."""
_OPEN = frozenset({"apiVersion", "kind", "metadata", "type", "immutable"})
# The alphabet of kustomize's name suffix: https://pkg.go.dev/sigs.k8s.io/kustomize/api/hasher
_SUFFIX = re.compile(r"-[2456789bcdfghkmt]{10}$")
_MAP = "tag:yaml.org,2002:map"
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def object_diffs(old: str, new: str) -> tuple[ObjectDiff, ...]:
    """Each object that differs between two YAML streams, in the order of kind, namespace and name.

    A ConfigMap or Secret whose name ends in a hash of its content is compared with the one that it replaces. Of
    Secrets only the keys are shown, and whether their values differ. `Refused` for what is not YAML.
    """
    before, after = objects(old), objects(new)
    renamed = _renamed(before, after)
    found: list[ObjectDiff] = []
    for key in sorted({*before, *after} - set(renamed.values())):
        diff = _diff(key, before.get(key), after.get(renamed.get(key, key)))
        if diff:
            found.append(diff)
    return tuple(found)


def _renamed(before: Mapping[Key, yaml.MappingNode], after: Mapping[Key, yaml.MappingNode]) -> dict[Key, Key]:
    """Old key → new key of generated objects, where there is exactly one of each."""
    gone, new = _by_stem(set(before) - set(after)), _by_stem(set(after) - set(before))
    return {gone[stem][0]: new[stem][0] for stem in gone if len(gone[stem]) == 1 == len(new.get(stem, []))}


def _by_stem(keys: set[Key]) -> dict[Key, list[Key]]:
    found: dict[Key, list[Key]] = {}
    for key in keys:
        stem = _SUFFIX.sub("", key.name)
        if key.kind in ("ConfigMap", "Secret") and stem != key.name:
            found.setdefault(key._replace(name=stem), []).append(key)
    return found


def _diff(key: Key, old: yaml.MappingNode | None, new: yaml.MappingNode | None) -> ObjectDiff | None:
    if any(_is_secret(node) for node in (old, new)):
        old, new = _masked(old, new, "before"), _masked(new, old, "after")
    before, after = _lines(old), _lines(new)
    if before == after:
        return None
    state: State = "changed" if old and new else "new" if new else "gone"
    if max(len(before), len(after)) > MOST_LINES:
        return ObjectDiff(str(key), state, (f"# {len(before)} lines → {len(after)} lines: too many to compare",))
    lines = list(unified_diff(before, after, lineterm="", n=3))[2:]
    return ObjectDiff(str(key), state, tuple(lines))


def _is_secret(node: yaml.MappingNode | None) -> bool:
    """Whether any of its kinds is Secret: readers may take the first or the last of two."""
    return node is not None and any((k.value, v.value) == ("kind", "Secret") for k, v in node.value)


def _lines(node: yaml.MappingNode | None) -> list[str]:
    return [_visible(line) for line in as_text(node).rstrip("\n").split("\n")] if node else []


def _visible(line: str) -> str:
    """The line with every character that could hide or reorder others written as its number."""
    return "".join(c if c.isprintable() or c == "\t" else f"\\u{ord(c):04x}" for c in line)


def _masked(node: yaml.MappingNode | None, other: yaml.MappingNode | None, side: str) -> yaml.MappingNode | None:
    """The Secret with each value as `***`, and its side too where the other side has another value."""
    if node is None:
        return None
    theirs = {path: as_text(value) for path, value in _values(other)} if other else {}
    values: dict[str, list[tuple[yaml.Node, yaml.Node]]] = {}
    for (block, name), value in _values(node):
        differs = (block, name) in theirs and theirs[block, name] != as_text(value)
        values.setdefault(block, []).append((_text(name), _text(f"*** ({side})" if differs else "***")))
    shown = [(name, _without_copy(value)) for name, value in node.value if name.value in _OPEN]
    hidden = [(_text(block), yaml.MappingNode(_MAP, pairs, flow_style=False)) for block, pairs in values.items()]
    return yaml.MappingNode(_MAP, [*shown, *hidden], flow_style=False)


def _values(node: yaml.MappingNode) -> Iterator[tuple[tuple[str, str], yaml.Node]]:
    """Everything of a Secret but what describes it, by block (`data`, `stringData`) and key."""
    for name, value in node.value:
        if name.value in _OPEN:
            continue
        pairs = value.value if isinstance(value, yaml.MappingNode) else [(_text(""), value)]
        yield from (((str(name.value), str(key.value)), below) for key, below in pairs)


def _without_copy(metadata: yaml.Node) -> yaml.Node:
    """The metadata without the annotation in which `kubectl apply` keeps the whole object."""
    if not isinstance(metadata, yaml.MappingNode):
        return metadata
    pairs = [(k, _without_copy(v)) for k, v in metadata.value if k.value != _LAST_APPLIED]
    return yaml.MappingNode(metadata.tag, pairs, flow_style=False)


def _text(value: str) -> yaml.ScalarNode:
    return yaml.ScalarNode("tag:yaml.org,2002:str", value)
