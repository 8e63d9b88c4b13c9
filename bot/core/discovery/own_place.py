"""A place of its own for an environment that shares one: an entry of `images` or a patch in its kustomization.

https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/ and, where Flux applies a folder that others use
too, https://fluxcd.io/flux/components/kustomize/kustomizations/#patches
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bot.core.discovery.graph import inside
from bot.core.manifests.hazards import Hazard
from bot.core.manifests.items import add_item
from bot.core.manifests.locate import pointer
from bot.core.manifests.nodes import Identity
from bot.core.manifests.scalars import written

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.core.discovery.environment import Environment
    from bot.core.discovery.states import State
    from bot.core.manifests import Chart, Place
    from bot.core.models import Path, Refusal

_PODS = ("containers", "initContainers")


class Own(NamedTuple):
    """The file that gets the place, its new content, and the lines that are added."""

    file: str
    content: bytes
    lines: tuple[str, ...]


def own_place(
    environment: Environment, contents: dict[str, bytes], shared: Place | Chart, users: Mapping[str, int]
) -> Own | Refusal:
    """What gives an environment a place of its own that says what the shared one says.

    `contents` are files that were given such places already, `users` how many environments reach a file. A refusal says
    where one has to be written by hand.
    """
    state = next((one for one in environment.states if _is_of(one, shared)), None)
    where = _kustomization(environment, state, users)
    key, lines = _item(shared)
    if where is None or not lines:
        what = "no kustomization of the environment's own applies the object"
        return Hazard("shared_place", shared.line, what).refusal(shared.file, pointer(shared.path))
    file, document, path = where
    content = contents.get(file, environment.reading.files[file])
    try:
        return Own(file, add_item(content, document, path, key, lines), tuple(lines))
    except Hazard as hazard:
        return hazard.refusal(file)


def _is_of(state: State, shared: Place | Chart) -> bool:
    written_in = [one for named in state.images.values() for one in named.written]
    written_in += [one for one in (state.version, state.semver) if one]
    return any((one.file, one.document) == (shared.file, shared.document) for one in written_in)


def _kustomization(
    environment: Environment, state: State | None, users: Mapping[str, int]
) -> tuple[str, Identity | int, Path] | None:
    """What only this environment reaches, and puts the object together: the kustomization of the folder that its Flux
    Kustomization applies, else that one itself, or the kustomization of the environment's folder.
    """
    by = state.by if state else None
    while by is not None:
        folder = inside("", by.applied.path) if by.applied else None
        applied = environment.graph.kustomization(folder) if folder is not None else None
        if applied and users.get(applied[0]) == 1:
            return _whole(environment, applied[0])
        if users.get(by.file) == 1:
            return by.file, by.object.document, ("spec",)
        by = by.by
    found = environment.graph.kustomization(environment.folder)
    return _whole(environment, found[0]) if found else None


def _whole(environment: Environment, file: str) -> tuple[str, Identity | int, Path]:
    """The kustomization in a file."""
    objects = environment.reading[file].objects
    return file, next((one.document for one in objects if not one.charts), 0), ()


def _item(shared: Place | Chart) -> tuple[str, list[str]]:
    """The key of the list, and the lines of the item to add to it; no lines where there is no way to write it."""
    document, path = shared.document, shared.path
    if not isinstance(document, Identity) or path[:1] == ("items",):
        return "", []
    image = getattr(shared, "image", None)
    if image is not None and len(image) > 2 and image[-3] in _PODS:
        version = shared.version
        lines = [f"- name: {shared.name}"]  # type: ignore[union-attr]  # it has an image
        lines += [f"  newTag: {_text(version.tag)}"] if version.tag else []  # type: ignore[union-attr]
        lines += [f"  digest: {version.digest}"] if version.digest else []  # type: ignore[union-attr]
        return "images", lines
    values = _values(shared)
    lines = ["- target:", f"    kind: {document.kind}", f"    name: {document.name}", "  patch: |-"]
    for at, text in values:
        lines += ["    - op: replace", f"      path: {pointer(at)}", f"      value: {_text(text)}"]
    return "patches", lines if values else []


def _values(shared: Place | Chart) -> list[tuple[Path, str]]:
    version = shared.version
    if isinstance(version, str):
        return [(shared.path, version)]
    image, tag, digest = shared.image, shared.tag, shared.digest  # type: ignore[union-attr]  # a place of an image
    if image:
        return [(image, f"{shared.name}:{version}")]  # type: ignore[union-attr]
    own = version.tag if digest or not version.digest else str(version)
    return [*([(tag, own)] if tag else []), *([(digest, version.digest)] if digest and version.digest else [])]


def _text(text: str) -> str:
    return written(text, "", '"', tagged=False)
