"""Which of all scalars decide anything, in a repository whose environments nobody has named.

An object is what the outermost kustomizations and Flux's make of it: what they put something else in the place of,
wherever it is used, decides nothing.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from bot.core.discovery.effective import written
from bot.core.discovery.states import Key
from bot.core.discovery.variables import followed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bot.core.discovery.facts import Object, Value
    from bot.core.discovery.graph import Graph
    from bot.core.discovery.states import State, Written
    from bot.core.models import Path


class Decided(NamedTuple):
    """Objects as they are in the end, with variables followed, and the scalars that decide over them.

    `origins` are the scalars that are variables whose place was found; `objects` the states by object;
    `replaced` the scalars in whose place kustomize puts something that is not known.
    """

    states: tuple[State, ...]
    keys: frozenset[Key]
    origins: frozenset[Key]
    objects: Mapping[tuple[str, int], list[State]]
    replaced: Mapping[Key, Value]


def decided(graph: Graph) -> Decided:
    """What decides in the repository of a graph that was looked into whole."""
    found = followed(graph.tops, graph.facts, [file for file, one in graph.facts.items() if one.uses])
    keys = frozenset(one.key for state in found.states for one in written(state))
    objects: dict[tuple[str, int], list[State]] = defaultdict(list)
    for state in found.states:
        objects[state.file, id(state.object)].append(state)
    unknown = {o.key: o.value for state in found.states for o in written(state) if o.value.code == "replaced"}
    return Decided(tuple(found.states), keys | found.origins, found.origins, objects, unknown)


def overridden(graph: Graph, found: Decided, file: str, one: Object) -> Iterator[tuple[Value, str]]:
    """The scalars of an object, or of a patch, that something else takes the place of wherever it is used.

    Each comes with the place that decides instead, as far as that is known.
    """
    address = (file, id(one))
    objects = {address, *((base.file, id(base.object)) for base in graph.bases.get(address, ()))}
    # What is no part of anything may be used in a way that nobody has written here.
    if found.objects.keys().isdisjoint(objects):
        return
    for block in one.blocks:
        for value in block.values:
            if (
                value is not block.name
                and value.code != "tested"
                and Key(file, one.document, value.path) not in found.keys
            ):
                yield value, _decides(found, objects, block.slot)
    for use in one.charts:
        if use.version and use.version.code != "tested" and Key(file, one.document, use.version.path) not in found.keys:
            versions = (state.version for address in objects for state in found.objects.get(address, ()))
            yield use.version, _shown(next(filter(None, versions), None))


def _decides(found: Decided, objects: set[tuple[str, int]], slot: Path) -> str:
    named = (state.images.get(slot) for address in objects for state in found.objects.get(address, ()))
    return _shown(next((one.written[0] for one in named if one and one.written), None))


def _shown(one: Written | None) -> str:
    return f"{one.file}:{one.value.line}" if one else "what patches it"
