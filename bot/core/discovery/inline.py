"""YAML that is written as a text inside YAML. In a literal block it is read and edited as any other; in a text whose
lines are folded or quoted, what it sets is read, to be named, but not edited there.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from bot.core.discovery.facts import Block, Object, Value
from bot.core.discovery.objects import block, read_object
from bot.core.discovery.operations import is_operations, read_operations
from bot.core.discovery.reading import File, Here, open_file
from bot.core.manifests.conventions import kind_and_group, objects, values
from bot.core.manifests.document import parse
from bot.core.manifests.hazards import Hazard
from bot.core.manifests.nodes import Document
from bot.core.manifests.texts import inner
from bot.core.manifests.texts import root as root_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.core.discovery.facts import ChartUse, Target
    from bot.core.manifests.nodes import Scalar
    from bot.core.models import Path

_WHAT = {
    "inline_patch": "the patch is a text whose lines are folded or quoted, or several documents",
    "embedded": "the value stands in a text whose lines are folded or quoted, or in several documents",
}


def inline(
    node: Scalar, path: Path, here: Here, target: Target | None, code: str = "inline_patch"
) -> tuple[Object, ...]:
    """The objects in the text of the scalar at `path`; where their values must not be edited, they say so."""
    with suppress(Hazard):
        document = Document(here.document.number, root_of(node), here.document.identity)
        file = File(inner(node), here.file.lines, {}, ())
        return tuple(_read(Here(file, document, here.shared, (*here.prefix, *path)), target))
    outer = _Outer(node, path, here, code)
    content = node.value.encode("utf-8", "surrogatepass")
    try:
        file = open_file(content, parse(content))
    except Hazard as hazard:
        trouble = Value(path, node.line, 1, "", hazard.code, hazard.what)
        return (Object(here.document.number, line=node.line, blocks=(Block((), "image", image=trouble),)),)
    found = [one for document in file.parsed.documents for one in _read(Here(file, document), target)]
    return tuple(outer.object(one) for one in found)


def _read(here: Here, target: Target | None) -> Iterator[Object]:
    root = here.document.root
    if is_operations(root):
        yield from read_operations(here, target)
    elif kind_and_group(root)[0]:
        for node, path in objects(root):
            yield read_object(here, node, path)._replace(target=target)
    else:
        blocks = tuple(block(here, one) for one in values(root, ()))
        yield Object(here.document.number, line=root.line, blocks=blocks, target=target)


class _Outer:
    """The scalar that holds the text."""

    def __init__(self, node: Scalar, path: Path, here: Here, code: str) -> None:
        self.node, self.path, self.here, self.code = node, path, here, code

    def object(self, one: Object) -> Object:
        """The object, moved to where it is written."""
        return one._replace(
            document=self.here.document.identity or self.here.document.number,
            line=self.line(one.line),
            blocks=tuple(self.block(each) for each in one.blocks),
            charts=tuple(self.chart(each) for each in one.charts),
            semver=self.value(one.semver),
        )

    def block(self, one: Block) -> Block:
        tag, digest, image = (self.value(each) for each in (one.tag, one.digest, one.image))
        return one._replace(tag=tag, digest=digest, image=image)

    def chart(self, one: ChartUse) -> ChartUse:
        return one._replace(version=self.value(one.version))

    def value(self, one: Value | None) -> Value | None:
        if one is None:
            return None
        code, what = (one.code, one.what) if one.code else (self.code, _WHAT[self.code])
        return Value(self.path, self.line(one.line), 1, one.text, code, what)

    def line(self, inner: int) -> int:
        """Only a literal block keeps its lines; its first stands below the `|`."""
        return self.node.line + inner if self.node.style == "|" else self.node.line
