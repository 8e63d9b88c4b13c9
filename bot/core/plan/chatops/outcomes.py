"""What came of one command: done, under way (with what is still to do), or refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core import messages
from bot.core.actions import EnableAutoMerge, MergePullRequest, Proposal, Skip
from bot.core.models import Unknown
from bot.core.plan.asks import ask_for
from bot.core.plan.chatops import texts
from bot.core.plan.chatops.diffs import asks_to_see, difference
from bot.core.plan.chatops.effects import state_change
from bot.core.plan.chatops.endings import ENDINGS, ending
from bot.core.plan.chatops.nouns import Outcome
from bot.core.plan.chatops.requests import lock_number, pull_request_of
from bot.core.plan.chatops.verdicts import ask_of
from bot.core.plan.places import place_of
from bot.core.state import Lock, Rebuild, active_lock, with_lock, with_rebuild

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeAlias

    from bot.core.actions import Action
    from bot.core.commands import Command
    from bot.core.events import Promote
    from bot.core.models import UserComment
    from bot.core.plan.chatops.hearing import Heard, Hearing
    from bot.core.snapshot import Snapshot

    Decisions: TypeAlias = Mapping[tuple[str, str], list[Action | Skip]]

SATISFIED = frozenset(
    {"up_to_date", "needs_approval", "needs_merge", "forge_merges", "checks_pending", "frozen", "held", "locked"}
)
"""Reasons of skips that leave what was asked for as far as the bot can bring it."""


def outcome(hearing: Hearing, heard: Heard, command: Command, decisions: Decisions) -> Outcome:
    """What came of a command that may be done."""
    snapshot, comment = hearing.before, heard.comment
    ask = ask_of(snapshot, comment, command)
    if ask is not None and not ask.dry:
        found = _asked(snapshot, ask, decisions)
        return _rolled_back(snapshot, comment, command, found) if ask.rollback else found
    if command.verb in ENDINGS:
        return _carried_out(hearing, heard, command)
    if command.verb == "cancel":
        return _cancelled(snapshot, comment)
    if command.verb == "rebuild":
        return _rebuild(snapshot, comment, command, decisions)
    if asks_to_see(command):
        return Outcome("done", difference(snapshot, command))
    return Outcome("done", texts.answer(snapshot, comment, command, decisions))


def _carried_out(hearing: Hearing, heard: Heard, command: Command) -> Outcome:
    """Under way while anything that it changes is not at the end as it is now."""
    waiting = hearing.still_to_write()
    if changes := tuple(change for change in heard.changes if change in waiting):
        return Outcome("doing", changes=changes)
    labels = [a for a in hearing.still_to_label() if a.number == heard.comment.number]
    if labels and command.verb in ("hold", "unhold"):
        failure = next((why for a in labels if (why := hearing.before.failures.get(a.key))), None)
        return Outcome("refused", messages.plain(failure), "failed") if failure else Outcome("doing")
    return ending(hearing.after, heard.comment, command)


def _asked(snapshot: Snapshot, ask: Promote, decisions: Decisions) -> Outcome:
    """A promotion is done once its pull request has what was asked for: all that follows is the bot's daily work.

    Were it done only after a merge, the same words would then ask for something else.
    """
    covered = [d for pair, found in decisions.items() if ask.covers(*pair) for d in found]
    skips = [d for d in covered if isinstance(d, Skip)]
    if any(isinstance(d, Proposal) for d in covered) or any(s.reason_code == "building" for s in skips):
        return Outcome("doing")
    merges = [f"#{d.number} is being merged" for d in covered if isinstance(d, MergePullRequest)]
    merges += [f"#{d.number} is left to the forge to merge" for d in covered if isinstance(d, EnableAutoMerge)]
    newest = (ask_for(snapshot, *pair) for pair in decisions if ask.covers(*pair) and not ask.refresh)
    later = next((a for a in newest if a not in (None, ask)), None)
    instead = [f"{messages.plain(later.by)} asked for something else after this, which counts"] if later else []
    text = "\n".join([*instead, *(texts.skip_line(s) for s in skips), *merges])
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
    return _write(comment, f"Lock {environment}", with_lock(lock))


def _write(comment: UserComment, title: str, change: tuple[str, bytes]) -> Outcome:
    return Outcome("doing", changes=(state_change(comment, title, dict([change])),))


def _rebuild(
    snapshot: Snapshot,
    comment: UserComment,
    command: Command,
    decisions: Decisions,
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
        return _write(comment, f"Build {application} again", with_rebuild(rebuild))
    first = [e for e, config in snapshot.config.environments.items() if config.after is None]
    found = [d for e in first for d in decisions.get((e, application), []) if isinstance(d, Skip)]
    if any(s.reason_code == "building" for s in found):
        return Outcome("doing")
    failed = next((s for s in found if s.reason_code in ("build_failed", "failed")), None)
    if failed:
        return Outcome("refused", messages.plain(failed.reason), failed.reason_code)
    return Outcome("done", f"{application} is built again; its new digest is on its way")


def _cancelled(snapshot: Snapshot, comment: UserComment) -> Outcome:
    """The decision on the pull request closes it."""
    pull = pull_request_of(snapshot, comment)
    return Outcome("doing") if pull else Outcome("done", f"#{comment.number} is closed")
