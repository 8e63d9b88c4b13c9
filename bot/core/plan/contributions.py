"""People's own pull requests: `gitops-bot/approval` says whether they may change the environments that they change.

Where the forge requires that status it requires it of everyone; the bot merges none of these, and rewrites none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from bot.core.actions import SetStatus
from bot.core.authorize import approval
from bot.core.models import Status, Unknown
from bot.core.plan.gates import APPROVAL
from bot.core.plan.stops import stop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.core.config import Config
    from bot.core.models import Contribution, PullRequest
    from bot.core.snapshot import Snapshot

CONFIGURATION = "gitops.yaml"
LONGEST = 140
"""GitHub's limit for a status's description, in characters."""


def judge(snapshot: Snapshot) -> Iterator[SetStatus]:
    """The status of each pull request of others, where it does not say so already.

    A status belongs to a commit: of pull requests with one head the first that something is missing to decides for
    all, and one of the bot's decides alone, else what approves the one would let the other be merged.
    """
    judged: dict[str, tuple[PullRequest, Status]] = {}
    for contribution in snapshot.contributions:
        pull, wanted = contribution.pull_request, verdict(snapshot, contribution)
        if pull.head not in judged or judged[pull.head][1].state == "success":
            judged[pull.head] = pull, wanted
    own = () if isinstance(snapshot.pull_requests, Unknown) else snapshot.pull_requests
    heads = {pull.head for pull in own if pull.state == "open"}
    for head, (pull, wanted) in judged.items():
        if head not in heads and wanted not in pull.statuses:
            yield SetStatus(
                application="",
                branch=pull.branch,
                title=f"Set {APPROVAL} of #{pull.number} to {wanted.state}: {wanted.description}",
                number=pull.number,
                commit=pull.head,
                status=wanted,
            )


def verdict(snapshot: Snapshot, contribution: Contribution) -> Status:
    """What stops it in any environment that it changes, else whose approval is missing, else success."""
    config, pull = snapshot.config, contribution.pull_request
    environments = touched(config, contribution)
    for name in environments:
        stopped = stop(snapshot, name, pull, None)
        if stopped:
            return _status(stopped.state, f"{name}: {stopped.text}")
    counted = {name: approval(config.environments[name], pull, None, people=snapshot.people) for name in environments}
    for name, found in counted.items():
        if found.missing:
            return _status("pending", f"{name}: {found.text}")
    said = "; ".join(f"{name}: {found.text}" for name, found in counted.items())
    return _status("success", said or f"it changes no environment, and not {CONFIGURATION}")


def touched(config: Config, contribution: Contribution) -> tuple[str, ...]:
    """The environments whose files it changes. All of them, if it changes the configuration or cannot be read."""
    files = contribution.files
    if files is None or CONFIGURATION in files:
        return tuple(config.environments)
    return tuple(
        name
        for name, environment in config.environments.items()
        if environment.path == "." or any(f"{file}/".startswith(f"{environment.path}/") for file in files)
    )


def reviewers(snapshot: Snapshot) -> frozenset[str]:
    """Whose permission the verdicts depend on: who reviewed what changes an environment, in small letters."""
    return frozenset(
        review.author.lower()
        for contribution in snapshot.contributions
        if touched(snapshot.config, contribution)
        for review in contribution.pull_request.reviews
    )


def _status(state: Literal["pending", "success", "failure"], text: str) -> Status:
    return Status(APPROVAL, state, text[:LONGEST])
