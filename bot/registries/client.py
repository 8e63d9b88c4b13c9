"""One authorised call to a registry: what to ask of which repository, and what each status means."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from bot.core.errors import Unauthorised, Unavailable
from bot.registries.content import MANIFEST_LIMIT, checked
from bot.registries.hosts import login, origin
from bot.registries.http import ATTEMPTS, Answer, Http, Request, Upload
from bot.registries.tokens import Authorizer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bot.core.references import Reference
    from bot.registries.auth import DockerConfig
    from bot.registries.kept import Kept

_CODE = re.compile(r"[A-Z][A-Z_]{0,39}")


@dataclass(frozen=True, slots=True)
class Call:
    """A request to the repository of `reference`. `path` follows `/v2/<repository>/`, or is a whole URL.

    `what` completes "cannot …"; `expected` are the statuses that are answers; `push`: write access is needed;
    `source`: a second repository of the same host to read from; `keep`: a GET whose answer is kept for the next run.
    """

    method: str
    reference: Reference
    path: str = field(repr=False)
    what: str
    expected: tuple[int, ...]
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | Upload | None = field(default=None, repr=False)
    push: bool = False
    source: Reference | None = None
    stream: bool = False
    keep: bool = False
    limit: int = MANIFEST_LIMIT
    attempts: int = ATTEMPTS

    @property
    def scopes(self) -> frozenset[str]:
        """What a token must allow (https://distribution.github.io/distribution/spec/auth/scope/)."""
        own = f"repository:{self.reference.path}:{'pull,push' if self.push else 'pull'}"
        return frozenset({own, f"repository:{self.source.path}:pull"} if self.source else {own})

    @property
    def url(self) -> str:
        """Where to send it."""
        if "://" in self.path:
            return self.path
        return f"{origin(self.reference.registry)}/v2/{self.reference.path}/{self.path}"


class Client:
    """Makes calls; keeps connections, challenges and tokens between them."""

    def __init__(self, config: DockerConfig, sleep: Callable[[float], None], kept: Kept) -> None:
        self._http = Http(sleep)
        self._kept = kept
        self._authorizer = Authorizer(config, self._http)

    def pause(self, attempt: int) -> None:
        """Wait before a call is made again, longer after each attempt (1, 2, …)."""
        self._http.pause(attempt)

    def ask(self, call: Call) -> Answer:
        """The answer, if its status is an expected one; else `Unauthorised` for 401 and 403, or `Unavailable`."""
        if not call.keep:
            return self._judged(call, self._answer(call))
        accept = call.headers.get("Accept", "")
        known = self._kept.answer(call.url, accept)
        asked = replace(call, headers={**call.headers, "If-None-Match": known.validator}) if known else call
        answer = self._answer(asked)
        if known and answer.own and answer.status == 304:
            return Answer(200, known.headers, known.body, own=True)
        answer = self._judged(call, answer)
        if answer.own and answer.status == 200:
            self._kept.keep_answer(call.url, accept, answer.headers, answer.body)
        return answer

    def _answer(self, call: Call) -> Answer:
        host = checked(call.reference.repository).registry
        request = Request(
            call.method, call.url, call.what, call.headers, call.body,
            limit=call.limit, attempts=call.attempts, stream=call.stream,
        )  # fmt: skip
        answer = self._http.send(replace(request, authorization=self._authorizer.header(host, call.scopes)))
        if answer.status == 401 and answer.own:
            header = self._authorizer.renewed(host, call.scopes, answer.headers.get("WWW-Authenticate", ""))
            answer = self._http.send(replace(request, authorization=header))
        return answer

    def _judged(self, call: Call, answer: Answer) -> Answer:
        # A page that says 404 is a proxy's or a web server's: it knows nothing of what the registry holds.
        page = answer.headers.get("Content-Type", "").startswith("text/html")
        if answer.status in call.expected and not (answer.status == 404 and page):
            return answer
        if answer.raw is not None:
            answer.raw.close()
        if answer.own and answer.status in (401, 403):
            raise self._unauthorised(call)
        who = "the registry" if answer.own else "the storage that the registry redirects to"
        why = f"{who} answered {answer.status}{''.join(f' {code}' for code in error_codes(answer))}"
        raise Unavailable(f"cannot {call.what}: {why}", fix="try again; if it stays, look at the registry's log")

    def _unauthorised(self, call: Call) -> Unauthorised:
        host = call.reference.registry
        known = self._authorizer.known(host)
        why = "the registry refuses the credentials" if known else "the registry refuses access without credentials"
        return Unauthorised(f"cannot {call.what}: {why}", fix=login(host))


def error_codes(answer: Answer) -> list[str]:
    """The codes in an error answer, at most five; whatever else it says is not repeated.

    https://github.com/opencontainers/distribution-spec/blob/main/spec.md#error-codes
    """
    try:
        errors = json.loads(answer.body)["errors"][:5]
        codes = [str(error["code"]) for error in errors]
    except (ValueError, LookupError, TypeError, RecursionError):
        return []
    return [code for code in codes if _CODE.fullmatch(code)]
