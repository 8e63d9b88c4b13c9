"""One HTTP request: retried while that can help, redirected without credentials, and read whole or not at all."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, BinaryIO, NamedTuple
from urllib.parse import urljoin, urlsplit

import requests
from urllib3.exceptions import HTTPError

from bot.core.errors import Unavailable
from bot.core.retry_after import retry_after
from bot.registries.content import MANIFEST_LIMIT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

ATTEMPTS = 4
LONGEST_WAIT = 30.0
"""Seconds that a `Retry-After` may ask of us; a longer one is left to a later run."""

_TIMEOUT = (10.0, 60.0)
_HOPS = 5
_CHUNK = 1 << 20
_FIX = "check the host and the network, then try again"
_BUSY = frozenset({429, 502, 503, 504})


class Broken(Unavailable):
    """The server was too busy or the connection broke, each time that it was tried."""


class Upload:
    """The body of an upload: `size` bytes of a stream, from where it stands. `Unavailable` if it ends before.

    `again`: whether it can be sent twice, because the stream can seek.
    """

    def __init__(self, content: BinaryIO, size: int, what: str) -> None:
        self.again = content.seekable()
        self._start = content.tell() if self.again else 0
        self._content = content
        self._size = size
        self._what = what

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        if self.again:
            self._content.seek(self._start)
        left = self._size
        while left:
            chunk = self._content.read(min(_CHUNK, left))
            if not chunk:
                raise Unavailable(f"cannot {self._what}: the content ends {left} bytes early", fix="try again")
            left -= len(chunk)
            yield chunk


@dataclass(frozen=True, slots=True)
class Request:
    """What to send. `what` completes "cannot …" in messages; `limit` is the most bytes of body to accept.

    With `stream`, the body of a 200 stays open for the caller to read and close.
    """

    method: str
    url: str = field(repr=False)
    what: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | Upload | None = field(default=None, repr=False)
    authorization: str | None = field(default=None, repr=False)
    limit: int = MANIFEST_LIMIT
    attempts: int = ATTEMPTS
    stream: bool = False


class Answer(NamedTuple):
    """What came back. `own`: from the origin that was asked, not from one that it redirected to."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    own: bool
    raw: requests.Response | None = None


class _Passing(Exception):
    """Trouble that may be gone in a moment; `wait`: the seconds that the server asks for, 0 if it does not say."""

    def __init__(self, why: str, wait: float = 0.0) -> None:
        super().__init__(why)
        self.wait = wait


class Http:
    """Sends requests over kept-alive connections. `sleep` waits so many seconds."""

    def __init__(self, sleep: Callable[[float], None] = time.sleep) -> None:
        self._sleep = sleep
        self._session = requests.Session()
        self._session.headers["User-Agent"] = "gitops-bot"
        # Compressed on the way, a body would no longer have the bytes that its digest and its limit speak of.
        self._session.headers["Accept-Encoding"] = "identity"
        # Any `auth` keeps requests from adding the passwords in ~/.netrc by itself.
        self._session.auth = lambda prepared: prepared
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))

    def send(self, request: Request) -> Answer:
        """The whole answer, whatever its status, after up to `request.attempts` tries.

        `Broken` if there is none, if it stays cut short or the server busy; `Unavailable` if another try is useless.
        """
        for attempt in itertools.count(1):
            try:
                return self._once(request)
            except _Passing as trouble:
                if trouble.wait > LONGEST_WAIT:
                    fix = f"try again in {trouble.wait:.0f} seconds, as the server asks"
                    raise _unavailable(request, str(trouble), fix) from trouble.__cause__
                if attempt >= request.attempts:
                    raise Broken(f"cannot {request.what}: {trouble}", fix=_FIX) from trouble.__cause__
                self.pause(attempt, trouble.wait)
        raise AssertionError("unreachable")

    def pause(self, attempt: int, wait: float = 0.0) -> None:
        """Wait `wait` seconds; if 0, half a second after the first attempt and twice as long after each more."""
        self._sleep(wait or 0.5 * 2 ** (attempt - 1))

    def _once(self, request: Request) -> Answer:
        url = request.url
        for _ in range(_HOPS):
            response = self._exchange(request, url)
            if response.status_code in _BUSY:
                response.close()
                raise _Passing(
                    f"the server answered {response.status_code}", retry_after(response.headers, datetime.now(UTC))
                )
            target = _redirection(request, response, url)
            if target is None:
                return _answer(request, response, same_origin(url, request.url))
            response.close()
            url = target
        raise _unavailable(request, "it redirects again and again")

    def _exchange(self, request: Request, url: str) -> requests.Response:
        own = same_origin(url, request.url)
        headers = dict(request.headers)
        if own and request.authorization:
            headers["Authorization"] = request.authorization
        try:
            return self._session.request(
                request.method, url, headers=headers, data=request.body, stream=True, timeout=_TIMEOUT,
                allow_redirects=False,
                proxies={"http": ""},  # plain http is for this machine only, where no proxy belongs
            )  # fmt: skip
        except (requests.RequestException, HTTPError, ValueError) as error:
            # The address of a redirection is often signed: it is itself a secret that the cause would show.
            raise _translated(request, error) from (error if own else None)


def same_origin(one: str, other: str) -> bool:
    """Whether two URLs have one scheme, host and port (https://www.rfc-editor.org/rfc/rfc6454#section-5)."""
    return _origin(one) == _origin(other)


def reader(response: requests.Response, what: str) -> Callable[[int], bytes]:
    """The bytes of an open body, as they are, by pieces. `Unavailable` if the connection breaks."""

    def read(size: int) -> bytes:
        try:
            return bytes(response.raw.read(size, decode_content=False))
        except HTTPError as error:
            raise Unavailable(f"cannot {what}: the connection broke", fix="try again") from error

    return read


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)


def _redirection(request: Request, response: requests.Response, url: str) -> str | None:
    location = response.headers.get("Location")
    if request.method not in ("GET", "HEAD") or response.status_code not in (301, 302, 303, 307, 308) or not location:
        return None
    try:
        target = urljoin(url, location)
        scheme, host, _ = _origin(target)
    except ValueError as error:
        raise _unavailable(request, "it redirects to something that is not an address") from error
    if not host or (scheme != "https" and not (scheme == "http" and url.startswith("http://"))):
        raise _unavailable(request, "it redirects to an address without TLS")
    return target


def _answer(request: Request, response: requests.Response, own: bool) -> Answer:
    if request.stream and response.status_code == 200:
        return Answer(200, response.headers, b"", own, response)
    with response:
        try:
            body = _capped(request, response)
        except HTTPError as error:
            raise _Passing("the answer was cut short") from error
        return Answer(response.status_code, response.headers, body, own)


def _capped(request: Request, response: requests.Response) -> bytes:
    parts, size = [], 0
    while chunk := response.raw.read(_CHUNK, decode_content=True):
        size += len(chunk)
        if size > request.limit:
            raise _unavailable(request, f"the answer has more than {request.limit} bytes")
        parts.append(chunk)
    return b"".join(parts)


def _translated(request: Request, error: Exception) -> Exception:
    if isinstance(error, requests.exceptions.SSLError):
        return _unavailable(request, "its TLS cannot be trusted", "check the host name and its certificate")
    if isinstance(error, requests.Timeout):
        return _Passing("the server did not answer in time")
    if isinstance(error, requests.ConnectionError | requests.exceptions.ChunkedEncodingError | HTTPError):
        return _Passing("the connection failed")
    return _unavailable(request, "the address or a header is malformed")


def _unavailable(request: Request, why: str, fix: str = _FIX) -> Unavailable:
    return Unavailable(f"cannot {request.what}: {why}", fix=fix)
