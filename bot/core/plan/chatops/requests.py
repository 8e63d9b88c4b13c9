"""A comment with commands and without the bot's last word on it is a request that is still to be done.

So a command whose webhook was lost is found by any later run, and one that was answered is never done again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core import messages
from bot.core.commands import Command, Mistake, naming, parse
from bot.core.identity import BOT_NAME
from bot.core.models import Unknown
from bot.core.plan.chatops.nouns import Problem, Request

if TYPE_CHECKING:
    from bot.core.models import PullRequest, Reaction, UserComment
    from bot.core.snapshot import Snapshot

ON_A_PULL_REQUEST = frozenset({"approve", "hold", "unhold", "refresh", "cancel", "retry"})
LAST_WORDS: frozenset[Reaction] = frozenset({"rocket", "-1", "confused"})


def open_requests(snapshot: Snapshot) -> tuple[Request, ...]:
    """All that is still to be done, the oldest first."""
    if isinstance(snapshot.comments, Unknown):
        return ()
    found = [_request(snapshot, comment) for comment in snapshot.comments if is_open(comment)]
    return tuple(request for request in found if request.commands or request.mistakes)


def speakers(snapshot: Snapshot) -> frozenset[str]:
    """Who gave the commands that are still to be done: their permission must be known."""
    if isinstance(snapshot.comments, Unknown):
        return frozenset()
    names = names_of(snapshot)
    return frozenset(c.author for c in snapshot.comments if is_open(c) and parse(c.body, *names))


def names_of(snapshot: Snapshot) -> tuple[str, ...]:
    """What the bot answers to: its name everywhere, and that of its account if the forge has told it."""
    return (BOT_NAME,) if isinstance(snapshot.own_name, Unknown) else (BOT_NAME, snapshot.own_name)


def named(snapshot: Snapshot, command: Command) -> Command:
    """The command, with an environment that its grammar alone could not tell from the reason."""
    return naming(command, snapshot.config.environments) if command.verb == "unfreeze" else command


def is_open(comment: UserComment) -> bool:
    """Whether the bot has not had its last word on it. What bots write is never a command."""
    return not comment.is_bot and not LAST_WORDS & comment.reactions


def pull_request_of(snapshot: Snapshot, comment: UserComment) -> PullRequest | None:
    """The bot's open pull request that a comment is on. An issue may have the same number, as on GitLab."""
    pulls: tuple[PullRequest, ...] = () if isinstance(snapshot.pull_requests, Unknown) else snapshot.pull_requests
    here = [p for p in pulls if comment.on_pull_request and p.number == comment.number]
    return next((p for p in here if p.state == "open"), None)


def lock_number(comment: UserComment) -> int:
    """The pull request that a lock is for; 0 for one that was asked for on an issue, and is for none."""
    return comment.number if comment.on_pull_request else 0


def _request(snapshot: Snapshot, comment: UserComment) -> Request:
    parsed = parse(comment.body, *names_of(snapshot))
    mistakes = [
        Problem(m.reason_code, m.text, m.message, messages.code(m.suggestion)) for m in parsed if isinstance(m, Mistake)
    ]
    if parsed and comment.edited:
        what = "this comment was edited after it was written, so that what was meant cannot be told"
        mistakes = [Problem("edited", "", what, "write a new comment with the command")]
    commands = tuple(named(snapshot, c) for c in parsed if isinstance(c, Command))
    return Request(comment, commands, tuple(mistakes))
