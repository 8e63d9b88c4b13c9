"""What the bot answers in comments. No line of it begins with `/`, so that no bot takes it for a command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core import authorize, messages
from bot.core.actions import Action, Skip
from bot.core.commands import VERBS, usage
from bot.core.models import Unknown
from bot.core.plan.chatops.requests import ON_A_PULL_REQUEST, pull_request_of
from bot.core.state import Damaged, active_freeze, active_lock

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bot.core.commands import Command, Verb
    from bot.core.models import UserComment
    from bot.core.plan.chatops.nouns import Outcome, Problem
    from bot.core.snapshot import Snapshot
    from bot.core.state import Freeze, Lock


def reply(author: str, problems: Iterable[Problem], outcomes: Iterable[tuple[Command, Outcome]]) -> str:
    """One answer to all commands of a comment (Markdown)."""
    lines = [f"{messages.plain(author)}:"]
    for problem in problems:
        line = f"{messages.code(problem.line)}: " if problem.line else ""
        fix = f" Next: {problem.fix}" if problem.fix else ""
        lines.append(f"- {line}**{problem.reason_code}**: {problem.message}.{fix}")
    for command, found in outcomes:
        code = f"**{found.reason_code}**: " if found.reason_code else ""
        text = found.text or "done"
        indented = text.replace("\n", "\n  ")
        lines.append(f"- {messages.code(command.text)}: {code}{indented}")
    return "\n".join(lines) + "\n"


def skip_line(skip: Skip) -> str:
    """A skip as one line of an answer, with what to do next."""
    waits = f"; it waits for {skip.waits_for}" if skip.waits_for else ""
    return f"{skip.environment}, {skip.application}: {messages.plain(skip.reason)}{messages.plain(waits)}"


def frozen(freeze: Freeze | Damaged | None, environment: str) -> str:
    """Who froze what, until when and why; empty if nobody did."""
    if freeze is None:
        return ""
    if isinstance(freeze, Damaged):
        return f"{environment} counts as frozen: {freeze.path} is damaged: {freeze.reason}"
    where = freeze.environment or "everything"
    return f"{where} is frozen by {freeze.owner} until {freeze.until:%Y-%m-%d %H:%M} UTC: {freeze.reason}"


def locked(lock: Lock | Damaged | None, environment: str) -> str:
    """Who locked what, until when and why; empty if nobody did."""
    if lock is None:
        return ""
    if isinstance(lock, Damaged):
        return f"{environment} counts as locked: {lock.path} is damaged: {lock.reason}"
    until = f" until {lock.until:%Y-%m-%d %H:%M} UTC" if lock.until else ""
    place = f"#{lock.number}" if lock.number else "on an issue"
    return f"{lock.environment} is locked by {lock.owner} ({place}){until}: {lock.reason}"


def answer(
    snapshot: Snapshot,
    comment: UserComment,
    command: Command,
    decisions: Mapping[tuple[str, str], list[Action | Skip]],
) -> str:
    """The answer to a command that changes nothing."""
    if command.verb == "help":
        return _help(snapshot, comment, command.argument)
    if command.verb == "status":
        return _status(snapshot, command.environment, decisions)
    return "I look at everything again on each run, and this was one"


def _help(snapshot: Snapshot, comment: UserComment, verb: str) -> str:
    """The commands that this person may give here, and what each environment wants; of one verb, who may give it."""
    person = snapshot.people.get(comment.author.lower(), Unknown("who that is was not asked"))
    lines = [line for name in VERBS if verb in ("", name) and (line := _usable(snapshot, comment, name))]
    level = "cannot be told" if isinstance(person, Unknown) else person.permission
    head = f"your permission here: {level}. "
    if verb:
        return head + (f"You may use:\n{lines[0]}" if lines else f"You may not use `/{verb}` here")
    rules = [f"- {name} {messages.rules(config)}" for name, config in snapshot.config.environments.items()]
    return "\n".join([f"{head}You may use:", *lines, "", "A pull request into:", *rules])


def _usable(snapshot: Snapshot, comment: UserComment, verb: Verb) -> str:
    """One line on a command; empty if this person may not give it here, or nobody may."""
    allowed, rule = _where(snapshot, comment, verb), VERBS[verb]
    off = verb == "approve" and not snapshot.config.commands.approve
    if not allowed or off or (verb in ON_A_PULL_REQUEST and pull_request_of(snapshot, comment) is None):
        return ""
    only = "" if allowed == list(snapshot.config.environments) else f" (in {', '.join(allowed)})"
    return f"- {messages.code(usage(verb))}: {rule.help}{only if rule.environment != 'no' else ''}"


def _where(snapshot: Snapshot, comment: UserComment, verb: Verb) -> list[str]:
    person = snapshot.people.get(comment.author.lower(), Unknown("who that is was not asked"))
    rule = VERBS[verb]
    return [
        e
        for e in snapshot.config.environments
        if authorize.may(snapshot.config, person, comment.author, rule.own or rule.level, e).allowed
    ]


def _status(
    snapshot: Snapshot, environment: str | None, decisions: Mapping[tuple[str, str], list[Action | Skip]]
) -> str:
    rows = ["| environment | application | version | waits for |", "|---|---|---|---|"]
    for (name, application), here in snapshot.deployed.items():
        if environment in (None, name):
            version = ", ".join(v.tag for v in here.release.images.values())
            skips = [d for d in decisions.get((name, application), []) if isinstance(d, Skip)]
            waits = next((s.waits_for for s in skips if s.waits_for), "") or ""
            rows.append(f"| {name} | {application} | {messages.code(version)} | {messages.plain(waits)} |")
    stops = [text for e in snapshot.config.environments if environment in (None, e) for text in stopped(snapshot, e)]
    return "\n\n" + "\n".join([*rows, *(f"\n{messages.plain(stop)}" for stop in stops)])


def stopped(snapshot: Snapshot, environment: str) -> list[str]:
    """What stops promotions into an environment: its lock and freeze, or that they cannot be read."""
    if isinstance(snapshot.state, Unknown):
        return [f"whether {environment} is locked or frozen could not be read: {snapshot.state.reason}"]
    lock = active_lock(snapshot.state, environment, snapshot.now)
    freeze = active_freeze(snapshot.state, environment, snapshot.now)
    return [text for text in (locked(lock, environment), frozen(freeze, environment)) if text]
