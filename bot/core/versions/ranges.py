"""A range of semantic versions becomes a test, with the meaning that Flux gives it.

Flux reads ranges with Masterminds/semver 3.4 (https://github.com/Masterminds/semver#basic-comparisons): comparators
joined by blanks or commas, alternatives by `||`, wildcards, `~`, `^`, and `1.2 - 1.4`. A pre-release counts only
where a comparator of the same alternative names one. Unlike there: `*` behind `^`, `<=` or `-` means any version and
behind `>`, `<` or `!=` none, `~0.0.0` stays within 0.0, `!=1.2` leaves out the pre-releases of 1.2 too, and an empty
range is an error.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from semver import Version

from bot.core.errors import BotError

if TYPE_CHECKING:
    from collections.abc import Callable

_PART = r"(0|[1-9][0-9]*|[xX*])"
_COMPARATOR = re.compile(
    rf"(?P<operator>!=|>=|=>|<=|=<|~>|=|>|<|~|\^)?\s*"
    rf"v?{_PART}(?:\.{_PART})?(?:\.{_PART})?(?:-(?P<pre>[0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?(?=[\s,]|$)"
)
_HYPHEN = re.compile(r"\s+-\s+")
_BLANK = re.compile(r"\s*")
_BETWEEN = re.compile(r"\s*,\s*|\s*")
_SAME = {"": "=", "=>": ">=", "=<": "<=", "~>": "~"}
_SIMPLE: dict[str, Callable[[Version, Version], bool]] = {
    "=": lambda version, bound: version == bound,
    "!=": lambda version, bound: version != bound,
    ">": lambda version, bound: version > bound,
    "<": lambda version, bound: version < bound,
    ">=": lambda version, bound: version >= bound,
    "<=": lambda version, bound: version <= bound,
}


class _Comparator(NamedTuple):
    operator: str
    low: Version
    given: int
    """How many of the three numbers are given; the others are wildcards."""

    def matches(self, version: Version) -> bool:
        if self.given == 0:
            return self.operator not in ("!=", ">", "<")
        if self.operator == "^":
            return self.low <= version < self.after(self.caret())
        if self.operator == "~":
            return self.low <= version < self.after(min(self.given, 2))
        if self.given == 3 or self.operator in ("<", ">="):
            return _SIMPLE[self.operator](version, self.low)
        return self.partial(version)

    def partial(self, version: Version) -> bool:
        """`1.2` stands for all of 1.2.x, its pre-releases too, except that `=` starts at 1.2.0."""
        below = version < self.low.replace(prerelease="0")
        above = version >= self.after(self.given)
        if self.operator == "=":
            return version >= self.low and not above
        return {"!=": below or above, ">": above, "<=": not above}[self.operator]

    def caret(self) -> int:
        """How many numbers `^` holds fast: up to the first that is not zero, as far as they are given."""
        numbers = (self.low.major, self.low.minor, self.low.patch)[: self.given]
        return next((place for place, number in enumerate(numbers, 1) if number), self.given)

    def after(self, place: int) -> Version:
        """The first version, pre-releases included, whose number at `place` (1, 2 or 3) is the next one."""
        major, minor, patch = self.low.major, self.low.minor, self.low.patch
        following = {1: (major + 1, 0, 0), 2: (major, minor + 1, 0), 3: (major, minor, patch + 1)}
        return Version(*following[place], prerelease="0")


class Range(NamedTuple):
    """Alternatives, each a group of comparators that must all match."""

    groups: tuple[tuple[_Comparator, ...], ...]

    def matches(self, version: Version) -> bool:
        """Whether the version is in the range."""
        return any(
            (version.prerelease is None or any(one.low.prerelease for one in group))
            and all(one.matches(version) for one in group)
            for group in self.groups
        )

    def matches_release_of(self, version: Version) -> bool:
        """Whether it would be, were it a release instead of a pre-release."""
        return self.matches(version.finalize_version())


def parse_range(text: str) -> Range:
    """Text → Range. `BotError` with the column of what is wrong."""
    groups, column = [], 0
    for alternative in text.split("||"):
        groups.append(_group(text, column, column + len(alternative)))
        column += len(alternative) + 2
    return Range(tuple(groups))


def _group(text: str, start: int, end: int) -> tuple[_Comparator, ...]:
    comparators: list[_Comparator] = []
    position = _skip(_BLANK, text, start, end)
    while True:
        first, position = _next(text, position, end)
        hyphen = _HYPHEN.match(text, position, end)
        if hyphen and first.operator == "":
            last, position = _next(text, hyphen.end(), end)
            if last.operator:
                raise _bad(text, hyphen.end(), "a range with a hyphen ends in a version")
            comparators += [first._replace(operator=">="), last._replace(operator="<=")]
        else:
            comparators.append(first._replace(operator=_SAME.get(first.operator, first.operator)))
        if _skip(_BLANK, text, position, end) == end:
            return tuple(_partial_equals(one) for one in comparators)
        position = _skip(_BETWEEN, text, position, end)


def _partial_equals(one: _Comparator) -> _Comparator:
    # `1.2-beta` holds 1.2.0-beta and what follows in 1.2, as `~1.2-beta` does.
    return one._replace(operator="~") if one.operator == "=" and one.given in (1, 2) else one


def _skip(what: re.Pattern[str], text: str, position: int, end: int) -> int:
    found = what.match(text, position, end)
    return found.end() if found else position


def _next(text: str, position: int, end: int) -> tuple[_Comparator, int]:
    found = _COMPARATOR.match(text, position, end)
    if not found:
        raise _bad(text, position, "here must stand a comparator such as `>=1.2`")
    numbers = [found[index] for index in (2, 3, 4)]
    given = next((place for place, number in enumerate(numbers) if number in (None, "x", "X", "*")), 3)
    full = [number if place < given else "0" for place, number in enumerate(numbers)]
    pre = f"-{found['pre']}" if found["pre"] else ""
    try:
        low = Version.parse(".".join(full) + pre)
    except ValueError as error:
        raise _bad(text, position, "this is not a semantic version") from error
    return _Comparator(found["operator"] or "", low, given), found.end()


def _bad(text: str, position: int, why: str) -> BotError:
    return BotError(
        f"{text!r} is not a range of versions: column {position + 1}: {why}",
        fix="write it as `>=1.2 <2`, `~1.2`, `^1.2`, `1.x`, `1.2 - 1.4`, alternatives joined by `||`",
        reason_code="bad_range",
    )
