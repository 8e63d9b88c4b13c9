"""A stateful GitLab on this machine, over HTTP: the documented paths, keys and refusals that the bot meets.

https://docs.gitlab.com/api/api_resources/
"""

from __future__ import annotations

import http.server
import json
import re
import threading
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from tests.forges.gitlab import protection
from tests.forges.gitlab.graph import Graph
from tests.forges.gitlab.protection import Answer
from tests.forges.gitlab.world import BOT, World

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from pathlib import Path

    from tests.forges.gitlab.world import Issue, MergeRequest, Note

TOKEN = "glpat-that-nobody-may-see"
PROJECT = "acme/gitops"


class Fault(NamedTuple):
    """How one request goes wrong: cut short, dropped, or answered with this status."""

    status: int = 503
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b"<html>out of order</html>"
    cut: bool = False
    done: bool = False
    """Whether the server does what it was asked, and then fails to say so."""
    skip: int = 0
    """How many requests that it could happen to are served well before."""


class GitLab(http.server.ThreadingHTTPServer):
    """The server. `seen` are the requests, as `GET /path`; `faults` wait for those that contain their text."""

    def __init__(self, remote: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.world = World(remote)
        self.graph = Graph(self.world, PROJECT, BOT)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.seen: list[str] = []
        self.faults: list[tuple[str, Fault]] = []
        self.lock = threading.Lock()
        self.page_size = 100
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        """Stop."""
        self.shutdown()
        self.server_close()

    def fault(self, line: str) -> Fault | None:
        """The first fault that waits for this request; it happens once."""
        for index, (text, fault) in enumerate(self.faults):
            if text in line:
                if fault.skip:
                    self.faults[index] = (text, fault._replace(skip=fault.skip - 1))
                    return None
                del self.faults[index]
                return fault
        return None

    def route(self, method: str, path: str, query: dict[str, str], body: dict[str, Any]) -> Answer:
        """Do what is asked."""
        self.world.settle()
        if (method, path) == ("POST", "/api/graphql"):
            return Answer(200, self.graph.answer(body))
        for verb, pattern, action in _ROUTES:
            if verb == method and (found := re.fullmatch(f"/api/v4{pattern}", path)):
                try:
                    return action(self.world, *map(unquote, found.groups()), given=query | body)
                except KeyError as error:
                    return Answer(404, {"message": f"404 {error} Not Found"})
        return Answer(404, {"error": "404 Not Found"})


class _Handler(http.server.BaseHTTPRequestHandler):
    server: GitLab
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # one packet an answer: else each waits for the other side to confirm the first

    def _serve(self) -> None:
        with self.server.lock:
            path, _, query = self.path.partition("?")
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked = {key: values[-1] for key, values in parse_qs(query).items()}
            line = f"{self.command} {self.path}"
            self.server.seen.append(line)
            fault = self.server.fault(line)
            if self.headers["Authorization"] != f"Bearer {TOKEN}":
                self._json(Answer(401, {"message": "401 Unauthorized"}), asked)
                return
            if fault and not fault.cut and not fault.done:
                self._send(fault.status, dict(fault.headers), fault.body)
                return
            answer = self.server.route(self.command, path, asked, json.loads(content or b"{}"))
            if fault and fault.done:
                self._send(fault.status, dict(fault.headers), fault.body)
                return
            self._json(answer, asked, cut=bool(fault))

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 # the base class looks for these names

    def _json(self, answer: Answer, query: dict[str, str], *, cut: bool = False) -> None:
        body, headers = answer.body, {}
        if isinstance(body, list):
            size, page = min(int(query.get("per_page", 20)), self.server.page_size), int(query.get("page", 1))
            if len(body) > size * page:
                parts = urlsplit(self.path)
                pairs = "&".join(f"{k}={v}" for k, v in query.items() if k != "page")
                headers["Link"] = f'<{self.server.url}{parts.path}?{pairs}&page={page + 1}>; rel="next"'
            body = body[size * (page - 1) : size * page]
        content = b"" if answer.status == 204 else json.dumps(body).encode()
        self._send(answer.status, headers | {"Content-Type": "application/json"}, content, cut=cut)

    def _send(self, status: int, headers: dict[str, str], body: bytes, *, cut: bool = False) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if cut else body)
        self.close_connection = cut

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 # the base class names it so
        """Say nothing."""


# What the paths answer


def _user(world: World, *, given: dict[str, Any]) -> Answer:
    return Answer(200, world.user(BOT))


def _users(world: World, *, given: dict[str, Any]) -> Answer:
    wanted = given.get("username", "").casefold()
    return Answer(200, [u for name, u in world.users.items() if not wanted or name.casefold() == wanted])


def _project(world: World, _path: str, *, given: dict[str, Any]) -> Answer:
    return Answer(200, {"id": 7, "path_with_namespace": PROJECT, "default_branch": "main", **world.settings})


def _member(world: World, _path: str, number: str, *, given: dict[str, Any]) -> Answer:
    return _membership(world, world.members, number)


def _group(world: World, path: str, *, given: dict[str, Any]) -> Answer:
    return Answer(200, {"id": 9, "full_path": path, "members": len(world.groups[path])})


def _group_member(world: World, path: str, number: str, *, given: dict[str, Any]) -> Answer:
    return _membership(world, world.groups[path], number)


def _membership(world: World, levels: dict[str, int], number: str) -> Answer:
    user = next(u for u in world.users.values() if str(u["id"]) == number)
    if not levels.get(user["username"]):
        raise KeyError("Member")
    return Answer(200, user | {"access_level": levels[user["username"]]})


def _branch(world: World, _path: str, name: str, *, given: dict[str, Any]) -> Answer:
    if not (tip := world.tip(name)):
        raise KeyError("Branch")
    return Answer(200, {"name": name, "commit": {"id": tip}})


def _compare(world: World, _path: str, *, given: dict[str, Any]) -> Answer:
    return Answer(200, {"commits": [{"id": c} for c in world.commits(given["from"], given["to"])], "diffs": []})


def _requests(world: World, _path: str, *, given: dict[str, Any]) -> Answer:
    wanted = (given["state"], given["source_branch"], given["target_branch"])
    found = [m for m in world.requests.values() if (m.state, m.source, m.target) == wanted]
    return Answer(200, [_shown(m, world) for m in found])


def _open(world: World, _path: str, *, given: dict[str, Any]) -> Answer:
    source, target = given["source_branch"], given["target_branch"]
    there = [m for m in world.requests.values() if (m.source, m.target, m.state) == (source, target, "opened")]
    if there and not there[0].fork:
        words = f"Another open merge request already exists for this source branch: !{there[0].iid}"
        return Answer(409, {"message": [words]})
    made = world.open(source, title=given["title"], description=given["description"], target=target)
    return Answer(201, _shown(made, world))


def _request(world: World, _path: str, number: str, *, given: dict[str, Any]) -> Answer:
    request = world.requests[int(number)]
    return Answer(200, _shown(request, world) | {"detailed_merge_status": world.merge_status(request)})


def _change(world: World, _path: str, number: str, *, given: dict[str, Any]) -> Answer:
    request = world.requests[int(number)]
    request.title = given.get("title", request.title)
    request.description = given.get("description", request.description)
    if given.get("state_event") == "close" and request.state == "opened":
        request.state = "closed"
    for key, add in (("add_labels", True), ("remove_labels", False)):
        for label in filter(None, given.get(key, "").split(",")):
            world.label(request.iid, BOT, label, add=add)
    if "reviewer_ids" in given:
        names = [name for name, user in world.users.items() if user["id"] in given["reviewer_ids"]]
        request.reviewers = {name: request.reviewers.get(name, "UNREVIEWED") for name in names}
    request.updated = world.tick()
    return Answer(200, _shown(request, world))


def _merge(world: World, _path: str, number: str, *, given: dict[str, Any]) -> Answer:
    request = world.requests[int(number)]
    if given["sha"] != request.head:
        return Answer(409, {"message": "SHA does not match HEAD of source branch: " + request.head})
    status = world.merge_status(request)
    if given.get("merge_when_pipeline_succeeds") and status == "ci_still_running":
        request.auto_merge = True
        return Answer(200, _shown(request, world))
    if status != "mergeable":
        return Answer(405, {"message": "405 Method Not Allowed"})
    world.merge(request.iid)
    return Answer(200, _shown(request, world))


def _cancel(world: World, _path: str, number: str, *, given: dict[str, Any]) -> Answer:
    request = world.requests[int(number)]
    if not request.auto_merge:
        refused = {"message": "Can't cancel the automatic merge", "status": "error", "http_status": 406}
        return Answer(201, refused)
    request.auto_merge = False
    return Answer(201, {"status": "success"})


def _approvals(world: World, _path: str, number: str, *, given: dict[str, Any]) -> Answer:
    request = world.requests[int(number)]
    given_by = [{"user": world.user(n), "approved_at": _time(t)} for n, t in request.approvals.items()]
    return Answer(200, {"iid": request.iid, "approved_by": given_by, "approvals_required": 0})


def _versions(world: World, _path: str, number: str, *, given: dict[str, Any]) -> Answer:
    versions = enumerate(world.requests[int(number)].versions)
    newest_first = [
        {"id": i, "head_commit_sha": sha, "created_at": _time(t), "state": "collected"} for i, (sha, t) in versions
    ]
    return Answer(200, newest_first[::-1])


def _label_events(world: World, _path: str, number: str, *, given: dict[str, Any]) -> Answer:
    """Of a label that was deleted since, an event has none."""
    shown = []
    for event in world.requests[int(number)].label_events:
        label = event["label"] and {"id": event["label"].id, "name": event["label"].title}
        shown.append(event | {"created_at": _time(event["created_at"]), "label": label})
    return Answer(200, shown)


def _place(world: World, kind: str, number: str) -> Issue:
    return world.requests[int(number)] if kind == "merge_requests" else world.issues[int(number)]


def _notes(world: World, _path: str, kind: str, number: str, *, given: dict[str, Any]) -> Answer:
    notes = [_note(world, note) for note in _place(world, kind, number).notes]
    return Answer(200, notes if given.get("sort") == "asc" else notes[::-1])


def _write(world: World, _path: str, kind: str, number: str, *, given: dict[str, Any]) -> Answer:
    return Answer(201, _note(world, world.write(_place(world, kind, number), BOT, given["body"])))


def _rewrite(world: World, _path: str, _kind: str, _number: str, note: str, *, given: dict[str, Any]) -> Answer:
    found = world.note(int(note))
    if found.author != BOT:
        return Answer(403, {"message": "403 Forbidden"})
    world.edit(found, given["body"])
    return Answer(200, _note(world, found))


def _statuses(world: World, _path: str, commit: str, *, given: dict[str, Any]) -> Answer:
    of_commit = [s for s in world.statuses if s["sha"] == commit and given.get("name") in (None, s["name"])]
    return Answer(200, of_commit if given.get("all") == "true" else list({s["name"]: s for s in of_commit}.values()))


def _set_status(world: World, _path: str, commit: str, *, given: dict[str, Any]) -> Answer:
    if not world.has(commit):
        raise KeyError("Commit")
    if refused := world.set_status(commit, given["name"], given["state"], given.get("description")):
        return Answer(400, {"message": refused})
    return Answer(201, world.statuses[-1])


def _deploy(world: World, _path: str, *, given: dict[str, Any]) -> Answer:
    world.environments.setdefault(given["environment"], "")
    world.deployments.append(
        {"id": world.id(), **{k: given[k] for k in ("environment", "sha", "ref", "status", "tag")}}
    )
    world.tick()
    return Answer(201, world.deployments[-1] | {"environment": {"name": given["environment"]}})


def _environments(world: World, _path: str, *, given: dict[str, Any]) -> Answer:
    names = sorted(world.environments)
    shown = [{"id": i, "name": n, "description": world.environments[n] or None} for i, n in enumerate(names)]
    return Answer(200, [e for e in shown if given.get("name") in (None, e["name"])])


def _describe(world: World, _path: str, number: str, *, given: dict[str, Any]) -> Answer:
    name = sorted(world.environments)[int(number)]
    world.environments[name] = given["description"]
    return Answer(200, {"id": int(number), "name": name, "description": given["description"]})


def _shown(request: MergeRequest, world: World) -> dict[str, Any]:
    return {
        "id": 1000 + request.iid, "iid": request.iid, "project_id": 7, "state": request.state, "title": request.title,
        "description": request.description, "source_branch": request.source, "target_branch": request.target,
        "source_project_id": 8 if request.fork else 7, "target_project_id": 7, "sha": request.head,
        "author": world.user(request.author), "labels": sorted(request.labels), "updated_at": _time(request.updated),
        "reviewers": [world.user(name) for name in request.reviewers],
        "merge_when_pipeline_succeeds": request.auto_merge,
    }  # fmt: skip


def _note(world: World, note: Note) -> dict[str, Any]:
    system = bool(note.action)
    return {
        "id": note.id, "body": note.body, "author": world.user(note.author), "system": system,
        "created_at": _time(note.created), "updated_at": _time(note.edited or note.created),
    }  # fmt: skip


def _time(time: datetime) -> str:
    """Milliseconds, as GitLab's REST API gives them."""
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z")


_N = "/projects/([^/]+)/(merge_requests|issues)/([0-9]+)/notes"
_P, _M, _C = "/projects/([^/]+)", "/projects/([^/]+)/merge_requests/([0-9]+)", "/projects/([^/]+)/repository/commits"
_ROUTES: Sequence[tuple[str, str, Callable[..., Answer]]] = (
    ("GET", "/user", _user), ("GET", "/users", _users), ("GET", _P, _project),
    ("GET", _P + "/members/all/([0-9]+)", _member), ("GET", "/groups/([^/]+)", _group),
    ("GET", "/groups/([^/]+)/members/all/([0-9]+)", _group_member),
    ("GET", _P + "/repository/branches/([^/]+)", _branch), ("GET", _P + "/repository/compare", _compare),
    ("GET", _P + "/merge_requests", _requests), ("POST", _P + "/merge_requests", _open),
    ("GET", _M, _request), ("PUT", _M, _change), ("PUT", _M + "/merge", _merge), ("GET", _M + "/approvals", _approvals),
    ("POST", _M + "/cancel_merge_when_pipeline_succeeds", _cancel),
    ("GET", _M + "/versions", _versions), ("GET", _N, _notes), ("POST", _N, _write),
    ("GET", _M + "/resource_label_events", _label_events),
    ("PUT", _N + "/([0-9]+)", _rewrite), ("GET", _C + "/([0-9a-f]+)/statuses", _statuses),
    ("POST", _P + "/statuses/([0-9a-f]+)", _set_status), ("POST", _P + "/deployments", _deploy),
    ("GET", _P + "/environments", _environments), ("PUT", _P + "/environments/([0-9]+)", _describe),
    *protection.ROUTES,
)  # fmt: skip
