"""One environment of the configuration: its objects as they are in the end, and which of them an application has."""

from __future__ import annotations

from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING

from bot.core.config import application_folder
from bot.core.discovery.effective import anchored, charts, images
from bot.core.discovery.graph import Graph, is_below
from bot.core.discovery.reach import members, reach
from bot.core.discovery.reasons import FIXES
from bot.core.discovery.sources import policies
from bot.core.discovery.variables import followed
from bot.core.manifests import find_explicit
from bot.core.models import Refusal
from bot.core.references import parse_repository

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bot.core.config import Config
    from bot.core.discovery.effective import Charts
    from bot.core.discovery.remembered import Reading
    from bot.core.discovery.states import Named, State
    from bot.core.manifests import Found


class Environment:
    """What an environment's folder reaches; with `only`, as far as one application is concerned."""

    def __init__(self, config: Config, reading: Reading, name: str, only: str | None = None) -> None:
        self.config, self.reading, self.name = config, reading, name
        self.folder = folder_of(config, name)
        part = self._own_folder(only) if only else None
        graph = Graph(reading, None if part is None else (self.folder, part))
        reading.asked = set()
        states, self.applied = reach(graph, self.folder, part)
        self.reached = frozenset(reading.asked | graph.used)
        self.states = _marked(followed(states, reading, sorted(self.reached)).states, policies(reading, self.reached))
        self.anchors = anchored(self.states)
        self.graph = graph

    @cached_property
    def before(self) -> frozenset[str]:
        """The environments that a release goes through before it comes here."""
        found: list[str] = []
        name = self.config.environments[self.name].after
        while name is not None and name not in found:
            found.append(name)
            name = self.config.environments[name].after
        return frozenset(found)

    def states_of(self, application: str) -> list[State]:
        """The objects of one application: those of its folder, or where it has none, those of no other's."""
        folder = self._own_folder(application)
        if folder == self.folder:
            return self.states
        if folder is not None:
            own = members(self.graph, folder)
            return [one for one in self.states if (one.file, id(one.object)) in own]
        others = [self._own_folder(other) for other in self.config.applications if other != application]
        taken = {
            key for other in others if other is not None and other != self.folder for key in members(self.graph, other)
        }
        return [one for one in self.states if (one.file, id(one.object)) not in taken]

    def images(self, application: str) -> dict[str, Found]:
        """The places of each of the application's images, by the image's name."""
        states = self.states_of(application)
        folder = application_folder(self.config, self.name, application)
        found: dict[str, Found] = {}
        for name, image in self.config.applications[application].images.items():
            repository = parse_repository(image.repository)
            if image.keys:
                found[name] = find_explicit(self.reading.files, image, repository, folder)
                continue
            unread = self._unreadable(application, repository.path.rpartition("/")[2].encode())
            found[name] = images(states, repository, self.anchors)
            found[name] = found[name]._replace(refusals=(*unread, *found[name].refusals))
        return found

    def _unreadable(self, application: str, needle: bytes) -> Iterator[Refusal]:
        """Why files that mention something could not be read; in a file of the application, or of no environment."""
        folder = self._own_folder(application) or self.folder
        for file in sorted(self.reached):
            if is_below(file, self.folder) and not is_below(file, folder):
                continue
            facts = self.reading.get(file)
            if facts is None or facts.objects or facts.operations or facts.kustomization:
                continue
            for trouble in facts.troubles:
                if needle in self.reading.files.get(file, b""):
                    reason = f"{trouble.what}; {FIXES[trouble.code]}"
                    yield Refusal(file, trouble.line, "", trouble.code, reason)

    def charts(self, application: str) -> Charts:
        """The places of the application's chart."""
        chart = self.config.applications[application].chart
        found = charts(self.states_of(application), application, chart.name if chart else None)
        unread = tuple(self._unreadable(application, b"HelmRelease"))
        return found._replace(refusals=(*unread, *found.refusals))

    def absent(self, application: str, *, found: bool) -> Refusal | None:
        """Why there is nothing of the application here, where nothing of it was `found`: a folder that is not there."""
        folder = application_folder(self.config, self.name, application)
        if self.config.applications[application].values:
            return None  # a file of values is written into a folder that is not there yet
        if not self.reading.is_folder(self.folder):
            return Refusal(self.folder, 1, "", "environment_missing", self._nowhere(self.folder, ""))
        if found or self._own_folder(application) is not None:
            return None
        reason = self._nowhere(folder, f", nor does anything else of {self.name} name its images")
        return Refusal(folder, 1, "", "application_missing", reason)

    def _nowhere(self, folder: str, more: str) -> str:
        above = folder.rpartition("/")[0]
        near = get_close_matches(folder, self.reading.folders(above), n=1, cutoff=0.5)
        hint = f"; near it is {near[0]}" if near else ""
        return f"there is no folder {folder}{more}{hint}: correct the path, or add it"

    def _own_folder(self, application: str) -> str | None:
        """The application's folder, if there is any file in it."""
        folder = application_folder(self.config, self.name, application)
        folder = "" if folder == "." else folder
        return folder if self.reading.is_folder(folder) else None


def _marked(states: list[State], images: Mapping[tuple[str, str], str]) -> list[State]:
    """The objects, with the images that only a setter marker names."""
    found = []
    for one in states:
        named = {path: _by_marker(image, images) for path, image in one.images.items()} if images else one.images
        found.append(one._replace(images=named))
    return found


def _by_marker(named: Named, images: Mapping[tuple[str, str], str]) -> Named:
    if named.name:
        return named
    markers = [one.value.marker for one in named.written if one.value.marker]
    names = {images.get((marker.namespace, marker.policy), "") for marker in markers} - {""}
    return named._replace(repository=names.pop()) if len(names) == 1 else named


def folder_of(config: Config, environment: str) -> str:
    """The environment's folder, from the repository's root; empty for the root itself."""
    path = config.environments[environment].path
    return "" if path == "." else path
