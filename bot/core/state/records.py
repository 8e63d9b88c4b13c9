"""What the branch `gitops-bot/state` records: who stopped what, since when, until when, and by which comment."""

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


Record: TypeAlias = Lock | Freeze | Hold | GivenApproval | Rebuild


class Damaged(NamedTuple):
    """A file of the state that cannot be understood, and why: until it is mended it stops what it may stand for."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class State:
    """All of the branch: locks and freezes by environment (None: everywhere), holds by pull request, approvals, and
    the newest rebuild of each application.

    Expired records are in it: whether one counts is judged with the time (`active_lock`, `active_freeze`).
    """

    locks: Mapping[str, Lock] = field(default_factory=dict)
    freezes: Mapping[str | None, Freeze] = field(default_factory=dict)
    holds: Mapping[int, Hold] = field(default_factory=dict)
    approvals: tuple[GivenApproval, ...] = ()
    rebuilds: Mapping[str, Rebuild] = field(default_factory=dict)
    damaged: tuple[Damaged, ...] = ()
