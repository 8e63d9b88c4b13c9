"""What pydantic finds becomes plain English: what is wrong, in the words of a person who writes YAML, and the fix.

Error types: https://docs.pydantic.dev/latest/errors/validation_errors/
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, NamedTuple

from bot.core.config import models
from bot.core.config.problems import shown
from bot.core.config.schema import below
from bot.core.config.source import kind_of

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from bot.core.config.source import Place, Source
    from bot.core.models import Path

_WANTED = {
    "string_type": ("text", '{key}: "text"'),
    "int_type": ("a whole number", "{key}: 1"),
    "float_type": ("a number", "{key}: 300"),
    "bool_type": ("true or false", "{key}: true"),
    "tuple_type": ("a list", "{key}: [first, second]"),
    "dict_type": ("a mapping", "{key}: {{key: value}}"),
    "model_type": ("a mapping", "{key}: {{key: value}}"),
}
_SHAPES = {
    models.NAME: "use lower-case letters, digits, `_`, `-` and single `.` inside; begin with a letter or digit",
    models.FOLDER: "write a path inside the repository such as envs/dev: no `/` at either end, no `..`, no spaces",
    models.POINTER: "write a JSON Pointer such as /spec/values/image/tag",
    models.WHO: "write a user's name without `@`, team:org/name, permission:write or permission:admin",
    models.ARG: "use the name of an ARG, such as BASE_IMAGE",
    models.PLACE: "write a file and a JSON Pointer, such as values.yaml#/resources/*",
    models.CHART: "write the name as in Chart.yaml, with letters, digits, `-`, `_`, `.`, and `/` behind a folder",
    models.VARIABLE: "write the name of a variable such as APP_HOME",
    models.PLATFORM: "write a platform such as linux/amd64",
    models.ANY_PLATFORM: "write a platform such as linux/amd64",
    models.AGE: "write a whole number and `m`, `h` or `d`, for example 3d",
    models.TAG: "write a tag such as latest",
}
_BOUNDS = {
    "greater_than": ("more than {gt:g}", "gt"),
    "greater_than_equal": ("at least {ge:g}", "ge"),
    "less_than": ("less than {lt:g}", "lt"),
    "less_than_equal": ("at most {le:g}", "le"),
}


class Finding(NamedTuple):
    """One thing wrong with the data: where (path and place), what, and the fix."""

    path: Path
    place: Place
    message: str
    fix: str


def finding(error: ErrorDetails, source: Source) -> Finding:
    """One of `ValidationError.errors()` → what to tell the person."""
    path: Path = tuple(error["loc"])
    kind = error["type"]
    if path and path[-1] == "[key]":
        return Finding(path[:-1], source.key(path[:-1]), f"{shown(path[-2])} cannot be a name", _shape(error))
    if kind == "missing":
        return _missing(path, source)
    if kind == "extra_forbidden":
        return Finding(path, source.key(path), f"unknown key {shown(path[-1])}", _nearest(path))
    place = source.value(path)
    message, fix = _value(error, path, place)
    return Finding(path, place, message, fix)


def _missing(path: Path, source: Source) -> Finding:
    meaning = below(path).get("description", "")
    return Finding(path, source.key(path[:-1]), f"the key `{path[-1]}` is missing", f"add it. {meaning}".rstrip())


def _nearest(path: Path) -> str:
    known = sorted(below(path[:-1]).get("properties", {}))
    near = get_close_matches(str(path[-1]), known, n=1)
    return f"did you mean `{near[0]}`?" if near else f"known keys here: {', '.join(known)}"


def _value(error: ErrorDetails, path: Path, place: Place) -> tuple[str, str]:
    kind, context = error["type"], error.get("ctx", {})
    if kind in _WANTED:
        return _wrong_kind(error, path, place)
    if kind == "literal_error":
        choices = context["expected"].replace("'", "").replace(" or ", ", ")
        return f"this is {_seen(error, place)}, not one of: {choices}", f"write one of: {choices}"
    if kind in _BOUNDS:
        words = _BOUNDS[kind][0].format(**context)
        return f"this must be {words}", f"write a number that is {words}"
    if kind == "string_too_short":
        return "this is empty", "write a text, or leave the key out if it may be left out"
    if kind == "string_too_long":
        return f"this is longer than {context['max_length']} characters", "shorten it"
    if kind == "too_short":
        return f"`{path[-1]}` has no entry", "name at least one, indented below it"
    if kind == "string_pattern_mismatch":
        return f"{shown(error['input'])} cannot stand here", _shape(error)
    return f"{error['msg'][:1].lower()}{error['msg'][1:]}", "see docs/configuration.md"


def _wrong_kind(error: ErrorDetails, path: Path, place: Place) -> tuple[str, str]:
    wanted, example = _WANTED[error["type"]]
    value, last = error["input"], path[-1] if path else ""
    fix = "write " + example.format(key=shown(last)[1:-1])
    if isinstance(last, int):
        fix = "write - " + example.removeprefix("{key}: ").format()
    elif not path:
        fix = "begin with: version: 1"
    if value is None:
        return f"there is no value here, but {wanted} is wanted", f"{fix}, or delete the key"
    if error["type"] == "string_type" and place.plain is not None:
        return _unquoted(value, path, place.plain)
    if last == "test":
        fix = "write a command as a list: test: [sh, -c, './check.sh']"
    return f"this is {_seen(error, place)}, but {wanted} is wanted", fix


def _unquoted(value: object, path: Path, plain: str) -> tuple[str, str]:
    if "args" in path:  # what stands there may be meant to stay private
        return f"YAML reads this as {kind_of(value)}, not as text", "put it in quotes"
    text = shown(plain)
    return f"YAML reads {text} as {kind_of(value)}, not as text", f"put it in quotes: '{text[1:-1]}'"


def _seen(error: ErrorDetails, place: Place) -> str:
    value = error["input"]
    if isinstance(value, str):
        return f"the text {shown(value)}"
    return kind_of(value) if place.plain is None else shown(place.plain)


def _shape(error: ErrorDetails) -> str:
    context = error.get("ctx", {})
    if "max_length" in context:
        return f"use at most {context['max_length']} characters"
    return _SHAPES[context["pattern"]]
