"""Where charts, kustomize and Kubernetes keep images and charts by convention: the one set of rules.

Helm: https://helm.sh/docs/chart_best_practices/values/ and the values of common charts (`registry`, `repository` or
`image` or `name`, `tag`, `digest`; `image` with `imageTag`), WSO2's charts (`dockerRegistry`, `imageName`,
`imageTag`); kustomize: https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/images/; Flux:
https://fluxcd.io/flux/components/helm/helmreleases/#inline-values; pods:
https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#image
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from bot.core.errors import BotError
from bot.core.manifests.hazards import Hazard
from bot.core.manifests.nodes import Mapping, Node, Scalar, Sequence, first_keys, read, text
from bot.core.manifests.places import split_image
from bot.core.manifests.texts import root as root_of
from bot.core.references import parse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.core.models import Path

Form: TypeAlias = Literal["fields", "image", "tag"]
"""How a place holds a version: `tag` is a field that can hold a tag and no digest behind it."""
Keys: TypeAlias = dict[str, Node]

HELM_GROUP = "helm.toolkit.fluxcd.io"
KUSTOMIZE_GROUP = "kustomize.config.k8s.io"
_POD_SPEC: dict[str, Path] = {
    "Pod": ("spec",),
    "PodTemplate": ("template", "spec"),
    "CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
    **dict.fromkeys(("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job"), ("spec", "template", "spec")),
}
# Their schemas and their own images say nothing of what runs.
_WITHOUT_IMAGES = (
    "CustomResourceDefinition",
    "ImageRepository",
    "ImagePolicy",
    "ImageUpdateAutomation",
    "Secret",
)
# Keys of registry, repository, tag; those of a row are looked at only if those above it did not fit.
_SHAPES = (
    ("registry", "repository", "tag"),
    ("dockerRegistry", "imageName", "imageTag"),
    ("registry", "image", "tag"),
    ("registry", "image", "imageTag"),
    ("registry", "imageRepository", "imageTag"),
    ("registry", "image_repository", "image_tag"),
    ("registry", "repo", "tag"),
)
# Below a key that says that it is an image.
_OF_IMAGES = (
    ("registry", "name", "tag"),
    ("registry", "url", "tag"),
    ("registry", "repository", "version"),
    ("registry", "name", "version"),
)
_TAGS = ("tag", "imageTag", "image_tag", "version")
_INTERESTING = frozenset(
    (
        "image",
        "repository",
        "imageName",
        "imageRepository",
        "image_repository",
        "repo",
        "digest",
        "registry",
        "<<",
        *_TAGS,
    )
)
_TEMPLATE = "{{ … }}"
_IMAGE_KEY = re.compile(r"image$", re.IGNORECASE)
_IMAGES_KEY = re.compile(r"images$", re.IGNORECASE)
_NAMED_IMAGE = ("Image", "_image", "-image", "IMAGE", "imageRef", "ImageRef", "image_ref", "imageReference")
_FLAG = re.compile(r"(--?[A-Za-z0-9_.-]*image[A-Za-z0-9_.-]*=)(.+)", re.IGNORECASE)


class Candidate(NamedTuple):
    """A place that may hold the version of an image: fields of a mapping, or (form `image`) one scalar.

    `at` leads to the mapping. Without `repository` it says nothing of which image it is, without any of the paths
    nothing of its version: in a patch, the rest is where it is patched. It is not `sure` if only that can tell whether
    it is about an image at all. `around` is what stands before and behind the image in its scalar.
    """

    form: Form
    repository: str = ""
    registry: str = ""
    tag: Path | None = None
    digest: Path | None = None
    image: Path | None = None
    at: Path = ()
    sure: bool = True
    around: tuple[str, str] | None = None

    @property
    def name(self) -> str:
        """The image's name as it is written, with its registry if that is written beside it."""
        if self.registry and self.repository:
            return f"{self.registry.rstrip('/')}/{self.repository}"
        return self.repository

    @property
    def paths(self) -> tuple[Path, ...]:
        """Where its version is written."""
        return tuple(path for path in (self.image, self.tag, self.digest) if path is not None)


def objects(root: Node) -> Iterator[tuple[Node, Path]]:
    """The object that the document is, or those in the list that it is, each with the path to it."""
    items = root.get("items") if isinstance(root, Mapping) and kind_and_group(root)[0].endswith("List") else None
    if isinstance(items, Sequence):
        yield from ((item, ("items", index)) for index, item in enumerate(items.items))
    else:
        yield root, ()


def in_object(root: Node, path: Path = ()) -> Iterator[Candidate]:
    """Every place of any image in a Kubernetes object; `path` leads to it."""
    kind, group = kind_and_group(root)
    if kind == "HelmRelease" and group == HELM_GROUP:
        yield from values(at(root, ("spec", "values")), (*path, "spec", "values"))
        yield from _post_rendered(at(root, ("spec", "postRenderers")), (*path, "spec", "postRenderers"))
    elif kind == "Kustomization" and group == "kustomize.toolkit.fluxcd.io":
        yield from kustomize_images(at(root, ("spec", "images")), (*path, "spec", "images"))
    elif kind == "ConfigMap" and group == "v1":
        data = at(root, ("data",))
        for key, value in first_keys(data).items() if isinstance(data, Mapping) else ():
            if key.lower().endswith("image"):
                yield from _one_text(value, (*path, "data", key))
    elif (kind, group) == ("ResourceSet", "fluxcd.controlplane.io"):
        yield from pinned(at(root, ("spec", "inputs")), (*path, "spec", "inputs"))
    elif group == "pkg.crossplane.io":
        yield from _one_text(at(root, ("spec", "package")), (*path, "spec", "package"))
    elif kind in _POD_SPEC:
        yield from _containers(at(root, _POD_SPEC[kind]), (*path, *_POD_SPEC[kind]))
    elif kind not in _WITHOUT_IMAGES:
        yield from pinned(at(root, ("spec",)), (*path, "spec"))


def pinned(node: Node | None, path: Path) -> Iterator[Candidate]:
    """Every image with its version, where nothing says that there are any; `path` leads to `node`."""
    return (one for one in values(node, path) if one.name and _is_pinned(one))


def values(node: Node | None, path: Path) -> Iterator[Candidate]:
    """Every place in the values of a chart; `path` leads to `node`."""
    if isinstance(node, Sequence):
        yield from _listed(node, path)
    elif isinstance(node, Mapping):
        keys = first_keys(node)
        if not _INTERESTING.isdisjoint(keys):
            yield from _block(node, keys, path)
        for key, value in keys.items():
            yield from _below(key, value, (*path, key))
        if _text(keys.get("name")).lower().endswith("image"):
            yield from _one_text(keys.get("value"), (*path, "value"))


def _listed(node: Sequence, path: Path) -> Iterator[Candidate]:
    for index, item in enumerate(node.items):
        way = (*path, index)
        if isinstance(item, Mapping | Sequence):
            yield from values(item, way)
        elif flag := _flag(item, way):
            yield flag
        elif _is_images(path):
            yield from _one_text(item, way)


def _below(key: str, value: Node, path: Path) -> Iterator[Candidate]:
    if isinstance(value, Mapping | Sequence):
        yield from values(value, path)
    elif key.endswith(_NAMED_IMAGE) or (_is_images(path[:-1]) and key != "image"):
        yield from _one_text(value, path)
    elif isinstance(value, Scalar) and value.style == "|" and "mage" in value.text:
        yield from _inside(value, path)


def at(node: Node | None, path: Path) -> Node | None:
    """What is physically at the path below the node, if all above it are mappings."""
    for part in path:
        node = node.get(str(part)) if isinstance(node, Mapping) else None
    return node


def kind_and_group(root: Node) -> tuple[str, str]:
    """An object's kind, and its API's group (`v1` for the core); empty if it is no object."""
    if not isinstance(root, Mapping):
        return "", ""
    return text(root.get("kind")) or "", (text(root.get("apiVersion")) or "").partition("/")[0]


def has_version(image: str) -> bool:
    """Whether there is a tag or a digest behind the name."""
    return "@" in image or ":" in image.rpartition("/")[2]


def _inside(block: Scalar, path: Path) -> Iterator[Candidate]:
    """Every place in a text of the values that is YAML itself."""
    try:
        root = root_of(block)
    except Hazard:
        return
    if kind_and_group(root)[0]:
        for node, way in objects(root):
            yield from in_object(node, (*path, *way))
    elif isinstance(root, Mapping | Sequence):
        yield from values(root, path)


def _flag(node: Node, path: Path) -> Candidate | None:
    """An image behind a flag, such as `--sidecar-image=name:tag`."""
    found = _FLAG.fullmatch(_text(node))
    if not found or not has_version(found[2]) or not _is_reference(found[2]):
        return None
    return Candidate("image", found[2], image=path, at=path[:-1], around=(found[1], ""))


def _is_pinned(one: Candidate) -> bool:
    return bool(one.tag or one.digest) or (one.image is not None and has_version(one.repository))


def _block(mapping: Mapping, keys: Keys, path: Path) -> Iterator[Candidate]:
    image = _text(keys.get("image"))
    if image and (has_version(image) or not ("tag" in keys or "imageTag" in keys or "registry" in keys)):
        # `image: repository` beside a tag is a repository; else it holds its own tag.
        yield Candidate("image", image, image=(*path, "image"), at=path)
        keys = {key: value for key, value in keys.items() if key != "image"}
    inherits = "<<" in keys
    shapes = _shapes(path)
    for registry, repository, tag in (*(one for one in shapes if one[2] in keys), *shapes):
        name = text(read(mapping, repository)) if inherits and repository != "image" else _text(keys.get(repository))
        host = text(read(mapping, registry)) if inherits else _text(keys.get(registry))
        if name and (tag in keys or "digest" in keys or _names_an_image(path, repository)):
            if has_version(name) and tag not in keys and "digest" not in keys:
                yield Candidate("image", name, image=(*path, repository), at=path)
            else:
                yield _fields(keys, path, name, host or "", tag)
            return
    yield from _unnamed(keys, path)


def _one_text(node: Node | None, path: Path) -> Iterator[Candidate]:
    """An image in one text, where a key such as `initImage` may as well hold a picture."""
    image = _text(node)
    if has_version(image) and ("${" in image or _is_reference(image)):
        yield Candidate("image", image, image=path, at=path[:-1])


def _is_reference(image: str) -> bool:
    try:
        parse(image)
    except BotError:
        return False
    return True


def _unnamed(keys: Keys, path: Path) -> Iterator[Candidate]:
    """What a patch has of an image: its version, or where it comes from."""
    tag = next((one for one in _TAGS[:-1] if one in keys), "tag")
    registry = _text(keys.get("registry")) or _text(keys.get("dockerRegistry"))
    if tag in keys or "digest" in keys or registry:
        yield _fields(keys, path, "", registry, tag)._replace(sure=_is_image(path) or tag == "imageTag")


def _shapes(path: Path) -> tuple[tuple[str, str, str], ...]:
    return (*_SHAPES, *_OF_IMAGES) if _is_image(path) else _SHAPES


def _names_an_image(path: Path, repository: str) -> bool:
    return repository == "imageName" or (repository in ("repository", "image", "name") and _is_image(path))


def _is_images(path: Path) -> bool:
    return bool(path) and bool(_IMAGES_KEY.search(str(path[-1])))


def _is_image(path: Path) -> bool:
    """Whether the key above says that it is an image; an item of a list is one of `images`."""
    if path and isinstance(path[-1], int):
        return len(path) > 1 and bool(_IMAGES_KEY.search(str(path[-2])))
    return bool(path) and bool(_IMAGE_KEY.search(str(path[-1])))


def _text(node: Node | None) -> str:
    # `{{ name }}` without quotes is read as a mapping in a mapping.
    if isinstance(node, Mapping) and any(isinstance(key, Mapping) for key, _ in node.pairs):
        return _TEMPLATE
    return text(node) or ""


def _fields(keys: Keys, path: Path, repository: str, registry: str, tag: str, form: Form = "fields") -> Candidate:
    # Some charts write the digest as `sha`, without `sha256:`: as a digest it is refused, and not left behind.
    key = "sha" if "digest" not in keys and _text(keys.get("sha")) else "digest"
    digest = (*path, key) if key in keys else None
    return Candidate(form, repository, registry, (*path, tag) if tag in keys else None, digest, at=path)


def kustomize_images(node: Node | None, path: Path) -> Iterator[Candidate]:
    """Every entry of kustomize's `images` that sets a version; `path` leads to the list."""
    for index, entry in enumerate(node.items if isinstance(node, Sequence) else []):
        yield from kustomize_image(entry, (*path, index))


def kustomize_image(entry: Node, path: Path) -> Iterator[Candidate]:
    """The entry of kustomize's `images` to which `path` leads, if it sets a version."""
    keys = first_keys(entry) if isinstance(entry, Mapping) else {}
    renamed = _text(keys.get("newName"))
    if has_version(renamed) and "newTag" not in keys and "digest" not in keys:
        yield Candidate("image", renamed, image=(*path, "newName"), at=path)
    elif "newTag" in keys or "digest" in keys:
        # An entry may be for an image by its tag too.
        name = split_image(renamed or _text(keys.get("name")))[0]
        # kustomize puts together what is behind the name as it is written: `1.0@sha256:…` too.
        yield _fields(keys, path, name, "", "newTag")


def _post_rendered(node: Node | None, path: Path) -> Iterator[Candidate]:
    for index, item in enumerate(node.items if isinstance(node, Sequence) else []):
        images = ("kustomize", "images")
        yield from kustomize_images(at(item, images), (*path, index, *images))


def _containers(spec: Node | None, path: Path) -> Iterator[Candidate]:
    for group in ("initContainers", "containers", "ephemeralContainers"):
        containers = at(spec, (group,))
        for index, container in enumerate(containers.items if isinstance(containers, Sequence) else []):
            image = _text(container.get("image")) if isinstance(container, Mapping) else ""
            here = (*path, group, index)
            if image:
                yield Candidate("image", image, image=(*here, "image"), at=here)
            for key in ("env", "args", "command"):
                yield from values(at(container, (key,)), (*here, key))
    volumes = at(spec, ("volumes",))
    for index, volume in enumerate(volumes.items if isinstance(volumes, Sequence) else []):
        way = (*path, "volumes", index, "image")
        yield from _one_text(at(volume, ("image", "reference")), (*way, "reference"))
