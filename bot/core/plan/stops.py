"""What keeps a pull request from being merged whatever its approvals: a hold, a lock, a freeze."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from bot.core import authorize, messages
from bot.core.models import Labelled, Unknown
from bot.core.people import is_bot
from bot.core.plan.chatops import HOLD, texts
from bot.core.plan.places import place_of
from bot.core.state import Damaged, active_freeze, active_hold, active_lock

if TYPE_CHECKING:
    from bot.core.models import Branch, PullRequest
    from bot.core.snapshot import Snapshot

HOTFIX = "hotfix"
"""The label by which an admin excepts one pull request from freezes, and from nothing else."""


class Stop(NamedTuple):
    """Why it is not merged: a stable reason code, the state of the check, who stopped it and why, what ends it."""

    reason_code: str
    state: Literal["pending", "failure"]
    text: str
    waits_for: str


def stop(snapshot: Snapshot, environment: str, pull_request: PullRequest, branch: Branch | None) -> Stop | None:
    """The first thing that stops it; `branch` is that of a promotion.

    A rollback passes locks and freezes, the lock's own pull request its lock, and one that an admin has given the
    label `hotfix` freezes.
    """
    if isinstance(snapshot.state, Unknown):
        reason = f"whether {environment} is locked could not be read: {snapshot.state.reason}"
        return Stop("state_unknown", "pending", reason, "the next run")
    if isinstance(snapshot.comments, Unknown):
        # A hold or a freeze may be among what was not read.
        reason = f"whether somebody asks to stop it could not be read: {snapshot.comments.reason}"
        return Stop("comments_unknown", "pending", reason, "the next run")
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
    frozen = _frozen(snapshot, environment, pull_request)
    if frozen:
        return Stop("frozen", "pending", frozen, f"the end of the freeze, or the label {HOTFIX} by an admin")
    return None


def hotfixes(snapshot: Snapshot) -> tuple[int, ...]:
    """The open pull requests with the label `hotfix` that a freeze may stop: who put it on has to be asked."""
    state = snapshot.state
    if isinstance(state, Unknown) or isinstance(snapshot.pull_requests, Unknown):
        return ()
    frozen = [e for e in snapshot.config.environments if active_freeze(state, e, snapshot.now)]
    own = [p for p in snapshot.pull_requests if p.state == "open" and place_of(p.branch)[0] in frozen]
    others = [c.pull_request for c in snapshot.contributions] if frozen else []
    return tuple(p.number for p in (*own, *others) if HOTFIX in p.labels)


def exception(snapshot: Snapshot, environment: str, pull_request: PullRequest) -> str:
    """What excepts it from a freeze that there is; empty if nothing does, or nothing is frozen."""
    if isinstance(snapshot.state, Unknown) or HOTFIX not in pull_request.labels:
        return ""
    freeze = active_freeze(snapshot.state, environment, snapshot.now)
    if freeze is None or _does_not_count(snapshot, pull_request.number):
        return ""
    return f"{_labeller(snapshot, pull_request.number)} put the label {HOTFIX} on; {texts.frozen(freeze, environment)}"


def _frozen(snapshot: Snapshot, environment: str, pull_request: PullRequest) -> str:
    """Who froze it, and why a label that would except it does not; empty if no freeze stops it."""
    assert not isinstance(snapshot.state, Unknown)
    freeze = active_freeze(snapshot.state, environment, snapshot.now)
    if freeze is None or HOTFIX not in pull_request.labels:
        return texts.frozen(freeze, environment)
    why = _does_not_count(snapshot, pull_request.number)
    # In front: a status is cut behind 140 characters, and the freeze's own reason may be long.
    return f"the label {HOTFIX} does not count: {why}; {texts.frozen(freeze, environment)}" if why else ""


def _does_not_count(snapshot: Snapshot, number: int) -> str:
    """Why the label `hotfix` on a pull request excepts it from nothing; empty if an admin has put it on."""
    by = _labeller(snapshot, number)
    if isinstance(by, Unknown):
        return f"who put it on could not be read: {' '.join(by.reason.split())}"
    if by is None:
        return "who put it on cannot be told, an admin may take it off and put it on again"
    if is_bot(by) or by == snapshot.own_name:
        return f"{by}, who put it on, is a bot"
    person = snapshot.people.get(by.lower(), Unknown("who that is was not asked"))
    return authorize.may(snapshot.config, person, by, "admin").reason


def _labeller(snapshot: Snapshot, number: int) -> str | Unknown | None:
    """Who put the label `hotfix` on; None if nobody knows."""
    put = snapshot.labelled.get((number, HOTFIX), Unknown("it was not asked"))
    return put.by if isinstance(put, Labelled) else put


def _held(snapshot: Snapshot, pull_request: PullRequest) -> str:
    assert not isinstance(snapshot.state, Unknown)
    hold = active_hold(snapshot.state, pull_request.number)
    if isinstance(hold, Damaged):
        return f"#{pull_request.number} counts as held: {hold.path} is damaged: {hold.reason}"
    if hold:
        return f"#{pull_request.number} is held by {hold.owner}" + (f": {hold.reason}" if hold.reason else "")
    return f"#{pull_request.number} has the label {HOLD}" if HOLD in pull_request.labels else ""
