"""Which environment and application a branch of the bot is for, and what is said and done of its pull request there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core.actions import ClosePullRequest, SetStatus

if TYPE_CHECKING:
    from bot.core.models import PullRequest, Status


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


def set_status(pull_request: PullRequest, status: Status) -> SetStatus:
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
    )
