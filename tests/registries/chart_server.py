"""A Helm repository on a loopback port: an index with its validators, and the trouble that a test asks for."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class ChartServer:
    """What is served, what was asked for (path and headers), and how the server misbehaves."""

    def __init__(self) -> None:
        self.index = b""
        self.files: dict[str, bytes] = {}
        self.validators = True
        self.length = True
        self.cut = False
        self.status = 200
        self.location = ""
        self.encoding = ""
        self.password = ""
        self.host = ""
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.answered: list[int] = []

    @property
    def url(self) -> str:
        """The repository's URL."""
        return f"http://{self.host}/charts"

    @property
    def etag(self) -> str:
        """The entity tag of the index."""
        return f'"{hashlib.sha256(self.index).hexdigest()[:16]}"'


@contextlib.contextmanager
def serve_charts() -> Iterator[ChartServer]:
    """A server on a free loopback port."""
    charts = ChartServer()

    class Handler(_Handler):
        served = charts

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    charts.host = f"127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield charts
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    served: ChartServer

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name is the base class's
        """Say nothing."""

    def do_GET(self) -> None:
        """Answer as the test wants it."""
        here = self.served
        here.seen.append((self.path, dict(self.headers.items())))
        status, headers = self._status()
        here.answered.append(status)
        body = here.files.get(self.path, here.index) if status == 200 else b""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if here.length or status != 200:
            self.send_header("Content-Length", str(len(body)))
        else:
            self.close_connection = True
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if here.cut else body)
        self.close_connection = self.close_connection or here.cut

    def _status(self) -> tuple[int, dict[str, str]]:
        here = self.served
        expected = "Basic " + base64.b64encode(f"robot:{here.password}".encode()).decode()
        if here.password and self.headers.get("Authorization") != expected:
            return 401, {"WWW-Authenticate": 'Basic realm="charts"'}
        if here.location:
            return 302, {"Location": here.location}
        if here.status != 200:
            return here.status, {}
        if self.path in here.files:
            return 200, {}
        if not self.path.endswith("/index.yaml"):
            return 404, {}
        validators = {"ETag": here.etag} if here.validators else {}
        if here.validators and self.headers.get("If-None-Match") == here.etag:
            return 304, validators
        return 200, validators | ({"Content-Encoding": here.encoding} if here.encoding else {})
