"""What keeps a pull request from being merged whatever its approvals: a hold, a lock, a freeze."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from bot.core import messages
from bot.core.models import Unknown
from bot.core.plan.chatops import texts
from bot.core.state import Damaged, active_freeze, active_hold, active_lock

if TYPE_CHECKING:
    from bot.core.models import Branch, PullRequest
    from bot.core.snapshot import Snapshot

HOLD = "hold"
"""The label: put on by `/hold`, or by a person on the forge; either holds."""


class Stop(NamedTuple):
    """Why it is not merged: a stable reason code, the state of the check, who stopped it and why, what ends it."""

    reason_code: str
    state: Literal["pending", "failure"]
    text: str
    waits_for: str


def stop(snapshot: Snapshot, environment: str, pull_request: PullRequest, branch: Branch | None) -> Stop | None:
    """The first thing that stops it; `branch` is that of a promotion.

    A rollback passes locks and freezes, and the pull request that a lock was made on passes that lock.
    """
    if isinstance(snapshot.state, Unknown):
        reason = f"whether {environment} is locked could not be read: {snapshot.state.reason}"
        return Stop("state_unknown", "pending", reason, "the next run")
    held = _held(snapshot, pull_request)
    if held:
        return Stop("held", "failure", held, f"`/unhold` on #{pull_request.number}")
    asked = messages.asked_for(branch.head) if branch else None
    if asked and asked.rollback:
        return None
    lock = active_lock(snapshot.state, environment, snapshot.now)
    own = lock and not isinstance(lock, Damaged) and lock.number == pull_request.number
    if lock and not own:
        return Stop("locked", "pending", texts.locked(lock, environment), f"`/unlock {environment}`")
    freeze = active_freeze(snapshot.state, environment, snapshot.now)
    if freeze:
        return Stop("frozen", "pending", texts.frozen(freeze, environment), "the end of the freeze")
    return None


def _held(snapshot: Snapshot, pull_request: PullRequest) -> str:
    assert not isinstance(snapshot.state, Unknown)
    hold = active_hold(snapshot.state, pull_request.number)
    if isinstance(hold, Damaged):
        return f"#{pull_request.number} counts as held: {hold.path} is damaged: {hold.reason}"
    if hold:
        return f"#{pull_request.number} is held by {hold.owner}" + (f": {hold.reason}" if hold.reason else "")
    return f"#{pull_request.number} has the label {HOLD}" if HOLD in pull_request.labels else ""
