"""Every image and chart of a repository that could be bumped, found without a configuration.

Each file becomes facts by itself (`extract`); then the facts of all files are joined, since a patch has its meaning
from what it patches (`join`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from bot.core.discovery.extract import extract
from bot.core.discovery.facts import Facts, FileClass, Trouble
from bot.core.discovery.files import generated_values, readable_files, templated_charts
from bot.core.discovery.join import join
from bot.core.discovery.models import ChartName, Discovery, Finding, Skipped
from bot.core.discovery.packing import packed, unpacked

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bot.core.config import Config

__all__ = [
    "ChartName",
    "Discovery",
    "Facts",
    "FileClass",
    "Finding",
    "Skipped",
    "discover",
    "extract",
    "gather",
    "join",
    "packed",
    "unpacked",
]

Read: TypeAlias = "Callable[[Mapping[str, FileClass]], Mapping[str, Facts]]"


def discover(files: Mapping[str, bytes], config: Config | None = None, read: Read | None = None) -> Discovery:
    """All files of a repository, path → bytes (at least those of YAML), and its configuration → what is found.

    `read` takes the facts from files, each of a class; without it, one file is read after the other. Nothing is raised,
    whatever the files hold: what cannot be read is skipped, with its reason.
    """
    found = join(gather(files, read), files, config)
    if config is None:
        return found
    # What a configuration is made of takes longer to import than most repositories take to be read.
    from bot.core.discovery.configured import configured, united

    return united(found, configured(files, config))


def gather(files: Mapping[str, bytes], read: Read | None = None) -> dict[str, Facts]:
    """The facts of every file that may hold something: of kustomizations first, which say what others are."""
    read = read or (lambda wanted: {file: extract(kind, files[file]) for file, kind in wanted.items()})
    classes = readable_files(files)
    facts = dict(read({file: kind for file, kind in classes.items() if kind == "kustomization"}))
    values = set(generated_values(facts))
    rest = {file: kind for file, kind in classes.items() if file not in facts}
    facts |= read({f: "values" if kind == "manifest" and f in values else kind for f, kind in rest.items()})
    for file in templated_charts(files):
        what = "the templates of this chart are programs, and are not read"
        facts[file] = facts[file]._replace(troubles=(*facts[file].troubles, Trouble(1, (), "templated", what)))
    return facts
