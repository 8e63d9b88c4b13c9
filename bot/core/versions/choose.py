"""A policy orders the tags that it accepts; the last one is chosen, and nothing ever goes back behind the current.

The order is total: tags that the policy takes as equal (`1.2.3` and `v1.2.3`) are ordered by their text, and the
one that comes first is chosen, unless it is the current one's equal: then nothing changes.
Policies: https://fluxcd.io/flux/components/image/imagepolicies/#policy
"""

from __future__ import annotations

import re
from functools import cmp_to_key
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from semver import Version

from bot.core.errors import BotError
from bot.core.references import is_tag
from bot.core.versions.ranges import Range, parse_range

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.core.config.models import Policy

Value: TypeAlias = Version | int | str


class Rejected(NamedTuple):
    """A tag that was not chosen: a stable reason code, and the reason for people."""

    tag: str
    reason_code: str
    reason: str


class Choice(NamedTuple):
    """The chosen tag (the current one when nothing newer is there, None if there is nothing), and all others."""

    selected: str | None
    rejected: tuple[Rejected, ...]


class _Candidate(NamedTuple):
    tag: str
    value: Value


def choose(tags: Sequence[str], policy: Policy, current: str | None) -> Choice:
    """All tags of a repository and the tag that is deployed now → the newest by the policy.

    `BotError` if the policy is not valid.
    """
    rules = _Rules(policy)
    outcomes = [rules.accept(tag) for tag in dict.fromkeys(tags)]
    candidates = [one for one in outcomes if isinstance(one, _Candidate)]
    newest = max(candidates, key=cmp_to_key(rules.compare), default=None)
    selected = _not_backwards(rules, newest, current)
    lost = [one if isinstance(one, Rejected) else _lost(rules, one, newest, selected) for one in outcomes]
    return Choice(selected, tuple(one for one in lost if one.tag != selected))


def check_policy(policy: Policy) -> None:
    """`BotError`, with the column, for a policy that does not name exactly one valid order or pattern."""
    _Rules(policy)


class _Rules:
    """A checked policy."""

    def __init__(self, policy: Policy) -> None:
        orders = [policy.semver, policy.numerical, policy.alphabetical]
        if sum(order is not None for order in orders) != 1:
            raise BotError(
                "a policy must have exactly one of semver, numerical and alphabetical",
                fix="keep one of them",
                reason_code="bad_policy",
            )
        self.range: Range | None = parse_range(policy.semver) if policy.semver is not None else None
        self.numerical = policy.numerical is not None
        self.sign = -1 if "desc" in (policy.numerical, policy.alphabetical) else 1
        self.pattern = _compiled(policy.pattern) if policy.pattern is not None else None

    def accept(self, tag: str) -> _Candidate | Rejected:
        """The tag with its value, or why it is none."""
        if not is_tag(tag):
            return Rejected(tag, "not_a_tag", "it is not an image tag")
        text = self.captured(tag)
        if text is None:
            return Rejected(tag, "pattern", "it does not match the pattern")
        value = self.value(text)
        if value is None:
            return self.unreadable(tag)
        if self.range and isinstance(value, Version) and not self.range.matches(value):
            return _outside(self.range, tag, value)
        return _Candidate(tag, value)

    def captured(self, tag: str) -> str | None:
        """The part of the tag that is compared; None if it does not match the pattern."""
        if not self.pattern:
            return tag
        found = self.pattern.fullmatch(tag)
        return found.groupdict().get("version", tag) if found else None

    def value(self, text: str) -> Value | None:
        """What is compared; None if the text is not of the policy's kind."""
        if self.range:
            return _semantic(text)
        if self.numerical:
            return int(text) if text.isascii() and text.isdigit() else None
        return text

    def unreadable(self, tag: str) -> Rejected:
        """Why a tag has no value."""
        if self.numerical:
            return Rejected(tag, "not_a_number", "it is not a whole number")
        return Rejected(tag, "not_semver", "it is not a semantic version of three numbers")

    def current(self, tag: str) -> _Candidate | None:
        """The deployed tag with its value, even out of the range; None if it cannot be compared."""
        text = self.captured(tag)
        value = self.value(text) if text is not None else None
        return _Candidate(tag, value) if value is not None else None

    def order(self, one: _Candidate, other: _Candidate) -> int:
        """Negative, 0 or positive as `one` comes before, with or behind `other`."""
        a, b = one.value, other.value
        return self.sign * ((a > b) - (a < b))  # type: ignore[operator]  # one policy gives one type of value

    def compare(self, one: _Candidate, other: _Candidate) -> int:
        """As `order`, with the tie-break: of equals the first text is the one to choose."""
        return self.order(one, other) or (one.tag < other.tag) - (one.tag > other.tag)


def _semantic(text: str) -> Version | None:
    try:
        return Version.parse(text.removeprefix("v"))
    except ValueError:
        return None


def _outside(accepted: Range, tag: str, version: Version) -> Rejected:
    if version.prerelease and accepted.matches_release_of(version):
        return Rejected(tag, "prerelease", "it is a pre-release, and the range names none")
    return Rejected(tag, "out_of_range", "it is not in the range")


def _not_backwards(rules: _Rules, newest: _Candidate | None, current: str | None) -> str | None:
    deployed = rules.current(current) if current is not None else None
    if newest is None:
        return current
    return current if deployed and rules.order(newest, deployed) <= 0 else newest.tag


def _lost(rules: _Rules, one: _Candidate, newest: _Candidate | None, selected: str | None) -> Rejected:
    if newest and selected != newest.tag:
        deployed = rules.current(selected or "")
        if deployed and rules.order(one, deployed) == 0:
            return Rejected(one.tag, "equal", f"it is equal to {selected}, which is deployed")
        return Rejected(one.tag, "older_than_current", f"it comes before {selected}, which is deployed")
    if newest and rules.order(one, newest) == 0:
        return Rejected(one.tag, "equal", f"it is equal to {selected}, which comes first by its text")
    return Rejected(one.tag, "older", f"it comes before {selected}")


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        column = (getattr(error, "pos", None) or 0) + 1
        raise BotError(
            f"{pattern!r} is not a regular expression: column {column}: {error}",
            fix="correct it; the syntax is that of Python's re, a whole tag must match",
            reason_code="bad_pattern",
        ) from error
