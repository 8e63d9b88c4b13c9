"""What each file of the state branch must hold, key by key: what is not exactly so is no record."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from bot.core.state.records import MOST_SEEN, FirstSeen, Freeze, GivenApproval, Granted, Hold, Lock, Rebuild

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.core.state.records import Record

LONGEST_FILE = 65_536
_COMMIT = re.compile("[0-9a-f]{12,64}")


def record_from(kind: str, content: bytes) -> Record:
    """A file of that folder (one of `KINDS`) → its record.

    `ValueError`, whose text says what is wrong, for anything else than one JSON object with exactly its keys.
    """
    if len(content) > LONGEST_FILE:
        raise ValueError(f"it is larger than {LONGEST_FILE:,} bytes")
    try:
        values = json.loads(content.decode(), object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON: {error}") from error
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    make, fields = _SHAPES[kind]
    if not isinstance(values, dict) or set(values) != set(fields):
        raise ValueError(f"it is not one JSON object with the keys {', '.join(fields)}")
    return make(**{key: _field(key, read, values[key]) for key, read in fields.items()})


def content_of(record: Record) -> bytes:
    """The record as a file: JSON with sorted keys. Times must have a zone (`ValueError`), and are written in UTC."""
    values = {key: _written(value) for key, value in record._asdict().items()}
    return json.dumps(values, indent=2, sort_keys=True).encode() + b"\n"


def _written(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _written(one) for key, one in value.items()}
    if not isinstance(value, datetime):
        return value
    if value.tzinfo is None:
        raise ValueError("a time of the state has no zone")
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("a key stands there twice")
    return values


def _field(key: str, read: Callable[[Any], object], value: object) -> object:
    try:
        return read(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"its `{key}` is not as it should be") from error


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    value.encode()  # half of a surrogate pair is no text
    return value


def _word(value: object) -> str:
    if not _text(value):
        raise ValueError
    return _text(value)


def _number(value: object) -> int:
    if type(value) is not int or value < 1:
        raise ValueError
    return value


def _number_or_zero(value: object) -> int:
    return 0 if type(value) is int and value == 0 else _number(value)


def _time(value: object) -> datetime:
    moment = datetime.fromisoformat(_text(value))
    if moment.tzinfo is None:
        raise ValueError
    return moment.astimezone(UTC)


def _commit(value: object) -> str:
    if not _COMMIT.fullmatch(_text(value)):
        raise ValueError
    return _text(value)


def _commits(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError
    return tuple(_commit(one) for one in value)


def _times(value: object) -> dict[str, datetime]:
    if not isinstance(value, dict) or len(value) > MOST_SEEN:
        raise ValueError
    return {_word(key): _time(one) for key, one in value.items()}


def _or_null(read: Callable[[object], object]) -> Callable[[object], object]:
    return lambda value: None if value is None else read(value)


_COMMON = {"comment": _word, "reason": _text, "since": _time}
_SHAPES: Mapping[str, tuple[Callable[..., Record], Mapping[str, Callable[[Any], object]]]] = MappingProxyType(
    {
        "locks": (
            Lock,
            {"environment": _word, "owner": _word, "number": _number_or_zero, **_COMMON, "until": _or_null(_time)},
        ),
        "freezes": (Freeze, {"environment": _or_null(_word), "owner": _word, **_COMMON, "until": _time}),
        "holds": (Hold, {"number": _number, "owner": _word, **_COMMON}),
        "approvals": (
            GivenApproval,
            {"number": _number, "user": _word, "commit": _commit, "comment": _word, "time": _time},
        ),
        "rebuilds": (
            Rebuild,
            {"application": _word, "owner": _word, "comment": _word, "commits": _commits, "since": _time},
        ),
        "seen": (FirstSeen, {"repository": _word, "versions": _times}),
        "granted": (Granted, {"commit": _commit, "number": _number}),
    }
)
