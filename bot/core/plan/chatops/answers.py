"""From requests to actions: 👀 while something is under way, then one answer and the last word."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core.actions import Action, Comment, React, Skip
from bot.core.plan.chatops import texts
from bot.core.plan.chatops.outcomes import outcome
from bot.core.plan.chatops.requests import open_requests
from bot.core.plan.chatops.verdicts import named, problems

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.core.models import Reaction, UserComment
    from bot.core.plan.chatops.nouns import Request
    from bot.core.snapshot import Snapshot


def answers(snapshot: Snapshot, decisions: Mapping[tuple[str, str], list[Action | Skip]]) -> list[Action]:
    """What is to be done about all open requests; `decisions` are the plan's by environment and application."""
    return [a for request in open_requests(snapshot) for a in _answer(snapshot, request, decisions)]


def _answer(
    snapshot: Snapshot, request: Request, decisions: Mapping[tuple[str, str], list[Action | Skip]]
) -> list[Action]:
    wrong = problems(snapshot, request)
    if wrong:
        text = texts.reply(request.comment.author, wrong, ())
        return _last_word(request.comment, text, "confused" if request.mistakes else "-1")
    commands = [named(snapshot, c) for c in request.commands]
    found = [(c, outcome(snapshot, request.comment, c, decisions)) for c in commands]
    if any(o.status == "doing" for _, o in found):
        seen = [] if "eyes" in request.comment.reactions else [_react(request.comment, "eyes")]
        return [*seen, *(a for _, o in found for a in o.actions)]
    refused = any(o.status == "refused" for _, o in found)
    return _last_word(request.comment, texts.reply(request.comment.author, (), found), "-1" if refused else "rocket")


def _last_word(comment: UserComment, text: str, reaction: Reaction) -> list[Action]:
    """The answer first: killed between the two, the next run writes it again over itself."""
    reply = Comment(
        application="",
        title=f"Answer {comment.author} on #{comment.number}",
        number=comment.number,
        comment=f"reply-{comment.id}",
        body=text,
        on_issue=not comment.on_pull_request,
    )
    return [reply, _react(comment, reaction)]


def _react(comment: UserComment, reaction: Reaction) -> React:
    title = f"React with {reaction} to {comment.author} on #{comment.number} ({comment.id})"
    return React(application="", title=title, comment=comment.id, reaction=reaction)
