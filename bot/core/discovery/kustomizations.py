"""What kustomize's and Flux's Kustomizations put together.

https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/ and
https://fluxcd.io/flux/components/kustomize/kustomizations/
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bot.core.discovery.facts import (
    Applied,
    ChartUse,
    Kustomization,
    Named,
    Object,
    Patch,
    Replaced,
    Replacement,
    Target,
)
from bot.core.discovery.inline import inline
from bot.core.discovery.objects import applied, block, version, word
from bot.core.manifests.conventions import at, kustomize_image, values
from bot.core.manifests.nodes import Alias, Mapping, Node, Scalar, Sequence, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.core.discovery.facts import Value
    from bot.core.discovery.reading import Here
    from bot.core.models import Path

# kustomize anchors names as regular expressions; those of others than these steps would need an engine to match them.
_SIMPLE = re.compile(r"(?:[A-Za-z0-9_-]|\.\*|\.\+|\\?\.)*")


def read_kustomization(here: Here) -> Kustomization:
    """The document as kustomize's Kustomization or Component."""
    root = here.document.root
    return Kustomization(
        word(root, "namespace"),
        word(root, "namePrefix"),
        word(root, "nameSuffix"),
        (*_named(root, "resources"), *_named(root, "bases")),
        tuple(_named(root, "components")),
        tuple(_patches(here, root, ())),
        tuple(_generated(root)),
        tuple(_replaced(here, root, ())),
        tuple(_literals(here, root)),
        tuple(made for item in _items(root, "replacements") for made in read_replacement(item)),
        tuple(Named(word(item, "path"), item.line) for item in _items(root, "replacements") if word(item, "path")),
    )


def read_replacement(item: Node) -> Iterator[Replacement]:
    """What a mapping with `source` and `targets` puts where: one for each way in which it divides what is there."""
    source = at(item, ("source",))
    name, field = word(source, "name"), word(source, "fieldPath")
    if not isinstance(item, Mapping) or not isinstance(source, Mapping):
        return
    for target in _items(item, "targets"):
        kind, whom = word(target, "select", "kind"), word(target, "select", "name")
        fields = tuple((kind, whom, text(one) or "") for one in _items(target, "fieldPaths"))
        index = word(target, "options", "index")
        divided = word(target, "options", "delimiter"), int(index) if index.isdecimal() and len(index) < 4 else 0
        yield Replacement(item.line, word(source, "kind"), name, field, fields, *divided)


def _literals(here: Here, root: Node) -> Iterator[tuple[str, str, Value]]:
    for number, item in enumerate(_items(root, "configMapGenerator")):
        for index, one in enumerate(_items(item, "literals")):
            key, found, _ = (text(one) or "").partition("=")
            if found:
                path: Path = ("configMapGenerator", number, "literals", index)
                yield word(item, "name"), key, here.value(path)


def read_applied(here: Here, root: Node, path: Path) -> Applied:
    """A Flux Kustomization, to which `path` leads."""
    spec = at(root, ("spec",))
    patches = tuple(_patches(here, spec, (*path, "spec"))) if spec else ()
    images = tuple(_replaced(here, spec, (*path, "spec"))) if spec else ()
    components = tuple(_named(spec, "components"))
    return applied(here, root, path)._replace(components=components, patches=patches, images=images)


def _replaced(here: Here, root: Node, path: Path) -> Iterator[Replaced]:
    """The `images` of a kustomization, of kustomize or Flux, to whose mapping `path` leads."""
    for index, item in enumerate(_items(root, "images")):
        way = (*path, "images", index)
        found = next(iter(kustomize_image(item, way)), None)
        # As it is in the object, which begins where the document does, or the list's item.
        address = here.document.identity or here.document.number
        made = block(here, found, len(way)) if found else None
        yield Replaced(word(item, "name"), word(item, "newName"), made, address)


def helm_charts(here: Here) -> Iterator[Object]:
    """The charts that a kustomization inflates, with the values that are written there."""
    root = here.document.root
    for index, item in enumerate(_items(root, "helmCharts")):
        if isinstance(item, Mapping):
            path: Path = ("helmCharts", index)
            uses = ChartUse(word(item, "name"), version(here, item, path), None, word(item, "repo"))
            found = values(item.get("valuesInline"), (*path, "valuesInline"))
            blocks = tuple(block(here, one, len(path)) for one in found)
            name = word(item, "releaseName") or word(item, "name")
            yield Object(here.document.number, name=name, line=item.line, blocks=blocks, charts=(uses,))


def post_rendered(here: Here, root: Node, path: Path) -> Iterator[Object]:
    """The patches of a HelmRelease, to which `path` leads: they are for what its chart makes, which no file holds."""
    for index, item in enumerate(_items(at(root, ("spec",)), "postRenderers")):
        renderer = at(item, ("kustomize",))
        way = (*path, "spec", "postRenderers", index, "kustomize")
        for patch in _patches(here, renderer, way) if renderer else ():
            yield from (one._replace(api_version="", kind="") for one in patch.objects)


def _items(root: Node | None, key: str) -> list[Node]:
    listed = at(root, (key,))
    return listed.items if isinstance(listed, Sequence) else []


def _named(root: Node | None, key: str) -> Iterator[Named]:
    for item in _items(root, key):
        if named := text(item):
            yield Named(named, item.line)


def _patches(here: Here, root: Node, path: Path) -> Iterator[Patch]:
    for key in ("patches", "patchesJson6902"):
        for index, item in enumerate(_items(root, key)):
            if isinstance(item, Mapping):
                yield _patch(here, item, (*path, key, index))
    for index, item in enumerate(_items(root, "patchesStrategicMerge")):
        written = text(item) or ""
        if "\n" in written:
            yield Patch(None, _inline(here, item, (*path, "patchesStrategicMerge", index), None))
        elif written:
            yield Patch(Named(written, item.line))


def _patch(here: Here, item: Mapping, path: Path) -> Patch:
    target = _target(item.get("target"))
    if file := word(item, "path"):
        return Patch(Named(file, item.line), (), target)
    written = item.get("patch")
    return Patch(None, _inline(here, written, (*path, "patch"), target) if written else (), target)


def _inline(here: Here, node: Node, path: Path, target: Target | None) -> tuple[Object, ...]:
    scalar = node.target if isinstance(node, Alias) else node
    return inline(scalar, path, here, target) if isinstance(scalar, Scalar) else ()


def _target(node: Node | None) -> Target | None:
    if not isinstance(node, Mapping):
        return None
    kind, name, namespace, group = (word(node, key) for key in ("kind", "name", "namespace", "group"))
    understood = all(_SIMPLE.fullmatch(one) for one in (kind, name, namespace))
    # Each `.*` multiplies the ways in which a hostile name could be matched.
    understood = understood and name.count(".*") + name.count(".+") <= 2
    selected = bool(word(node, "labelSelector") or word(node, "annotationSelector"))
    return Target(kind, name, namespace, group, understood and not selected)


def _generated(root: Node) -> Iterator[tuple[str, tuple[str, ...]]]:
    for item in (*_items(root, "configMapGenerator"), *_items(root, "secretGenerator")):
        files = tuple((text(one) or "").rpartition("=")[2] for one in _items(item, "files"))
        yield word(item, "name"), files
