"""Who is asked for a review: the named approvers whose approval is still missing, once on each pull request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core.actions import RequestReviews
from bot.core.approval_words import MOST_NAMES
from bot.core.config.models import TEAM
from bot.core.people import few, in_words
from bot.core.plan.gates import approval_of
from bot.core.plan.review import KEY

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bot.core.actions import Comment
    from bot.core.models import Branch, PullRequest
    from bot.core.snapshot import Snapshot


def requests(
    snapshot: Snapshot,
    environment: str,
    application: str,
    pull_request: PullRequest,
    branch: Branch,
    comments: Iterable[Comment],
) -> list[RequestReviews]:
    """Ask them before the first comment for reviewers is written, which is then the mark that they were asked.

    `comments` are about to be written. Who takes a request back later is not asked again.
    """
    first = KEY not in pull_request.comments and any(comment.comment == KEY for comment in comments)
    named = _named(snapshot, environment, pull_request, branch) if first else []
    if not named:
        return []
    return [
        RequestReviews(
            application=application,
            environment=environment,
            branch=branch.name,
            title=f"Ask for reviews of #{pull_request.number}: {few(in_words(named), MOST_NAMES)}",
            number=pull_request.number,
            users=tuple(who for who in named if not who.startswith(TEAM)),
            teams=tuple(who.removeprefix(TEAM) for who in named if who.startswith(TEAM)),
        )
    ]


def _named(snapshot: Snapshot, environment: str, pull_request: PullRequest, branch: Branch) -> list[str]:
    """The people and teams named as approvers who may still give what is missing; a permission names nobody."""
    approved = approval_of(snapshot, environment, pull_request, branch)
    if len(approved.given) >= approved.required:
        return []
    return [who for who in approved.may_give if not who.startswith("permission:")]
