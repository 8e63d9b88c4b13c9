"""Bytes become nodes with byte offsets: libyaml's events over an ASCII shadow of the file.

libyaml counts characters; where every byte is one ASCII character, its index is the byte's offset. Events are
read, not composed nodes, because composing refuses repeated anchors, which Flux's parser accepts.
Grammar: https://yaml.org/spec/1.1/
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import yaml

from bot.core.manifests.hazards import Hazard
from bot.core.manifests.nodes import Alias, Document, Mapping, Node, Parsed, Scalar, Sequence, identity

if TYPE_CHECKING:
    from collections.abc import Iterator

Loader: TypeAlias = type[Any]

_BOM = b"\xef\xbb\xbf"
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_PROPERTIES = re.compile(rb"(?:(?:!<[^>]*>|[&!][^\s,\[\]{}]*)(?:\s+(?:#[^\r\n]*\s+)*)?)*")
_SHADOW = bytes(range(0x80)) + b"x" * 0x80
_SEPARATORS = re.compile("[\x85\u2028\u2029]")
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_SECRET = "ENC[AES256_GCM,"  # noqa: S105 - how SOPS writes a value, and no password
_DEPTH = 100
# Without libyaml the pure loader gives the same events, only slower.
FASTEST: Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parse(content: bytes, loader: Loader = FASTEST) -> Parsed:
    """A YAML file's bytes → its nodes. `Hazard` for what no reader agrees on: encoding, syntax, templates."""
    body = content.removeprefix(_BOM)
    decoded = _decode(body)
    events = list(_events(body.translate(_SHADOW), loader))
    # Names and values come from the real text; the shadow only says where they are.
    real = events if body.isascii() else _real(body, decoded, loader, events)
    return _Build(body, len(content) - len(body)).run(events, real)


def _real(body: bytes, decoded: str, loader: Loader, shadow: list[yaml.Event]) -> list[yaml.Event]:
    """The events of the real text. `Hazard` unless they are those of the shadow."""
    separator = _SEPARATORS.search(decoded)
    try:
        real = list(_events(body, loader))
    except Hazard:
        if not separator:
            raise
        real = []
    agree = _agree if separator else _alike
    if len(real) != len(shadow) or not all(map(agree, shadow, real)):
        line = decoded.count("\n", 0, separator.start()) + 1 if separator else 1
        raise Hazard("readers_disagree", line, "the file has unusual line separators")
    return real


def _alike(shadow: yaml.Event, real: yaml.Event) -> bool:
    return type(shadow) is type(real)


def _agree(shadow: yaml.Event, real: yaml.Event) -> bool:
    """Whether the two are one event, although NEL, LS and PS end a line in the real text and not in the shadow."""
    if isinstance(shadow, yaml.ScalarEvent) and isinstance(real, yaml.ScalarEvent):
        return _shadowed(shadow.value) == _shadowed(real.value)
    return _alike(shadow, real)


def _shadowed(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass").translate(_SHADOW)


def _decode(body: bytes) -> str:
    if body.startswith(_UTF_16):
        raise Hazard("not_utf8", 1, "the file is UTF-16")
    if control := _CONTROL.search(body):
        raise Hazard("control_character", _line(body, control.start()), "the file has a control character")
    try:
        decoded = body.decode()
    except UnicodeDecodeError as error:
        raise Hazard("not_utf8", _line(body, error.start), "the file is not UTF-8") from error
    if "\ufeff" in decoded:
        raise Hazard("bom_inside", decoded[: decoded.index("\ufeff")].count("\n") + 1, "a byte order mark in the text")
    return decoded


def _events(body: bytes, loader: Loader) -> Iterator[yaml.Event]:
    try:
        yield from yaml.parse(body, Loader=loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        if b"{{" in body:
            raise Hazard("templated", line, "the file is a template, not YAML") from error
        problem = getattr(error, "problem", None) or "it has a character that YAML does not allow"
        if "nesting depth" in problem:  # libyaml's own limit, since 0.2.6
            raise _too_deep(line) from error
        raise Hazard("not_parsable", line, f"the file is not YAML: {problem}") from error


def _too_deep(line: int) -> Hazard:
    return Hazard("too_deep", line, f"the file is nested more than {_DEPTH} levels deep")


def _line(body: bytes, offset: int) -> int:
    return body.count(b"\n", 0, offset) + 1


@dataclass(slots=True)
class _Open:
    """A collection whose end has not come yet, and the key that waits for its value."""

    node: Mapping | Sequence
    key: Node | None = None


class _Build:
    """One pass over the events with a stack of open collections, so that nesting costs no recursion."""

    def __init__(self, body: bytes, offset: int) -> None:
        self.body, self.offset = body, offset
        self.documents: list[Document] = []
        self.nodes: list[Node] = []
        self.anchors: dict[str | None, Node] = {}
        self.open: list[_Open] = []

    def run(self, events: list[yaml.Event], real: list[yaml.Event]) -> Parsed:
        """All events, in pairs of shadow and real text → the file."""
        for event, same in zip(events, real, strict=True):
            if isinstance(event, yaml.ScalarEvent) and isinstance(same, yaml.ScalarEvent):
                self.add(Scalar(*self.span(event), event.anchor, same.tag, 0, same.value, event.style or ""))
            elif isinstance(event, yaml.AliasEvent):
                self.alias(event)
            elif isinstance(event, yaml.CollectionStartEvent) and isinstance(same, yaml.CollectionStartEvent):
                self.start(event, same)
            elif isinstance(event, yaml.CollectionEndEvent):
                self.end(event)
            elif isinstance(event, yaml.DocumentStartEvent):
                self.anchors = {}
        quotes = Counter(node.style for node in self.nodes if isinstance(node, Scalar))
        return Parsed(tuple(self.documents), tuple(self.nodes), "'" if quotes["'"] > quotes['"'] else '"')

    def alias(self, event: yaml.AliasEvent) -> None:
        """An alias; its target learns that there is one more."""
        span = self.span(event)
        target = self.anchors.get(event.anchor)
        if target is None:
            raise Hazard("not_parsable", span[2], f"no anchor is named {event.anchor}")
        target.aliases += 1
        self.add(Alias(*span, name=str(event.anchor), target=target))

    def start(self, event: yaml.CollectionStartEvent, real: yaml.CollectionStartEvent) -> None:
        """Open a mapping or sequence."""
        kind = Mapping if isinstance(event, yaml.MappingStartEvent) else Sequence
        node = kind(*self.span(event), event.anchor, real.tag)
        if self.is_template(node):
            raise Hazard("templated", node.line, "the file is a template, not YAML")
        self.add(node)
        self.open.append(_Open(node))
        if len(self.open) > _DEPTH:
            raise _too_deep(node.line)

    def is_template(self, node: Node) -> bool:
        """Whether the node is a mapping as the key of another, written `{{`: Helm's expression, which is YAML too."""
        at = node.start - self.offset
        return self.body[at - 1 : at + 1] == b"{{" and bool(self.open) and isinstance(self.open[-1].node, Mapping)

    def end(self, event: yaml.Event) -> None:
        """Close the innermost collection; with the outermost the document is complete and can be named."""
        self.open.pop().node.end = self.span(event)[1]
        if not self.open:
            last = self.documents[-1]
            self.documents[-1] = last._replace(identity=identity(last.root))

    def add(self, node: Node) -> None:
        """Put a node where it belongs: as root, item, key or value."""
        self.nodes.append(node)
        if node.anchor:
            self.anchors[node.anchor] = node
        if not self.open:
            self.documents.append(Document(len(self.documents), node, None))
            return
        parent = self.open[-1]
        if isinstance(parent.node, Sequence):
            parent.node.items.append(node)
        elif parent.key is None:
            parent.key = node
        else:
            parent.node.pairs.append((parent.key, node))
            parent.key = None

    def span(self, event: yaml.Event) -> tuple[int, int, int]:
        """Byte offsets and line of an event, without its anchor and tag."""
        mark = cast("yaml.Mark", event.start_mark)
        first, end = mark.index, cast("yaml.Mark", event.end_mark).index
        start = first
        if getattr(event, "tag", None) or (getattr(event, "anchor", None) and not isinstance(event, yaml.AliasEvent)):
            found = _PROPERTIES.match(self.body, first, end)
            start = min(found.end(), end) if found else first
        line = mark.line + 1 + self.body.count(b"\n", first, start)
        return start + self.offset, end + self.offset, line


def encrypted(parsed: Parsed) -> Node | None:
    """The `sops` block of a file that SOPS encrypted (https://getsops.io/docs/), None if it did not.

    It has a `mac`; where that is gone, the encrypted values tell.
    """
    for document in parsed.documents:
        block = document.root.get("sops") if isinstance(document.root, Mapping) else None
        if isinstance(block, Mapping) and (
            block.get("mac") or any(isinstance(node, Scalar) and is_secret(node.text) for node in parsed.nodes)
        ):
            return block
    return None


def is_secret(text: str) -> bool:
    """Whether the text of a value is what SOPS encrypted."""
    return text.startswith(_SECRET)
