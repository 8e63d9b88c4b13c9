"""What an environment's folder reaches: all objects that come of it, with what its Flux Kustomizations apply.

https://fluxcd.io/flux/components/kustomize/kustomizations/#path
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, NamedTuple

from bot.core.discovery.graph import inside
from bot.core.discovery.states import state
from bot.core.filenames import is_kustomization

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.core.discovery.graph import Graph
    from bot.core.discovery.states import State


class Reach(NamedTuple):
    """The objects of an environment as they are in the end, and the folders that Flux applies for it, its own first."""

    states: list[State]
    folders: tuple[str, ...]


def reach(graph: Graph, folder: str, only: str | None = None) -> Reach:
    """What comes of the environment in `folder`; of one application's folder, with `only`.

    What is below the folder belongs to it, also where no kustomization says so: values of charts, say.
    """
    walk = _Walk(graph, folder, only)
    return Reach(list(walk.all()), tuple(walk.applied))


def members(graph: Graph, folder: str) -> frozenset[tuple[str, int]]:
    """What is of a folder, by file and id(): the objects of all kustomizations in it, and of its other files."""
    return frozenset((one.file, id(one.object)) for one in _Walk(graph, folder, None).all(anew=True))


class _Walk:
    """One way through an environment; each folder is applied once."""

    def __init__(self, graph: Graph, folder: str, only: str | None) -> None:
        self.graph, self.reading = graph, graph.facts
        self.folder, self.part = folder, folder if only is None else only
        self.applied = {folder: None}
        self.met: set[str] = set()

    def all(self, *, anew: bool = False) -> Iterator[State]:
        """First what the folder's own kustomization names, then what else is below it; also if that was met before."""
        if self.graph.kustomization(self.folder):
            yield from self._followed(self.graph.evaluated(self.folder))
        for below in self._folders():
            if anew or below not in self.graph.entered:
                yield from self._followed(self.graph.evaluated(below))
        yield from self._followed(self._alone())

    def _folders(self) -> Iterator[str]:
        """The folders of kustomizations, each after those that it is in."""
        for file in self.reading.below(self.part):
            folder = posixpath.dirname(file)
            found = self.graph.kustomization(folder)
            if found and found[0] == file and not self.graph.is_component(folder):
                yield folder

    def _alone(self) -> list[State]:
        """The objects and values of files that nothing else takes."""
        taken = self.met | self.graph.used
        free = [f for f in self.reading.below(self.part) if f not in taken and not is_kustomization(f)]
        return [state(file, one) for file in free for one in self.reading[file].objects]

    def _followed(self, states: list[State]) -> Iterator[State]:
        """The objects, and what those of Flux among them apply."""
        self.met.update(each.file for each in states)
        for each in map(self.graph.with_chart, states):
            yield each
            folder = inside("", each.applied.path) if each.applied else None
            if each.applied is None or folder is None or folder in self.applied:
                continue
            self.applied[folder] = None
            there = self.graph.applied(each.file, each.applied, self.graph.whole(folder))
            yield from self._followed([one._replace(by=each) for one in there])
