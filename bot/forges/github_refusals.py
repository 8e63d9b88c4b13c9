"""What GitHub's refusals mean: come back later, the credentials do not suffice, it is not there, or not like that.

https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api
"""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from bot.core.errors import NotFound, Refused, Unauthorised, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_TOKENS = re.compile(r"\b(gh[a-z]_\w+|github_pat_\w+|eyJ[\w-]+\.[\w-]+\.[\w-]+)|(?<=://)[^/@\s]+(?=@)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_SECONDARY_WAIT = 60.0
"""What GitHub asks for where it names no time itself: https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api"""


class Answer(NamedTuple):
    """What came back: status, headers by lower-case name, and the JSON."""

    status: int
    headers: Mapping[str, str]
    data: Any


class Rejected(Refused):
    """GitHub understood and declined; `status` is HTTP's (422 for GraphQL), `reasons` what GitHub says, in one line."""

    def __init__(self, message: str, status: int, reasons: str) -> None:
        super().__init__(message, fix="do what GitHub's reason says")
        self.status = status
        self.reasons = reasons


class Passing(Exception):
    """Trouble that may be gone in a moment; `wait`: seconds, 0 if unknown; `undone`: surely nothing was done."""

    def __init__(self, why: str, wait: float = 0.0, *, undone: bool = False) -> None:
        super().__init__(why)
        self.wait = wait
        self.undone = undone

    def until(self) -> str:
        """When it may be tried again, UTC, to the second."""
        return f"{datetime.fromtimestamp(time.time() + self.wait, UTC):%Y-%m-%d %H:%M:%S} UTC"


def clean(text: str, secret: str = "") -> str:
    """One line of at most 500 characters without `secret` or anything that looks like a token."""
    if secret:
        text = text.replace(secret, "***")
    return _TOKENS.sub("***", _CONTROL.sub(" ", text))[:500]


def check(answer: Answer, what: str, hide: Callable[[str], str]) -> None:
    """Raise for any status from 400 on. `what` completes "cannot …", `hide` takes secrets out of GitHub's words."""
    if answer.status < 300 or answer.status == 304:
        return
    reasons = hide(_reasons(answer.data))
    _check_passing(answer, reasons)
    if answer.status == 401:
        fix = "check that the token or the App's key is the present one, its id, and this machine's clock"
        raise Unauthorised(f"cannot {what}: GitHub refuses the credentials ({reasons})", fix=fix)
    if answer.status == 403:
        raise Unauthorised(f"cannot {what}: GitHub forbids it ({reasons})", fix=hide(_missing(answer.headers)))
    if answer.status in (404, 410):
        fix = f"check the name, and that the credentials may see it; {hide(_missing(answer.headers))}"
        raise NotFound(f"cannot {what}: it is not on GitHub, or hidden from these credentials", fix=fix)
    if answer.status < 400:
        raise Unavailable(f"cannot {what}: it has moved", fix="use the repository's present name")
    raise Rejected(f"cannot {what}: {reasons}", answer.status, reasons)


def check_graphql(answer: Answer, what: str, hide: Callable[[str], str]) -> None:
    """Raise if GraphQL answered with errors, even beside data, or with no data; `Rejected` if it declined a mutation.

    https://docs.github.com/en/graphql/guides/using-graphql-clients
    """
    data = answer.data if isinstance(answer.data, dict) else {}
    errors = [error for error in data.get("errors") or [] if isinstance(error, dict)]
    if not errors:
        if not isinstance(data.get("data"), dict):
            raise Passing("the answer holds no data")
        return
    kinds = {str(error.get("type", "")) for error in errors}
    reasons = hide("; ".join(str(error.get("message", "")) for error in errors[:5]))
    if "RATE_LIMITED" in kinds or "rate limit" in reasons.lower():
        raise Passing(f"GitHub's rate limit is used up ({reasons})", _wait(answer.headers), undone=True)
    if kinds & {"FORBIDDEN", "INSUFFICIENT_SCOPES"}:
        raise Unauthorised(f"cannot {what}: GitHub forbids it ({reasons})", fix=hide(_missing(answer.headers)))
    if "NOT_FOUND" in kinds:
        fix = f"check the name, and that the credentials may see it; {hide(_missing(answer.headers))}"
        raise NotFound(f"cannot {what}: {reasons}", fix=fix)
    if "UNPROCESSABLE" in kinds:
        raise Rejected(f"cannot {what}: {reasons}", 422, reasons)
    if "" in kinds and not any(error.get("extensions") for error in errors):
        raise Passing(f"GitHub could not answer ({reasons})")
    raise Unavailable(f"cannot {what}: {reasons}", fix="if this is an old GitHub Enterprise Server, update it")


def _check_passing(answer: Answer, reasons: str) -> None:
    if answer.status in (403, 429):
        headers = answer.headers
        limited = "retry-after" in headers or headers.get("x-ratelimit-remaining") == "0"
        if limited or answer.status == 429 or "rate limit" in reasons.lower():
            raise Passing(f"GitHub's rate limit is used up ({reasons})", _wait(headers), undone=True)
    if answer.status >= 500 or answer.status == 408:
        raise Passing(f"GitHub answered {answer.status}")


def _wait(headers: Mapping[str, str]) -> float:
    after = headers.get("retry-after", "")
    if after.isascii() and after.isdigit():
        return float(after[:9])
    reset = headers.get("x-ratelimit-reset", "")
    if headers.get("x-ratelimit-remaining") == "0" and reset.isascii() and reset.isdigit():
        return max(1.0, float(reset[:12]) - time.time() + 1)
    return _SECONDARY_WAIT


def _reasons(data: Any) -> str:
    """The message, and those of the errors beside it; no answer's shape is taken for granted."""
    if not isinstance(data, dict):
        return str(data or "no reason given")
    errors = data.get("errors")
    details = [_detail(error) for error in errors] if isinstance(errors, list) else [str(errors)] if errors else []
    return ": ".join([str(data.get("message") or "no reason given"), *(["; ".join(details)] if details else [])])


def _detail(error: Any) -> str:
    if not isinstance(error, dict):
        return str(error)
    return str(error.get("message") or " ".join(str(error.get(key, "")) for key in ("resource", "field", "code")))


def _missing(headers: Mapping[str, str]) -> str:
    """https://docs.github.com/en/rest/overview/permissions-required-for-fine-grained-personal-access-tokens"""
    if "required" in (sso := headers.get("x-github-sso", "")):
        return f"authorise the token for the organisation's single sign-on ({sso})"
    if permissions := headers.get("x-accepted-github-permissions"):
        return f"give the token or the App the permission {permissions}"
    wanted, has = headers.get("x-accepted-oauth-scopes"), headers.get("x-oauth-scopes")
    if wanted and has is not None:
        return f"give the token the scope {wanted} (it has: {has or 'none'})"
    return "give the token or the App the permissions that docs/github.md lists"
