"""Which environment and application a branch of the bot is for, and what is said and done of its pull request there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core.actions import ClosePullRequest, SetStatus
from bot.core.models import Status

if TYPE_CHECKING:
    from bot.core.actions import Action
    from bot.core.models import PullRequest


APPROVAL = "gitops-bot/approval"
"""The status that says whether a pull request may be merged."""
LONGEST = 140
"""Characters of a status's description on GitHub."""


def place_of(branch: str) -> tuple[str, str]:
    """Environment and application of a branch `bot/<environment>/<application>`."""
    environment, _, application = branch.removeprefix("bot/").partition("/")
    return environment, application


def close(pull_request: PullRequest, reason: str, comment: str = "closed") -> list[Action]:
    """Close a pull request of the bot, once it may not be merged any more.

    `comment`: the kind of the comment that gives the reason.
    """
    return withdraw(pull_request, "this is being closed") or [_close(pull_request, reason, comment)]


def withdraw(pull_request: PullRequest, text: str) -> list[Action]:
    """Take the success off its head, without which nobody can merge it; nothing if it has none."""
    if not any(s.context == APPROVAL and s.state == "success" for s in pull_request.statuses):
        return []
    return [set_status(pull_request, Status(APPROVAL, "pending", text[:LONGEST]), awaited=True)]


def _close(pull_request: PullRequest, reason: str, comment: str) -> ClosePullRequest:
    environment, application = place_of(pull_request.branch)
    return ClosePullRequest(
        application=application,
        environment=environment,
        branch=pull_request.branch,
        title=f"Close #{pull_request.number}: {reason}",
        number=pull_request.number,
        head=pull_request.head,
        reason=reason,
        comment=comment,
    )


def set_status(pull_request: PullRequest, status: Status, *, awaited: bool = False) -> SetStatus:
    """Set a status on the head of a pull request; one of people's own is of no application and environment."""
    environment, application = place_of(pull_request.branch) if pull_request.own else (None, "")
    return SetStatus(
        application=application,
        environment=environment,
        branch=pull_request.branch,
        title=f"Set {status.context} of #{pull_request.number} to {status.state}: {status.description}",
        number=pull_request.number,
        commit=pull_request.head,
        status=status,
        awaited=awaited,
    )
