"""People's own commits: `gitops-bot/approval` says whether they may change the environments that they change.

Where the forge requires that status it requires it of everyone; the bot merges none of these, and rewrites none.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal

from bot.core.authorize import approval
from bot.core.models import Status, Unknown
from bot.core.plan.places import APPROVAL, LONGEST, set_status
from bot.core.plan.stops import stop

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bot.core.actions import SetStatus
    from bot.core.models import Contribution, PullRequest
    from bot.core.snapshot import Snapshot

GOVERNING = ("gitops.yaml", "CODEOWNERS", "docs/CODEOWNERS", ".github", ".gitlab", ".gitlab-ci.yml")
"""Files and folders that decide over every environment: what runs with the bot's secrets, and who owns what."""
LEFT_ALONE = "delete this branch, and keep the commit on one of your own"


def judge(snapshot: Snapshot) -> Iterator[SetStatus]:
    """The status of each pull request with people's commits, where it does not say so already."""
    for pull, wanted in _verdicts(snapshot).values():
        if wanted not in pull.statuses:
            yield set_status(pull, wanted)


def _verdicts(snapshot: Snapshot) -> Mapping[str, tuple[PullRequest, Status]]:
    """One verdict for each head, since a status belongs to a commit.

    Of several pull requests with one head the first that something is missing to decides for all, and one of the bot's
    decides alone: else what approves the one would let the other be merged.
    """
    own = () if isinstance(snapshot.pull_requests, Unknown) else snapshot.pull_requests
    taken = {pull.head for pull in own if pull.state == "open"}
    found = {pull.head: (pull, said) for pull in own if pull.head in taken and (said := _not_ours(snapshot, pull))}
    others = Counter(contribution.pull_request.head for contribution in snapshot.contributions)
    for contribution in snapshot.contributions:
        pull = contribution.pull_request
        if pull.head in taken or (pull.head in found and found[pull.head][1].state != "success"):
            continue
        wanted = verdict(snapshot, contribution)
        if others[pull.head] > 1 and wanted.state != "success":
            # On the page of the other one it would be a riddle.
            wanted = _status(wanted.state, f"#{pull.number} has this commit: {wanted.description}")
        found[pull.head] = pull, wanted
    return found


def _not_ours(snapshot: Snapshot, pull: PullRequest) -> Status | None:
    """A failure for one of the bot's that cannot be read, or that has somebody else's commit.

    GitLab takes no status at all for no objection.
    """
    branch = snapshot.branches.get(pull.branch)
    if pull.state != "open" or not branch or branch.head.sha != pull.head:
        return None
    if branch.unreadable:
        return _status("failure", f"delete this branch: what it changes cannot be told: {branch.unreadable}")
    if not branch.foreign:
        return None
    return _status("failure", f"{branch.foreign.sha[:12]} is no commit of the bot: {LEFT_ALONE}")


def verdict(snapshot: Snapshot, contribution: Contribution) -> Status:
    """What stops it in any environment that it changes, else whose approval is missing, else success."""
    config, pull = snapshot.config, contribution.pull_request
    environments = touched(snapshot, contribution)
    for name in environments:
        stopped = stop(snapshot, name, pull, None)
        if stopped:
            return _status(stopped.state, f"{name}: {stopped.text}")
    counted = {name: approval(config.environments[name], pull, None, people=snapshot.people) for name in environments}
    for name, found in counted.items():
        if found.missing:
            return _status("pending", f"{_as_all(contribution.files)}{name}: {found.text}")
    said = "; ".join(f"{name}: {found.text}" for name, found in counted.items())
    return _status("success", said or "it changes no environment, and nothing that decides over one")


def touched(snapshot: Snapshot, contribution: Contribution) -> tuple[str, ...]:
    """The environments whose files it changes, wherever they are: a base is a part of each that reaches it.

    All of them, if it changes what decides over them or cannot be read.
    """
    config, files = snapshot.config, contribution.files
    if isinstance(files, Unknown) or any(_is_in(file, place) for file in files for place in GOVERNING):
        return tuple(config.environments)
    return tuple(
        name
        for name, environment in config.environments.items()
        if environment.path == "."
        or not files.isdisjoint(snapshot.reached.get(name, ()))
        or any(_is_in(file, environment.path) for file in files)
    )


def _as_all(files: frozenset[str] | Unknown) -> str:
    """Why every environment's approval is wanted, if what it changes cannot be told."""
    return f"counts as all ({' '.join(files.reason.split())[:90]}): " if isinstance(files, Unknown) else ""


def _is_in(file: str, place: str) -> bool:
    """Whether it is that file, in that folder, or a link in the folder's place."""
    return f"{file}/".startswith(f"{place}/")


def reviewers(snapshot: Snapshot) -> frozenset[str]:
    """Whose permission the verdicts depend on: who reviewed what changes an environment, in small letters."""
    return frozenset(
        review.author.lower()
        for contribution in snapshot.contributions
        if touched(snapshot, contribution)
        for review in contribution.pull_request.reviews
    )


def _status(state: Literal["pending", "success", "failure"], text: str) -> Status:
    return Status(APPROVAL, state, text[:LONGEST])
