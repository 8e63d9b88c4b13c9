"""Merging on GitHub, now or by GitHub itself: only what was looked at, and nothing that passes the bot's own status."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from bot.core.errors import Conflict, NotFound, Refused, Unavailable
from bot.forges import github_queries as queries
from bot.forges.github_api import ATTEMPTS, Broken
from bot.forges.github_records import state
from bot.forges.github_refusals import Rejected

if TYPE_CHECKING:
    from bot.forges.github_api import Api
    from bot.forges.github_reading import Reader

APPROVAL = "gitops-bot/approval"
# https://docs.github.com/en/graphql/reference/enums#mergestatestatus: those in which the button merges at once.
_NOTHING_TO_WAIT_FOR = re.compile(r"is in (clean|unstable|has_hooks) status")


def merge(api: Api, reader: Reader, number: int, head: str) -> None:
    """See `ports.Forge`. `Refused` (`needs_approval`) without a successful status `gitops-bot/approval` on `head`.

    GitHub's refusals that may be over in a moment (405, 409) are tried again, then given as its reason.
    https://docs.github.com/en/rest/pulls/pulls#merge-a-pull-request
    """
    path, reasons = f"/repos/{api.repository}/pulls/{number}/merge", ""
    for attempt in range(1, ATTEMPTS + 1):
        if _look(reader, number, head)["pullRequest"]["state"] == "MERGED":
            return
        try:
            api.rest("PUT", path, f"merge #{number}", {"sha": head}, again=False)
        except Rejected as error:
            if error.status not in (405, 409):
                raise
            reasons = error.reasons
        except Broken:
            if attempt == ATTEMPTS:
                raise
        else:
            return
        if attempt < ATTEMPTS:
            api.pause(attempt)
    raise Refused(f"GitHub does not merge #{number}: {reasons}", fix="see the pull request's page for what is missing")


def enable_auto_merge(api: Api, reader: Reader, number: int, head: str) -> None:
    """See `ports.Forge`. Where GitHub has nothing to wait for, it refuses auto-merge: then it is merged.

    https://docs.github.com/en/graphql/reference/mutations#enablepullrequestautomerge
    """
    if (request := _to_leave(reader, number, head)) is None:
        return
    try:
        api.graphql(queries.ENABLE_AUTO_MERGE, f"turn auto-merge of #{number} on", request=request["id"], head=head)
    except Rejected as error:
        # After a lost answer it is on already; or the branch has moved.
        if _to_leave(reader, number, head) is None:
            return
        if not _NOTHING_TO_WAIT_FOR.search(error.reasons):
            raise
        merge(api, reader, number, head)


def disable_auto_merge(api: Api, reader: Reader, number: int) -> None:
    """See `ports.Forge`. https://docs.github.com/en/graphql/reference/mutations#disablepullrequestautomerge"""
    if (request := _left(reader, number)) is None:
        return
    try:
        api.graphql(queries.DISABLE_AUTO_MERGE, f"turn auto-merge of #{number} off", request=request["id"])
    except Rejected:
        if _left(reader, number) is not None:
            raise


def _left(reader: Reader, number: int) -> Any:
    """The pull request if it is open and auto-merge is on, else None."""
    request = reader.repository(queries.AUTO_MERGE, f"read #{number}", number=number)["pullRequest"]
    return request if request["state"] == "OPEN" and request["autoMergeRequest"] else None


def _to_leave(reader: Reader, number: int, head: str) -> Any:
    """The pull request that may be left to GitHub; None if it is already, or merged. Raises if it must not be."""
    found = _look(reader, number, head, auto=True)
    request = found["pullRequest"]
    if request["state"] == "MERGED" or request["autoMergeRequest"]:
        return None
    if not found["object"]["status"]["context"]["isRequired"]:
        message = f"#{number} is not left to GitHub: it would merge without the status {APPROVAL}, also what is locked"
        fix = f"require {APPROVAL} on the default branch: `gitops-bot init --protect` prints how"
        raise Refused(message, fix=fix, reason_code="approval_not_required")
    if not found["autoMergeAllowed"]:
        message = f"#{number} cannot be left to GitHub: the repository does not allow auto-merge"
        fix = "turn on Settings → General → Allow auto-merge, or write `merge: auto` in gitops.yaml"
        raise Refused(message, fix=fix, reason_code="auto_merge_off")
    return request


def _look(reader: Reader, number: int, head: str, *, auto: bool = False) -> Any:
    """The repository's answer on a pull request that is merged or may be; raises if it must not or cannot be."""
    found = reader.repository(
        queries.MERGEABLE, f"read #{number}", number=number, head=head, context=APPROVAL, auto=auto
    )
    request = found["pullRequest"]
    if request is None:
        raise NotFound(f"there is no pull request #{number}", fix="look again what there is")
    if request["headRefOid"] != head:
        raise Conflict(f"#{number} is at {request['headRefOid']}, not at {head}", fix="look at it again, then merge")
    if request["state"] == "MERGED":
        return found
    if request["state"] != "OPEN":
        fix = "only an open pull request can be merged"
        raise Refused(f"#{number} is closed", fix=fix, reason_code="closed_pull_request")
    _check_approved(found["object"], number, head)
    if request["mergeable"] == "CONFLICTING":
        fix = "let the bot write the branch again, or resolve the conflict"
        raise Conflict(f"#{number} conflicts with the default branch", fix=fix)
    return found


def _check_approved(commit: Any, number: int, head: str) -> None:
    """`Refused` (`needs_approval`) without a successful approval status, whose description is repeated."""
    if commit is None:
        raise Unavailable(f"GitHub does not show the commit {head}", fix="run again")
    status = (commit.get("status") or {}).get("context")
    if status is None or state(status["state"]) != "success":
        why = status["description"] if status else "the bot has not looked at it yet"
        message = f"#{number} cannot be merged: {APPROVAL} is not successful on {head[:12]}: {why}"
        raise Refused(message, fix="get the approvals that are missing, then run the bot", reason_code="needs_approval")
