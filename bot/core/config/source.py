"""YAML bytes become plain data and the place of every key and value; what YAML allows and a person would not see
coming (aliases, tags, a second document, a key twice) is a problem.

YAML 1.1 as libyaml reads it: https://yaml.org/spec/1.1/. A file larger than 1 MiB or nested deeper than 40 is refused,
as are more than 20,000 keys and values: whatever is wrong with them is told in a second or so.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import yaml

if TYPE_CHECKING:
    from yaml._yaml import Mark as _CMark

    from bot.core.models import Path

    _Mark: TypeAlias = yaml.Mark | _CMark

MOST_BYTES = 1 << 20
DEEPEST = 40
MOST_VALUES = 20_000

_HIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_HINTS = (
    ("cannot start any token", "put the text in quotes; indent with spaces, not tabs"),
    ("mapping values are not allowed", "check the indentation, and quote a text that holds `: `"),
    ("could not find expected ':'", "write `key: value`, each on its own line, with a space behind the colon"),
    ("did not find expected key", "check the indentation: keys that belong together begin in the same column"),
    ("did not find expected ',' or", "close the bracket, or put a comma between the entries"),
    ("block end", "check the indentation: keys that belong together begin in the same column"),
    ("end of stream", "close the quote or the bracket"),
    ("escape", "write a backslash as two, or use single quotes"),
)


class Place(NamedTuple):
    """Where a key or value begins (1-based line and column), and how a plain (unquoted) scalar is written."""

    line: int
    column: int
    plain: str | None = None


class Fault(NamedTuple):
    """Something wrong with the YAML itself."""

    path: Path
    place: Place
    message: str
    fix: str


class SourceError(Exception):
    """The text could not be read any further than its `fault`."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


class Source(NamedTuple):
    """What was read: mappings as dicts with text keys, lists as tuples; places by path; faults that leave the rest
    readable."""

    data: object
    keys: dict[Path, Place]
    values: dict[Path, Place]
    faults: list[Fault]

    def key(self, path: Path) -> Place:
        """Where the key (or list entry) at `path` begins, or the nearest one above it that is there."""
        for end in range(len(path), 0, -1):
            if place := self.keys.get(path[:end]):
                return place
        return self.values.get((), Place(1, 1))

    def value(self, path: Path) -> Place:
        """Where the value at `path` begins, or the nearest key above it that is there."""
        return self.values.get(path) or self.key(path)


def read(content: bytes) -> Source:
    """UTF-8 YAML → Source. `SourceError` at the first place where nothing more can be made of the text."""
    text = _text(content)
    try:
        root = _root(text)
    except yaml.MarkedYAMLError as error:
        raise SourceError(_syntax(error, text)) from error
    except yaml.YAMLError as error:
        raise _stop(Place(1, 1), "this is not YAML", "write the file as YAML in UTF-8") from error
    if root is None:
        raise _stop(Place(1, 1), "the file is empty", "write a configuration with `gitops-bot init`")
    source = Source(None, {}, {}, [])
    return source._replace(data=_data(root, (), source))


def _text(content: bytes) -> str:
    if len(content) > MOST_BYTES:
        raise _stop(Place(1, 1), "the file is larger than 1 MiB", "a configuration is a page or two: is this the file?")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = _place_in(content[: error.start].decode("utf-8-sig"))
        raise _stop(place, "this is not UTF-8", "save the file as UTF-8") from error
    if hidden := _HIDDEN.search(text):
        place = _place_in(text[: hidden.start()])
        raise _stop(place, f"there is a control character, U+{ord(hidden[0]):04X}", "delete it")
    return text


def _place_in(before: str) -> Place:
    lines = before.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return Place(len(lines), len(lines[-1]) + 1)


def _root(text: str) -> yaml.Node | None:
    # Events first: composing recurses, and resolves the aliases that a bomb is made of.
    depth = documents = values = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        place = _at(event.start_mark)
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
        elif isinstance(event, yaml.NodeEvent):
            values += 1
            _refuse_indirection(event, place)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise SourceError(_too_deep(place))
        if values > MOST_VALUES:
            raise _stop(place, f"there are more than {MOST_VALUES} keys and values", "is this the file?")
        if documents > 1:
            raise _stop(place, "a second document begins here", "keep one document: delete this `---` and what follows")
    return yaml.compose(text, Loader=yaml.CSafeLoader)


def _refuse_indirection(event: yaml.NodeEvent, place: Place) -> None:
    if event.anchor:
        raise _stop(place, "anchors and aliases (`&`, `*`) are not supported", "write the value out; quote a text")
    if getattr(event, "tag", None):
        raise _stop(place, "tags (`!`) are not supported", "write the value without its tag; quote a text")


def _data(node: yaml.Node, path: Path, source: Source) -> object:
    source.values[path] = _at(node.start_mark)
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, source)
    if isinstance(node, yaml.SequenceNode):
        source.keys.update({(*path, i): _at(item.start_mark) for i, item in enumerate(node.value)})
        return tuple(_data(item, (*path, i), source) for i, item in enumerate(node.value))
    if isinstance(node, yaml.ScalarNode) and not node.style:
        source.values[path] = _at(node.start_mark)._replace(plain=node.value)
        return _scalar(node)
    return str(node.value)


def _mapping(node: yaml.MappingNode, path: Path, source: Source) -> dict[str, object]:
    data: dict[str, object] = {}
    for key_node, value_node in node.value:
        key = _key(key_node, path, source)
        if key is None:
            continue
        here = (*path, key)
        if key in data:
            message = f"this key is already in line {source.keys[here].line}"
            source.faults.append(Fault(here, _at(key_node.start_mark), message, "keep one of the two"))
            continue
        source.keys[here] = _at(key_node.start_mark)
        data[key] = _data(value_node, here, source)
    return data


def _key(node: yaml.Node, path: Path, source: Source) -> str | None:
    place = _at(node.start_mark)
    if not isinstance(node, yaml.ScalarNode):
        source.faults.append(Fault(path, place, "a key must be a text", "write `key: value`"))
        return None
    if not node.style and node.value == "<<":
        source.faults.append(Fault(path, place, "merge keys (`<<`) are not supported", "write the keys out"))
        return None
    if not node.style and not isinstance(value := _scalar(node), str):
        message = f"YAML reads this key as {kind_of(value)}, not as text"
        source.faults.append(Fault(path, place, message, f"put it in quotes: '{node.value}'"))
    return str(node.value)


def _scalar(node: yaml.ScalarNode) -> object:
    kind = node.tag.rpartition(":")[2]
    if kind not in ("null", "bool", "int", "float"):
        return str(node.value)  # dates as well: no key of the configuration wants one
    try:
        return getattr(yaml.constructor.SafeConstructor(), f"construct_yaml_{kind}")(node)
    except ValueError:
        return str(node.value)  # such as `1:60:`, which looks like a number and is none, or far too many digits


def kind_of(value: object) -> str:
    """What a value is, in the words of a person who writes YAML."""
    kinds: tuple[tuple[Any, str], ...] = (
        (bool, "`true`" if value else "`false`"),
        (int, "a whole number"),
        (float, "a number"),
        (str, "text"),
        (dict, "a mapping"),
        (tuple, "a list"),
    )
    return next((words for kind, words in kinds if isinstance(value, kind)), "nothing")


def _syntax(error: yaml.MarkedYAMLError, text: str) -> Fault:
    lines = text.splitlines()
    mark = error.problem_mark or error.context_mark
    if error.context_mark and mark and mark.index >= len(text.rstrip()):
        mark = error.context_mark  # what is open at the end of the file is better shown where it was opened
    place = _at(mark)
    if "nesting depth" in (error.problem or ""):
        return _too_deep(place)  # libyaml's own limit, which a look ahead meets before any event
    said = " ".join(part for part in (error.problem, error.context) if part)
    line = lines[place.line - 1] if place.line <= len(lines) else ""
    if "\t" in line[: place.column]:
        return Fault((), place, "there is a tab here, which YAML does not allow", "indent with spaces")
    fix = next((fix for words, fix in _HINTS if words in said), "check quotes, brackets and indentation here")
    return Fault((), place, f"this is not valid YAML: {said}", fix)


def _too_deep(place: Place) -> Fault:
    return Fault((), place, f"this is nested deeper than {DEEPEST} levels", "a configuration needs no more than 8")


def _at(mark: _Mark | None) -> Place:
    return Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)


def _stop(place: Place, message: str, fix: str) -> SourceError:
    return SourceError(Fault((), place, message, fix))
