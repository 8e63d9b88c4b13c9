"""A fake GitHub over HTTP on this machine: REST, GraphQL and git; held to GitHub's descriptions, and told to fail.

with serve(Path("remote.git")) as github:
    forge = GitHubForge("acme/gitops", token_access(TOKEN), github.url)
    github.world.people["carol"] = "write"
    github.world.review(1, "carol", "APPROVED")
    github.world.say(1, "carol", "/promote prod")
# at the end, anything that GitHub would not have understood or answered is an error
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import subprocess
import threading
import time
from base64 import b64decode
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import jwt

from tests.forges.github import graph, rest
from tests.forges.github.descriptions import Descriptions, load
from tests.forges.github.world import BOT, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

APP_ID = "4711"
INSTALLATION = 8_150_815
_NOTHING: tuple[int, dict[str, str], Any] = (0, {}, None)


class Seen(NamedTuple):
    """One request, and the status of its answer."""

    method: str
    path: str
    body: Any
    status: int


@dataclass
class Fault:
    """What goes wrong with requests whose `METHOD path` holds `part`, `times` times.

    With `status`, that is the answer, with `headers` and `body`. Else the answer is `cut` in the middle, its length
    promised or not (`short`), or the connection is dropped; `done`: only after what was asked for was done.
    """

    part: str
    status: int = 0
    times: int = 1
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = field(default_factory=lambda: {"message": "made up"})
    cut: bool = False
    short: bool = False
    done: bool = False
    after: int = 0
    """How many requests are let through first."""


class FakeGitHub:
    """State, what was seen, and what is to go wrong. `prefix`: `/api/v3` on an Enterprise server."""

    def __init__(self, git: Path, descriptions: Descriptions, prefix: str) -> None:
        self.world = World(git)
        self.descriptions = descriptions
        self.prefix = prefix
        self.seen: list[Seen] = []
        self.faults: list[Fault] = []
        self.problems: list[str] = []
        self.app_key = ""
        self.token_life = 3600
        self.issued = 0
        self.host = ""
        self.before: Callable[[str, str], None] = lambda _method, _path: None
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        """The address of the API."""
        return f"http://{self.host}{self.prefix}"

    def asked(self, part: str = "") -> list[Seen]:
        """The requests whose `METHOD path` holds `part`."""
        return [seen for seen in self.seen if part in f"{seen.method} {seen.path}"]


@contextlib.contextmanager
def serve(git: Path, prefix: str = "") -> Iterator[FakeGitHub]:
    """A fake GitHub with the bare repository `git` behind it, on a free loopback port."""
    fake = FakeGitHub(git, load(), prefix)

    class Handler(_Handler):
        github = fake

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    fake.host = f"127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
    assert not fake.problems, "\n".join(fake.problems)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    github: FakeGitHub

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 # the base class names it so
        """Say nothing."""

    def __getattr__(self, name: str) -> Callable[[], None]:
        if name.startswith("do_"):
            return self._handle
        raise AttributeError(name)

    def _handle(self) -> None:
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = urlsplit(self.path).path
        if f"/{self.github.world.name}.git/" in path:
            self._git(path, sent)
            return
        body = json.loads(sent) if sent else None
        with self.github.lock:
            fault = self._fault(path)
            status, headers, answer = _NOTHING
            if not fault or fault.done or (fault.cut or fault.short):
                self.github.before(self.command, path)
                status, headers, answer = self._answer(path, body)
            if fault and fault.status:
                status, headers, answer = fault.status, fault.headers, fault.body
            self.github.seen.append(Seen(self.command, self.path, body, status))
        if fault and not fault.status and not fault.cut and not fault.short:
            self.close_connection = True
            self.connection.shutdown(2)
            return
        self._send(status, headers, b"" if answer is None else json.dumps(answer).encode(), fault)

    def _fault(self, path: str) -> Fault | None:
        for fault in self.github.faults:
            if fault.times and fault.part in f"{self.command} {path}":
                if fault.after:
                    fault.after -= 1
                    continue
                fault.times -= 1
                return fault
        return None

    def _send(self, status: int, headers: dict[str, str], body: bytes, fault: Fault | None) -> None:
        whole = len(body)
        if fault and (fault.cut or fault.short):
            body = body[: whole // 2]
        self.send_response(status)
        fields = {"Content-Type": "application/json; charset=utf-8", "X-RateLimit-Remaining": "4999", **headers}
        for name, value in fields.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if fault and fault.short else whole))
        self.end_headers()
        self.wfile.write(body)
        if fault and fault.cut:
            self.close_connection = True

    def _answer(self, path: str, body: Any) -> tuple[int, dict[str, str], Any]:
        github = self.github
        below = path.removeprefix(github.prefix)
        if self.headers.get("User-Agent") != "gitops-bot":
            github.problems.append(f"{path}: GitHub wants to know who asks")
        if below.endswith("/installation") or below.startswith("/app/"):
            return self._as_app(below, body)
        viewer = self._viewer()
        if viewer is None:
            return 401, {}, {"message": "Bad credentials", "documentation_url": "https://docs.github.com/rest"}
        if path == github.prefix.removesuffix("/v3") + "/graphql":
            return 200, {}, graph.answer(github.world, github.descriptions, viewer, body, github.problems)
        return self._checked(below, body, viewer)

    def _checked(self, path: str, body: Any, viewer: str) -> tuple[int, dict[str, str], Any]:
        query = dict(parse_qsl(urlsplit(self.path).query))
        operation = self.github.descriptions.operation(self.command, path)
        where = f"{self.command} {path}"
        if not operation or not path.startswith(self.github.prefix and "/"):
            self.github.problems.append(f"{where}: there is no such operation")
            return 404, {}, {"message": "Not Found"}
        wrong = self.github.descriptions.request_problems(operation, query, body)
        status, partial = rest.handle(self.github.world, self.command, path, viewer, query, body)
        answer = self._completed(operation, status, partial)
        wrong += self.github.descriptions.answer_problems(operation, status, answer)
        self.github.problems += [f"{where} → {status}: {problem}" for problem in wrong]
        tag = f'W/"{hashlib.sha256(json.dumps(answer).encode()).hexdigest()}"'
        if self.command == "GET" and self.headers.get("If-None-Match") == tag:
            return 304, {"ETag": tag}, None
        return status, {"ETag": tag} if self.command == "GET" else {}, answer

    def _completed(self, operation: Any, status: int, partial: Any) -> Any:
        if status >= 400:
            return partial
        example = self.github.descriptions.example(operation, status)
        if isinstance(partial, list):
            base = example[0] if isinstance(example, list) and example else {}
            return [_merged(base, each) for each in partial]
        return _merged(example or {}, partial)

    def _viewer(self) -> str | None:
        kind, _, token = self.headers.get("Authorization", "").partition(" ")
        if kind == "Basic":
            token = b64decode(token).decode().partition(":")[2]
        return self.github.world.tokens.get(token)

    def _as_app(self, path: str, body: Any) -> tuple[int, dict[str, str], Any]:
        """https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app"""
        github = self.github
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        try:
            claims = jwt.decode(token, github.app_key, algorithms=["RS256"], options={"require": ["iat", "exp", "iss"]})
            if claims["iss"] != APP_ID or claims["exp"] - time.time() > 600:
                raise jwt.InvalidTokenError
        except jwt.PyJWTError:
            return (
                401,
                {},
                {
                    "message": "A JSON web token could not be decoded",
                    "documentation_url": "https://docs.github.com/rest",
                },
            )
        if path.endswith("/installation"):
            return self._described(path, body, 200, {"id": INSTALLATION})
        if path != f"/app/installations/{INSTALLATION}/access_tokens":
            return 404, {}, {"message": "Not Found"}
        github.issued += 1
        made = f"ghs_installation{github.issued}"
        github.world.tokens[made] = BOT
        end = datetime.fromtimestamp(time.time() + github.token_life, UTC)
        return self._described(path, body, 201, {"token": made, "expires_at": f"{end:%Y-%m-%dT%H:%M:%SZ}"})

    def _described(self, path: str, body: Any, status: int, partial: Any) -> tuple[int, dict[str, str], Any]:
        operation = self.github.descriptions.operation(self.command, path)
        assert operation
        answer = self._completed(operation, status, partial)
        self.github.problems += self.github.descriptions.request_problems(operation, {}, body or None)
        self.github.problems += self.github.descriptions.answer_problems(operation, status, answer)
        return status, {}, answer

    def _git(self, path: str, body: bytes) -> None:
        """https://git-scm.com/docs/git-http-backend"""
        if self._viewer() is None:
            self._send(401, {"WWW-Authenticate": 'Basic realm="GitHub"'}, b"", None)
            return
        git = self.github.world.git
        given = {
            "GIT_PROJECT_ROOT": str(git.parent),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REMOTE_USER": "bot",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": re.sub(r"^/[^/]+/[^/]+\.git", f"/{git.name}", path),
            "QUERY_STRING": urlsplit(self.path).query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        done = subprocess.run(
            ["git", "http-backend"], input=body, env=os.environ | given, capture_output=True, check=True
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(message_from_bytes(head).items())
        self._send(int(headers.pop("Status", "200").split()[0]), headers, content, None)


def _merged(base: Any, over: Any) -> Any:
    """The example with what is really so in its place."""
    if isinstance(base, dict) and isinstance(over, dict):
        return {**base, **{key: _merged(base.get(key), value) for key, value in over.items()}}
    return over
