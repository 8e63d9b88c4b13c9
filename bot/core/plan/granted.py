"""Which commits the bot's success lets be merged: recorded before it is set, so that it is taken off each in the end.

A status belongs to a commit for ever, on whatever branch somebody puts that commit next: one that was turned down,
rewritten, or merged and reverted must not be merged once more by the approvals of then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core.actions import (
    EnableAutoMerge,
    MergePullRequest,
    SetStatus,
    Skip,
    StateChange,
    TakeBack,
)
from bot.core.models import Status, Unknown
from bot.core.plan.places import APPROVAL, place_of, withdraw
from bot.core.state import Granted, with_granted, without_granted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bot.core.actions import Action
    from bot.core.models import PullRequest
    from bot.core.snapshot import Snapshot

GONE = Status(APPROVAL, "pending", "no open pull request has this commit: what was approved there is not approved here")
MOST_LANDED = 50
"""Records of merged commits that lie there until something else is written."""


def records(snapshot: Snapshot, decisions: Iterable[Action | Skip]) -> Iterator[StateChange]:
    """One change of the state branch for every commit that may be merged from now on, and is not recorded yet."""
    new = _unrecorded(snapshot, decisions)
    if new:
        title = f"Let {', '.join(f'#{n}' for n in sorted(set(new.values())))} be merged"
        files = dict(with_granted(Granted(commit, number)) for commit, number in new.items())
        lines = "".join(f"- {commit} (#{number})\n" for commit, number in new.items())
        yield StateChange(title, f"{title}\n\n{lines}", files)


def forgotten(snapshot: Snapshot, others: bool) -> Iterator[StateChange]:
    """The records of commits that are merged go along with `others`, or once there are many of them."""
    if snapshot.landed and (others or len(snapshot.landed) > MOST_LANDED):
        title = "Forget what is merged"
        yield StateChange(title, f"{title}\n", dict(without_granted(commit) for commit in sorted(snapshot.landed)))


def without_record(snapshot: Snapshot, decisions: list[Action | Skip], failure: str) -> list[Action | Skip]:
    """The decisions where the record cannot be written: nothing is let to be merged."""
    numbers = set(_unrecorded(snapshot, decisions).values())
    kept = [d for d in decisions if getattr(d, "number", None) not in numbers or not _lets(d)]
    for pull in (p for p in _open(snapshot) if p.number in numbers):
        environment, application = place_of(pull.branch) if pull.own else (None, "")
        reason = f"#{pull.number} is approved, which could not be recorded: {failure}"
        kept += [*withdraw(pull, reason), Skip(environment, application, "failed", reason, "the next run")]
    return kept


def take_back(snapshot: Snapshot) -> Iterator[TakeBack]:
    """Take the success off every recorded commit that is no open pull request's head and is not merged."""
    if isinstance(snapshot.state, Unknown) or isinstance(snapshot.pull_requests, Unknown):
        return
    heads = {p.head for p in _open(snapshot)}
    there = snapshot.state.granted
    gone = {c: g.number for c, g in there.items() if c not in heads and c not in snapshot.landed}
    # Approved before it was recorded, or by somebody who forged it: what is closed shows its status.
    closed = (p for p in snapshot.pull_requests if p.state == "closed" and p.head not in heads and _succeeded(p))
    gone |= {p.head: p.number for p in closed if p.head not in snapshot.landed}
    if gone:
        numbers = ", ".join(f"#{n}" for n in sorted(set(gone.values())))
        title = f"Take back that commits of {numbers} may be merged"
        files = dict(without_granted(commit) for commit in gone if commit in there)
        steps = (StateChange(title, f"{title}\n", files),) if files else ()
        yield TakeBack(
            application="state", title=title, numbers=gone, status=GONE, steps=steps, expected=snapshot.state_head
        )


def _unrecorded(snapshot: Snapshot, decisions: Iterable[Action | Skip]) -> dict[str, int]:
    """By commit: the open pull requests whose status is success once all is done, without a record of that."""
    said = {d.commit: d.status.state for d in decisions if isinstance(d, SetStatus) and d.status.context == APPROVAL}
    there = {} if isinstance(snapshot.state, Unknown) else snapshot.state.granted
    pulls = [p for p in _open(snapshot) if p.head not in there]
    return {p.head: p.number for p in pulls if said.get(p.head, "success" if _succeeded(p) else "") == "success"}


def _lets(decision: Action | Skip) -> bool:
    """Whether it lets something be merged."""
    if isinstance(decision, SetStatus):
        return decision.status.state == "success"
    return isinstance(decision, MergePullRequest | EnableAutoMerge)


def _succeeded(pull: PullRequest) -> bool:
    return any(s.context == APPROVAL and s.state == "success" for s in pull.statuses)


def _open(snapshot: Snapshot) -> list[PullRequest]:
    own = () if isinstance(snapshot.pull_requests, Unknown) else snapshot.pull_requests
    return [p for p in own if p.state == "open"] + [c.pull_request for c in snapshot.contributions]
