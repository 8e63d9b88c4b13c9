"""Versions that are neither an image's in Kubernetes nor a chart's of Flux: named, so that nobody wonders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core.discovery.facts import Trouble
from bot.core.manifests.conventions import HELM_GROUP, at, has_version
from bot.core.manifests.nodes import Mapping, Node, Sequence, first_keys, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.core.models import Path

_SOURCE = "source.toolkit.fluxcd.io"
_VERSIONS = ("tag", "image", "digest", "version", "repository")


def in_other_words(root: Node, kind: str, group: str, path: Path) -> Iterator[Trouble]:
    """What an object says of versions in a way that is not edited; `path` leads to it."""
    if (kind, group) == ("FluxInstance", "fluxcd.controlplane.io"):
        yield from _named(
            root, path, ("spec", "distribution", "version"), "flux_version", "the version of Flux itself is"
        )
    elif (kind, group) == ("GitRepository", _SOURCE):
        for key in ("tag", "semver"):
            yield from _named(root, path, ("spec", "ref", key), "git_ref", "a version of a git repository is")
    elif (kind, group) == ("HelmRelease", HELM_GROUP):
        listed = at(root, ("spec", "valuesFrom"))
        for index, item in enumerate(listed.items if isinstance(listed, Sequence) else []):
            target = text(at(item, ("targetPath",))) or ""
            if target.rpartition(".")[2].lower().endswith(_VERSIONS):
                what = f"{target} comes from a {text(at(item, ('kind',)))} by `targetPath`"
                yield Trouble(item.line, (*path, "spec", "valuesFrom", index, "targetPath"), "target_path", what)


def _named(root: Node, path: Path, way: Path, code: str, what: str) -> Iterator[Trouble]:
    node = at(root, way)
    if node is not None and text(node):
        yield Trouble(node.line, (*path, *way), code, f"{what} {text(node)} here")


def elsewhere(root: Node) -> Iterator[Trouble]:
    """What a document of another program says: of helmfile or Docker Compose."""
    if not isinstance(root, Mapping):
        return
    keys = first_keys(root)
    releases, services = keys.get("releases"), keys.get("services")
    for index, item in enumerate(releases.items if isinstance(releases, Sequence) else []):
        if at(item, ("chart",)) is not None:
            what = f"helmfile installs the chart {text(at(item, ('chart',)))}"
            yield Trouble(item.line, ("releases", index), "helmfile", what)
    for name, service in first_keys(services).items() if isinstance(services, Mapping) else ():
        image = text(at(service, ("image",))) or ""
        if has_version(image):
            what = f"Docker Compose runs the image {image}"
            yield Trouble(service.line, ("services", name, "image"), "compose", what)
