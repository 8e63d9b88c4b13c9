"""What git, forge and registry do not keep: files on the branch `gitops-bot/state`, its history the audit log.

Locks, freezes, holds, approvals and rebuilds by comment, when versions without a date were first seen, and which
commits may be merged.
"""

from bot.core.state.files import (
    BRANCH,
    changed,
    read_state,
    records_of,
    with_approval,
    with_first_seen,
    with_freeze,
    with_granted,
    with_hold,
    with_lock,
    with_rebuild,
    without_freeze,
    without_granted,
    without_hold,
    without_lock,
)
from bot.core.state.judge import active_freeze, active_hold, active_lock, standing
from bot.core.state.records import (
    MOST_SEEN,
    Damaged,
    FirstSeen,
    Freeze,
    GivenApproval,
    Granted,
    Hold,
    Lock,
    Rebuild,
    State,
)

__all__ = [
    "BRANCH",
    "MOST_SEEN",
    "Damaged",
    "FirstSeen",
    "Freeze",
    "GivenApproval",
    "Granted",
    "Hold",
    "Lock",
    "Rebuild",
    "State",
    "active_freeze",
    "active_hold",
    "active_lock",
    "changed",
    "read_state",
    "records_of",
    "standing",
    "with_approval",
    "with_first_seen",
    "with_freeze",
    "with_granted",
    "with_hold",
    "with_lock",
    "with_rebuild",
    "without_freeze",
    "without_granted",
    "without_hold",
    "without_lock",
]
