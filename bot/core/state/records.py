"""What the branch `gitops-bot/state` records: who stopped or allowed what, and when versions were first seen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


class Lock(NamedTuple):
    """An environment kept for one pull request: the owner is the user and the pull request's number together.

    The number is 0 if it was asked for on an issue: then it is for no pull request, and stops all.
    `comment` is the id of the comment that asked for it. Times are UTC; `until` None: until it is unlocked.
    """

    environment: str
    owner: str
    number: int
    comment: str
    reason: str
    since: datetime
    until: datetime | None


class Freeze(NamedTuple):
    """No promotion into an environment (None: into any) until then; `comment` as for a lock, times in UTC."""

    environment: str | None
    owner: str
    comment: str
    reason: str
    since: datetime
    until: datetime


class Hold(NamedTuple):
    """A pull request that must not be merged; `comment` as for a lock, time in UTC."""

    number: int
    owner: str
    comment: str
    reason: str
    since: datetime


class GivenApproval(NamedTuple):
    """A user's `/approve` of a pull request at a commit (12 hexadecimal digits or more), time in UTC."""

    number: int
    user: str
    commit: str
    comment: str
    time: datetime


class Rebuild(NamedTuple):
    """A user's `/rebuild` of an application: the source commits (full SHAs) whose images are built once more."""

    application: str
    owner: str
    comment: str
    commits: tuple[str, ...]
    since: datetime


class Granted(NamedTuple):
    """A commit that the bot's status lets be merged, or let: it is taken off once that is no pull request's head.

    `number` is the pull request that it was approved for.
    """

    commit: str
    number: int


class FirstSeen(NamedTuple):
    """When the bot first saw versions that have no date: of an image's repository, or a chart's with its name.

    By version: `tag@digest` of an image, `version@digest` of a chart, without `@digest` where nobody says it.
    """

    repository: str
    versions: Mapping[str, datetime]


Record: TypeAlias = Lock | Freeze | Hold | GivenApproval | Rebuild | FirstSeen | Granted

MOST_SEEN = 128
"""How many versions one `FirstSeen` holds."""


class Damaged(NamedTuple):
    """A file of the state that cannot be understood, and why: until it is mended it stops what it may stand for."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class State:
    """All of the branch: locks and freezes by environment (None: everywhere), holds by pull request, approvals, the
    newest rebuild of each application, by repository when each version was first seen, by commit what may be merged.

    Expired records are in it: whether one counts is judged with the time (`active_lock`, `active_freeze`).
    """

    locks: Mapping[str, Lock] = field(default_factory=dict)
    freezes: Mapping[str | None, Freeze] = field(default_factory=dict)
    holds: Mapping[int, Hold] = field(default_factory=dict)
    approvals: tuple[GivenApproval, ...] = ()
    rebuilds: Mapping[str, Rebuild] = field(default_factory=dict)
    seen: Mapping[str, Mapping[str, datetime]] = field(default_factory=dict)
    granted: Mapping[str, Granted] = field(default_factory=dict)
    damaged: tuple[Damaged, ...] = ()
