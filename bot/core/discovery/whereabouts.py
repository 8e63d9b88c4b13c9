"""Which environment and which application a file belongs to.

With a configuration it is that which says so. Else the environment is, in this order: the folder below one that is
named `environments`, `envs`, `clusters` or `overlays`, but none that is shared by name (`base`); the one environment
whose Flux Kustomization applies the folder, unless a kustomization of another one includes it; a folder with a name
that environments commonly have, or such a name in that of a file of values (`values-prod.yaml`).
"""

from __future__ import annotations

import posixpath
import re
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from bot.core.config import Config
    from bot.core.discovery.facts import Facts

_PARENTS = frozenset(("environments", "envs", "clusters", "overlays"))
_SHARED = frozenset(("base", "bases", "common", "shared"))
_VALUES = re.compile(r"values[-._]([a-z]+)\.ya?ml")
_USUAL = frozenset(
    ("dev", "development", "test", "testing", "qa", "uat", "stage", "staging", "preprod", "prod", "production")
)


class Environments:
    """The environments of a repository's folders."""

    def __init__(self, facts: Mapping[str, Facts], config: Config | None) -> None:
        self._config = config
        self._folders: dict[str, str | None] = {}
        self._known: dict[str, str | None] = {}
        if config is not None:
            self._folders = {_path(one.path): name for name, one in config.environments.items()}
        else:
            self._applied(facts)

    def of(self, file: str) -> str | None:
        """The environment that the file is a part of; None if it is of none, or of several."""
        folder, _, name = file.rpartition("/")
        if folder not in self._known:
            self._known[folder] = self._of(folder)
        return self._known[folder] or (_suffix(name) if self._config is None else None)

    def _of(self, folder: str) -> str | None:
        if self._config is not None:
            return self._covering(folder)
        return _named(folder) or self._covering(folder) or _usual(folder)

    def _covering(self, folder: str) -> str | None:
        while True:
            if folder in self._folders:
                return self._folders[folder]
            if not folder:
                return None
            folder = folder.rpartition("/")[0]

    def _applied(self, facts: Mapping[str, Facts]) -> None:
        for file, one in facts.items():
            environment = _named(file.rpartition("/")[0])
            for applied in one.applied if environment else ():
                folder = _path(applied.path)
                known = self._folders.get(folder, environment)
                self._folders[folder] = environment if known == environment else None
        shared = {folder for file, one in facts.items() for folder in self._included(file, one)}
        self._folders |= dict.fromkeys(shared)

    def _included(self, file: str, one: Facts) -> Iterator[str]:
        """The applied folders that are a part of another environment too, by a kustomization of that one."""
        here = file.rpartition("/")[0]
        kustomization = one.kustomization
        for named in (*kustomization.resources, *kustomization.components) if kustomization else ():
            folder = _path(posixpath.join(here, named.text))
            if (known := self._folders.get(folder)) and (self._of(here) or known) != known:
                yield folder


class Applications:
    """The applications whose folders the configuration names."""

    def __init__(self, config: Config | None) -> None:
        self._folders: dict[str, str] = {}
        if config is not None:
            from bot.core.config import application_folder

            for environment in config.environments:
                for application in config.applications:
                    self._folders[application_folder(config, environment, application)] = application

    def of(self, file: str) -> str | None:
        """The application whose folder the file is in."""
        folder = file.rpartition("/")[0]
        while folder:
            if folder in self._folders:
                return self._folders[folder]
            folder = folder.rpartition("/")[0]
        return self._folders.get("")


def _path(folder: str) -> str:
    path = posixpath.normpath(folder).lstrip("/")
    return "" if path == "." else path


def _named(folder: str) -> str | None:
    parts = folder.split("/")
    name = next((name for above, name in pairwise(parts) if above in _PARENTS), None)
    return None if name in _SHARED else name


def _suffix(name: str) -> str | None:
    found = _VALUES.fullmatch(name)
    return found[1] if found and found[1] in _USUAL else None


def _usual(folder: str) -> str | None:
    found: Iterable[str] = (part for part in folder.split("/") if part in _USUAL)
    return next(iter(found), None)
