"""A registry's challenge becomes an `Authorization` header; passwords go over TLS and to nobody else.

https://distribution.github.io/distribution/spec/auth/token/ and …/auth/oauth/
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlencode, urlsplit

from bot.core.errors import Unauthorised, Unavailable
from bot.registries.content import parse_object
from bot.registries.hosts import is_loopback, login
from bot.registries.http import Answer, Http, Request

if TYPE_CHECKING:
    from bot.registries.auth import Credentials, DockerConfig

_PART = re.compile(
    r"(?P<scheme>[A-Za-z]+)[ ]+(?=[A-Za-z_]+=)"
    r'|(?P<key>[A-Za-z_]+)=(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^\s,"]+))'
)
_LONGEST_HEADER = 4096
_SHORTEST_LIFE = 60
_MARGIN = 10
"""Seconds before its end at which a token is no longer used."""


class Challenge(NamedTuple):
    """What a 401 asks for: the scheme (`bearer` or `basic`), and where a bearer token is to be had, for what."""

    scheme: str
    realm: str
    service: str
    scope: str


@dataclass(frozen=True, slots=True)
class _Token:
    """A header and the monotonic time, in seconds, until which it may be sent."""

    header: str = field(repr=False)
    end: float


def parse_challenge(header: str) -> Challenge | None:
    """The challenge in a `WWW-Authenticate` header (RFC 9110, 11.6.1) to answer, Bearer before Basic; or None."""
    found: dict[str, dict[str, str]] = {}
    params: dict[str, str] = {}
    for part in _PART.finditer(header[:_LONGEST_HEADER]):
        if part["scheme"]:
            params = found.setdefault(part["scheme"].lower(), {})
        else:
            quoted = part["quoted"]
            params[part["key"].lower()] = part["bare"] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
    for scheme in ("bearer", "basic"):
        if scheme in found:
            get = found[scheme].get
            return Challenge(scheme, get("realm", ""), get("service", ""), get("scope", ""))
    return None


class Authorizer:
    """Keeps each host's challenge, and each token until it ends."""

    def __init__(self, config: DockerConfig, http: Http) -> None:
        self._config = config
        self._http = http
        self._challenges: dict[str, Challenge] = {}
        self._tokens: dict[tuple[str, frozenset[str]], _Token] = {}

    def header(self, host: str, scopes: frozenset[str]) -> str | None:
        """The header to send to the registry `host` for `scopes` (`repository:path:pull`).

        None while it has not asked for one. `Unauthorised` or `Unavailable` if none can be had.
        """
        token = self._tokens.get((host, scopes))
        if token and token.end > time.monotonic():
            return token.header
        challenge = self._challenges.get(host)
        return self._answered(host, scopes, challenge) if challenge else None

    def renewed(self, host: str, scopes: frozenset[str], authenticate: str) -> str:
        """The header that answers a 401 with this `WWW-Authenticate`. `Unauthorised` if there is no answer."""
        challenge = parse_challenge(authenticate)
        if not challenge:
            raise Unauthorised(f"{host} refuses access and does not say how to get it", fix=login(host))
        self._tokens.pop((host, scopes), None)
        # The scope is that of one repository, the rest is the host's.
        self._challenges[host] = challenge._replace(scope="")
        return self._answered(host, scopes, challenge)

    def known(self, host: str) -> bool:
        """Whether there are credentials for `host`."""
        return self._config.credentials(host) is not None

    def _answered(self, host: str, scopes: frozenset[str], challenge: Challenge) -> str:
        credentials = self._config.credentials(host)
        if challenge.scheme == "bearer":
            return self._fetched(host, scopes, challenge, credentials)
        if not credentials:
            raise Unauthorised(f"{host} wants a user name and a password, and there are none", fix=login(host))
        return credentials.basic

    def _fetched(self, host: str, scopes: frozenset[str], challenge: Challenge, credentials: Credentials | None) -> str:
        _check_realm(host, challenge.realm)
        wanted = sorted(scopes | set(challenge.scope.split()))
        answer = self._http.send(token_request(host, challenge, wanted, credentials))
        if answer.status in (400, 401, 403):
            what = "the credentials" if credentials else "access without credentials"
            raise Unauthorised(f"the token server of {host} refuses {what}", fix=login(host))
        token = _parse_token(host, answer)
        self._tokens[host, scopes] = token
        return token.header


def token_request(host: str, challenge: Challenge, scopes: list[str], credentials: Credentials | None) -> Request:
    """The request for a token: an OAuth 2 form with an identity token, else a GET with or without a password."""
    what = f"get a token for {host}"
    if credentials and credentials.identity_token:
        form = {
            "grant_type": "refresh_token",
            "service": challenge.service,
            "client_id": "gitops-bot",
            "scope": " ".join(scopes),
            "refresh_token": credentials.identity_token,
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return Request("POST", challenge.realm, what, headers, urlencode(form).encode())
    service = [("service", challenge.service)] if challenge.service else []
    query = urlencode([*service, *(("scope", scope) for scope in scopes)])
    join = "&" if urlsplit(challenge.realm).query else "?"
    basic = credentials.basic if credentials else None
    return Request("GET", f"{challenge.realm}{join}{query}", what, authorization=basic)


def _check_realm(host: str, realm: str) -> None:
    """Refuse a token server without TLS, unless it is on this machine, as the registry is."""
    try:
        parts = urlsplit(realm)
        local = is_loopback(host) and is_loopback(parts.netloc)
    except ValueError:
        raise Unavailable(f"{host} names a token server that is not an address", fix="check the host") from None
    allowed = ("https", "http") if local else ("https",)
    if parts.scheme not in allowed or not parts.hostname or "@" in parts.netloc or parts.fragment:
        raise Unavailable(f"{host} names a token server without TLS", fix="give the token server a certificate")


def _parse_token(host: str, answer: Answer) -> _Token:
    what = f"the answer of the token server of {host}"
    if answer.status != 200:
        raise Unavailable(f"the token server of {host} answered {answer.status}", fix="try again")
    document = parse_object(answer.body, what)
    token = document.get("token") or document.get("access_token")
    if not isinstance(token, str) or not token.isascii() or not token.isprintable() or " " in token:
        raise Unavailable(f"{what} holds no token", fix="try again")
    life = document.get("expires_in", _SHORTEST_LIFE)
    seconds = life if isinstance(life, int | float) else _SHORTEST_LIFE
    return _Token(f"Bearer {token}", time.monotonic() + seconds - _MARGIN)
