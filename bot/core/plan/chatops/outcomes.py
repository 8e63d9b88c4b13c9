"""What came of one command: done, under way (with what is still to do), or refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core import messages
from bot.core.actions import (
    Action,
    EnableAutoMerge,
    MergePullRequest,
    Proposal,
    SetLabel,
    Skip,
    WriteState,
)
from bot.core.commands import duration, until
from bot.core.models import Unknown
from bot.core.plan.chatops import texts
from bot.core.plan.chatops.diffs import asks_to_see, difference
from bot.core.plan.chatops.nouns import Outcome
from bot.core.plan.chatops.requests import lock_number, pull_request_of
from bot.core.plan.chatops.verdicts import ask_of
from bot.core.plan.places import close, place_of
from bot.core.state import (
    Freeze,
    GivenApproval,
    Hold,
    Lock,
    Rebuild,
    State,
    active_lock,
    with_approval,
    with_freeze,
    with_hold,
    with_lock,
    with_rebuild,
    without_freeze,
    without_hold,
    without_lock,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from bot.core.commands import Command
    from bot.core.events import Promote
    from bot.core.models import UserComment
    from bot.core.snapshot import Snapshot

HOLD = "hold"
SATISFIED = frozenset(
    {"up_to_date", "needs_approval", "needs_merge", "forge_merges", "checks_pending", "frozen", "held", "locked"}
)
"""Reasons of skips that leave what was asked for as far as the bot can bring it."""


def outcome(
    snapshot: Snapshot,
    comment: UserComment,
    command: Command,
    decisions: Mapping[tuple[str, str], list[Action | Skip]],
) -> Outcome:
    """What came of a command that may be done."""
    ask = ask_of(snapshot, comment, command)
    if ask is not None and not ask.dry:
        found = _asked(ask, decisions)
        return _rolled_back(snapshot, comment, command, found) if ask.rollback else found
    if command.verb in _STATE:
        if isinstance(snapshot.state, Unknown):
            return Outcome("refused", snapshot.state.reason, "forge_unavailable")
        return _STATE[command.verb](snapshot, snapshot.state, comment, command)
    if command.verb == "cancel":
        return _cancel(snapshot, comment)
    if command.verb == "rebuild":
        return _rebuild(snapshot, comment, command, decisions)
    if asks_to_see(command):
        return Outcome("done", difference(snapshot, command))
    return Outcome("done", texts.answer(snapshot, comment, command, decisions))


def _asked(ask: Promote, decisions: Mapping[tuple[str, str], list[Action | Skip]]) -> Outcome:
    """A promotion is done once its pull request has what was asked for: all that follows is the bot's daily work.

    Were it done only after a merge, the same words would then ask for something else.
    """
    covered = [d for pair, found in decisions.items() if ask.covers(*pair) for d in found]
    skips = [d for d in covered if isinstance(d, Skip)]
    if any(isinstance(d, Proposal) for d in covered) or any(s.reason_code == "building" for s in skips):
        return Outcome("doing")
    merges = [f"#{d.number} is being merged" for d in covered if isinstance(d, MergePullRequest)]
    merges += [f"#{d.number} is left to the forge to merge" for d in covered if isinstance(d, EnableAutoMerge)]
    text = "\n".join([*(texts.skip_line(s) for s in skips), *merges])
    bad = next((s for s in skips if s.reason_code not in SATISFIED), None)
    return Outcome("refused", text, bad.reason_code) if bad else Outcome("done", text)


def _rolled_back(snapshot: Snapshot, comment: UserComment, command: Command, found: Outcome) -> Outcome:
    """A rollback locks its environment: else the newest release would come back at once."""
    environment, state = str(command.environment), snapshot.state
    if found.status == "refused" or isinstance(state, Unknown):
        return found
    if active_lock(state, environment, snapshot.now):
        text = f"{found.text}\n{environment} stays as it is until `/unlock {environment}`"
        return found if found.status == "doing" else Outcome("done", text.strip())
    reason = f"rolled back: {command.reason}"
    lock = Lock(environment, comment.author, lock_number(comment), comment.id, reason, comment.time, None)
    return _doing(snapshot, comment, f"Lock {environment}", with_lock(lock))


def _write(snapshot: Snapshot, comment: UserComment, title: str, change: tuple[str, bytes | None]) -> WriteState:
    path, content = change
    return WriteState(
        application=path,
        title=f"{title} (#{comment.number})",
        files={path: content},
        expected=snapshot.state_head,
        message=f"{title}\n\nAsked for by {comment.author} in {comment.id} (#{comment.number}).\n",
    )


def _doing(snapshot: Snapshot, comment: UserComment, title: str, change: tuple[str, bytes | None]) -> Outcome:
    action = _write(snapshot, comment, title, change)
    failure = snapshot.failures.get(action.key)
    return Outcome("refused", failure, "failed") if failure else Outcome("doing", actions=(action,))


def _lock(snapshot: Snapshot, state: State, comment: UserComment, command: Command) -> Outcome:
    environment = str(command.environment)
    there = state.locks.get(environment)
    if there and there.comment == comment.id:
        return Outcome("done", f"{messages.plain(texts.locked(there, environment))}. `/unlock {environment}` ends it")
    end = comment.time + duration(str(command.flags["for"])) if "for" in command.flags else None
    lock = Lock(environment, comment.author, lock_number(comment), comment.id, command.reason, comment.time, end)
    return _doing(snapshot, comment, f"Lock {environment}", with_lock(lock))


def _unlock(snapshot: Snapshot, state: State, comment: UserComment, command: Command) -> Outcome:
    environment = str(command.environment)
    damaged = any(d.path == without_lock(environment)[0] for d in state.damaged)
    if environment not in state.locks and not damaged:
        return Outcome("done", f"{environment} is not locked")
    return _doing(snapshot, comment, f"Unlock {environment}", without_lock(environment))


def _freeze(snapshot: Snapshot, state: State, comment: UserComment, command: Command) -> Outcome:
    where = command.environment or "everything"
    there = state.freezes.get(command.environment)
    if there and there.comment == comment.id:
        ends = "`/unfreeze` ends it; the label `hotfix`, put on by an admin, excepts one pull request"
        return Outcome("done", f"{where} is frozen until {there.until:%Y-%m-%d %H:%M} UTC. {ends}")
    flags = command.flags
    end: datetime = (
        comment.time + duration(str(flags["for"])) if "for" in flags else until(str(flags["until"]), comment.time)
    )
    freeze = Freeze(command.environment, comment.author, comment.id, command.reason, comment.time, end)
    return _doing(snapshot, comment, f"Freeze {where}", with_freeze(freeze))


def _unfreeze(snapshot: Snapshot, state: State, comment: UserComment, command: Command) -> Outcome:
    where = command.environment or "everything"
    path = without_freeze(command.environment)
    if command.environment not in state.freezes and not any(d.path == path[0] for d in state.damaged):
        return Outcome("done", f"{where} is not frozen")
    return _doing(snapshot, comment, f"Unfreeze {where}", path)


def _hold(snapshot: Snapshot, state: State, comment: UserComment, command: Command) -> Outcome:
    pull = pull_request_of(snapshot, comment)
    there = state.holds.get(comment.number)
    if there is None:
        hold = Hold(comment.number, comment.author, comment.id, command.reason, comment.time)
        return _doing(snapshot, comment, f"Hold #{comment.number}", with_hold(hold))
    if pull and HOLD not in pull.labels:
        return Outcome("doing", actions=(_label(comment.number, present=True),))
    return Outcome("done", f"#{comment.number} is held by {messages.plain(there.owner)}. `/unhold` ends it")


def _unhold(snapshot: Snapshot, state: State, comment: UserComment, _: Command) -> Outcome:
    pull = pull_request_of(snapshot, comment)
    path = without_hold(comment.number)
    if comment.number in state.holds or any(d.path == path[0] for d in state.damaged):
        return _doing(snapshot, comment, f"End the hold of #{comment.number}", path)
    if pull and HOLD in pull.labels:
        return Outcome("doing", actions=(_label(comment.number, present=False),))
    return Outcome("done", f"#{comment.number} is not held")


def _approve(snapshot: Snapshot, state: State, comment: UserComment, command: Command) -> Outcome:
    pull = pull_request_of(snapshot, comment)
    commit = pull.head if pull else command.argument
    if any(a.comment == comment.id for a in state.approvals):
        return Outcome("done", f"#{comment.number} is approved by you at `{commit[:12]}`")
    given = GivenApproval(comment.number, comment.author, commit, comment.id, comment.time)
    return _doing(snapshot, comment, f"Approve #{comment.number} at {commit[:12]}", with_approval(given))


def _rebuild(
    snapshot: Snapshot,
    comment: UserComment,
    command: Command,
    decisions: Mapping[tuple[str, str], list[Action | Skip]],
) -> Outcome:
    """A tag never moves: the same commit gets one of its own, and with it its way through the environments."""
    pull, state = pull_request_of(snapshot, comment), snapshot.state
    application = command.argument or (place_of(pull.branch)[1] if pull else "")
    commits = [c for (name, _), c in snapshot.sources.items() if name == application]
    known = tuple(sorted({c.sha for c in commits if not isinstance(c, Unknown)}))
    if isinstance(state, Unknown) or len(known) < len({str(c) for c in commits}):
        return Outcome("refused", "the state, or a source, could not be read", "forge_unavailable")
    if not known:
        fix = "name one of them: `/rebuild <application>`" if not application else "its images are pushed by others"
        return Outcome("refused", f"there is nothing to build here; {fix}", "nothing_to_build")
    there = state.rebuilds.get(application)
    if there is None or there.comment != comment.id:
        rebuild = Rebuild(application, comment.author, comment.id, known, comment.time)
        return _doing(snapshot, comment, f"Build {application} again", with_rebuild(rebuild))
    first = [e for e, config in snapshot.config.environments.items() if config.after is None]
    found = [d for e in first for d in decisions.get((e, application), []) if isinstance(d, Skip)]
    if any(s.reason_code == "building" for s in found):
        return Outcome("doing")
    failed = next((s for s in found if s.reason_code in ("build_failed", "failed")), None)
    if failed:
        return Outcome("refused", messages.plain(failed.reason), failed.reason_code)
    return Outcome("done", f"{application} is built again; its new digest is on its way")


def _label(number: int, *, present: bool) -> SetLabel:
    title = f"{'Put' if present else 'Take'} the label {HOLD} {'on' if present else 'off'} #{number}"
    return SetLabel(application="", title=title, number=number, label=HOLD, present=present)


def _cancel(snapshot: Snapshot, comment: UserComment) -> Outcome:
    pull = pull_request_of(snapshot, comment)
    if pull is None:
        return Outcome("done", f"#{comment.number} is closed")
    return Outcome("doing", actions=(close(pull, f"{comment.author} cancelled it", "cancelled"),))


_STATE: Mapping[str, Callable[[Snapshot, State, UserComment, Command], Outcome]] = {
    "lock": _lock,
    "unlock": _unlock,
    "freeze": _freeze,
    "unfreeze": _unfreeze,
    "hold": _hold,
    "unhold": _unhold,
    "approve": _approve,
}
