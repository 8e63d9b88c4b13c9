"""What is true once all commands of a round are carried out, in the words of an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core import messages
from bot.core.models import Unknown
from bot.core.plan.chatops import texts
from bot.core.plan.chatops.effects import HOLD, label_stays
from bot.core.plan.chatops.nouns import Outcome
from bot.core.plan.chatops.requests import pull_request_of
from bot.core.state import active_freeze, active_hold, active_lock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bot.core.commands import Command
    from bot.core.models import UserComment
    from bot.core.snapshot import Snapshot
    from bot.core.state import State


def ending(world: Snapshot, comment: UserComment, command: Command) -> Outcome:
    """The end of a command about locks, freezes, holds or approvals; `world` is that after all commands."""
    if isinstance(world.state, Unknown):
        return Outcome("refused", world.state.reason, "forge_unavailable")
    return ENDINGS[command.verb](world, world.state, comment, command)


def _lock(world: Snapshot, state: State, _: UserComment, command: Command) -> Outcome:
    environment = str(command.environment)
    lock = active_lock(state, environment, world.now)
    if lock is None:
        return Outcome("done", f"{environment} is not locked")
    return Outcome("done", f"{messages.plain(texts.locked(lock, environment))}. `/unlock {environment}` ends it")


def _freeze(world: Snapshot, state: State, _: UserComment, command: Command) -> Outcome:
    environment = command.environment
    freeze = active_freeze(state, environment or "", world.now)
    where = environment or "everything"
    if freeze is None:
        return Outcome("done", f"{where} is not frozen")
    ends = "`/unfreeze` ends it; the label `hotfix`, put on by an admin, excepts one pull request"
    until = getattr(freeze, "until", None)
    if until is None:
        return Outcome("done", f"{messages.plain(texts.frozen(freeze, where))}. {ends}")
    return Outcome("done", f"{where} is frozen until {until:%Y-%m-%d %H:%M} UTC. {ends}")


def _hold(world: Snapshot, state: State, comment: UserComment, _: Command) -> Outcome:
    number, hold = comment.number, active_hold(state, comment.number)
    if hold is None:
        return _label(world, comment)
    by = messages.plain(getattr(hold, "owner", "") or f"a file that is damaged, {getattr(hold, 'path', '')}")
    reason = getattr(hold, "reason", "")
    because = f": {messages.plain(reason)}" if reason else ""
    return Outcome("done", f"#{number} is held by {by}{because}. `/unhold` ends it")


def _label(world: Snapshot, comment: UserComment) -> Outcome:
    pull = pull_request_of(world, comment)
    stays = label_stays(world, comment)
    if pull is None or HOLD not in pull.labels:
        return Outcome("done", f"#{comment.number} is not held")
    if stays:
        return Outcome("refused", f"#{comment.number} has the label `{HOLD}`: {messages.plain(stays)}", "held")
    return Outcome("done", f"#{comment.number} has the label `{HOLD}`. `/unhold` ends it")


def _approve(_: Snapshot, state: State, comment: UserComment, command: Command) -> Outcome:
    given = [a for a in state.approvals if a.number == comment.number and a.user == comment.author]
    commit = given[-1].commit if given else command.argument
    return Outcome("done", f"#{comment.number} is approved by you at `{commit[:12]}`")


ENDINGS: Mapping[str, Callable[[Snapshot, State, UserComment, Command], Outcome]] = {
    "lock": _lock,
    "unlock": _lock,
    "freeze": _freeze,
    "unfreeze": _freeze,
    "hold": _hold,
    "unhold": _hold,
    "approve": _approve,
}
