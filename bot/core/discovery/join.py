"""The facts of all files become findings: what a value means follows from what the other files say."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from bot.core.discovery.decide import decided, overridden
from bot.core.discovery.graph import Graph
from bot.core.discovery.held import Held, Known, refused, skipped
from bot.core.discovery.models import Discovery, Finding, Skipped
from bot.core.discovery.remembered import Reading
from bot.core.discovery.sources import Sources
from bot.core.discovery.states import Key
from bot.core.discovery.substituted import variable_places
from bot.core.discovery.whereabouts import Applications, Environments
from bot.core.manifests.locate import pointer

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from bot.core.config import Config
    from bot.core.discovery.decide import Decided
    from bot.core.discovery.facts import Facts


def join(facts: Mapping[str, Facts], files: Collection[str], config: Config | None) -> Discovery:
    """Facts by file, the names of all files, and the configuration if there is one → all that was found."""
    graph = Graph(Reading.of(facts, files)).everything()
    kustomizations = [one.kustomization for one in facts.values() if one.kustomization]
    replaced = frozenset(image.name for one in kustomizations for image in one.images)
    found = decided(graph)
    known = Known(graph, Sources(graph), Environments(facts, config), Applications(config), replaced, {})
    told = [one for file in sorted(facts) for one in _held(known, found, file, facts[file])]
    told += variable_places(known, found.states)
    return Discovery(
        tuple(sorted((one for one in told if isinstance(one, Finding)), key=_position)),
        tuple(sorted(dict.fromkeys(one for one in told if isinstance(one, Skipped)), key=_position)),
    )


def _held(known: Known, found: Decided, file: str, facts: Facts) -> Iterator[Finding | Skipped]:
    """What one file holds; what decides nothing is skipped, and what comes from a variable is where that is."""
    origins = {(key.file, pointer(key.path)) for key in found.origins}
    for one in _all(known, file, facts, found):
        if not isinstance(one, Skipped) or (one.file, one.path) not in origins:
            yield one


def _all(known: Known, file: str, facts: Facts, found: Decided) -> Iterator[Finding | Skipped]:
    for trouble in (*facts.troubles, *known.graph.troubles.get(file, ())):
        yield skipped(file, trouble)
    inline = facts.kustomization.patches if facts.kustomization else ()
    patches = (*inline, *(patch for applied in facts.applied for patch in applied.patches))
    written = (one for patch in patches for one in patch.objects)
    held = [Held(known, file, one) for one in (*facts.objects, *facts.operations, *written)]
    anchors: dict[tuple[int, int], set[str]] = defaultdict(set)
    for scalar, image in (pair for one in held for pair in one.aliased()):
        anchors[scalar].add(image)
    now = known._replace(anchors={scalar: frozenset(names) for scalar, names in anchors.items()})
    for one in held:
        told = one.knowing(now).all() if anchors else one.all()
        less = {pointer(value.path): (value, who) for value, who in overridden(known.graph, found, file, one.object)}
        for each in told:
            path = each.path if isinstance(each, Skipped) else pointer(each.path)
            unknown = (
                found.replaced.get(Key(file, one.object.document, each.path)) if isinstance(each, Finding) else None
            )
            if unknown:
                yield refused(file, unknown)._replace(image=each.image, chart=each.chart)
            else:
                yield one.overridden(each, *less[path]) if path in less else each


def _position(one: Finding | Skipped) -> tuple[str, int, int, str]:
    if isinstance(one, Skipped):
        return one.file, one.line, 0, one.path
    return one.file, one.line, one.column, ""
