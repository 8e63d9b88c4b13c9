"""Which files are read, and as what: by their names, and by what kustomizations and charts say of them."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from bot.core.filenames import is_kustomization, is_values, is_yaml

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from bot.core.discovery.facts import Facts, FileClass


def file_class(file: str) -> FileClass:
    """What a file's name says that it is."""
    if is_kustomization(file):
        return "kustomization"
    if posixpath.basename(file) == "Chart.yaml":
        return "chart"
    return "values" if is_values(file) else "manifest"


def readable_files(files: Collection[str]) -> dict[str, FileClass]:
    """The files that may hold something, in order, without the templates of charts."""
    charts = chart_folders(files)
    return {file: file_class(file) for file in sorted(files) if is_yaml(file) and template_of(file, charts) is None}


def templated_charts(files: Collection[str]) -> list[str]:
    """The `Chart.yaml` of every chart that has templates."""
    charts = chart_folders(files)
    found = {template_of(file, charts) for file in files if is_yaml(file)} if charts else set()
    return sorted(posixpath.join(folder, "Chart.yaml") for folder in found if folder is not None)


def chart_folders(files: Collection[str]) -> frozenset[str]:
    """The folders of Helm charts."""
    return frozenset(posixpath.dirname(file) for file in files if posixpath.basename(file) == "Chart.yaml")


def generated_values(facts: Mapping[str, Facts]) -> Iterator[str]:
    """The files that kustomizations put into ConfigMaps: values of a chart, whatever their names."""
    for file, one in facts.items():
        for _, names in one.kustomization.generated if one.kustomization else ():
            yield from (posixpath.normpath(posixpath.join(posixpath.dirname(file), name)) for name in names)


def template_of(file: str, charts: frozenset[str]) -> str | None:
    """The folder of the chart that has the file among its templates."""
    if "templates/" not in file:
        return None
    parts = file.split("/")
    for position, part in enumerate(parts[:-1]):
        folder = "/".join(parts[:position])
        if part == "templates" and folder in charts:
            return folder
    return None
