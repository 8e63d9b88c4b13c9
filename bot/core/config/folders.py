"""Which folders of a configuration are not in the repository beside it."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from bot.core.config.load import at_value
from bot.core.config.models import application_folder
from bot.core.config.source import read

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from bot.core.config.models import Config
    from bot.core.config.problems import Problem
    from bot.core.models import Path


def missing_folders(content: bytes, file: str, config: Config, folders: Collection[str]) -> list[Problem]:
    """The bytes of a configuration, and what was read of them; every folder of the repository → what is not there.

    An application may be in some environments only; one whose `path` is in none of them is misspelt.
    """
    source = read(content)
    return [
        at_value(file, source, path, f"there is no folder {folder}", _near(folder, folders))
        for path, folder in _missing(config, folders)
    ]


def _missing(config: Config, folders: Collection[str]) -> Iterator[tuple[Path, str]]:
    for name, environment in config.environments.items():
        if environment.path not in (".", *folders):
            yield ("environments", name, "path"), environment.path
    for name, application in config.applications.items():
        wanted = [application_folder(config, environment, name) for environment in config.environments]
        if application.path and not application.values and not any(one in ("", *folders) for one in wanted):
            yield ("applications", name, "path"), wanted[0]


def _near(folder: str, folders: Collection[str]) -> str:
    near = get_close_matches(folder, sorted(folders), n=1)
    return f"did you mean {near[0]}?" if near else "correct the path, or add the folder"
