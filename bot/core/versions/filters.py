"""A regular expression that tags must match, and what is taken from them, as in Flux's `filterTags`.

The expression is RE2's, as Go's: it is searched anywhere in the tag, and no pattern takes more than linear time.
Syntax: https://github.com/google/re2/wiki/Syntax, template: https://pkg.go.dev/regexp#Regexp.Expand
"""

from __future__ import annotations

import re
from itertools import takewhile
from typing import TYPE_CHECKING, Any, TypeAlias
from unicodedata import category

from bot.core.errors import BotError
from bot.core.versions.semantic import shortened

if TYPE_CHECKING:
    from collections.abc import Iterator

Part: TypeAlias = str | int | None
"""A part of a template: a text, the number of a group, or nothing (a group that is not there)."""


class Filter:
    """A checked regular expression and the template of what is taken."""

    def __init__(self, pattern: str, extract: str | None = None) -> None:
        """`BotError`, with the column, for what is no regular expression."""
        self._pattern = compiled(pattern)
        self._parts = _resolved(extract, self._pattern) if extract else None
        self.extracts = self._parts is not None

    def text(self, tag: str) -> str | None:
        """What of the tag is compared; None if it does not match."""
        found = self._pattern.search(tag.encode())  # of bytes it is twice as fast
        if found is None:
            return None
        if self._parts is None:
            return tag
        return "".join(part if isinstance(part, str) else _group(found, part) for part in self._parts)


def compiled(pattern: str) -> Any:
    """A pattern of RE2, with `search`. `BotError`, with the column, for what is none."""
    import re2  # type: ignore[import-untyped]  # the package has no types

    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except (re2.error, UnicodeError) as error:
        reason = error.args[0].decode() if isinstance(error.args[0], bytes) else "it is not UTF-8"
        raise BotError(
            f"{shortened(pattern)!r} is not a regular expression: "
            f"column {_column(pattern, reason)}: {shortened(reason)}",
            fix="correct it; the syntax is RE2's, as in Flux: https://github.com/google/re2/wiki/Syntax",
            reason_code="bad_filter",
        ) from error


def _column(pattern: str, reason: str) -> int:
    """RE2 ends its reason with the part that is wrong; of a parenthesis, Python's own parser knows the place."""
    part = reason.partition(": ")[2]
    if not reason.startswith(("missing )", "unexpected )")):
        return max(pattern.find(part), 0) + 1
    try:
        re.compile(pattern)
    except re.error as error:
        return (error.pos or 0) + 1
    except (OverflowError, RecursionError):
        pass
    return 1


def _group(found: Any, number: int | None) -> str:
    return (found.group(number) or b"").decode(errors="replace") if number is not None else ""


def _resolved(template: str, pattern: Any) -> list[Part]:
    return [part if literal else _number(part, pattern) for literal, part in _parse(template)]


def _number(name: str, pattern: Any) -> int | None:
    """The group that is meant. One that is not there is no mistake, as in Go: it stands for an empty text."""
    if name.isascii() and name.isdigit() and (name == "0" or name[0] != "0"):
        # More digits than a pattern can have groups are cut short: no such group either.
        return int(name[:9]) if int(name[:9]) <= pattern.groups else None
    number: int | None = pattern.groupindex.get(name)
    return number


def _parse(template: str) -> Iterator[tuple[bool, str]]:
    """The parts of a template: (True, text) or (False, name of a group)."""
    while template:
        text, dollar, rest = template.partition("$")
        name, after = _name(rest)
        if not dollar or name is None:
            yield True, text + dollar
            template = rest.removeprefix("$")
        else:
            yield True, text
            yield False, name
            template = after


def _name(rest: str) -> tuple[str | None, str]:
    """`name…` or `{name}…` behind a `$` → the name, and what follows; None if neither stands there."""
    braced = rest.startswith("{")
    body = rest[braced:]
    name = "".join(takewhile(lambda c: c == "_" or category(c) in ("Lu", "Ll", "Lt", "Lm", "Lo", "Nd"), body))
    after = body[len(name) :]
    if not name or (braced and not after.startswith("}")):
        return None, rest
    return name, after[braced:]
