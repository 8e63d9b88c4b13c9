"""One question to GitHub: asked again while that can help, answered whole or not at all, its refusals in our words."""

from __future__ import annotations

import itertools
import json
import logging
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

import requests
from github import Auth
from github.GithubException import GithubException
from github.Requester import Requester

from bot.core.errors import BotError, NotFound, Unauthorised, Unavailable
from bot.forges.github_kept import Kept
from bot.forges.github_refusals import Answer, Passing, check, check_graphql, clean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bot.forges.github_auth import Access
    from bot.forges.github_kept import KeptAnswers

T = TypeVar("T")
ATTEMPTS = 4
LONGEST_WAIT = 90.0
"""Seconds that GitHub may ask us to wait; a longer one is left to a later run."""

_TIMEOUT = 60
_VERSION = "2022-11-28"
_FIX = "check the network and https://www.githubstatus.com, then run again"
# At DEBUG it logs whole answers, an installation's token among them.
logging.getLogger("github.Requester").setLevel(logging.INFO)


class Broken(Unavailable):
    """GitHub gave no whole answer, each time that it was asked: what was asked for may have been done."""


class Question(NamedTuple):
    """What to send. `what` completes "cannot …"; `again`: asking twice does no harm."""

    method: str
    path: str
    what: str
    body: Any = None
    headers: Mapping[str, str] = {}
    again: bool = True


class Api:
    """REST and GraphQL of one repository's GitHub. `sleep` waits so many seconds; `kept` may outlive it.

    Both raise `Unauthorised` (what is missing, where GitHub says it), `NotFound`, `Unavailable` (rate limits with the
    time when it may go on), `Broken`, and `Rejected` for any other refusal.
    """

    def __init__(
        self, repository: str, access: Access, api_url: str, sleep: Callable[[float], None], kept: KeptAnswers
    ) -> None:
        self.repository = repository
        self._access = access
        self._url = _checked(api_url)
        self._sleep = sleep
        self._kept = kept

    def rest(self, method: str, path: str, what: str, body: Any = None, *, again: bool | None = None) -> Any:
        """The JSON that GitHub answers (None for an empty answer). A POST is sent once unless `again` is given.

        https://docs.github.com/en/rest
        """
        again = method != "POST" if again is None else again
        return self._ask(Question(method, path, what, body, {}, again)).data

    def get(self, path: str, what: str) -> Any:
        """The JSON of a GET, which costs nothing of the rate limit if it is as it was when last asked for.

        https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
        """
        owner, address = self._access.owner, self._url + path
        kept = self._kept.get(owner, address)
        answer = self._ask(Question("GET", path, what, None, {"If-None-Match": kept.tag} if kept else {}))
        if kept and answer.status == 304:
            return kept.data
        if tag := answer.headers.get("etag", ""):
            self._kept.keep(owner, address, Kept(tag, answer.data))
        return answer.data

    def graphql(self, query: str, what: str, **variables: Any) -> Any:
        """The `data` of a query or a mutation that may be repeated. An answer with any error in it raises.

        https://docs.github.com/en/graphql
        """
        body = {"query": query, "variables": variables}
        return self._ask(Question("POST", self._requester.graphql_url, what, body)).data["data"]

    def pause(self, attempt: int, wait: float = 0.0) -> None:
        """Wait `wait` seconds; if 0, one second after the first attempt and twice as long after each more."""
        self._sleep(wait or 2.0 ** (attempt - 1))

    def token(self) -> str:
        """A token that is valid now, for git too (as user `x-access-token`)."""
        return self._patiently(Question("POST", "", "get a token of the App"), self._token)

    def _token(self) -> str:
        auth = self._requester.auth
        assert auth is not None
        return auth.token

    @cached_property
    def _requester(self) -> Requester:
        auth: Auth.Auth = self._access.auth
        if isinstance(auth, Auth.AppAuth):
            auth = auth.get_installation_auth(self._access.installation or self._installation(auth))
        return self._open(auth)

    def _open(self, auth: Auth.Auth) -> Requester:
        return Requester(auth, self._url, _TIMEOUT, "gitops-bot", 100, True, 0, None, api_version=_VERSION)

    def _installation(self, auth: Auth.AppAuth) -> int:
        """https://docs.github.com/en/rest/apps/apps#get-a-repository-installation-for-the-authenticated-app"""
        what = f"find the App's installation on {self.repository}"
        question = Question("GET", f"/repos/{self.repository}/installation", what)
        requester = self._open(auth)
        try:
            answer = self._patiently(question, lambda: self._once(requester, question))
        except NotFound as error:
            raise Unauthorised(
                f"the GitHub App is not installed on {self.repository}, or there is no such repository",
                fix="install the App there (Settings → Developer settings → GitHub Apps → Install App)",
            ) from error
        return int(answer.data["id"])

    def _ask(self, question: Question) -> Answer:
        return self._patiently(question, lambda: self._once(self._requester, question))

    def _patiently(self, question: Question, once: Callable[[], T]) -> T:
        for attempt in itertools.count(1):
            try:
                return self._translated(question, once)
            except Passing as trouble:
                if trouble.wait > LONGEST_WAIT:
                    message = f"cannot {question.what}: {trouble}"
                    raise Unavailable(message, fix=f"run again after {trouble.until()}") from trouble.__cause__
                if attempt >= ATTEMPTS or not (question.again or trouble.undone):
                    raise Broken(f"cannot {question.what}: {trouble}", fix=_FIX) from trouble.__cause__
                self.pause(attempt, trouble.wait)
        raise AssertionError("unreachable")

    def _once(self, requester: Requester, question: Question) -> Answer:
        headers = dict(question.headers)
        status, fields, text = requester.requestJson(
            question.method, question.path, headers=headers, input=question.body
        )
        answer = Answer(status, fields, _parsed(status, text))
        check(answer, question.what, self._hide)
        if question.path == requester.graphql_url:
            check_graphql(answer, question.what, self._hide)
        return answer

    def _translated(self, question: Question, once: Callable[[], T]) -> T:
        """What PyGithub and requests raise, in our words; getting the App's token may fail like any question."""
        what = question.what
        try:
            return once()
        except GithubException as error:
            answer = Answer(error.status, error.headers or {}, error.data)
            check(answer, what, self._hide)
            raise Unavailable(f"cannot {what}: GitHub's answer cannot be understood", fix=_FIX) from None
        except requests.exceptions.SSLError as error:
            message = f"cannot {what}: the TLS of {self._url} cannot be trusted"
            raise Unavailable(message, fix="check the address and its certificate") from error
        except requests.Timeout as error:
            raise Passing("GitHub did not answer in time") from error
        except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError) as error:
            raise Passing("the connection failed") from error
        except json.JSONDecodeError:
            # Of the answer with the App's token, which PyGithub reads; the cause would hold that answer.
            raise Passing("the answer is not whole") from None
        except (requests.RequestException, RuntimeError) as error:
            fix = "check GITOPS_BOT_FORGE_URL and the repository's present name"
            raise Unavailable(f"cannot {what}: {self._hide(str(error))}", fix=fix) from None

    def _hide(self, text: str) -> str:
        auth = self._access.auth
        return clean(text, auth.token if isinstance(auth, Auth.Token) else "")


def _parsed(status: int, text: str) -> Any:
    if not text:
        return None
    try:
        return json.loads(text)
    except ValueError as error:
        if status >= 400:
            return {"message": text}
        raise Passing("the answer is not whole") from error


def _checked(url: str) -> str:
    parts = urlsplit(url)
    local = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1")
    if (parts.scheme != "https" and not local) or not parts.hostname or parts.username or parts.query:
        raise BotError(
            "GITOPS_BOT_FORGE_URL is no address of GitHub's API",
            fix="use https://api.github.com, or https://HOST/api/v3 for GitHub Enterprise Server",
            reason_code="invalid_setting",
        )
    return url.rstrip("/")
