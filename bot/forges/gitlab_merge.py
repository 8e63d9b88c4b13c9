"""Merging on GitLab, now or by GitLab itself: only what was looked at, once GitLab knows whether it can be merged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.core.errors import BotError, Conflict, Refused
from bot.forges.gitlab_records import latest, status

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.core.models import Status
    from bot.forges.gitlab_api import Api

APPROVAL = "gitops-bot/approval"
ALL = {"all": "true"}
# https://docs.gitlab.com/api/merge_requests/#merge-status
_MAY_CHANGE = frozenset({"unchecked", "checking", "preparing", "approvals_syncing", "ci_must_pass", "ci_still_running"})
_CODES = {
    "not_approved": "needs_approval",
    "requested_changes": "needs_approval",
    "ci_must_pass": "checks_pending",
    "ci_still_running": "checks_pending",
    "status_checks_must_pass": "checks_pending",
}
_WAITS = (0.5, 1.0, 2.0, 4.0, 8.0)  # seconds between looks


def statuses(api: Api, commit: str, me: str) -> list[Status]:
    """The newest status or job of each name on a commit, by name; of the bot's own names only what it set itself."""
    with api.translated(f"read the statuses of {commit[:12]}"):
        # All, since without that GitLab hides the bot's behind a newer one of that name.
        records = api.project.commits.get(commit, lazy=True).statuses.list(query_parameters=ALL, iterator=True)
        found = latest((record.attributes for record in records), me)
        return [status(found[name]) for name in sorted(found)]


def merge(api: Api, number: int, head: str, me: str, sleep: Callable[[float], None]) -> None:
    """See `ports.Forge.merge_pull_request`. Merging what is merged does nothing.

    `Conflict`: the branch moved, or both sides changed a file. `Refused`: `needs_approval`, `checks_pending`,
    `closed_pull_request`, or `not_mergeable` with GitLab's own word for it.
    """
    for wait in (*_WAITS, None):
        word = _word(_look(api, number, head, me))
        if word == "mergeable":
            word = _try(api, number, head)
        if word == "merged":
            return
        if word not in _MAY_CHANGE or wait is None:
            raise _why(number, word)
        sleep(wait)


def enable_auto_merge(api: Api, number: int, head: str, me: str, sleep: Callable[[float], None]) -> None:
    """See `ports.Forge`. What can be merged now is; GitLab takes auto-merge back when the branch moves.

    `Refused`: as `merge`, where GitLab does not take it; and `approval_not_required`.
    """
    _check_required(api, number)
    for wait in (*_WAITS, None):
        found = _look(api, number, head, me)
        word = _word(found)
        if word == "merged" or found["merge_when_pipeline_succeeds"]:
            return
        done = _try(api, number, head, later=word != "mergeable")
        if done == "merged":
            return
        word = done if word == "mergeable" else word
        if word not in _MAY_CHANGE or wait is None:
            raise _why(number, word)
        sleep(wait)


def disable_auto_merge(api: Api, number: int) -> None:
    """See `ports.Forge`. https://docs.gitlab.com/api/merge_requests/#cancel-merge-when-pipeline-succeeds"""
    what, path = f"turn auto-merge of !{number} off", f"{api.project.mergerequests.path}/{number}"
    with api.translated(what):
        found = api.project.mergerequests.get(number).attributes
        if found["state"] != "opened" or not found["merge_when_pipeline_succeeds"]:
            return
        # A refusal comes as 201 too: only the body tells it.
        said = api.gl.http_post(f"{path}/cancel_merge_when_pipeline_succeeds")
        if isinstance(said, dict) and said.get("status") == "error":
            raise Refused(f"cannot {what}: GitLab says: {api.clean(str(said.get('message')))}", fix="run again")


def _check_required(api: Api, number: int) -> None:
    """`Refused` unless GitLab itself waits for the pipeline, of which the bot's status is a part."""
    with api.translated("read the project's settings"):
        required = api.gl.projects.get(api.path).attributes.get("only_allow_merge_if_pipeline_succeeds")
    if required is not True:
        message = f"!{number} is not left to GitLab: it would merge without the status {APPROVAL}, also what is locked"
        fix = "turn on Settings → Merge requests → Pipelines must succeed: `gitops-bot init --protect` prints how"
        raise Refused(message, fix=fix, reason_code="approval_not_required")


def _look(api: Api, number: int, head: str, me: str) -> dict[str, Any]:
    """A merge request that is merged or may be; raises if it must not be."""
    with api.translated(f"read !{number}"):
        found = api.project.mergerequests.get(number).attributes
        if found["sha"] != head:
            raise Conflict(f"!{number} is at {found['sha']}, not at {head}", fix="look at it again, then merge")
        if found["state"] == "merged":
            return found
        if found["state"] == "closed":
            fix = "only an open merge request can be merged"
            raise Refused(f"!{number} is closed", fix=fix, reason_code="closed_pull_request")
        _check_approved(api, number, head, me)
        return found


def _word(found: dict[str, Any]) -> str:
    """`merged`, or what GitLab says of the merge."""
    return "merged" if found["state"] == "merged" else str(found["detailed_merge_status"])


def _check_approved(api: Api, number: int, head: str, me: str) -> None:
    """GitLab does not know that this status is needed, unless the project wants pipelines to succeed."""
    said = next((s for s in statuses(api, head, me) if s.context == APPROVAL), None)
    if said is None or said.state != "success":
        why = said.description if said else "the bot has not looked at it yet"
        message = f"!{number} cannot be merged: {APPROVAL} is not successful on {head[:12]}: {why}"
        raise Refused(message, fix="get the approvals that are missing, then run the bot", reason_code="needs_approval")


def _try(api: Api, number: int, head: str, *, later: bool = False) -> str:
    """Merge, or let GitLab do it later; `merged`, or why not: some answers tell no more than that it cannot be now."""
    # Since GitLab 17.11 it is also called `auto_merge`; older ones know this name only.
    when = {"merge_when_pipeline_succeeds": True} if later else {}
    path = f"{api.project.mergerequests.path}/{number}/merge"
    try:
        with api.translated(f"merge !{number}"):
            done = api.gl.http_put(path, post_data={"sha": head, "should_remove_source_branch": True, **when})
            if not isinstance(done, dict):
                raise TypeError("no JSON object")
            left = later and done["merge_when_pipeline_succeeds"]
            return "merged" if done["state"] == "merged" or left else "checking"
    except Refused:
        # 405 and 422: https://docs.gitlab.com/api/merge_requests/#merge-a-merge-request; what it is, a new look tells.
        return "checking"


def _why(number: int, word: str) -> BotError:
    if word in ("conflict", "broken_status"):
        return Conflict(f"!{number} cannot be merged: both sides changed the same", fix="run again")
    message = f"!{number} cannot be merged: GitLab says {word[:100]!r}"
    fix = "see the merge request's page, which says what is missing, and run again"
    return Refused(message, fix=fix, reason_code=_CODES.get(word, "not_mergeable"))
