"""The programs that render, and something on the network that must never be asked."""

from __future__ import annotations

import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from bot import confine
from bot.renderers import local
from bot.renderers.local import LocalRenderer
from tests.conftest import missing

if TYPE_CHECKING:
    from collections.abc import Iterator


SAID = local.UNCONFINED[: not confine.how()]
"""What is noted of every rendering on this machine."""


@pytest.fixture
def renderer() -> LocalRenderer:
    """The renderer, with a real kubectl."""
    if not shutil.which("kubectl"):
        missing("kubectl")
    return LocalRenderer()


@pytest.fixture
def helm(renderer: LocalRenderer) -> LocalRenderer:
    """The renderer, with a real helm too."""
    if not shutil.which("helm"):
        # In no package of Debian's, and built only where Go is new enough: not even CI can be sure of it.
        pytest.skip("needs helm 3.16 or newer")
    return renderer


class Elsewhere(ThreadingHTTPServer):
    """A server on this machine that notes who asks it for what."""

    asked: list[str]

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """Give an object that could be applied."""
        assert isinstance(self.server, Elsewhere)
        self.server.asked.append(self.path)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: from-elsewhere}\n")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    """The server, and whether it was asked."""
    server = Elsewhere(("127.0.0.1", 0), _Handler)
    server.asked = []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()
