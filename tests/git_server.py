"""An HTTP server on this machine for git: it refuses, redirects, or serves real repositories to who has the token."""

from __future__ import annotations

import base64
import http.server
import os
import shutil
import ssl
import subprocess
import threading
from email import message_from_bytes
from typing import TYPE_CHECKING

import pytest

from tests.conftest import missing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN = "t0ken-that-nobody-may-see"
BASIC = base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()


class Server(http.server.ThreadingHTTPServer):
    """Answers every request with one status, and remembers the Authorization headers.

    With `repositories`, requests with the token are answered by git's own server for the repositories there.
    """

    status = 401
    location = ""
    repositories: Path | None = None

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.seen: list[str | None] = []
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.seen.append(self.headers["Authorization"])
        if self.server.repositories and self.headers["Authorization"] == f"Basic {BASIC}":
            self._git(self.server.repositories)
            return
        body = f"Authorization: Basic {BASIC}; go to https://u:{TOKEN}@evil.example/\n".encode()
        headers = {"WWW-Authenticate": f'Basic realm="{TOKEN}"', "Content-Type": "text/plain; charset=utf-8"}
        if self.server.location:
            headers["Location"] = self.server.location + self.path
        self._answer(self.server.status, headers, body)

    do_POST = do_GET  # noqa: N815 # the base class looks for this name

    def _git(self, repositories: Path) -> None:
        """https://git-scm.com/docs/git-http-backend"""
        path, _, query = self.path.partition("?")
        given = {
            "GIT_PROJECT_ROOT": str(repositories),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REMOTE_USER": "bot",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        command = ["git", "http-backend"]
        done = subprocess.run(command, input=body, env=os.environ | given, capture_output=True, check=True)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(message_from_bytes(head).items())
        self._answer(int(headers.pop("Status", "200").split()[0]), headers, content)

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 # the base class names it so
        """Say nothing."""


@pytest.fixture
def plain() -> Iterator[Server]:
    """A server that speaks http."""
    with Server() as server:
        yield server
        server.shutdown()


@pytest.fixture
def secure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server that speaks https, with a certificate that git trusts here."""
    if not shutil.which("openssl"):
        missing("openssl, to make a certificate")
    made = ["-keyout", str(tmp_path / "key"), "-out", str(tmp_path / "certificate"), "-days", "2"]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *made, *names]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificate", tmp_path / "key")
    monkeypatch.setenv("GIT_SSL_CAINFO", str(tmp_path / "certificate"))
    server = Server()
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with server:
        yield server
        server.shutdown()
