"""Locks, freezes, holds and approvals by comment: files on the branch `gitops-bot/state`, its history the audit log."""

from bot.core.state.files import (
    BRANCH,
    read_state,
    with_approval,
    with_freeze,
    with_hold,
    with_lock,
    with_rebuild,
    without_freeze,
    without_hold,
    without_lock,
)
from bot.core.state.judge import active_freeze, active_hold, active_lock
from bot.core.state.records import Damaged, Freeze, GivenApproval, Hold, Lock, Rebuild, State

__all__ = [
    "BRANCH",
    "Damaged",
    "Freeze",
    "GivenApproval",
    "Hold",
    "Lock",
    "Rebuild",
    "State",
    "active_freeze",
    "active_hold",
    "active_lock",
    "read_state",
    "with_approval",
    "with_freeze",
    "with_hold",
    "with_lock",
    "with_rebuild",
    "without_freeze",
    "without_hold",
    "without_lock",
]
