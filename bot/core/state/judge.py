"""Whether something is locked, frozen, held or approved now; a damaged file counts against, never in favour."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bot.core.state.paths import KINDS, freeze_path, hold_path, is_clear, lock_path

if TYPE_CHECKING:
    from datetime import datetime

    from bot.core.state.records import Damaged, Freeze, Hold, Lock, State


def active_lock(state: State, environment: str, now: datetime) -> Lock | Damaged | None:
    """The lock on an environment that has not expired at `now`, or the damaged file that may be one."""
    damaged = _damaged(state, lock_path(environment))
    lock = state.locks.get(environment)
    return damaged or (lock if lock and (lock.until is None or now < lock.until) else None)


def active_freeze(state: State, environment: str, now: datetime) -> Freeze | Damaged | None:
    """The freeze of everywhere or of that environment that has not expired at `now`, or what may be one.

    If both are frozen it is the one that ends last.
    """
    damaged = _damaged(state, freeze_path(None)) or _damaged(state, freeze_path(environment))
    freezes = [freeze for name in (None, environment) if (freeze := state.freezes.get(name)) and now < freeze.until]
    return damaged or max(freezes, key=lambda freeze: freeze.until, default=None)


def active_hold(state: State, number: int) -> Hold | Damaged | None:
    """The hold of a pull request, or the damaged file that may be one."""
    return _damaged(state, hold_path(number)) or state.holds.get(number)


def standing(read: State, asked: State) -> State:
    """What stops now: what is asked for counts before it is written, and what is to end until that is written."""
    return replace(
        asked,
        locks={**read.locks, **asked.locks},
        freezes={**read.freezes, **asked.freezes},
        holds={**read.holds, **asked.holds},
        damaged=tuple(dict.fromkeys((*read.damaged, *asked.damaged))),
    )


def _damaged(state: State, path: str) -> Damaged | None:
    """The damaged file at that path; else one whose path does not tell what it stops, so that it stops this too."""
    kind = path.partition("/")[0]
    for damaged in state.damaged:
        folder = damaged.path.partition("/")[0]
        if damaged.path == path or folder not in KINDS or (folder == kind and not is_clear(damaged.path)):
            return damaged
    return None
