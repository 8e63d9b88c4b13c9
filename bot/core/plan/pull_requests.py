"""What happens to the one pull request of an application in an environment."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bot.core import messages
from bot.core.actions import (
    Action,
    Comment,
    MergePullRequest,
    OpenPullRequest,
    Skip,
    UpdatePullRequest,
)
from bot.core.plan.charts import chart_not_taken
from bot.core.plan.followed import not_taken
from bot.core.plan.gates import gates
from bot.core.plan.places import close, withdraw
from bot.core.plan.review import merges_now, review
from bot.core.plan.reviewers import requests

if TYPE_CHECKING:
    from bot.core.messages import Asked
    from bot.core.models import Branch, PullRequest, Release
    from bot.core.plan.rendering import Rendered
    from bot.core.snapshot import Snapshot


def branch_name(environment: str, application: str) -> str:
    """The branch follows from what it carries, so that every run finds the same one."""
    return f"bot/{environment}/{application}"


class Case(NamedTuple):
    """One application in one environment, with all that the decision needs."""

    snapshot: Snapshot
    environment: str
    application: str
    open: PullRequest | None
    closed: PullRequest | None
    branch: Branch | None
    asked: Asked | None
    refresh: bool = False
    cancelled: str = ""
    """Who cancelled the open pull request; empty if nobody did."""

    @property
    def name(self) -> str:
        """The branch's name."""
        return branch_name(self.environment, self.application)

    def skip(self, reason_code: str, reason: str, waits_for: str | None = None) -> Skip:
        """A skip of this case."""
        return Skip(self.environment, self.application, reason_code, reason, waits_for)


def blocked(case: Case) -> list[Action | Skip] | None:
    """What must be said before anything is decided on the pull request's content; None if nothing is in the way."""
    if case.open and case.cancelled:
        return [*close(case.open, f"{case.cancelled} cancelled it", "cancelled")]
    if case.open and (case.branch is None or case.branch.head.sha != case.open.head):
        skip = case.skip("head_moved", f"#{case.open.number} changed while it was read", "the next run")
        return [*withdraw(case.open, skip.reason), skip]
    if case.branch is None or not (case.branch.foreign or case.branch.unreadable):
        return None
    if case.branch.unreadable:
        return _left_alone(
            case, "branch-unreadable", messages.unreadable(case.environment, case.application, case.branch)
        )
    skip = messages.foreign_commit(case.environment, case.application, case.branch, case.open)
    return _left_alone(case, "foreign-commit", skip)


def _left_alone(case: Case, key: str, skip: Skip) -> list[Action | Skip]:
    """The skip, and once on the pull request what is to be done; its closing then turns nothing down."""
    if case.open is None or case.open.comments.get(key) == skip.reason:
        return [skip]
    comment = Comment(
        application=case.application,
        environment=case.environment,
        branch=case.name,
        title=f"Say on #{case.open.number} why its branch is left alone",
        number=case.open.number,
        comment=key,
        body=skip.reason,
    )
    return [comment, skip]


def decide(case: Case, release: Release, rendered: Rendered) -> list[Action | Skip]:
    """Open, rewrite, close, merge or leave alone: `release` is wanted, `rendered` is what it changes here."""
    if not rendered.files:
        return _nothing_to_change(case)
    if case.open is None:
        return [_open_or_wait(case, release, rendered)]
    assert case.branch is not None
    if not _holds(case, case.branch, rendered):
        # What was approved before must not be merged meanwhile, nor from another branch afterwards.
        return [*(withdraw(case.open, "this is being rewritten") or [_proposal(case, release, rendered)])]
    about = (case.snapshot, case.environment, case.application, case.open, case.branch)
    decided = gates(*about, release)
    if not _says(case, case.open, release, rendered):
        return [_proposal(case, release, rendered), *(d for d in decided if not isinstance(d, Skip | MergePullRequest))]
    if merges_now(decided):
        return decided
    comments = review(*about)
    return [*requests(*about, comments), *comments, *decided]


def _holds(case: Case, branch: Branch, rendered: Rendered) -> bool:
    """Whether the branch has the wanted content, on top of files that are still those of the default branch.

    To refresh it is to put it on top of the newest commit, whatever that changed.
    """
    if _asked_anew(case, branch) or (case.refresh and branch.base != case.snapshot.head.sha):
        return False
    return branch.files == rendered.files and not branch.outdated


def _asked_anew(case: Case, branch: Branch) -> bool:
    """Whether a person now asks for the version by name, and the branch does not say so yet."""
    asked = case.asked
    return bool(asked and (asked.version or asked.rollback) and messages.asked_for(branch.head) != asked)


def undecided(case: Case, skips: list[Skip]) -> list[Action | Skip]:
    """The first of `skips` says why the release is not known: what stops the open request stops it all the same."""
    if case.open is None or case.branch is None:
        return [*skips]
    said = gates(case.snapshot, case.environment, case.application, case.open, case.branch, skips[0])
    return [*(d for d in said if not isinstance(d, Skip)), *skips]


def _says(case: Case, pull_request: PullRequest, release: Release, rendered: Rendered) -> bool:
    """Whether title and text are the bot's: anybody with write permission can change them, and reviewers read them."""
    text = _text(case, release, rendered)
    # A forge may give back other white space than it was given.
    return (pull_request.title.split(), pull_request.body.split()) == (text.title.split(), text.body.split())


def _text(case: Case, release: Release, rendered: Rendered) -> messages.Text:
    """What its page says: who asked for it is who asked for the commit on the branch, as long as that one stands."""
    written = messages.asked_for(case.branch.head) if case.open and case.branch else None
    stands = case.open and case.branch and _holds(case, case.branch, rendered)
    asked = written if stands else case.asked or written
    return messages.proposal(case.snapshot, case.environment, case.application, release, rendered, asked)


def _nothing_to_change(case: Case) -> list[Action | Skip]:
    if case.open is None:
        why = (*not_taken(*case[:3]), *chart_not_taken(*case[:3]))
        return [messages.up_to_date(case.environment, case.application, why)]
    reason = messages.obsolete(case.environment, case.application)
    return [*close(case.open, reason)]


def _open_or_wait(case: Case, release: Release, rendered: Rendered) -> Action | Skip:
    environment = case.snapshot.config.environments[case.environment]
    if case.asked is None and environment.promote == "manual":
        command = f"gitops-bot promote {case.environment} --app {case.application}"
        return case.skip("promote_manually", "a newer release is there; this environment is promoted by hand", command)
    # Closed by the bot, or by deleting the branch as the bot asked to: nobody turned the release down.
    closed_by_person = case.closed and not {"closed", "foreign-commit", "branch-unreadable"} & set(case.closed.comments)
    if case.asked is None and closed_by_person and messages.carries(case.closed, release):
        return messages.closed_by_person(case.environment, case.application, case.closed)
    return _proposal(case, release, rendered)


def _proposal(case: Case, release: Release, rendered: Rendered) -> Action:
    """The pull request with this content, new or rewritten in place. A branch that holds it already is not pushed."""
    text = _text(case, release, rendered)
    there = case.branch is not None and _holds(case, case.branch, rendered)
    common = {
        "application": case.application,
        "environment": case.environment,
        "branch": case.name,
        "title": text.title,
        "changes": rendered.changes,
        "parent": case.snapshot.head.sha,
        "files": None if there else rendered.files,
        "expected": case.branch.head.sha if case.branch else None,
        "message": text.commit,
        "body": text.body,
    }
    if case.open:
        return UpdatePullRequest(number=case.open.number, **common)  # type: ignore[arg-type]  # one dict for both
    return OpenPullRequest(**common)  # type: ignore[arg-type]  # one dict for both
