"""What a command changes in the world that the commands before it left behind; those behind it see the change."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from bot.core.actions import StateChange
from bot.core.commands import duration, until
from bot.core.models import Labelled, Unknown
from bot.core.plan.chatops.order import is_overtaken, is_younger
from bot.core.plan.chatops.requests import lock_number, pull_request_of
from bot.core.state import (
    Freeze,
    GivenApproval,
    Hold,
    Lock,
    changed,
    records_of,
    with_approval,
    with_freeze,
    with_hold,
    with_lock,
    without_freeze,
    without_hold,
    without_lock,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bot.core.commands import Command
    from bot.core.models import PullRequest, UserComment
    from bot.core.plan.chatops.order import Asked
    from bot.core.snapshot import Snapshot

HOLD = "hold"
"""The label: put on by `/hold`, or by a person on the forge; either holds."""


class Effect(NamedTuple):
    """What one command does: files of the state branch, and the label `hold` put on (True) or taken off (False)."""

    title: str = ""
    files: Mapping[str, bytes | None] = {}
    label: bool | None = None


def effect_of(world: Snapshot, comment: UserComment, command: Command) -> Effect:
    """The effect of a command that may be given; none where a later one of its kind was carried out already.

    That is so after a crash, or a reaction that could not be put: the older of the two is found again.
    """
    make = _EFFECTS.get(command.verb)
    if make is None or isinstance(world.state, Unknown) or is_overtaken(world, comment, command):
        return Effect()
    return make(world, comment, command)


def after(world: Snapshot, comment: UserComment, command: Command, effect: Effect) -> Snapshot:
    """The world after that command."""
    if effect.files and not isinstance(world.state, Unknown):
        world = replace(world, state=changed(world.state, effect.files))
    pull = pull_request_of(world, comment)
    if pull and command.verb == "cancel":
        return _with(world, replace(pull, state="closed"))
    if pull and effect.label is not None:
        by = world.own_name if isinstance(world.own_name, str) else ""
        labels = pull.labels | {HOLD} if effect.label else pull.labels - {HOLD}
        labelled = {**world.labelled, (pull.number, HOLD): Labelled(by, comment.time)}
        return _with(replace(world, labelled=labelled), replace(pull, labels=labels))
    return world


def state_change(comment: UserComment, title: str, files: Mapping[str, bytes | None]) -> StateChange:
    """The commit on the state branch: its history says who asked for what."""
    asked = f"Asked for by {comment.author} in {comment.id} (#{comment.number})."
    return StateChange(f"{title} (#{comment.number})", f"{title}\n\n{asked}\n", files)


def label_stays(world: Snapshot, comment: UserComment) -> str:
    """Why `/unhold` does not take the label `hold` off; empty if it does, or there is none.

    What a person has put on after it was written is a new hold.
    """
    pull = pull_request_of(world, comment)
    if pull is None or HOLD not in pull.labels:
        return ""
    put = world.labelled.get((pull.number, HOLD), Unknown("it was not asked"))
    if isinstance(put, Unknown):
        return f"who put the label {HOLD} on, and when, could not be read: {put.reason}"
    if put is None:
        return f"who put the label {HOLD} on, and when, cannot be told: take it off on the pull request's page"
    # Within one second nobody can tell: then it stays.
    later = put.by != world.own_name and put.time >= comment.time
    return f"{put.by} put the label {HOLD} on after this was written" if later else ""


def _hold(world: Snapshot, comment: UserComment, command: Command) -> Effect:
    assert not isinstance(world.state, Unknown)
    pull, number = pull_request_of(world, comment), comment.number
    label = True if pull and HOLD not in pull.labels else None
    if number in world.state.holds:
        return Effect(label=label)
    hold = Hold(number, comment.author, comment.id, command.reason, comment.time)
    return Effect(f"Hold #{number}", dict([with_hold(hold)]), label)


def _unhold(world: Snapshot, comment: UserComment, _: Command) -> Effect:
    pull = pull_request_of(world, comment)
    label = False if pull and HOLD in pull.labels and not label_stays(world, comment) else None
    return Effect(f"End the hold of #{comment.number}", _end(world, comment, without_hold(comment.number)), label)


def _lock(world: Snapshot, comment: UserComment, command: Command) -> Effect:
    environment = str(command.environment)
    end = comment.time + duration(str(command.flags["for"])) if "for" in command.flags else None
    lock = Lock(environment, comment.author, lock_number(comment), comment.id, command.reason, comment.time, end)
    return Effect(f"Lock {environment}", _make(world, comment, with_lock(lock)))


def _unlock(world: Snapshot, comment: UserComment, command: Command) -> Effect:
    environment = str(command.environment)
    return Effect(f"Unlock {environment}", _end(world, comment, without_lock(environment)))


def _freeze(world: Snapshot, comment: UserComment, command: Command) -> Effect:
    flags, since = command.flags, comment.time
    end = since + duration(str(flags["for"])) if "for" in flags else until(str(flags["until"]), since)
    freeze = Freeze(command.environment, comment.author, comment.id, command.reason, since, end)
    return Effect(f"Freeze {command.environment or 'everything'}", _make(world, comment, with_freeze(freeze)))


def _unfreeze(world: Snapshot, comment: UserComment, command: Command) -> Effect:
    where = command.environment or "everything"
    return Effect(f"Unfreeze {where}", _end(world, comment, without_freeze(command.environment)))


def _approve(world: Snapshot, comment: UserComment, command: Command) -> Effect:
    pull = pull_request_of(world, comment)
    commit = pull.head if pull else command.argument
    given = GivenApproval(comment.number, comment.author, commit, comment.id, comment.time)
    return Effect(f"Approve #{comment.number} at {commit[:12]}", _make(world, comment, with_approval(given)))


def _make(world: Snapshot, comment: UserComment, change: tuple[str, bytes]) -> Mapping[str, bytes | None]:
    """A record in the place of an older one, not of its own or a younger one."""
    there = _there(world, change[0])
    return {} if there and (there.comment == comment.id or is_younger(world, there, comment)) else dict([change])


def _end(world: Snapshot, comment: UserComment, change: tuple[str, None]) -> Mapping[str, bytes | None]:
    """The end of an older record or of a damaged file, not of a younger record."""
    assert not isinstance(world.state, Unknown)
    there = _there(world, change[0])
    gone = change[0] not in records_of(world.state)
    return {} if gone or (there and is_younger(world, there, comment)) else dict([change])


def _there(world: Snapshot, path: str) -> Asked | None:
    assert not isinstance(world.state, Unknown)
    record = records_of(world.state).get(path)
    return record if isinstance(record, Freeze | GivenApproval | Hold | Lock) else None


def _with(world: Snapshot, pull: PullRequest) -> Snapshot:
    pulls = () if isinstance(world.pull_requests, Unknown) else world.pull_requests
    return replace(world, pull_requests=tuple(pull if p.number == pull.number else p for p in pulls))


_EFFECTS: Mapping[str, Callable[[Snapshot, UserComment, Command], Effect]] = {
    "lock": _lock,
    "unlock": _unlock,
    "freeze": _freeze,
    "unfreeze": _unfreeze,
    "hold": _hold,
    "unhold": _unhold,
    "approve": _approve,
}
