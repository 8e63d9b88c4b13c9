"""Where charts, kustomize and Kubernetes keep an image by convention, in one document of one file.

Helm: https://helm.sh/docs/chart_best_practices/values/ and the values of common charts (`repository`, `tag`,
`registry`, `digest`), WSO2's charts (`dockerRegistry`, `imageName`, `imageTag`); kustomize:
https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/images/; Flux:
https://fluxcd.io/flux/components/helm/helmreleases/#inline-values; pods:
https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#image
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from bot.core.manifests.nodes import Document, Mapping, Node, Scalar, Sequence, key_text, read, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.core.models import Path

Form: TypeAlias = Literal["fields", "image", "kustomize"]

_VALUES_FILE = re.compile(r"(?:^|/)values[^/]*\.ya?ml$")
_KUSTOMIZATION_FILE = re.compile(r"(?:^|/)(?:kustomization\.ya?ml|Kustomization)$")
_POD_SPEC: dict[str, Path] = {
    "Pod": ("spec",),
    "CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
    **dict.fromkeys(("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job"), ("spec", "template", "spec")),
}


class Candidate(NamedTuple):
    """A place that may hold the image named `name`: fields of a mapping, or (form `image`) one scalar."""

    form: Form
    name: str
    tag: Path | None = None
    digest: Path | None = None
    image: Path | None = None


def is_yaml(file: str) -> bool:
    """Whether the file is one that the conventions look into."""
    return file.endswith((".yaml", ".yml")) or bool(_KUSTOMIZATION_FILE.search(file))


def is_values(file: str) -> bool:
    """Whether the file's name says that it holds the values of a chart."""
    return bool(_VALUES_FILE.search(file))


def candidates(file: str, document: Document) -> Iterator[Candidate]:
    """Every place of any image in the document of `file`, in the order of the text."""
    root = document.root
    kind, group = _kind(root)
    if kind == "HelmRelease" and group == "helm.toolkit.fluxcd.io":
        yield from values(at(root, ("spec", "values")), ("spec", "values"))
    elif (kind == "Kustomization" and group == "kustomize.config.k8s.io") or _KUSTOMIZATION_FILE.search(file):
        yield from _kustomize(root)
    elif kind in _POD_SPEC:
        yield from _containers(root, _POD_SPEC[kind])
    elif is_values(file):
        yield from values(root, ())


def values(node: Node | None, path: Path) -> Iterator[Candidate]:
    """Every place in the values of a chart; `path` leads to `node`."""
    if isinstance(node, Sequence):
        for index, item in enumerate(node.items):
            yield from values(item, (*path, index))
    elif isinstance(node, Mapping):
        yield from _block(node, path)
        for key, value in node.pairs:
            if (name := key_text(key)) is not None:
                yield from values(value, (*path, name))


def at(node: Node | None, path: Path) -> Node | None:
    """What is physically at the path below the node, if all above it are mappings."""
    for part in path:
        node = node.get(str(part)) if isinstance(node, Mapping) else None
    return node


def _kind(root: Node) -> tuple[str, str]:
    if not isinstance(root, Mapping):
        return "", ""
    return text(root.get("kind")) or "", (text(root.get("apiVersion")) or "").partition("/")[0]


def _block(mapping: Mapping, path: Path) -> Iterator[Candidate]:
    image = mapping.get("image")
    if isinstance(image, Scalar) and image.value:
        # `image: repository` beside a `tag:` is a repository; else it holds its own tag.
        if mapping.get("tag") and not _has_version(image.value):
            yield _fields(mapping, path, image.value, "tag")
        else:
            yield Candidate("image", image.value, image=(*path, "image"))
    for registry, repository, tag in (("registry", "repository", "tag"), ("dockerRegistry", "imageName", "imageTag")):
        name = text(read(mapping, repository))
        if name and (mapping.get(tag) or mapping.get("digest")):
            host = text(read(mapping, registry))
            yield _fields(mapping, path, f"{host.rstrip('/')}/{name}" if host else name, tag)


def _fields(mapping: Mapping, path: Path, name: str, tag: str, form: Form = "fields") -> Candidate:
    return Candidate(
        form,
        name,
        tag=(*path, tag) if mapping.get(tag) else None,
        digest=(*path, "digest") if mapping.get("digest") else None,
    )


def _has_version(image: str) -> bool:
    return "@" in image or ":" in image.rpartition("/")[2]


def _kustomize(root: Node) -> Iterator[Candidate]:
    images = at(root, ("images",))
    for index, entry in enumerate(images.items if isinstance(images, Sequence) else []):
        if isinstance(entry, Mapping) and (entry.get("newTag") or entry.get("digest")):
            name = text(entry.get("newName")) or text(entry.get("name")) or ""
            yield _fields(entry, ("images", index), name, "newTag", "kustomize")


def _containers(root: Node, spec: Path) -> Iterator[Candidate]:
    for group in ("initContainers", "containers"):
        containers = at(root, (*spec, group))
        for index, container in enumerate(containers.items if isinstance(containers, Sequence) else []):
            image = text(container.get("image")) if isinstance(container, Mapping) else None
            if image:
                yield Candidate("image", image, image=(*spec, group, index, "image"))
