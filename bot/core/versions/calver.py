"""Calendar versions: numbers that begin with a year, compared number by number.

https://calver.org names many forms and no grammar. Here a calendar version is an optional `v`, then numbers with `.`,
`-` or `_` between them: a year of four digits or of two (`24` is 2024) and at least one number more, or else first a
whole date of 8, 12 or 14 digits, which is read as its parts. So `2024.01.15`, `20240115` and `24.1.15` are equal, and
`2024.01.15-3` comes behind them. Anything else, `2024.1-rc1` too, is none: `filter` and `extract` take a part.
"""

from __future__ import annotations

import re
from datetime import datetime

_YEAR = re.compile(r"v?((?:19|2[0-9])?[0-9]{2})((?:[._-][0-9]+)+)")
_DATE = re.compile(r"v?((?:19|2[0-9])[0-9]{6}(?:[0-9]{4}(?:[0-9]{2})?)?)((?:[._-][0-9]+)*)")
_FORMS = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}


def calendar_version(text: str) -> tuple[int, ...] | None:
    """Text → its numbers, the year first and in full; None if it is no calendar version."""
    if found := _YEAR.fullmatch(text):
        year = int(found[1])
        return (year if year >= 100 else 2000 + year, *_numbers(found[2]))
    if found := _DATE.fullmatch(text):
        date = _date(found[1])
        return (*date, *_numbers(found[2])) if date else None
    return None


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall("[0-9]+", text))


def _date(digits: str) -> tuple[int, ...] | None:
    try:
        moment = datetime.strptime(digits, _FORMS[len(digits)])  # noqa: DTZ007  # only its numbers are used
    except (KeyError, ValueError):
        return None
    return moment.timetuple()[: len(digits) // 2 - 1]
