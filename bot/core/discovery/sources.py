"""Where charts and marked images come from, by the objects of the repository that name it."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bot.core.discovery.facts import Facts, Marker, Source
    from bot.core.discovery.graph import Graph
    from bot.core.discovery.remembered import Reading

_KINDS = ("HelmRepository", "OCIRepository", "GitRepository", "Bucket")


def policies(reading: Reading, files: Iterable[str]) -> dict[tuple[str, str], str]:
    """The image that each of Flux's ImagePolicies in those files follows, by namespace and name."""
    facts = [reading[file] for file in sorted(files) if file in reading]
    images = {(space, name): image for one in facts for space, name, image in one.repositories}
    return {
        (space, name): images[of or space, repository]
        for one in facts
        for space, name, of, repository in one.policies
        if (of or space, repository) in images
    }


class _Where:
    """The namespaces of a source, and what reaches the files that define it."""

    def __init__(self) -> None:
        self.spaces: set[str] = set()
        self.homes: set[str] = set()


class Sources:
    """Flux's sources, image repositories and image policies of all files."""

    def __init__(self, graph: Graph) -> None:
        self._urls: dict[tuple[str, str], dict[str, _Where]] = defaultdict(lambda: defaultdict(_Where))
        self._homes = graph.homes
        self._images: dict[tuple[str, str], str] = {}
        self._policies: dict[tuple[str, str], tuple[str, str]] = {}
        self._charts: set[tuple[str, str]] = set()
        for file, facts in graph.facts.items():
            self._take(file, facts, graph)

    def url(self, source: Source, namespaces: Iterable[str], file: str) -> str | None:
        """The URL of the source for an object of that file, in one of the namespaces.

        None if none, or no single one, is named: sources of one name in different clusters are told apart by what
        reaches them.
        """
        known = self._urls.get((source.kind or "HelmRepository", source.name), {})
        wanted = {source.namespace} if source.namespace else set(namespaces) - {""}
        near = {url: where for url, where in known.items() if where.spaces & wanted}
        # A namespace that is not written may be any: Flux, or whoever applies the files, gives it.
        found = near or {url: where for url, where in known.items() if not where.spaces or not wanted}
        if len(found) > 1:
            homes = self._homes.get(file, frozenset())
            found = {url: where for url, where in found.items() if where.homes & homes}
        return next(iter(found)) if len(found) == 1 else None

    def image(self, marker: Marker) -> str | None:
        """The image whose tags the marker's policy follows."""
        repository = self._policies.get((marker.namespace, marker.policy))
        return self._images.get(repository) if repository else None

    def is_chart(self, kind: str, name: str) -> bool:
        """Whether a HelmRelease takes its chart from that source."""
        return (kind, name) in self._charts

    def _take(self, file: str, facts: Facts, graph: Graph) -> None:
        for one in facts.objects:
            if one.reference:
                self._charts.add((one.reference.kind, one.reference.name))
            # A URL that Flux completes later is no URL yet.
            if one.url and one.kind in _KINDS and "${" not in one.url:
                where = self._urls[one.kind, one.name][one.url]
                states = graph.rendered.get((file, id(one)), ())
                where.spaces.update({one.namespace, *(state.names[-1][0] for state in states)} - {""})
                where.homes.update(self._homes.get(file, ()))
        for namespace, name, image in facts.repositories:
            self._images[namespace, name] = image
        for namespace, name, space, repository in facts.policies:
            self._policies[namespace, name] = (space or namespace, repository)
