"""The chart's version of an application: in its one HelmRelease, or the tag of the OCIRepository that it refers to.

https://fluxcd.io/flux/components/helm/helmreleases/#chart-template and …/#chart-reference
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from bot.core.filenames import is_yaml
from bot.core.manifests.conventions import HELM_GROUP, at, kind_and_group
from bot.core.manifests.hazards import Hazard
from bot.core.manifests.locate import pointer, scalar, trail
from bot.core.manifests.nodes import Alias, Document, Identity, Scalar, text
from bot.core.manifests.splice import Edit, check_text, is_empty, readable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bot.core.models import Path, Refusal

VERSION: Path = ("spec", "chart", "spec", "version")
TAG: Path = ("spec", "ref", "tag")


class Chart(NamedTuple):
    """Where a chart's version is: file, object, 1-based line, the version (or range) as written, and its path."""

    file: str
    document: Identity | int
    line: int
    version: str
    path: Path = VERSION


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
        found = _chart(file, document, VERSION) or _referenced(files, document)
        return FoundChart(found, tuple(refusals))
    except Hazard as hazard:
        return FoundChart(None, (*refusals, hazard.refusal(file, pointer(VERSION))))


def set_chart(version: str, chart: Chart) -> Edit:
    """The edit, for `edit` on `chart.file`, that sets the chart's version."""
    # A tag cannot have the `+` of a version; Helm and Flux write `_` for it.
    return Edit(chart.path, version.replace("+", "_") if chart.path == TAG else version, chart.document)


def _releases(content: bytes) -> Iterator[Document]:
    yield from _objects(content, "HelmRelease", HELM_GROUP)


def _objects(content: bytes, kind: str, group: str) -> Iterator[Document]:
    for document in readable(content).documents:
        if document.identity and kind_and_group(document.root) == (kind, group):
            yield document


def _referenced(files: Mapping[str, bytes], release: Document) -> Chart | None:
    """The tag of the OCIRepository beside the release that its `chartRef` names, if nothing there counts before it."""
    kind, name = (text(at(release.root, ("spec", "chartRef", key))) for key in ("kind", "name"))
    if kind != "OCIRepository" or not name:
        return None
    found: list[tuple[str, Document]] = []
    for file in sorted(file for file in files if is_yaml(file) and b"OCIRepository" in files[file]):
        with suppress(Hazard):
            found += [(file, one) for one in _objects(files[file], kind, "source.toolkit.fluxcd.io")]
    named = [(file, one) for file, one in found if one.identity and one.identity.name == name]
    # https://fluxcd.io/flux/components/source/ocirepositories/#reference: a digest counts first, then semver.
    if len(named) != 1 or any(at(named[0][1].root, ("spec", "ref", key)) for key in ("digest", "semver")):
        return None
    return _chart(*named[0], TAG)


def _chart(file: str, document: Document, path: Path) -> Chart | None:
    if at(document.root, path) is None:
        return None
    found = scalar(trail(document.root, path))
    node = found.target if isinstance(found, Alias) else found
    if not isinstance(node, Scalar) or is_empty(node):
        raise Hazard("empty_value", found.line, "the chart's version is empty")
    check_text(node)
    version = node.value.replace("_", "+") if path == TAG else node.value
    return Chart(file, document.identity or document.number, node.line, version, path)
