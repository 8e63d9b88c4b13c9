"""What a reviewer sees: one comment on each pull request, edited in place, the same for the same snapshot."""

from __future__ import annotations

import re
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

from bot.core.actions import Action, Comment, MergePullRequest, Skip
from bot.core.messages import code, plain
from bot.core.models import Unknown
from bot.core.plan.gates import approval_of, gates
from bot.core.plan.sections import section, short, told
from bot.core.plan.stops import exception, stop

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bot.core.authorize import Approval
    from bot.core.models import Branch, PullRequest, Status
    from bot.core.snapshot import Snapshot

KEY = "review"
MOST_COMMITS = 20
"""Commits that are listed of an image."""
MOST_CHECKS = 20
_MERGES = {
    "auto": "nothing, I merge it",
    "forge": "nothing, it is merged by itself once the rules of the default branch are met",
    "manual": "merge it",
}
_MARK = re.compile(
    r"^<!-- rendered ([0-9a-f]+) ([0-9a-f]+) -->\n(.*)\n<!-- /rendered -->\s*\Z", re.DOTALL | re.MULTILINE
)


class Subject(NamedTuple):
    """An open pull request of the bot with its branch, and what it is for."""

    environment: str
    application: str
    pull_request: PullRequest
    branch: Branch


def to_inspect(snapshot: Snapshot) -> Iterator[Subject]:
    """The pull requests whose comment does not show their head on its base yet."""
    pulls: tuple[PullRequest, ...] = () if isinstance(snapshot.pull_requests, Unknown) else snapshot.pull_requests
    opened = {p.branch: p for p in pulls if p.state == "open"}
    for environment, application in product(snapshot.config.environments, snapshot.config.applications):
        name = f"bot/{environment}/{application}"
        branch, pull_request = snapshot.branches.get(name), opened.get(name)
        if not branch or not pull_request or not _is_readable(pull_request, branch) or _kept(pull_request, branch):
            continue
        if not merges_now(gates(snapshot, environment, application, pull_request, branch)):
            yield Subject(environment, application, pull_request, branch)


def merges_now(decisions: Iterable[Action | Skip]) -> bool:
    """Whether the bot merges at once: then there is nobody to read what a reviewer should know."""
    return any(isinstance(decision, MergePullRequest) for decision in decisions)


def review(
    snapshot: Snapshot, environment: str, application: str, pull_request: PullRequest, branch: Branch
) -> list[Comment]:
    """Write the comment, if it says something else now. Before anybody looked into the branch there is none."""
    if branch.name not in snapshot.inspections and not _kept(pull_request, branch):
        return []
    text = review_comment(snapshot, environment, application, pull_request, branch)
    # A forge may give back other white space than it was given.
    if pull_request.comments.get(KEY, "").split() == text.split():
        return []
    return [
        Comment(
            application=application,
            environment=environment,
            branch=branch.name,
            title=f"Say on #{pull_request.number} what a reviewer should know",
            number=pull_request.number,
            comment=KEY,
            body=text,
        )
    ]


def review_comment(
    snapshot: Snapshot, environment: str, application: str, pull_request: PullRequest, branch: Branch
) -> str:
    """The whole comment (Markdown), at most 65,000 characters; it ends with what was rendered.

    What an earlier comment rendered of the same head on the same base is taken over from it.
    """
    approved = approval_of(snapshot, environment, pull_request, branch)
    lines = [
        f"At `{pull_request.head[:12]}`:",
        "",
        f"- **Approvals**: {plain(short(approved.explanation, 2_000))}",
        *_checks(pull_request),
        *_stop(snapshot, environment, pull_request, branch),
        f"- **Next**: {_next(snapshot, environment, pull_request, branch, approved)}",
        *_then(snapshot, environment, application),
        f"- **To roll back** after the merge: `/rollback {environment} --app={application} <reason>`",
        "",
        _section(snapshot, pull_request, branch),
    ]
    return "\n".join(lines)


def _is_readable(pull_request: PullRequest, branch: Branch) -> bool:
    return bool(branch.base) and branch.head.sha == pull_request.head and branch.foreign is None


def _kept(pull_request: PullRequest, branch: Branch) -> str:
    """What the comment shows of this head on this base already; empty if it is about another one."""
    # Before it no line is of others alone, and nothing comes after it: only the bot can have written this mark.
    found = _MARK.search(pull_request.comments.get(KEY, "").replace("\r\n", "\n"))
    same = found and found.group(1, 2) == (branch.head.sha, branch.base)
    return found[3] if found and same else ""


def _section(snapshot: Snapshot, pull_request: PullRequest, branch: Branch) -> str:
    """What was found in the branch, between marks once it is final."""
    kept = _kept(pull_request, branch)
    if not kept:
        found = snapshot.inspections[branch.name]
        if isinstance(found, Unknown):
            return f"Commits and rendered objects could not be read yet: {told(found.reason)}"
        kept = section(found, pull_request.number)
        if not found.final:
            return kept
    return f"<!-- rendered {branch.head.sha} {branch.base} -->\n{kept}\n<!-- /rendered -->"


def _others(pull_request: PullRequest) -> list[Status]:
    """The statuses that others set: the bot's own are said in words."""
    return [s for s in pull_request.statuses if not s.context.startswith("gitops-bot/")]


def _checks(pull_request: PullRequest) -> list[str]:
    found = sorted(_others(pull_request))
    shown = [
        f"  - {code(short(s.context, 60))} {s.state}" + (f": {code(short(s.description))}" if s.description else "")
        for s in found[:MOST_CHECKS]
    ]
    more = [f"  - and {len(found) - MOST_CHECKS} more"] if len(found) > MOST_CHECKS else []
    return [f"- **Checks**: {'' if found else 'none'}".rstrip(), *shown, *more]


def _stop(snapshot: Snapshot, environment: str, pull_request: PullRequest, branch: Branch) -> list[str]:
    found = stop(snapshot, environment, pull_request, branch)
    if found:
        return [f"- **Stopped**: {told(found.text)}"]
    excepted = exception(snapshot, environment, pull_request)
    return [f"- **Excepted** from a freeze: {told(excepted)}"] if excepted else []


def _next(snapshot: Snapshot, environment: str, pull_request: PullRequest, branch: Branch, approved: Approval) -> str:
    """The first thing that is still to be done, and how."""
    stopped = stop(snapshot, environment, pull_request, branch)
    if stopped:
        return f"it waits for {stopped.waits_for}"
    if any(s.state != "success" for s in _others(pull_request)):
        return "the checks must succeed"
    if approved.missing:
        by_command = f", or `/approve {pull_request.head[:12]}`" if snapshot.config.commands.approve else ""
        return f"approve this pull request by a review{by_command}"
    return _MERGES[snapshot.config.environments[environment].merge]


def _then(snapshot: Snapshot, environment: str, application: str) -> list[str]:
    """What the environments behind this one get once it is merged."""
    behind = {n: e for n, e in snapshot.config.environments.items() if e.after == environment}
    return [
        f"- **Then**: `/promote {name} --app={application}`"
        if config.promote == "manual"
        else f"- **Then**: {name} gets a pull request of its own"
        for name, config in behind.items()
    ]
