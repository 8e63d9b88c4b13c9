"""What git says on its error output becomes one of our errors, without secrets."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bot.core.errors import BotError, Conflict, NotFound, Refused, Unauthorised, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable

_USERINFO = re.compile(r"://[^/@\s]*@")
_HEADER = re.compile(r"(?i)(authorization|cookie|private-token)\s*:.*")
_CONTROL = re.compile(r"[^\S\n]|[\x00-\x09\x0b-\x1f\x7f-\x9f]")
_UNAUTHORISED = re.compile(
    r"Authentication failed|could not read (?:Username|Password)|terminal prompts disabled|Permission denied"
    r"|returned error: 40[13]|Host key verification failed|[Aa]ccess denied|Permission to \S+ denied|HTTP Basic: Access"
)
_NOT_FOUND = re.compile(
    r"repository '.*' not found|[Rr]epository not found|does not appear to be a git repository"
    r"|repository '.*' does not exist|returned error: 404|project you were looking for could not be found"
)
_RACE = re.compile(
    r"stale info|fetch first|non-fast-forward|already exists|cannot lock ref|failed to (?:update|lock) ref"
    r"|incorrect old value|but expected|remote ref updated"
)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """The text without user info of URLs, authorization headers, control characters and the given secrets."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "***")
    return _CONTROL.sub(" ", _HEADER.sub(r"\1: ***", _USERINFO.sub("://***@", text)))


def end_of(text: str) -> str:
    """The last 600 characters on one line, as fits an error message."""
    return " | ".join(line.strip() for line in text[-600:].splitlines() if line.strip())


def network_error(verb: str, url: str, stderr: str) -> BotError:
    """The error for a failed `git fetch`, `ls-remote` or `push` with this (redacted) error output."""
    # What the other side says is shown and not believed: only git's own lines tell the kinds apart.
    own = "\n".join(line for line in stderr.splitlines() if not line.startswith("remote:"))
    said = end_of(stderr) or "no message"
    if "dubious ownership" in own:
        fix = f"if you trust it: git config --global --add safe.directory {url}"
        return Unauthorised(f"{url} belongs to another user, and git does not read it", fix=fix)
    if re.search(r"returned error: 30[12378]", own):
        fix = "name the repository's present URL: a token is not sent where a redirect leads"
        return Unavailable(f"git {verb}: {url} has moved ({said})", fix=fix, reason_code="redirected")
    if _UNAUTHORISED.search(own):
        fix = "check GITOPS_BOT_GIT_TOKEN (https), the credential helper or the ssh key, and what they may do there"
        return Unauthorised(f"git {verb}: {url} refused the credentials, or wants some ({said})", fix=fix)
    if _NOT_FOUND.search(own):
        fix = "check the URL; a private repository is also invisible to credentials without access to it"
        return NotFound(f"there is no git repository at {url} ({said})", fix=fix, reason_code="repository_not_found")
    return Unavailable(f"git {verb}: {url} cannot be reached ({said})", fix="check the network and try again")


def push_error(branch: str, url: str, report: str, stderr: str) -> BotError:
    """The error for a failed push, from the lines of `git push --porcelain` (https://git-scm.com/docs/git-push)."""
    rejected = [line.split("\t") for line in report.splitlines() if line.startswith("!\t")]
    if not rejected:
        return network_error("push", url, stderr)
    why = rejected[0][-1]
    if _RACE.search(why):
        return Conflict(f"{branch!r} of {url} was changed by somebody else meanwhile: {why}", fix="try again")
    return Refused(
        f"{url} does not let {branch!r} be changed: {why} ({end_of(stderr)})",
        fix="allow the bot's user to push there (branch protection, hooks), or use a bare repository",
        reason_code="push_refused",
    )
