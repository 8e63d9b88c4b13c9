"""A range of semantic versions becomes a test, with exactly the meaning that Flux and Helm give it.

They read ranges with Masterminds/semver, here as in 3.5.0, with all its edges: a range with a hyphen is rewritten as
text before anything else is read, `~0.0.0` and `~*` end nowhere, `^*` is 0.0.0, `>*` is everything but 0.0.0.
A pre-release counts only where a comparator of the same alternative names one. The tests compare both.
Source: https://github.com/Masterminds/semver#checking-version-constraints
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from bot.core.errors import BotError
from bot.core.versions.semantic import LONGEST, Version, parse_version, shortened

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_BYTES = 512
_MOST_ALTERNATIVES = 32
# Every repetition is possessive (`++`): a hostile range costs no more than its length. A blank is what Go's `\s` is,
# and a number may hold `|`, as there.
_BLANK = "[\\t\\n\\f\\r ]"
_NUMBER = "[0-9|xX*]++"
_PARTS = r"[0-9A-Za-z-]++(?:\.[0-9A-Za-z-]++)*+"
_WRITTEN = rf"v?+(?:{_NUMBER})(?:\.{_NUMBER})?+(?:\.{_NUMBER})?+(?:-{_PARTS})?+(?:\+{_PARTS})?+"
_HYPHEN = re.compile(rf"{_BLANK}*+({_WRITTEN}){_BLANK}++-{_BLANK}++({_WRITTEN}){_BLANK}*+")
_COMPARATOR = re.compile(
    rf"(?P<operator>!=|>=|=>|<=|=<|~>|=|>|<|~|\^|){_BLANK}*+"
    rf"(?P<version>v?+({_NUMBER})(?:\.({_NUMBER}))?+(?:\.({_NUMBER}))?+(?P<pre>-{_PARTS})?+(?:\+{_PARTS})?+)"
)
_BLANKS = re.compile(rf"{_BLANK}*+")
_BETWEEN = re.compile(rf"{_BLANK}*+,{_BLANK}*+|{_BLANK}++")
_SAME = {"": "=", "=>": ">=", "=<": "<=", "~>": "~"}


class _Comparator(NamedTuple):
    test: Callable[[Version, Version, int], bool]
    bound: Version
    given: int
    """How many of the three numbers are given; the others are wildcards."""


def _equal(version: Version, bound: Version, given: int) -> bool:
    return version == bound if given == 3 else _tilde(version, bound, given)


def _not_equal(version: Version, bound: Version, given: int) -> bool:
    if given == 1:
        return version.major != bound.major
    if given == 2:
        return version[:2] != bound[:2] or version.prerelease != bound.prerelease
    return version != bound


def _greater(version: Version, bound: Version, given: int) -> bool:
    return version[:given] > bound[:given] if given in (1, 2) else version > bound


def _at_most(version: Version, bound: Version, given: int) -> bool:
    if given == 3:
        return version <= bound
    return version[: given or 2] <= bound[: given or 2]


def _tilde(version: Version, bound: Version, given: int) -> bool:
    if version < bound:
        return False
    if given in (0, 3) and bound[:3] == (0, 0, 0):
        return True
    kept = 1 if given == 1 else 2
    return version[:kept] == bound[:kept]


def _caret(version: Version, bound: Version, given: int) -> bool:
    if version < bound:
        return False
    if bound.major or given == 1:
        return version.major == bound.major
    if bound.minor or given == 2:
        return version[:2] == bound[:2]
    return version[:3] == bound[:3]


_TESTS: dict[str, Callable[[Version, Version, int], bool]] = {
    "=": _equal,
    "!=": _not_equal,
    ">": _greater,
    "<": lambda version, bound, _: version < bound,
    ">=": lambda version, bound, _: version >= bound,
    "<=": _at_most,
    "~": _tilde,
    "^": _caret,
}


class _Group(NamedTuple):
    """Comparators that must all match."""

    comparators: tuple[_Comparator, ...]
    takes_prereleases: bool

    def matches(self, version: Version) -> bool:
        # Plain loops here: this runs for each tag of each policy.
        if not (version.is_release or self.takes_prereleases):
            return False
        for test, bound, given in self.comparators:  # noqa: SIM110
            if not test(version, bound, given):
                return False
        return True


class Range(NamedTuple):
    """Alternatives, of which one must match."""

    groups: tuple[_Group, ...]

    def matches(self, version: Version) -> bool:
        """Whether the version is in the range."""
        for group in self.groups:  # noqa: SIM110
            if group.matches(version):
                return True
        return False

    def matches_release_of(self, version: Version) -> bool:
        """Whether it would be, were it a release instead of a pre-release."""
        return self.matches(version.release())


class _Text(NamedTuple):
    """The text of a range as it is read, and where each character of it is in what a person wrote."""

    text: str
    places: list[int]
    written: str

    def bad(self, position: int, why: str) -> BotError:
        return _bad(self.written, self.places[position], why)


def parse_range(text: str) -> Range:
    """Text → Range. `BotError` with the column of what is wrong."""
    if len(text.encode(errors="surrogatepass")) > _MOST_BYTES:
        raise _bad(text, 0, f"it is longer than {_MOST_BYTES} bytes")
    read = _without_hyphens(text)
    groups, start = [], 0
    for number, alternative in enumerate(read.text.split("||"), 1):
        if number > _MOST_ALTERNATIVES:
            raise read.bad(start, f"these are more than {_MOST_ALTERNATIVES} alternatives")
        groups.append(_group(read, start, start + len(alternative)))
        start += len(alternative) + 2
    return Range(tuple(groups))


def _without_hyphens(written: str) -> _Text:
    """`1.2 - 1.4` is text for `>= 1.2, <= 1.4 `, wherever it stands."""
    text, places = written, list(range(len(written) + 1))
    for found in _HYPHEN.finditer(written):
        at = text.find(found[0])
        if at < 0:
            continue
        low, high = (places[at + found.start(n) - found.start() :][: len(found[n])] for n in (1, 2))
        after = places[at + len(found[0])]
        new = f">= {found[1]}, <= {found[2]} "
        new_places = [low[0]] * 3 + low + [high[0]] * 5 + high + [after]
        text = text[:at] + new + text[at + len(found[0]) :]
        places[at : at + len(found[0])] = new_places
    return _Text(text, places, written)


def _group(read: _Text, start: int, end: int) -> _Group:
    comparators: list[_Comparator] = []
    position = _after(_BLANKS, read, start, end)
    while True:
        one, position = _comparator(read, position, end)
        comparators.append(one)
        if _after(_BLANKS, read, position, end) == end:
            return _Group(tuple(comparators), any(not one.bound.is_release for one in comparators))
        following = _after(_BETWEEN, read, position, end)
        if following == position:
            raise read.bad(position, "here must stand a blank or a comma, or the end")
        position = following


def _after(what: re.Pattern[str], read: _Text, position: int, end: int) -> int:
    found = what.match(read.text, position, end)
    return found.end() if found else position


def _comparator(read: _Text, position: int, end: int) -> tuple[_Comparator, int]:
    found = _COMPARATOR.match(read.text, position, end)
    if not found:
        raise read.bad(position, "here must stand a comparator such as `>=1.2`")
    numbers = [found[index] for index in (3, 4, 5)]
    given = next((place for place, number in enumerate(numbers) if number in (None, "x", "X", "*")), 3)
    full = found["version"]
    if given < 3:
        full = ".".join([*numbers[:given], *["0"] * (3 - given)]) + (found["pre"] or "")
    bound = parse_version(full, loose=True)
    if bound is None:
        raise read.bad(found.start("version"), _why_no_version(full))
    operator = _SAME.get(found["operator"], found["operator"])
    return _Comparator(_TESTS[operator], bound, given), found.end()


def _why_no_version(text: str) -> str:
    if len(text) > LONGEST:
        return f"this version is longer than {LONGEST} characters"
    return "this is not a version of up to three numbers, each less than 2^64"


def _bad(text: str, position: int, why: str) -> BotError:
    return BotError(
        f"{shortened(text)!r} is not a range of versions: column {position + 1}: {why}",
        fix="write it as `>=1.2 <2`, `~1.2`, `^1.2`, `1.x`, `1.2 - 1.4`, alternatives joined by `||`",
        reason_code="bad_range",
    )
