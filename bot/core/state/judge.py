"""Whether something is locked, frozen, held or approved now; a damaged file counts against, never in favour."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from bot.core.state.records import Damaged, Freeze, GivenApproval, Hold, Lock, State


def active_lock(state: State, environment: str, now: datetime) -> Lock | Damaged | None:
    """The lock on an environment that has not expired at `now`, or the damaged file that may be one."""
    raise NotImplementedError


def active_freeze(state: State, environment: str, now: datetime) -> Freeze | Damaged | None:
    """The freeze of everywhere or of that environment that has not expired at `now`, or what may be one."""
    raise NotImplementedError


def active_hold(state: State, number: int) -> Hold | Damaged | None:
    """The hold of a pull request, or the damaged file that may be one."""
    raise NotImplementedError


def approvals_of(state: State, number: int, commit: str) -> tuple[GivenApproval, ...]:
    """The approvals of a pull request that are for exactly this full commit SHA, in the order of time."""
    raise NotImplementedError
