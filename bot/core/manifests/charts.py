"""The chart's version of an application: `spec.chart.spec.version` of its one HelmRelease.

https://fluxcd.io/flux/components/helm/helmreleases/#chart-template
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bot.core.manifests.conventions import HELM_GROUP, at, is_yaml, kind_and_group
from bot.core.manifests.hazards import Hazard
from bot.core.manifests.locate import pointer, scalar, trail
from bot.core.manifests.nodes import Alias, Document, Identity, Scalar
from bot.core.manifests.splice import Edit, check_text, is_empty, readable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bot.core.models import Path, Refusal

VERSION: Path = ("spec", "chart", "spec", "version")


class Chart(NamedTuple):
    """Where a chart's version is: file, object, 1-based line, and the version (or range) as written."""

    file: str
    document: Identity | int
    line: int
    version: str


class FoundChart(NamedTuple):
    """The application's chart, None if it has none that is its own, and what could not be read."""

    chart: Chart | None
    refusals: tuple[Refusal, ...]


def find_chart(files: Mapping[str, bytes], application: str) -> FoundChart:
    """Paths and bytes of an application's folder → its chart's version.

    With several HelmReleases it is that of the one whose name is the application's.
    """
    releases: list[tuple[str, Document]] = []
    refusals: list[Refusal] = []
    for file in sorted(file for file in files if is_yaml(file) and b"HelmRelease" in files[file]):
        try:
            releases += [(file, document) for document in _releases(files[file])]
        except Hazard as hazard:
            refusals.append(hazard.refusal(file))
    if len(releases) > 1:
        releases = [one for one in releases if one[1].identity and one[1].identity.name == application]
    if len(releases) != 1:
        return FoundChart(None, tuple(refusals))
    file, document = releases[0]
    try:
        return FoundChart(_chart(file, document), tuple(refusals))
    except Hazard as hazard:
        return FoundChart(None, (*refusals, hazard.refusal(file, pointer(VERSION))))


def set_chart(version: str, chart: Chart) -> Edit:
    """The edit, for `edit` on `chart.file`, that sets the chart's version."""
    return Edit(VERSION, version, chart.document)


def _releases(content: bytes) -> Iterator[Document]:
    for document in readable(content).documents:
        if document.identity and kind_and_group(document.root) == ("HelmRelease", HELM_GROUP):
            yield document


def _chart(file: str, document: Document) -> Chart | None:
    if at(document.root, VERSION) is None:
        return None
    found = scalar(trail(document.root, VERSION))
    node = found.target if isinstance(found, Alias) else found
    if not isinstance(node, Scalar) or is_empty(node):
        raise Hazard("empty_value", found.line, "the chart's version is empty")
    check_text(node)
    return Chart(file, document.identity or document.number, node.line, node.value)
