"""An edit replaces one scalar's bytes and nothing else, proves it by reading the result, or is refused."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from bot.core.manifests.document import encrypted, is_secret, parse
from bot.core.manifests.hazards import Hazard
from bot.core.manifests.locate import addresses, document, pointer, scalar, trail
from bot.core.manifests.nodes import Alias, Node, Parsed, Scalar
from bot.core.manifests.opinion import Trail
from bot.core.manifests.scalars import is_line, written
from bot.core.manifests.verify import STR, held, verify
from bot.core.models import Change, Path, Refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.core.manifests.nodes import Identity

_BREAK = re.compile("[\r\n\x85\u2028\u2029]")
_VARIABLE = re.compile(r"\$\{\s*([A-Za-z_][A-Za-z0-9_]*)?")
_NULL = ("", "~", "null", "Null", "NULL")


class Edit(NamedTuple):
    """One value to set: where (keys, and numbers or `name`s of list items), the new text, in which document.

    `fill` allows an empty value to be filled, and one to be made empty, which is otherwise refused;
    `part` that the value holds a variable or a
    template, which stay as they are.
    """

    path: Path
    new: str
    document: Identity | int = 0
    fill: bool = False
    part: bool = False


class Note(NamedTuple):
    """Something that a person should know of an edit that was made; the same fields as a `Refusal`."""

    file: str
    line: int
    path: str
    reason_code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Edited:
    """The outcome of `edit`. With any refusal, `content` is what it was and `changes` is empty."""

    content: bytes
    changes: tuple[Change, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    notes: tuple[Note, ...] = ()


class _Splice(NamedTuple):
    start: int
    end: int
    new: bytes


class _Target(NamedTuple):
    """An edit with the nodes on its path, the scalar at the end, and the bytes that go there."""

    edit: Edit
    nodes: list[Node]
    scalar: Scalar
    splice: _Splice


def edit(file: str, content: bytes, edits: Sequence[Edit]) -> Edited:
    """Set every value, or none: the bytes of `file` and the edits → new bytes, changes, refusals, notes.

    A value that is already there, and reads as a string, is neither a change nor a refusal.
    """
    try:
        parsed = readable(content)
    except Hazard as hazard:
        return Edited(content, (), tuple(hazard.refusal(file, pointer(one.path)) for one in edits))
    wanted, refused = _targets(file, content, parsed, edits)
    if refused or not wanted:
        return Edited(content, (), tuple(dict.fromkeys(refusal for _, refusal in refused)))
    try:
        result = _spliced(content, parsed, wanted)
    except Hazard as hazard:
        return Edited(content, (), tuple(hazard.refusal(file, pointer(one.edit.path)) for one in wanted))
    changes = tuple(_change(file, one) for one in wanted)
    return Edited(result, changes, (), tuple(note for one in wanted for note in _notes(file, one)))


def refused_edits(file: str, content: bytes, edits: Sequence[Edit]) -> list[tuple[Edit, Refusal]]:
    """Each edit that must not be made, whatever becomes of the others, and why."""
    try:
        return _targets(file, content, readable(content), edits)[1]
    except Hazard as hazard:
        return [(one, hazard.refusal(file, pointer(one.path))) for one in edits]


def readable(content: bytes) -> Parsed:
    """The file's nodes. `Hazard` if it cannot be read, or SOPS keeps it."""
    parsed = parse(content)
    if block := encrypted(parsed):
        raise Hazard("encrypted", block.line, "the file is encrypted by SOPS")
    return parsed


def _targets(
    file: str, content: bytes, parsed: Parsed, edits: Sequence[Edit]
) -> tuple[list[_Target], list[tuple[Edit, Refusal]]]:
    wanted = _Wanted(content, parsed)
    refused: list[tuple[Edit, Refusal]] = []
    # Aliases come last: they are satisfied when their anchor gets the value.
    for kind in (Scalar, Alias):
        for one in edits:
            try:
                wanted.add(one, kind)
            except Hazard as hazard:
                refused.append((one, hazard.refusal(file, pointer(one.path))))
    refused += [(one, hazard.refusal(file, pointer(one.path))) for one, hazard in wanted.rivals]
    return wanted.targets, refused


class _Wanted:
    """What is asked of each scalar of one file."""

    def __init__(self, content: bytes, parsed: Parsed) -> None:
        self.content, self.parsed = content, parsed
        self.documents = addresses(parsed)
        self.asked: dict[int, Edit] = {}
        self.taken: set[int] = set()
        self.rivals: list[tuple[Edit, Hazard]] = []
        self.targets: list[_Target] = []

    def add(self, one: Edit, kind: type[Scalar] | type[Alias]) -> None:
        """Take an edit whose place is of that kind. `Hazard` if it must not be made."""
        nodes = trail(document(self.documents, one.document).root, one.path)
        node = scalar(nodes)
        if not isinstance(node, kind):
            return
        if not is_line(one.new) and (one.new or not one.fill):
            raise Hazard("bad_value", node.line, "the new value is empty or not one line of text")
        if isinstance(node, Scalar):
            self.set(one, nodes, node)
        elif self.value(node.target) != one.new:
            raise Hazard("alias", node.line, f"the value is the alias *{node.name}")

    def value(self, target: Node) -> str | None:
        """What an alias of the target will stand for."""
        asked = self.asked.get(id(target))
        return asked.new if asked else held(target)

    def set(self, one: Edit, nodes: list[Node], node: Scalar) -> None:
        """Note the new text, and the bytes to write where it is not there already."""
        known = self.asked.setdefault(id(node), one)
        if known.new != one.new:
            problem = Hazard("conflicting_edits", node.line, "two different values are wanted here")
            self.rivals.append((known, problem))
            raise problem
        if held(node) != one.new and id(node) not in self.taken:
            check(node, fill=one.fill, part=one.part)
            self.taken.add(id(node))
            quote = "" if one.part else self.parsed.quote
            self.targets.append(_Target(one, nodes, node, _splice(self.content, quote, node, one.new)))


def is_empty(node: Scalar) -> bool:
    """Whether the scalar is null or the empty string."""
    return not node.value.strip() or (not node.style and node.text in _NULL)


def check(node: Scalar, *, fill: bool, part: bool = False) -> None:
    """`Hazard` if the scalar must not be edited; an empty one may be filled with `fill`, a `part` of it changed."""
    if is_empty(node) and not fill:
        raise Hazard("empty_value", node.line, "the value is empty")
    if node.tag not in (None, STR):
        raise Hazard("tagged", node.line, f"the value has the YAML tag {node.tag}")
    if not part:
        check_text(node)
    if _BREAK.search(node.value):
        raise Hazard("multi_line", node.line, "the value has several lines")


def check_text(node: Scalar) -> None:
    """`Hazard` if something fills the value in later: SOPS, Flux's substitution or a template."""
    check_words(node.text, node.line)


def check_words(text: str, line: int) -> None:
    """As `check_text`, for a text on that line."""
    if is_secret(text):
        raise Hazard("encrypted", line, "the value is encrypted by SOPS")
    if found := _VARIABLE.search(text):
        raise Hazard("substituted", line, f"the value comes from the variable {found[1] or text}")
    if "{{" in text:
        raise Hazard("templated", line, "the value is a template: {{ … }}")
    if "<<" in text and ">>" in text:
        raise Hazard("templated", line, "the value is a template: << … >>")


def _spliced(content: bytes, parsed: Parsed, wanted: list[_Target]) -> bytes:
    result, position = bytearray(), 0
    for one in sorted(target.splice for target in wanted):
        result += content[position : one.start] + one.new
        position = one.end
    new = bytes(result + content[position:])
    verify(content, parsed, new, [Trail(one.nodes, one.edit.new) for one in wanted])
    return new


def _splice(content: bytes, quote: str, node: Scalar, new: str) -> _Splice:
    if node.style in ("|", ">"):
        return _block(content, node, new)
    if b"\n" in (old := content[node.start : node.end]) or b"\r" in old:
        raise Hazard("multi_line", node.line, "the value has several lines")
    # Without a quote to take, a plain value stays as plain as it is.
    plain = not quote and not node.style
    text = new if plain else written(new, node.style, quote, tagged=node.tag is not None)
    # `key:` without a value: a blank must come between.
    blank = " " if node.start == node.end and content[node.start - 1 : node.start] not in (b" ", b"\t") else ""
    return _Splice(node.start, node.end, (blank + text).encode())


def _block(content: bytes, node: Scalar, new: str) -> _Splice:
    old = node.value.encode()
    lines = content[node.start : node.end].splitlines(keepends=True)
    filled = [number for number, line in enumerate(lines) if number and line.strip()]
    # A blank in front would be taken for indentation.
    if len(filled) != 1 or not lines[filled[0]].rstrip(b"\r\n").endswith(old) or new[0] in " \t":
        raise Hazard("multi_line", node.line, "the value has several lines")
    end = node.start + len(b"".join(lines[: filled[0]])) + len(lines[filled[0]].rstrip(b"\r\n"))
    return _Splice(end - len(old), end, new.encode())


def _change(file: str, target: _Target) -> Change:
    node = target.scalar
    return Change(file, node.line, pointer(target.edit.path), node.value, target.edit.new)


def _notes(file: str, target: _Target) -> list[Note]:
    path = pointer(target.edit.path)
    return [
        Note(file, one.line, path, "anchored", f"&{one.anchor} has {_aliases(one.aliases)} with it")
        for one in target.nodes
        if one.aliases
    ]


def _aliases(number: int) -> str:
    return "1 alias, which changes" if number == 1 else f"{number} aliases, which change"
