"""From requests to actions: 👀 while something is under way, then one answer and the last word."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bot.core import messages
from bot.core.actions import Action, Comment, React, Skip
from bot.core.plan.chatops import texts
from bot.core.plan.chatops.nouns import Outcome
from bot.core.plan.chatops.outcomes import outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.core.actions import StateChange
    from bot.core.commands import Command
    from bot.core.models import Reaction, UserComment
    from bot.core.plan.chatops.hearing import Heard, Hearing


class Answers(NamedTuple):
    """What is to be written on the state branch, and what is to be said."""

    changes: tuple[StateChange, ...]
    actions: tuple[Action, ...]


def answers(
    hearing: Hearing, decisions: Mapping[tuple[str, str], list[Action | Skip]], failure: str | None = None
) -> Answers:
    """What is to be done about all open requests; `decisions` are the plan's by environment and application.

    `failure`: why the state branch could not be written in this run.
    """
    changes, actions = list(hearing.still_to_write()), list[Action]()
    for heard in hearing.heard:
        found = [(c, outcome(hearing, heard, c, decisions)) for c in heard.request.commands if not heard.problems]
        if failure is not None:
            found = [(c, Outcome("refused", messages.plain(failure), "failed") if o.changes else o) for c, o in found]
        changes += [change for _, o in found for change in o.changes if change not in changes]
        actions += _answer(heard, found)
    return Answers(() if failure is not None else tuple(changes), tuple(actions))


def _answer(heard: Heard, found: list[tuple[Command, Outcome]]) -> list[Action]:
    comment = heard.comment
    if heard.problems:
        text = texts.reply(comment.author, heard.problems, ())
        return _last_word(comment, text, "confused" if heard.request.mistakes else "-1")
    if any(o.status == "doing" for _, o in found):
        return [] if "eyes" in comment.reactions else [_react(comment, "eyes")]
    refused = any(o.status == "refused" for _, o in found)
    return _last_word(comment, texts.reply(comment.author, (), found), "-1" if refused else "rocket")


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
