"""JSON patches (RFC 6902): each operation that sets something is read as the part of the object that it sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core.discovery.facts import Block, ChartUse, Object
from bot.core.discovery.objects import CHART, REFERENCE, block, chart_use
from bot.core.manifests.conventions import Candidate, has_version, values
from bot.core.manifests.locate import from_pointer
from bot.core.manifests.nodes import Mapping, Node, Scalar, Sequence, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.core.discovery.facts import Target, Value
    from bot.core.discovery.reading import Here
    from bot.core.models import Path

_VALUES: Path = ("spec", "values")
_DEEPEST = 50


def is_operations(root: Node) -> bool:
    """Whether the document is a list of operations."""
    items = root.items if isinstance(root, Sequence) else []
    return bool(items) and all(isinstance(one, Mapping) and one.get("op") and one.get("path") for one in items)


def read_operations(here: Here, target: Target | None = None) -> Iterator[Object]:
    """The operations of the document, as the part of an object that they set; nothing if they set no version."""
    root = here.document.root
    blocks: dict[Path, Block] = {}
    charts: list[ChartUse] = []
    semver = None
    for one in _operations(here):
        for found in _blocks(one):
            blocks[found.at] = _together(blocks.get(found.at), found)
        charts += _charts(one)
        if one.path == (*REFERENCE, "semver"):
            semver = one.read(one.path)
    if blocks or charts or semver:
        number, line = here.document.number, root.line
        part = Object(number, line=line, blocks=tuple(blocks.values()), charts=tuple(charts))
        yield part._replace(semver=semver, target=target)


def _together(known: Block | None, more: Block) -> Block:
    """Tag and digest of one image may be set by two operations."""
    if known is None or known.image or more.image:
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
        if isinstance(item, Mapping) and value is not None and text(item.get("op")) in ("add", "replace"):
            path = from_pointer(text(item.get("path")) or "")
            if 0 < len(path) <= _DEEPEST:
                yield _Operation(here, index, path, value)


class _Operation:
    """One operation that sets something in an object."""

    def __init__(self, here: Here, index: int, path: Path, value: Node) -> None:
        self.here, self.index, self.path, self.value = here, index, path, value

    def place(self, path: Path) -> Path:
        """A path in the object → the path in the patch."""
        return (self.index, "value", *path[len(self.path) :])

    def read(self, path: Path) -> Value:
        """The scalar that it sets at a path in the object."""
        return self.here.value(self.place(path))


def _blocks(one: _Operation) -> Iterator[Block]:
    if one.path[:2] == _VALUES:
        for found in values(_nested(one, _VALUES), _VALUES):
            yield _moved(one, found)
    elif one.path == (*REFERENCE, "tag"):
        yield Block(REFERENCE, "tag", tag=one.read(one.path))
    elif one.path == (*REFERENCE, "digest"):
        yield Block(REFERENCE, "tag", digest=one.read(one.path))
    elif one.path[-1] == "image" and has_version(text(one.value) or ""):
        yield _moved(one, Candidate("image", text(one.value) or "", image=one.path, at=one.path[:-1]))


def _moved(one: _Operation, found: Candidate) -> Block:
    tag, digest, image = (None if way is None else one.place(way) for way in (found.tag, found.digest, found.image))
    return block(one.here, found._replace(tag=tag, digest=digest, image=image))


def _charts(one: _Operation) -> Iterator[ChartUse]:
    if one.path[: len(CHART)] != CHART:
        return
    if one.path == (*CHART, "version"):
        yield ChartUse(version=one.read(one.path))
    elif one.path == CHART:
        yield from chart_use(one.here, one.value, one.place(one.path))
    else:
        yield from chart_use(one.here, _nested(one, CHART), ())


def _nested(one: _Operation, above: Path) -> Node:
    """What the operation sets, as a tree that starts at `above`."""
    node = one.value
    for key in reversed(one.path[len(above) :]):
        outer = Mapping(node.start, node.end, node.line)
        outer.pairs.append((Scalar(node.start, node.start, node.line, text=str(key)), node))
        node = outer
    return node
