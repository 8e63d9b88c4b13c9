"""A registry in memory, served over HTTP on this machine, that can be told to misbehave."""

from __future__ import annotations

import base64
import contextlib
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode, urlsplit

from bot.core.references import parse
from tests.registries.images import digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bot.core.references import Reference

USER, PASSWORD = "robot", "s3cret-pässword"  # not ASCII, as people's passwords are


@dataclass
class Seen:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]


@dataclass
class Repository:
    """What one repository holds. Manifests are (media type, body) by digest."""

    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


@dataclass
class Trouble:
    """An answer given instead of the right one, `times` times, to requests with `method` whose path holds `part`.

    `body` None: the right answer, but cut off in the middle (its length promised) when `cut`, and with `headers`.
    """

    method: str
    part: str
    status: int = 0
    times: int = 1
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    cut: bool = False


class FakeRegistry:
    """State and behaviour; tests set the attributes and read them back.

    `auth`: "", "basic" or "token". `page`: the most tags on one page. `mounts`: whether it mounts blobs.
    `elsewhere`: a server that blob downloads are redirected to. `denied`: repositories that tokens do not allow.
    """

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.uploads: dict[str, str] = {}
        self.seen: list[Seen] = []
        self.troubles: list[Trouble] = []
        self.auth = ""
        self.page = 1000
        self.mounts = True
        self.elsewhere: FakeRegistry | None = None
        self.denied: set[str] = set()
        self.token_life = 300
        self.realm = ""
        self.identity = ""
        self.issued: dict[str, list[str]] = {}
        self.connections = 0
        self.host = ""
        self.lock = threading.Lock()

    def reference(self, rest: str) -> Reference:
        """A reference to this registry: `app:1`."""
        return parse(f"{self.host}/{rest}")

    def requests(self, method: str, part: str) -> list[Seen]:
        """The requests with `method` whose path holds `part`."""
        return [seen for seen in self.seen if seen.method == method and part in seen.path]

    def docker_config(self) -> bytes:
        """A Docker `config.json` with the credentials that this registry takes."""
        entry = {"auth": base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()}
        return json.dumps({"auths": {self.host: entry}}).encode()


@contextlib.contextmanager
def serve() -> Iterator[FakeRegistry]:
    """A fake registry on a free loopback port."""
    registry = FakeRegistry()

    class Handler(_Handler):
        fake = registry

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    registry.host = f"127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield registry
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    fake: FakeRegistry

    def setup(self) -> None:
        super().setup()
        self.fake.connections += 1

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name is the base class's
        """Say nothing."""

    def __getattr__(self, name: str) -> Callable[[], None]:
        if name.startswith("do_"):
            return self._handle
        raise AttributeError(name)

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with self.fake.lock:
            self.fake.seen.append(Seen(self.command, self.path, dict(self.headers.items())))
            trouble = self._trouble()
            if trouble and trouble.status:
                answer = (trouble.status, trouble.headers, trouble.body)
            else:
                answer = self._unless_known(*self._answer(body))
                if trouble:
                    answer = (answer[0], {**answer[1], **trouble.headers}, trouble.body or answer[2])
        self._send(*answer, cut=bool(trouble and trouble.cut))

    def _unless_known(self, status: int, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        """Lists and manifests have validators, as RFC 9110 says (real registries give them for manifests at least)."""
        if self.command != "GET" or status != 200 or not ("/tags/" in self.path or "/manifests/" in self.path):
            return status, headers, body
        tag = f'"{digest(body)}"'
        if self.headers.get("If-None-Match") == tag:
            return 304, {"ETag": tag}, b""
        return 200, {**headers, "ETag": tag}, body

    def _trouble(self) -> Trouble | None:
        for trouble in self.fake.troubles:
            if trouble.times and trouble.method == self.command and trouble.part in self.path:
                trouble.times -= 1
                return trouble
        return None

    def _send(self, status: int, headers: dict[str, str], body: bytes, cut: bool = False) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if value:
                self.send_header(name, value)
        if "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[: len(body) // 2] if cut else body)
        if cut:
            self.close_connection = True

    def _answer(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if url.path == "/token":
            return self._token(body)
        if url.path.startswith("/storage/"):
            return self._stored(url.path.rpartition("/")[2])
        name, kind, rest = self._split(url.path)
        if refusal := self._refusal(name, query.get("from", "")):
            return refusal
        if kind == "tags":
            return self._tags(name, query)
        if kind == "manifests":
            return self._manifest(name, rest, body)
        if rest.startswith("uploads/"):
            return self._upload(name, rest.removeprefix("uploads/"), query, body)
        return self._blob(name, rest)

    @staticmethod
    def _split(path: str) -> tuple[str, str, str]:
        for kind in ("tags", "manifests", "blobs"):
            name, found, rest = path.removeprefix("/v2/").rpartition(f"/{kind}/")
            if found:
                return name, kind, rest
        return "", "", ""

    # --- who may

    def _refusal(self, name: str, source: str) -> tuple[int, dict[str, str], bytes] | None:
        given = self.headers.get("Authorization", "")
        if self.fake.auth == "basic" and given != _basic():
            return 401, {"WWW-Authenticate": 'Basic realm="registry"'}, _error("UNAUTHORIZED")
        if self.fake.auth != "token":
            return None
        actions = "pull" if self.command in ("GET", "HEAD") else "pull,push"
        needed = {f"repository:{name}:{actions}", *([f"repository:{source}:pull"] if source else [])}
        allowed = set(self.fake.issued.get(given.removeprefix("Bearer "), []))
        allowed |= {scope.replace(":pull,push", ":pull") for scope in allowed}
        if needed <= allowed:
            return None
        realm = self.fake.realm or f"http://{self.fake.host}/token"
        challenge = f'Bearer realm="{realm}",service="fake",scope="repository:{name}:{actions}"'
        return 401, {"WWW-Authenticate": challenge}, _error("UNAUTHORIZED")

    def _token(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        form = parse_qs(body.decode()) if self.command == "POST" else parse_qs(urlsplit(self.path).query)
        if self.command == "POST":
            known = form.get("refresh_token") == [self.fake.identity] and form.get("grant_type") == ["refresh_token"]
            scopes = form["scope"][0].split()
        else:
            known = self.headers.get("Authorization", "") == _basic()
            scopes = form["scope"]
        if not known or form.get("service") != ["fake"]:
            return 401, {}, _error("UNAUTHORIZED")
        token = f"token-{len(self.fake.issued)}"
        self.fake.issued[token] = [scope for scope in scopes if scope.split(":")[1] not in self.fake.denied]
        return 200, {}, json.dumps({"token": token, "expires_in": self.fake.token_life}).encode()

    # --- what is there

    def _tags(self, name: str, query: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        repository = self.fake.repositories.get(name)
        if not repository or not repository.manifests:
            return 404, {}, _error("NAME_UNKNOWN")
        tags = sorted(tag for tag in repository.tags if tag > query.get("last", ""))
        page = tags[: min(self.fake.page, int(query.get("n", "1000")))]
        headers = {}
        if len(page) < len(tags):
            rest = urlencode({"n": len(page), "last": page[-1]})
            headers["Link"] = f'</v2/{name}/tags/list?{rest}>; rel="next"'
        return 200, headers, json.dumps({"name": name, "tags": page}).encode()

    def _manifest(self, name: str, version: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        if self.command == "PUT":
            return self._put_manifest(name, version, body)
        repository = self.fake.repositories.get(name, Repository())
        named = repository.tags.get(version, version)
        if named not in repository.manifests:
            return 404, {}, _error("MANIFEST_UNKNOWN")
        media_type, content = repository.manifests[named]
        return 200, {"Content-Type": media_type, "Docker-Content-Digest": named}, content

    def _put_manifest(self, name: str, version: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        repository = self.fake.repositories.setdefault(name, Repository())
        document = json.loads(body)
        parts = {part["digest"] for part in [*document.get("layers", []), document.get("config", {})] if part}
        if not parts <= set(repository.blobs):
            return 400, {}, _error("MANIFEST_BLOB_UNKNOWN")
        named = digest(body)
        repository.manifests[named] = (self.headers["Content-Type"], body)
        if version != named:
            repository.tags[version] = named
        return 201, {"Location": f"/v2/{name}/manifests/{named}", "Docker-Content-Digest": named}, b""

    def _blob(self, name: str, named: str) -> tuple[int, dict[str, str], bytes]:
        repository = self.fake.repositories.get(name, Repository())
        if named not in repository.blobs:
            return 404, {}, _error("BLOB_UNKNOWN")
        if self.fake.elsewhere:
            signed = f"http://{self.fake.elsewhere.host}/storage/{named}?signature=s1gned"
            return 307, {"Location": signed}, b""
        return 200, {"Docker-Content-Digest": named}, repository.blobs[named]

    def _stored(self, named: str) -> tuple[int, dict[str, str], bytes]:
        for repository in self.fake.repositories.values():
            if named in repository.blobs:
                return 200, {}, repository.blobs[named]
        return 404, {"Content-Type": "application/xml"}, b""

    def _upload(self, name: str, session: str, query: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        repository = self.fake.repositories.setdefault(name, Repository())
        if self.command == "POST":
            return self._start(name, repository, query)
        if self.fake.uploads.pop(session, None) != name:
            return 404, {}, _error("BLOB_UPLOAD_UNKNOWN")
        if self.command == "DELETE":
            return 204, {}, b""
        if digest(body) != query.get("digest"):
            return 400, {}, _error("DIGEST_INVALID")
        repository.blobs[digest(body)] = body
        return 201, {"Location": f"/v2/{name}/blobs/{digest(body)}"}, b""

    def _start(self, name: str, repository: Repository, query: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        source = self.fake.repositories.get(query.get("from", ""), Repository())
        mount = query.get("mount", "")
        if self.fake.mounts and mount in source.blobs:
            repository.blobs[mount] = source.blobs[mount]
            return 201, {"Location": f"/v2/{name}/blobs/{mount}"}, b""
        session = f"session-{len(self.fake.seen)}"
        self.fake.uploads[session] = name
        return 202, {"Location": f"/v2/{name}/blobs/uploads/{session}?state=opaque"}, b""


def _basic() -> str:
    return f"Basic {base64.b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"


def _error(code: str) -> bytes:
    return json.dumps({"errors": [{"code": code, "message": "made up"}]}).encode()
