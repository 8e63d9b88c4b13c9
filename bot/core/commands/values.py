"""The values of flags: each has a shape, is checked against it, and is never guessed at."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from bot.core.errors import BotError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.core.commands.verbs import Shape

LONGEST = timedelta(days=30)
_NAME = "[a-z0-9][a-z0-9._-]{0,62}"
_DURATION = re.compile("([1-9][0-9]{0,5})([mhd])")
_TIME = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[Tt ][0-9]{2}:[0-9]{2}(?::[0-9]{2})?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})?)?")
_FORMS: Mapping[Shape, re.Pattern[str]] = {
    "name": re.compile(_NAME),
    "names": re.compile(f"{_NAME}(?:,{_NAME})*"),
    "version": re.compile("[A-Za-z0-9_][A-Za-z0-9._+-]{0,127}"),
    "commit": re.compile("[0-9A-Fa-f]{12,64}"),
    # Of git's rules for references only what keeps it from being an option, a range or a path that climbs.
}
WORDING: Mapping[Shape, str] = {
    "name": "a name: small letters, digits, `.`, `_` and `-`, at most 63",
    "names": "names with a comma between them: small letters, digits, `.`, `_` and `-`, at most 63 each",
    "version": "a version: letters, digits, `.`, `_`, `+` and `-`, at most 128",
    "commit": "a commit: 12 hexadecimal digits or more",
    "duration": "a time span from `1m` to `30d`: a whole number and `m`, `h` or `d`",
    "time": "a date or time such as `2027-01-31` or `2027-01-31T18:00Z`",
}


def fits(text: str, shape: Shape) -> bool:
    """Whether the text is a value of that shape (`none` has no values)."""
    try:
        if shape == "duration":
            return bool(duration(text))
        if shape == "time":
            return bool(_moment(text))
    except BotError:
        return False
    return shape in _FORMS and _FORMS[shape].fullmatch(text) is not None


def duration(text: str) -> timedelta:
    """A whole number of minutes, hours or days (`30m`, `4h`, `2d`), at most 30 days. `BotError` for all else."""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise _bad("it is not a time span", "write a whole number and `m`, `h` or `d`, for example `4h`")
    span = int(found[1]) * {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}[found[2]]
    if span > LONGEST:
        raise _bad("it is longer than 30 days", "write `30d` or less")
    return span


def until(text: str, now: datetime) -> datetime:
    """A date (its beginning) or a date and time as in ISO 8601, UTC if it names no zone → the moment in UTC.

    `BotError` for all else, and for a moment that is not after `now`.
    Source: https://www.rfc-editor.org/rfc/rfc3339#section-5.6 (a space for `T`, seconds and zone may be left out).
    """
    moment = _moment(text)
    if moment <= now:
        raise _bad(f"{moment:%Y-%m-%d %H:%M} UTC is over", f"write a time after {now.astimezone(UTC):%Y-%m-%dT%H:%MZ}")
    return moment


def _moment(text: str) -> datetime:
    fix = "write it as `2027-01-31` or `2027-01-31T18:00Z`"
    if not _TIME.fullmatch(text):
        raise _bad("it is not a date or time", fix)
    try:
        moment = datetime.fromisoformat(text.upper())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise _bad("there is no such date or time", fix) from error


def _bad(message: str, fix: str) -> BotError:
    return BotError(message, fix=fix, reason_code="bad_value")
