"""A policy that was checked: how it orders tags, and which of them it takes."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from bot.core.commands import duration
from bot.core.errors import BotError
from bot.core.versions.filters import compiled
from bot.core.versions.ranges import Range, parse_range
from bot.core.versions.reading import Candidate, Reader, Reading, Rejected, ordered

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bot.core.config.models import Policy
    from bot.core.models import Path

KINDS = ("semver", "numerical", "alphabetical", "calver", "newest", "digest")


class Rules:
    """A policy that was checked."""

    def __init__(self, policy: Policy) -> None:
        """`PolicyError`, with the column where there is one, for a policy that is not valid."""
        kind = _kind(policy)
        _check_together(policy, kind)
        self.policy = policy
        self.reading = Reading(kind, policy.loose, policy.filter, policy.extract)
        self.descending = getattr(policy, kind) == "desc"
        with _at("semver"):
            self.range: Range | None = parse_range(policy.semver) if policy.semver is not None else None
        self.min_age = _age(policy.min_age)
        with _at("filter"):
            self._read = Reader(self.reading)
        self._excluded = frozenset(policy.exclude)
        self._excluding = list(_patterns(policy.exclude))

    @property
    def kind(self) -> str:
        """Which of the orders it is."""
        return self.reading.kind

    @property
    def needs_facts(self) -> bool:
        """Whether more than its text must be known of a tag."""
        return self.kind == "newest" or bool(self.min_age) or bool(self.policy.platforms)

    def place(self, tag: str) -> Candidate | None:
        """The tag with its value, even if it is not taken; None if it cannot be placed."""
        found = self._read(tag)
        return found if isinstance(found, Candidate) else None

    def candidates(self, tags: Sequence[str]) -> tuple[Candidate, ...]:
        """Every tag that can be placed, the best first; of equal ones the first by its text."""
        return ordered(tuple(tags), self.reading, self.descending)

    def refusal(self, one: Candidate) -> Rejected | None:
        """Why a tag that can be placed is not taken; None if it is."""
        if self._excluded and (one.tag in self._excluded or any(p.search(one.tag) for p in self._excluding)):
            return Rejected(one.tag, "excluded", "it is excluded")
        if self.policy.digest is not None and one.tag != self.policy.digest:
            return Rejected(one.tag, "other_tag", f"only the tag {self.policy.digest} is followed")
        if self.range is None or self.range.matches(one.value):
            return None
        return self._outside(self.range, one)

    def takes(self, one: Candidate) -> bool:
        """Whether there is no `refusal`: the quick question, for many tags."""
        if self._excluded or self.policy.digest is not None:
            return not self.refusal(one)
        return self.range is None or self.range.matches(one.value)

    def _outside(self, accepted: Range, one: Candidate) -> Rejected:
        if not one.value.is_release and accepted.matches_release_of(one.value):
            return Rejected(one.tag, "prerelease", "it is a pre-release, and the range names none")
        return Rejected(one.tag, "out_of_range", "it is not in the range")

    def unplaced(self, tag: str) -> Rejected | None:
        """Why a tag cannot be placed; None if it can."""
        found = self._read(tag)
        return found if isinstance(found, Rejected) else None

    def compare(self, one: Candidate, other: Candidate) -> int:
        """Negative, 0 or positive as `one` is worse than, as good as or better than `other`."""
        a, b = one.value, other.value
        order: int = (a > b) - (a < b)
        if order == 0:
            return (one.tie > other.tie) - (one.tie < other.tie)
        return -order if self.descending else order


def check_policy(policy: Policy) -> None:
    """`PolicyError` for a policy that does not name exactly one order, or has a range or expression that is none."""
    Rules(policy)


class PolicyError(BotError):
    """A policy that is not valid. `key` is the path of what is wrong in it, empty for the policy as a whole."""

    def __init__(self, message: str, *, fix: str, reason_code: str = "bad_policy", key: Path = ()) -> None:
        super().__init__(message, fix=fix, reason_code=reason_code)
        self.key = key


@contextmanager
def _at(*key: str | int) -> Iterator[None]:
    try:
        yield
    except BotError as error:
        raise PolicyError(error.message, fix=error.fix, reason_code=error.reason_code, key=key) from error


def _kind(policy: Policy) -> str:
    given = [kind for kind in KINDS if getattr(policy, kind) not in (None, False)]
    if len(given) != 1:
        message = f"a policy must have exactly one of {', '.join(KINDS[:-1])} and {KINDS[-1]}"
        raise PolicyError(message, fix="keep one of them")
    return given[0]


def _check_together(policy: Policy, kind: str) -> None:
    if policy.extract is not None and policy.filter is None:
        message = "`extract` takes parts of what `filter` finds, and there is no `filter`"
        raise PolicyError(message, fix="give both, or neither", key=("extract",))
    if policy.loose and kind != "semver":
        message = f"`loose` says which tags are semantic versions, and means nothing to `{kind}`"
        raise PolicyError(message, fix="delete it", key=("loose",))
    for key in ("filter", "exclude", "allow_downgrade") if kind == "digest" else ():
        if getattr(policy, key):
            message = f"`digest` follows one tag: there is nothing to choose, and `{key}` means nothing"
            raise PolicyError(message, fix="delete it", key=(key,))


def _age(text: str | None) -> timedelta:
    try:
        return duration(text) if text is not None else timedelta()
    except BotError as error:
        raise PolicyError(f"a minimum age of {text}: {error.message}", fix=error.fix, key=("min_age",)) from error


def _patterns(exclude: Sequence[str]) -> Iterator[Any]:
    for number, text in enumerate(exclude):
        if len(text) > 1 and text.startswith("/") and text.endswith("/"):
            with _at("exclude", number):
                yield compiled(text[1:-1])
