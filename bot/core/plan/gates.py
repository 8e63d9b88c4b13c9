"""What stands between a pull request whose content is right and its merge: checks and approvals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from bot.core import messages
from bot.core.actions import Action, DisableAutoMerge, EnableAutoMerge, MergePullRequest, Skip
from bot.core.approval_words import MOST_NAMES
from bot.core.authorize import Approval, approval
from bot.core.models import Status, Unknown
from bot.core.people import few, in_words
from bot.core.plan.places import APPROVAL, LONGEST, set_status
from bot.core.plan.stops import Stop, stop

if TYPE_CHECKING:
    from datetime import datetime

    from bot.core.models import Branch, PullRequest, Release
    from bot.core.snapshot import Snapshot


def gates(
    snapshot: Snapshot,
    environment: str,
    application: str,
    pull_request: PullRequest,
    branch: Branch,
    release: Release | Skip | None = None,
) -> list[Action | Skip]:
    """Say on the head commit what is missing; merge once nothing is, or leave that to the forge, where the bot may.

    `release` is what it brings, if that was looked at, or why it cannot be told whether that is what should be merged.
    """
    unknown = release if isinstance(release, Skip) else None
    config = snapshot.config.environments[environment]
    approved = approval_of(snapshot, environment, pull_request, branch)
    stopped = stop(snapshot, environment, pull_request, branch)
    wanted = _status(approved, stopped, release)
    said: list[Action | Skip] = []
    if wanted not in pull_request.statuses and not (unknown and _says(pull_request, unknown)):
        said.append(set_status(pull_request, wanted))
    waiting = (
        _stopped(environment, application, pull_request, stopped)
        or unknown
        or _checks(environment, application, pull_request, only_failed=config.merge == "forge")
        or _people(environment, application, pull_request, approved, named=bool(config.approvers))
    )
    return [*said, *_merge(environment, application, pull_request, waiting, config.merge)]


def _merge(
    environment: str, application: str, pull_request: PullRequest, waiting: Skip | None, merge: str
) -> list[Action | Skip]:
    """Who merges it, once nothing is waited for."""
    if merge == "forge":
        return _left_to_the_forge(environment, application, pull_request, waiting)
    if waiting:
        return [waiting]
    if merge == "manual":
        reason = f"#{pull_request.number} is approved and waits to be merged"
        waits_for = f"a person to merge #{pull_request.number}"
        return [Skip(environment, application, "needs_merge", reason, waits_for)]
    return [
        MergePullRequest(
            application=application,
            environment=environment,
            branch=pull_request.branch,
            title=f"Merge #{pull_request.number}: {pull_request.title}",
            number=pull_request.number,
            head=pull_request.head,
        )
    ]


def _status(approved: Approval, stopped: Stop | None, release: Release | Skip | None) -> Status:
    """What is unknown is pending, never the success of before.

    It says what is brought: nobody but the bot can write there, while anybody with write permission can change a title.
    """
    if stopped:
        return Status(APPROVAL, stopped.state, stopped.text[:LONGEST])
    if isinstance(release, Skip):
        return Status(APPROVAL, "pending", f"{release.reason_code}: {' '.join(release.reason.split())}"[:LONGEST])
    state: Literal["pending", "success"] = "pending" if approved.missing else "success"
    if release is None:
        return Status(APPROVAL, state, approved.text)
    brings = messages.version_of(release)
    room = LONGEST - len(approved.text) - 2
    shown = brings if len(brings) <= room else f"{brings[: max(0, room - 1)]}…"
    return Status(APPROVAL, state, f"{shown}: {approved.text}"[:LONGEST])


def _says(pull_request: PullRequest, unknown: Skip) -> bool:
    """Whether its status is that of the same trouble: no two failures to connect have the same words."""
    own = (s for s in pull_request.statuses if s.context == APPROVAL and s.state == "pending")
    return any(s.description.startswith(f"{unknown.reason_code}: ") for s in own)


def _left_to_the_forge(
    environment: str, application: str, pull_request: PullRequest, waiting: Skip | None
) -> list[Action | Skip]:
    """Auto-merge is on exactly while nothing is waited for but what the forge itself waits for."""
    number = pull_request.number
    about = {"application": application, "environment": environment, "branch": pull_request.branch, "number": number}
    if waiting and not pull_request.auto_merge:
        return [waiting]
    if waiting:
        title = f"Turn auto-merge of #{number} off: {waiting.reason_code}"
        return [DisableAutoMerge(**about, title=title), waiting]  # type: ignore[arg-type]  # one dict for both
    if not pull_request.auto_merge:
        title = f"Turn auto-merge of #{number} on: {pull_request.title}"
        return [EnableAutoMerge(**about, title=title, head=pull_request.head)]  # type: ignore[arg-type]  # one dict for both
    reason = f"#{number} is approved, and the forge merges it by itself once its own rules are met"
    pending = _checks(environment, application, pull_request)
    return [pending or Skip(environment, application, "forge_merges", reason, f"the forge to merge #{number}")]


def approval_of(snapshot: Snapshot, environment: str, pull_request: PullRequest, branch: Branch) -> Approval:
    """What reviews, and approvals by command where those are on, come to for the promotion on `branch`."""
    asked = messages.asked_for(branch.head)
    return approval(
        snapshot.config.environments[environment],
        pull_request,
        asked.by if asked else None,
        people=snapshot.people,
        given=_by_command(snapshot, pull_request),
        same=snapshot.same_trees.get(pull_request.branch, frozenset()),
    )


def _by_command(snapshot: Snapshot, pull_request: PullRequest) -> list[tuple[str, str, datetime]]:
    if not snapshot.config.commands.approve or isinstance(snapshot.state, Unknown):
        return []
    return [(a.user, a.commit, a.time) for a in snapshot.state.approvals if a.number == pull_request.number]


def _stopped(environment: str, application: str, pull_request: PullRequest, stopped: Stop | None) -> Skip | None:
    if stopped is None:
        return None
    place = f"#{pull_request.number}"
    reason = stopped.text if stopped.text.startswith(f"{place} ") else f"{place}: {stopped.text}"
    return Skip(environment, application, stopped.reason_code, reason, stopped.waits_for)


def _checks(environment: str, application: str, pull_request: PullRequest, *, only_failed: bool = False) -> Skip | None:
    open_checks = [s for s in pull_request.statuses if s.context != APPROVAL and s.state != "success"]
    if not open_checks or (only_failed and all(s.state == "pending" for s in open_checks)):
        return None
    first = open_checks[0]
    code = "checks_failed" if any(s.state == "failure" for s in open_checks) else "checks_pending"
    names = ", ".join(s.context for s in open_checks)
    reason = f"#{pull_request.number}: {first.context} is {first.state}: {first.description}"
    return Skip(environment, application, code, reason, f"the checks {names}")


def _people(
    environment: str, application: str, pull_request: PullRequest, approved: Approval, *, named: bool
) -> Skip | None:
    if not approved.missing:
        return None
    reason = f"#{pull_request.number}: {approved.text}"
    more = f"{approved.missing} more approval{'' if approved.missing == 1 else 's'} of #{pull_request.number}"
    who = approved.may_give if named else ()
    if len(approved.given) >= approved.required:
        who = approved.blockers
    by = few(in_words(who), MOST_NAMES)
    return Skip(environment, application, "needs_approval", reason, f"{more} by {by}" if by else more)
