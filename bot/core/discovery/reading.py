"""Scalars of a parsed file become facts: where they are, whether they may be edited, which marker is theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bot.core.discovery.facts import Marker, Trouble, Value
from bot.core.discovery.lines import Lines
from bot.core.discovery.markers import find_markers
from bot.core.manifests.hazards import Hazard
from bot.core.manifests.locate import scalar, trail
from bot.core.manifests.nodes import Alias, Scalar
from bot.core.manifests.splice import check

if TYPE_CHECKING:
    from bot.core.manifests.nodes import Document, Parsed
    from bot.core.models import Path


class File(NamedTuple):
    """A parsed file: its nodes, its lines, its setter markers by the scalar's id(), and why some cannot be used."""

    parsed: Parsed
    lines: Lines
    markers: dict[int, Marker]
    troubles: tuple[Trouble, ...]


class Here(NamedTuple):
    """One document of a file. `shared` says that another document of the file has the same identity.

    For a document in a text of another, `prefix` leads to that text.
    """

    file: File
    document: Document
    shared: bool = False
    prefix: Path = ()

    def value(self, way: Path) -> Value:
        """The scalar at the path; one that must not be edited says why."""
        path = (*self.prefix, *way)
        try:
            node = scalar(trail(self.document.root, way))
        except Hazard as hazard:
            return Value(path, hazard.line, 1, "", hazard.code, hazard.what)
        code, what = self._problem(node)
        target = node.target if isinstance(node, Alias) else node
        text = target.value if isinstance(target, Scalar) else ""
        marker = self.file.markers.get(id(node))
        column = self.file.lines.column
        anchor = (target.line, column(target.start)) if target is not node else None
        return Value(path, node.line, column(node.start), text, code, what, marker, anchor)

    def _problem(self, node: Scalar | Alias) -> tuple[str, str]:
        if isinstance(node, Alias):
            return "alias", f"the value is the alias *{node.name}"
        try:
            check(node, fill=False)
        except Hazard as hazard:
            return hazard.code, hazard.what
        if self.shared:
            return "document_ambiguous", "the file has another object of that kind, namespace and name"
        return "", ""


def open_file(content: bytes, parsed: Parsed) -> File:
    """A file that was parsed, with its markers."""
    lines = Lines(content)
    if b"$imagepolicy" not in content:
        return File(parsed, lines, {}, ())
    markers, troubles = find_markers(content, parsed, lines)
    return File(parsed, lines, markers, troubles)
