"""Bytes become nodes with byte offsets: libyaml's events over an ASCII shadow of the file.

libyaml counts characters; where every byte is one ASCII character, its index is the byte's offset. Events are
read, not composed nodes, because composing refuses repeated anchors, which Flux's parser accepts.
Grammar: https://yaml.org/spec/1.1/
"""

from __future__ import annotations

import re
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, TypeAlias

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
_GIT_CRYPT = b"\0GITCRYPT\0"
LFS = b"version https://git-lfs.github.com/spec/v1"
_SECRET = "ENC[AES256_GCM,"  # noqa: S105 - how SOPS writes a value, and no password
_DEPTH = 100
_MOST_NODES = 400_000
"""What fits into 200 MB of memory. A bundle of 4 MB of definitions of resources has half as many."""
# Without libyaml the pure loader gives the same events, only slower.
FASTEST: Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parse(content: bytes, loader: Loader = FASTEST) -> Parsed:
    """A YAML file's bytes → its nodes. `Hazard` for what no reader agrees on: encoding, syntax, templates."""
    body = content.removeprefix(_BOM)
    decoded = _decode(body)
    build = _Build(body, len(content) - len(body))
    if body.isascii():
        for event in _events(body, loader):
            build.add(event, event)
        return build.parsed()
    # Names and values come from the real text; the shadow only says where they are.
    separator = _SEPARATORS.search(decoded)
    line = decoded.count("\n", 0, separator.start()) + 1 if separator else 1
    problem = Hazard("readers_disagree", line, "the file has unusual line separators")
    real = _real_events(body, loader, problem if separator else None)
    for event, same in zip_longest(_events(body.translate(_SHADOW), loader), real):
        if not (_agree if separator else _alike)(event, same):
            raise problem
        build.add(event, same)
    return build.parsed()


def _real_events(body: bytes, loader: Loader, problem: Hazard | None) -> Iterator[yaml.Event]:
    """The events of the real text; with a `problem` that is raised where the text is not YAML, though its shadow is."""
    try:
        yield from _events(body, loader)
    except Hazard as hazard:
        raise problem or hazard from hazard


def _alike(shadow: yaml.Event | None, real: yaml.Event | None) -> bool:
    return type(shadow) is type(real)


def _agree(shadow: yaml.Event | None, real: yaml.Event | None) -> bool:
    """Whether the two are one event, although NEL, LS and PS end a line in the real text and not in the shadow."""
    if isinstance(shadow, yaml.ScalarEvent) and isinstance(real, yaml.ScalarEvent):
        return _shadowed(shadow.value) == _shadowed(real.value)
    return _alike(shadow, real)


def _shadowed(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass").translate(_SHADOW)


def _decode(body: bytes) -> str:
    if body.startswith(_GIT_CRYPT):
        raise Hazard("encrypted", 1, "the file is encrypted by git-crypt")
    if body.startswith(LFS):
        raise Hazard("lfs", 1, "the file is in Git LFS, and this is only the pointer to it")
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


def _events(body: bytes, loader: Loader) -> Iterator[Any]:
    try:
        # As yaml.parse, without asking for each event twice.
        following = loader(body).get_event
        while (event := following()) is not None:
            yield event
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        if "nesting depth" in str(error):  # libyaml's own limit, which its look ahead may reach first
            raise Hazard("too_deep", line, f"the file is nested more than {_DEPTH} levels deep") from error
        if b"{{" in body:
            raise Hazard("templated", line, "the file is a template, not YAML") from error
        # Newer readers have a limit of their own, far above this one, and meet it before they hand out an event.
        if "nesting depth" in (getattr(error, "problem", None) or ""):
            raise _too_deep(line) from error
        problem = getattr(error, "problem", None) or "it has a character that YAML does not allow"
        if "nesting depth" in problem:  # libyaml's own limit, since 0.2.6
            raise _too_deep(line) from error
        raise Hazard("not_parsable", line, f"the file is not YAML: {problem}") from error


def _too_deep(line: int) -> Hazard:
    return Hazard("too_deep", line, f"the file is nested more than {_DEPTH} levels deep")


def _line(body: bytes, offset: int) -> int:
    return body.count(b"\n", 0, offset) + 1


class _Build:
    """One pass over the events with a stack of open collections, so that nesting costs no recursion."""

    def __init__(self, body: bytes, offset: int) -> None:
        self.body, self.offset = body, offset
        self.documents: list[Document] = []
        self.nodes: list[Node] = []
        self.anchors: dict[str | None, Node] = {}
        # The open collections, and for each the key that waits for its value.
        self.open: list[Mapping | Sequence] = []
        self.keys: list[Node | None] = []

    def parsed(self) -> Parsed:
        """The file, once all events were added."""
        styles = [node.style for node in self.nodes if isinstance(node, Scalar)]
        quote = "'" if styles.count("'") > styles.count('"') else '"'
        return Parsed(tuple(self.documents), tuple(self.nodes), quote)

    def add(self, event: Any, real: Any) -> None:
        """Take an event of the shadow, and the same one of the real text."""
        kind = type(event)
        if kind is yaml.ScalarEvent:
            span = self.span(event, event.tag or event.anchor)
            scalar = Scalar(*span, event.anchor, real.tag, 0, real.value, event.style or "")
            if scalar.style == "|":
                scalar.raw = self.body[scalar.start - self.offset : scalar.end - self.offset]
            self.put(scalar)
        elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
            node = Mapping if kind is yaml.MappingStartEvent else Sequence
            self.start(node(*self.span(event, event.tag or event.anchor), event.anchor, real.tag))
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            self.end(event.end_mark.index + self.offset)
        elif kind is yaml.AliasEvent:
            self.alias(event.anchor, *self.span(event, None))
        elif kind is yaml.DocumentStartEvent:
            self.anchors = {}

    def alias(self, name: str, start: int, end: int, line: int) -> None:
        """An alias; its target learns that there is one more."""
        target = self.anchors.get(name)
        if target is None:
            raise Hazard("not_parsable", line, f"no anchor is named {name}")
        target.aliases += 1
        self.put(Alias(start, end, line, name=name, target=target))

    def start(self, node: Mapping | Sequence) -> None:
        """Open a mapping or sequence."""
        if self.is_template(node):
            raise Hazard("templated", node.line, "the file is a template, not YAML")
        self.put(node)
        self.open.append(node)
        self.keys.append(None)
        if len(self.open) > _DEPTH:
            raise _too_deep(node.line)

    def is_template(self, node: Node) -> bool:
        """Whether the node is a mapping as the key of another, written `{{`: Helm's expression, which is YAML too."""
        at = node.start - self.offset
        return self.body[at - 1 : at + 1] == b"{{" and bool(self.open) and isinstance(self.open[-1], Mapping)

    def end(self, offset: int) -> None:
        """Close the innermost collection; with the outermost the document is complete and can be named."""
        self.open.pop().end = offset
        self.keys.pop()
        if not self.open:
            last = self.documents[-1]
            self.documents[-1] = last._replace(identity=identity(last.root))

    def put(self, node: Node) -> None:
        """Put a node where it belongs: as root, item, key or value."""
        self.nodes.append(node)
        if len(self.nodes) > _MOST_NODES:
            raise Hazard("too_large", node.line, f"the file has more than {_MOST_NODES:,} keys and values")
        if node.anchor:
            self.anchors[node.anchor] = node
        if not self.open:
            self.documents.append(Document(len(self.documents), node, None))
            return
        parent, key = self.open[-1], self.keys[-1]
        if isinstance(parent, Sequence):
            parent.items.append(node)
        elif key is None:
            self.keys[-1] = node
        else:
            parent.pairs.append((key, node))
            self.keys[-1] = None

    def span(self, event: Any, properties: str | None) -> tuple[int, int, int]:
        """Byte offsets and line of an event, without its anchor and tag (`properties` says that it has one)."""
        mark = event.start_mark
        start, end, line = mark.index, event.end_mark.index, mark.line + 1
        if properties:
            found = _PROPERTIES.match(self.body, start, end)
            after = min(found.end(), end) if found else start
            line += self.body.count(b"\n", start, after)
            start = after
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
