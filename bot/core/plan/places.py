"""Which environment and application a branch of the bot is for, and the end of a pull request from there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core.actions import ClosePullRequest

if TYPE_CHECKING:
    from bot.core.models import PullRequest


def place_of(branch: str) -> tuple[str, str]:
    """Environment and application of a branch `bot/<environment>/<application>`."""
    environment, _, application = branch.removeprefix("bot/").partition("/")
    return environment, application


def close(pull_request: PullRequest, reason: str, comment: str = "closed") -> ClosePullRequest:
    """Close a pull request of the bot. `comment`: the kind of the comment that gives the reason."""
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
