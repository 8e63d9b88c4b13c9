"""Requests to GitLab: bounded retries, no redirects, and every failure in words without the token."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import gitlab
import requests
from gitlab.exceptions import GitlabError

from bot.core.errors import BotError, Conflict, NotFound, Refused, Unauthorised, Unavailable
from bot.core.retry_after import retry_after

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gitlab.v4.objects import Project

_ATTEMPTS = 4
_TIMEOUT = (10.0, 60.0)  # seconds to connect, and between two pieces of an answer
_PATIENCE = 120.0  # seconds that a server may ask to wait
_BUSY = frozenset({429, 500, 502, 503, 504})
_ROLE = "use a token with the scope `api` of a user or project bot with the role Maintainer (docs/gitlab.md)"


class Session(requests.Session):
    """A session that repeats what may be repeated, at most four times, and never follows a redirect.

    A POST that is not a query is repeated only after 429, when the server did nothing with it.
    https://docs.gitlab.com/security/rate_limits/
    """

    def __init__(self, sleep: Callable[[float], None]) -> None:
        super().__init__()
        self._sleep = sleep

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        """See `requests.Session`. `Unavailable` once the server has failed too often."""
        kwargs["timeout"] = _TIMEOUT
        kwargs["allow_redirects"] = False  # it would carry the token to another host
        kwargs["proxies"] = {"http": ""}  # plain http is for this machine only, where no proxy belongs
        repeatable = str(method).lower() != "post" or str(url).endswith("/api/graphql")
        for attempt in range(1, _ATTEMPTS + 1):
            why, wait = "", 0.0
            try:
                response = super().request(method, url, *args, **kwargs)
            except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
                why, cause = _failure(error), error
                if isinstance(error, requests.exceptions.SSLError) or not repeatable or attempt == _ATTEMPTS:
                    raise _unavailable(str(url), why) from cause
            else:
                if response.status_code not in _BUSY:
                    return _direct(response)
                why, wait = f"GitLab answered {response.status_code}", retry_after(response.headers, datetime.now(UTC))
                may = repeatable or response.status_code == 429
                if not may or attempt == _ATTEMPTS or wait > _PATIENCE:
                    raise _unavailable(str(url), why, wait)
            self._sleep(wait or 0.5 * 2 ** (attempt - 1))
        raise AssertionError("unreachable")


class Api:
    """One project on one GitLab: `gl` and `project` are python-gitlab's, `query` asks its GraphQL API."""

    def __init__(self, path: str, url: str, token: str, sleep: Callable[[float], None]) -> None:
        self.path = path
        self.me = ""
        """The name of the token's user, once an answer has told it."""
        self.url = url.rstrip("/")
        self._token = token
        # As a bearer, which both APIs take: https://docs.gitlab.com/api/rest/authentication/
        self.gl = gitlab.Gitlab(self.url, oauth_token=token, per_page=100, session=Session(sleep))
        self.project: Project = self.gl.projects.get(path, lazy=True)

    def query(self, what: str, text: str, **variables: Any) -> dict[str, Any]:
        """The `project` of a GraphQL query's answer, else as `ask`. `Unauthorised` if there is none to see."""
        with self.translated(what):
            project = self.ask(what, text, path=self.path, **variables)["project"]
            if project is None:
                raise Unauthorised(f"cannot {what}: GitLab shows this token no project {self.path!r}", fix=_ROLE)
            return dict(project)

    def ask(self, what: str, text: str, **variables: Any) -> dict[str, Any]:
        """The data of a GraphQL answer. `Unavailable` for any error in it, also beside data."""
        with self.translated(what):
            answer = self.gl.http_post(f"{self.url}/api/graphql", post_data={"query": text, "variables": variables})
            if not isinstance(answer, dict):
                raise TypeError("no JSON object")
            if answer.get("errors"):
                said = "; ".join(str(error["message"]) for error in answer["errors"])
                raise Unavailable(f"cannot {what}: GitLab says: {self.clean(said)}", fix="try again later")
            data = dict(answer["data"])
            self.me = (data.get("currentUser") or {}).get("username", self.me)
            return data

    @contextmanager
    def translated(self, what: str) -> Iterator[None]:
        """Failures as errors for people: 401 and 403 `Unauthorised`, 404 `NotFound`, 409 `Conflict`, other 4xx
        `Refused`, and an answer without the documented keys `Unavailable`.
        """
        try:
            yield
        except GitlabError as error:
            raise self._error(what, error) from error
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            message = f"cannot {what}: the answer is cut short or not as GitLab documents it"
            raise Unavailable(message, fix="try again; check that the address is a GitLab's") from error

    def clean(self, text: str) -> str:
        """GitLab's words as one short printable line without the token."""
        plain = "".join(c if c.isprintable() else " " for c in text.replace(self._token, "***"))
        return plain if len(plain) <= 200 else plain[:200] + "…"

    def _error(self, what: str, error: GitlabError) -> BotError:
        said = error.error_message
        words = self.clean(said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said))
        message = f"cannot {what}: GitLab says: {words}"
        match error.response_code:
            case 401 | 403:
                return Unauthorised(f"cannot {what}: GitLab refuses the token: {words}", fix=_ROLE)
            case 404:
                return NotFound(message, fix="check the project's path, and that the token's user may see it")
            case 409:
                return Conflict(message, fix="run again")
            case int(code) if 400 <= code < 500:
                return Refused(message, fix="see what GitLab says")
        return Unavailable(message, fix="try again; check that the address is a GitLab's")


def moment(text: str) -> datetime:
    """A time as GitLab writes it (ISO 8601) → UTC. `ValueError` without a zone."""
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError("a time without a zone")
    return time.astimezone(UTC)


def _direct(response: requests.Response) -> requests.Response:
    if 300 <= response.status_code < 400:
        message = f"{urlsplit(response.url).hostname} redirects, and a token must not follow"
        raise Unavailable(message, fix="set the forge's address and the project's path to where they are now")
    return response


def _failure(error: Exception) -> str:
    if isinstance(error, requests.exceptions.SSLError):
        return "its TLS cannot be trusted"
    return "it did not answer in time" if isinstance(error, requests.Timeout) else "the connection failed"


def _unavailable(url: str, why: str, wait: float = 0.0) -> Unavailable:
    fix = f"try again in {wait:.0f} seconds" if wait else "try again later"
    return Unavailable(f"{urlsplit(url).hostname} cannot be used: {why}", fix=fix)
