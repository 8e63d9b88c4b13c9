"""What a Kubernetes object says of images, charts and where they come from.

Flux: https://fluxcd.io/flux/components/helm/helmreleases/, https://fluxcd.io/flux/components/source/ocirepositories/,
https://fluxcd.io/flux/components/source/helmcharts/, https://fluxcd.io/flux/components/image/
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bot.core.discovery.facts import Applied, Block, ChartUse, Object, Source
from bot.core.manifests.conventions import HELM_GROUP, Candidate, at, in_object, kind_and_group
from bot.core.manifests.nodes import Mapping, Node, Sequence, key_text, repeated, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.core.discovery.facts import Value
    from bot.core.discovery.reading import Here
    from bot.core.models import Path

APPLY_GROUP = "kustomize.toolkit.fluxcd.io"
SOURCE_GROUP = "source.toolkit.fluxcd.io"
CHART: Path = ("spec", "chart", "spec")
REFERENCE: Path = ("spec", "ref")
SUBSTITUTED: Path = ("spec", "postBuild", "substitute")
SUBSTITUTE = "kustomize.toolkit.fluxcd.io/substitute"
VARIABLE = re.compile(r"[_A-Za-z][_A-Za-z0-9]*")
CONTAINERS = ("containers", "initContainers", "ephemeralContainers")


def read_object(here: Here, root: Node, path: Path) -> Object:
    """The object at `root`, to which `path` leads."""
    kind, group = kind_and_group(root)
    blocks = [block(here, one, len(path)) for one in in_object(root, path)]
    charts: list[ChartUse] = []
    semver = None
    if group == HELM_GROUP and kind == "HelmRelease":
        spec = at(root, CHART)
        charts += chart_use(spec, version(here, spec, (*path, *CHART)))
    elif group == SOURCE_GROUP and kind == "HelmChart":
        spec = at(root, ("spec",))
        charts += chart_use(spec, version(here, spec, (*path, "spec")))
    elif group == SOURCE_GROUP and kind == "OCIRepository":
        blocks += _oci(here, root, path)
        semver = _under(here, at(root, REFERENCE), (*path, *REFERENCE), "semver")
    return Object(
        here.document.identity or here.document.number,
        *names(root),
        root.line,
        tuple(blocks),
        tuple(charts),
        word(root, "spec", "url"),
        _source(at(root, ("spec", "chartRef"))),
        tuple(_values_from(root)),
        semver=semver,
        data=tuple(_data(here, root, path)) if (kind, group) == ("ConfigMap", "v1") else (),
        applied=applied(here, root, path) if (kind, group) == ("Kustomization", APPLY_GROUP) else None,
        literal=any(word(root, "metadata", where, SUBSTITUTE) == "disabled" for where in ("labels", "annotations")),
    )


def names(root: Node) -> tuple[str, str, str, str]:
    """apiVersion, kind, namespace and name of an object; what is not there is empty."""
    metadata = at(root, ("metadata",))
    return word(root, "apiVersion"), word(root, "kind"), word(metadata, "namespace"), word(metadata, "name")


def block(here: Here, one: Candidate, depth: int = 0) -> Block:
    """A candidate with its scalars read; the first `depth` steps of its paths lead to the object."""
    tag, digest, image = (None if way is None else here.value(way) for way in (one.tag, one.digest, one.image))
    # A JSON Pointer does not say whether `0` is an item or a key.
    place = tuple(map(str, one.at[depth:]))
    around = _around(here, one.at)
    if around is not None and (twice := repeated(around)):
        what = f"the key {key_text(twice)} is there twice"
        tag, digest, image = (_doubted(each, twice.line, what) for each in (tag, digest, image))
    found = Block(place, one.form, one.repository, one.registry, tag, digest, image, sure=one.sure)
    if one.image is None:
        return found
    if image is not None and one.around is not None:
        found = found._replace(image=image._replace(text=one.repository), around=one.around)
    is_container = len(one.at) > 1 and one.at[-2] in CONTAINERS
    return found._replace(key=str(one.image[-1]), label=word(around, "name") if is_container else "")


def _around(here: Here, path: Path) -> Mapping | None:
    """The mapping at the path."""
    node: Node | None = here.document.root
    for part in path:
        node = node.items[part] if isinstance(part, int) and isinstance(node, Sequence) else at(node, (part,))
    return node if isinstance(node, Mapping) else None


def _doubted(value: Value | None, line: int, what: str) -> Value | None:
    if value is None or value.code:
        return value
    return value._replace(code="duplicate_key", what=what, line=line)


def chart_use(spec: Node | None, written: Value | None) -> Iterator[ChartUse]:
    """What `spec.chart.spec` of a HelmRelease, or `spec` of a HelmChart, says, with its version as it is read.

    Nothing if it is not there.
    """
    if isinstance(spec, Mapping):
        listed = spec.get("valuesFiles")
        files = tuple(text(one) or "" for one in listed.items) if isinstance(listed, Sequence) else ()
        yield ChartUse(word(spec, "chart"), written, _source(spec.get("sourceRef")), word(spec, "repo"), files)


def version(here: Here, spec: Node | None, path: Path) -> Value | None:
    """The value under `version`."""
    return _under(here, spec, path, "version")


def _under(here: Here, node: Node | None, path: Path, key: str) -> Value | None:
    return here.value((*path, key)) if at(node, (key,)) is not None else None


def word(node: Node | None, *path: str) -> str:
    """The text of the scalar at the path; empty if there is none."""
    return text(at(node, path)) or ""


def _source(node: Node | None) -> Source | None:
    return Source(word(node, "kind"), word(node, "name"), word(node, "namespace")) if word(node, "name") else None


def _oci(here: Here, root: Node, path: Path) -> Iterator[Block]:
    reference = at(root, REFERENCE)
    tag, digest = (_under(here, reference, (*path, *REFERENCE), key) for key in ("tag", "digest"))
    repository = word(root, "spec", "url").removeprefix("oci://")
    yield Block(REFERENCE, "tag", repository, "", tag, digest)


def applied(here: Here, root: Node, path: Path) -> Applied:
    """Which folder a Flux Kustomization, or a patch of one, applies, with which variables; `path` leads to it."""
    spec, written = at(root, ("spec",)), at(root, SUBSTITUTED)
    from_others = at(spec, ("postBuild", "substituteFrom"))
    return Applied(
        word(spec, "path"),
        namespace=word(spec, "targetNamespace"),
        substitute=tuple(
            (name, here.value((*path, *SUBSTITUTED, name)))
            for key, value in (written.pairs if isinstance(written, Mapping) else [])
            if (name := key_text(key)) and text(value) is not None
        ),
        substitute_from=tuple(
            Source(word(one, "kind"), word(one, "name"))
            for one in (from_others.items if isinstance(from_others, Sequence) else [])
        ),
    )


def _data(here: Here, root: Node, path: Path) -> Iterator[tuple[str, Value]]:
    data = at(root, ("data",))
    for key, value in data.pairs if isinstance(data, Mapping) else []:
        name = key_text(key) or ""
        if VARIABLE.fullmatch(name) and text(value) is not None:
            yield name, here.value((*path, "data", name))


def _values_from(root: Node) -> Iterator[str]:
    listed = at(root, ("spec", "valuesFrom"))
    for one in listed.items if isinstance(listed, Sequence) else []:
        yield word(one, "name")
