"""JSON patches (RFC 6902): each operation that sets something is read as the part of the object that it sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core.discovery.facts import Applied, Block, ChartUse, Object
from bot.core.discovery.objects import CHART, REFERENCE, SUBSTITUTED, block, chart_use, word
from bot.core.manifests.conventions import (
    Candidate,
    at,
    has_version,
    kustomize_image,
    kustomize_images,
    pinned,
    values,
)
from bot.core.manifests.locate import from_pointer
from bot.core.manifests.nodes import Mapping, Node, Scalar, Sequence, key_text, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.core.discovery.facts import Target, Value
    from bot.core.discovery.reading import Here
    from bot.core.models import Path

_SPEC: Path = ("spec",)
_VALUES: Path = ("spec", "values")
_IMAGES: Path = ("spec", "images")
_DEEPEST = 50
_TESTED = "the patch applies only while the object has this value, and fails once it is bumped"


def is_operations(root: Node) -> bool:
    """Whether the document is a list of operations."""
    items = root.items if isinstance(root, Sequence) else []
    return bool(items) and all(isinstance(one, Mapping) and one.get("op") and one.get("path") for one in items)


def read_operations(here: Here, target: Target | None = None) -> Iterator[Object]:
    """The operations of the document, as the part of an object that they set; nothing if they set no version."""
    root = here.document.root
    blocks: dict[tuple[Path, int], Block] = {}
    charts: list[ChartUse] = []
    semver = None
    variables: list[tuple[str, Value]] = []
    for one in _operations(here):
        for found in _blocks(one):
            # Each image in one text is a place of its own, and so is what is put at the end of a list, or only tested.
            place = found.image.path if found.image else found.at
            key = (place, one.index if one.tests or "-" in place else -1)
            blocks[key] = _together(blocks.get(key), found)
        charts += chart_use(at(one.tree, CHART), one.under(CHART, "version"))
        semver = one.under(REFERENCE, "semver") or semver
        added = at(one.tree, SUBSTITUTED)
        keys = [key_text(key) or "" for key, _ in added.pairs] if isinstance(added, Mapping) else []
        variables += [(key, value) for key in keys if (value := one.under(SUBSTITUTED, key))]
    if blocks or charts or semver or variables:
        number, line = here.document.number, root.line
        part = Object(number, line=line, blocks=tuple(blocks.values()), charts=tuple(charts))
        applied = Applied("", substitute=tuple(variables)) if variables else None
        yield part._replace(semver=semver, target=target, applied=applied)


def _together(known: Block | None, more: Block) -> Block:
    """Tag and digest of one image may be set by two operations."""
    if known is None:
        return more
    return known._replace(
        repository=more.repository or known.repository,
        registry=more.registry or known.registry,
        tag=more.tag or known.tag,
        digest=more.digest or known.digest,
        sure=more.sure or known.sure,
    )


def _operations(here: Here) -> Iterator[_Operation]:
    root = here.document.root
    for index, item in enumerate(root.items if isinstance(root, Sequence) else []):
        value = item.get("value") if isinstance(item, Mapping) else None
        if isinstance(item, Mapping) and value is not None and text(item.get("op")) in ("add", "replace", "test"):
            path = from_pointer(text(item.get("path")) or "")
            if 0 < len(path) <= _DEEPEST:
                yield _Operation(here, index, path, value, tests=text(item.get("op")) == "test")


class _Operation:
    """One operation that sets something in an object, or `tests` what is there: then it fails after another bump."""

    def __init__(self, here: Here, index: int, path: Path, value: Node, *, tests: bool) -> None:
        self.here, self.index, self.path, self.value, self.tests = here, index, path, value, tests
        self.tree = _nested(value, path)

    def place(self, path: Path) -> Path:
        """A path in the object → the path in the patch."""
        return (self.index, "value", *path[len(self.path) :])

    def under(self, path: Path, key: str) -> Value | None:
        """The scalar that it sets under a key of the mapping at `path` in the object."""
        there = at(at(self.tree, path), (key,)) is not None
        return self.judged(self.here.value(self.place((*path, key)))) if there else None

    def judged(self, value: Value | None) -> Value | None:
        """The scalar, and that it must not be edited if it is only tested."""
        return value._replace(code="tested", what=_TESTED) if value and self.tests else value


def _blocks(one: _Operation) -> Iterator[Block]:
    for found in _candidates(one):
        tag, digest, image = (None if way is None else one.place(way) for way in (found.tag, found.digest, found.image))
        made = block(one.here, found._replace(tag=tag, digest=digest, image=image))
        yield made._replace(
            key=str(found.image[-1]) if found.image else "",
            label="",
            tag=one.judged(made.tag),
            digest=one.judged(made.digest),
            image=one.judged(made.image),
            name=one.judged(made.name),
        )
    yield from _reference(one)


def _candidates(one: _Operation) -> Iterator[Candidate]:
    """Every image in what is set, wherever the operation begins: at one field, at a container, or at all of `spec`."""
    yield from values(at(one.tree, _VALUES), _VALUES)
    yield from _kustomize_images(at(one.tree, _IMAGES))
    spec = at(one.tree, _SPEC)
    yield from (found for found in pinned(spec, _SPEC) if found.at[: len(_VALUES)] != _VALUES)
    if spec is None and one.path[-1] == "image" and has_version(text(one.value) or ""):
        yield Candidate("image", text(one.value) or "", image=one.path, at=one.path[:-1])


def _kustomize_images(listed: Node | None) -> Iterator[Candidate]:
    if isinstance(listed, Mapping):
        for key, entry in listed.pairs:
            yield from kustomize_image(entry, (*_IMAGES, key_text(key) or ""))
    else:
        yield from kustomize_images(listed, _IMAGES)


def _reference(one: _Operation) -> Iterator[Block]:
    """What it sets of an OCIRepository's version."""
    tag, digest = (one.under(REFERENCE, key) for key in ("tag", "digest"))
    if tag or digest:
        repository = word(at(one.tree, _SPEC), "url").removeprefix("oci://")
        yield Block(REFERENCE, "tag", repository, tag=tag, digest=digest)


def _nested(value: Node, path: Path) -> Node:
    """What the operation sets at `path`, as a tree that starts at the object."""
    node = value
    for key in reversed(path):
        outer = Mapping(node.start, node.end, node.line)
        outer.pairs.append((Scalar(node.start, node.start, node.line, text=str(key)), node))
        node = outer
    return node
