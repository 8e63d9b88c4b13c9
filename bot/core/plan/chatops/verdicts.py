"""May this person give this command, here and now? Whoever cannot be told apart from a stranger is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core import authorize
from bot.core.commands import VERBS, Command, until
from bot.core.errors import BotError
from bot.core.events import Promote
from bot.core.messages import asked_for, plain
from bot.core.models import Labelled, Unknown
from bot.core.plan.chatops import texts
from bot.core.plan.chatops.effects import HOLD, label_stays
from bot.core.plan.chatops.nouns import Problem, Request
from bot.core.plan.chatops.order import is_younger
from bot.core.plan.chatops.requests import ON_A_PULL_REQUEST, lock_number, pull_request_of
from bot.core.plan.places import place_of
from bot.core.state import Damaged, Lock, active_hold, active_lock

if TYPE_CHECKING:
    from bot.core.commands import Level
    from bot.core.models import UserComment
    from bot.core.snapshot import Snapshot
    from bot.core.state import State

OPPOSITES = ({"hold", "unhold"}, {"lock", "unlock"}, {"freeze", "unfreeze"})
"""Verbs that undo each other: both in one comment would be done and undone without an end."""


def contradiction(request: Request) -> tuple[Problem, ...]:
    """That two commands of one comment undo each other; empty if none do."""
    verbs = {c.verb for c in request.commands}
    if not any(pair <= verbs for pair in OPPOSITES):
        return ()
    what = "two commands of this comment undo each other"
    return (Problem("contradiction", "", what, "write the one that you mean"),)


def ask_of(snapshot: Snapshot, comment: UserComment, command: Command) -> Promote | None:
    """The event that a command stands for, the same that the command line makes."""
    if command.verb == "refresh":
        pull = pull_request_of(snapshot, comment)
        environment, application = place_of(pull.branch) if pull else ("", "")
        return Promote(environment, (application,), None, comment.author, refresh=True) if pull else None
    if command.verb not in ("promote", "rollback") or command.environment is None:
        return None
    version = command.flags.get("to" if command.verb == "rollback" else "version")
    return Promote(
        command.environment,
        command.applications,
        str(version) if version else None,
        comment.author,
        rollback=command.verb == "rollback",
        dry="dry-run" in command.flags,
    )


def problem(snapshot: Snapshot, comment: UserComment, command: Command) -> Problem | None:
    """Why one command may not be done: what it names, who gives it, and what stands against it, in that order."""
    if command.verb == "cancel" and _was_cancelled(snapshot, comment):
        return None
    return (
        _unknown_names(snapshot, command)
        or _wrong_place(snapshot, comment, command)
        or _denied(snapshot, comment, command)
        or _against(snapshot, comment, command)
    )


def _unknown_names(snapshot: Snapshot, command: Command) -> Problem | None:
    config = snapshot.config
    if command.environment is not None and command.environment not in config.environments:
        known = ", ".join(config.environments)
        return Problem("unknown_environment", command.text, "there is no such environment", f"there are {known}")
    names = list(command.applications)
    if command.verb == "rebuild" and command.argument:
        names.append(command.argument)
    if any(name not in config.applications for name in names):
        known = ", ".join(config.applications)
        return Problem("unknown_application", command.text, "there is no such application", f"there are {known}")
    source = command.flags.get("from")
    if source and source not in config.environments:
        known = ", ".join(config.environments)
        return Problem("unknown_environment", command.text, "there is no such environment", f"there are {known}")
    return None


def _wrong_place(snapshot: Snapshot, comment: UserComment, command: Command) -> Problem | None:
    if command.verb not in ON_A_PULL_REQUEST:
        return None
    if isinstance(snapshot.pull_requests, Unknown):
        return Problem("forge_unavailable", command.text, "the pull requests could not be read", "try again later")
    if pull_request_of(snapshot, comment) is None:
        what = "this is not an open pull request of mine"
        return Problem("not_a_promotion", command.text, what, "write it on the pull request that it is about")
    return None


def _was_cancelled(snapshot: Snapshot, comment: UserComment) -> bool:
    """Whether the bot has closed that pull request because somebody cancelled it."""
    pulls = () if isinstance(snapshot.pull_requests, Unknown) else snapshot.pull_requests
    here = [p for p in pulls if comment.on_pull_request and p.number == comment.number]
    return any(p.state == "closed" and "cancelled" in p.comments for p in here)


def _denied(snapshot: Snapshot, comment: UserComment, command: Command) -> Problem | None:
    rule = VERBS[command.verb]
    # What is one's own needs less, and never more.
    own = rule.own if rule.own and _is_own(snapshot, comment, command) else None
    levels: tuple[Level, ...] = (rule.level, own) if own else (rule.level,)
    environment = command.environment
    pull = pull_request_of(snapshot, comment)
    if environment is None and pull is not None:
        environment = place_of(pull.branch)[0]
    if environment not in snapshot.config.environments:
        environment = None
    person = snapshot.people.get(comment.author.lower(), Unknown("who that is was not asked"))
    verdicts = [authorize.may(snapshot.config, person, comment.author, level, environment) for level in levels]
    if any(verdict.allowed for verdict in verdicts):
        return None
    verdict = verdicts[-1]
    return Problem(verdict.reason_code, command.text, verdict.reason, "ask somebody who may")


def _is_own(snapshot: Snapshot, comment: UserComment, command: Command) -> bool:
    """Whether it is about something that the same person made: a hold, a lock, a promotion asked for."""
    author, state = comment.author.casefold(), snapshot.state
    if isinstance(state, Unknown):
        return False
    if command.verb == "unlock" and command.environment:
        lock = _lock_before(snapshot, state, comment, command.environment)
        return lock is None or (not isinstance(lock, Damaged) and lock.owner.casefold() == author)
    if command.verb == "unhold":
        return _ends_own_hold(snapshot, state, comment)
    pull = pull_request_of(snapshot, comment)
    branch = snapshot.branches.get(pull.branch) if pull else None
    asked = asked_for(branch.head) if branch else None
    return asked is not None and asked.by.casefold() == author


def _ends_own_hold(snapshot: Snapshot, state: State, comment: UserComment) -> bool:
    """Whether what `/unhold` would end is the same person's, or nothing: a label that a person put on is that one's."""
    hold, pull = active_hold(state, comment.number), pull_request_of(snapshot, comment)
    if isinstance(hold, Damaged):
        return False
    if hold and not is_younger(snapshot, hold, comment) and hold.owner.casefold() != comment.author.casefold():
        return False
    if pull is None or HOLD not in pull.labels or label_stays(snapshot, comment):
        return True
    put = snapshot.labelled.get((pull.number, HOLD))
    return isinstance(put, Labelled) and put.by == snapshot.own_name


def _lock_before(snapshot: Snapshot, state: State, comment: UserComment, environment: str) -> Lock | Damaged | None:
    """The lock that was there when a comment was written."""
    lock = active_lock(state, environment, snapshot.now)
    return None if isinstance(lock, Lock) and is_younger(snapshot, lock, comment) else lock


def _against(snapshot: Snapshot, comment: UserComment, command: Command) -> Problem | None:
    """What speaks against a command that this person may give: the state, a moved head, a switch."""
    if command.verb == "approve":
        return _against_approval(snapshot, comment, command)
    if command.verb == "promote":
        return _against_promotion(snapshot, comment, command)
    if command.verb == "freeze" and "until" in command.flags:
        return _against_time(str(command.flags["until"]), comment, command)
    if command.verb == "unlock" and not command.reason and not _is_own(snapshot, comment, command):
        fix = f"write `/unlock {command.environment} <reason>`"
        return Problem("missing_reason", command.text, "the lock is somebody else's", fix)
    if command.verb == "lock" and command.environment and not isinstance(snapshot.state, Unknown):
        lock = _lock_before(snapshot, snapshot.state, comment, command.environment)
        by = (comment.author.casefold(), lock_number(comment))
        if lock and (isinstance(lock, Damaged) or (lock.owner.casefold(), lock.number) != by):
            text = plain(texts.locked(lock, command.environment))
            return Problem("locked", command.text, text, f"ask for `/unlock {command.environment}`")
    return None


def _against_time(text: str, comment: UserComment, command: Command) -> Problem | None:
    try:
        until(text, comment.time)
    except BotError as error:
        return Problem("bad_value", command.text, error.message, error.fix)
    return None


def _against_approval(snapshot: Snapshot, comment: UserComment, command: Command) -> Problem | None:
    if not snapshot.config.commands.approve:
        what = "approvals by command are off here"
        return Problem("command_off", command.text, what, "approve by a review; `commands.approve` turns this on")
    pull = pull_request_of(snapshot, comment)
    if pull and not pull.head.startswith(command.argument):
        what = f"the pull request is at `{pull.head[:12]}` now"
        return Problem("head_moved", command.text, what, f"look at it again, then write `/approve {pull.head[:12]}`")
    return None


def _against_promotion(snapshot: Snapshot, comment: UserComment, command: Command) -> Problem | None:
    wanted, head = command.flags.get("sha"), snapshot.head.sha
    if isinstance(wanted, str) and not head.startswith(wanted.lower()):
        fix = f"look at it again, then write `--sha={head[:12]}`"
        return Problem("head_moved", command.text, f"the default branch is at `{head[:12]}` now", fix)
    if command.environment is None or "dry-run" in command.flags:
        return None
    if isinstance(snapshot.state, Unknown):
        what = f"whether {command.environment} is locked could not be read: {snapshot.state.reason}"
        return Problem("forge_unavailable", command.text, what, "try again later")
    lock = _lock_before(snapshot, snapshot.state, comment, command.environment)
    own = lock and not isinstance(lock, Damaged) and lock.owner.casefold() == comment.author.casefold()
    if lock and not own:
        fix = f"wait, or ask for `/unlock {command.environment}`"
        return Problem("locked", command.text, plain(texts.locked(lock, command.environment)), fix)
    return None
