"""The fake's REST: each operation's handler changes the world and gives what differs from GitHub's own example."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.forges.github.world import Pull, Record, World


class Call(NamedTuple):
    """A request: who asks, the parts of the path that vary, query and body."""

    viewer: str
    parts: tuple[str, ...]
    query: dict[str, str]
    body: Any


class Reply(Exception):
    """An answer other than success."""

    def __init__(self, status: int, message: str, *errors: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"message": message, "documentation_url": "https://docs.github.com/rest"}
        if errors:
            self.body["errors"] = list(errors)  # type: ignore[assignment] # texts or objects, as GitHub mixes them


_ROUTES: list[tuple[str, re.Pattern[str], int, Callable[[World, Call], Any]]] = []


def route(method: str, path: str, status: int) -> Callable[[Any], Any]:
    """The handler of an operation below the repository; `{}` varies."""
    pattern = re.compile("/repos/[^/]+/[^/]+" + re.escape(path).replace(r"\{\}", "([^/]+)"))

    def add(handler: Any) -> Any:
        _ROUTES.append((method, pattern, status, handler))
        return handler

    return add


def handle(world: World, method: str, path: str, viewer: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
    """Status and what differs from the example."""
    try:
        if team := re.fullmatch("/orgs/([^/]+)/teams/([^/]+)/memberships/([^/]+)", path):
            return 200, membership(world, *map(unquote, team.groups()))
        if not re.match(f"/repos/{world.owner}/{world.name}(/|$)", path, re.IGNORECASE):
            raise Reply(404, "Not Found")
        world.settle()
        for wanted, pattern, status, handler in _ROUTES:
            if wanted == method and (found := pattern.fullmatch(path)):
                return status, handler(world, Call(viewer, tuple(map(unquote, found.groups())), query, body))
    except Reply as reply:
        return reply.status, reply.body
    raise AssertionError(f"the fake cannot {method} {path}")


def membership(world: World, organisation: str, slug: str, login: str) -> Any:
    state = world.teams.get(f"{organisation}/{slug}", {}).get(login)
    if not state:
        raise Reply(404, "Not Found")
    return {"state": state, "role": "member"}


def pull_of(world: World, text: str) -> Pull:
    pull = world.pulls.get(int(text))
    if not pull:
        raise Reply(404, "Not Found")
    return pull


def shown(pull: Pull) -> Any:
    state = "open" if pull.state == "OPEN" else "closed"
    return {
        "number": pull.number,
        "state": state,
        "title": pull.title,
        "body": pull.body,
        "head": {"ref": pull.branch, "sha": pull.head, "repo": {"id": 2 if pull.is_fork else 1}},
        "base": {"ref": pull.base, "repo": {"id": 1}},
        "requested_teams": [],  # the example's team lacks what the description requires
    }


@route("GET", "", 200)
def repository(world: World, _: Call) -> Any:
    # The description's own example lacks the language, which the description requires.
    about = {"language": None, "source": {"language": None}}
    return {**about, "name": world.name, "full_name": f"{world.owner}/{world.name}", "default_branch": world.default}


@route("GET", "/pulls", 200)
def list_pulls(world: World, call: Call) -> Any:
    head = call.query["head"].removeprefix(f"{world.owner}:")
    found = [p for p in world.pulls.values() if p.state == "OPEN" and not p.is_issue and not p.is_fork]
    return [shown(p) for p in found if (p.branch, p.base) == (head, call.query["base"])]


@route("POST", "/pulls", 201)
def open_pull(world: World, call: Call) -> Any:
    branch, base = call.body["head"], call.body["base"]
    tip = world.tip(branch)
    if not tip:
        raise Reply(422, "Validation Failed", {"resource": "PullRequest", "field": "head", "code": "invalid"})
    about = {"resource": "PullRequest", "code": "custom"}
    if any((p.branch, p.base, p.state, p.is_fork) == (branch, base, "OPEN", False) for p in world.pulls.values()):
        message = f"A pull request already exists for {world.owner}:{branch}."
        raise Reply(422, "Validation Failed", {**about, "message": message})
    if world.is_in(world.tip(base), tip):
        raise Reply(422, "Validation Failed", {**about, "message": f"No commits between {base} and {branch}"})
    check_length(call.body["body"])
    return shown(world.open(call.viewer, branch, call.body["title"], call.body["body"], base=base))


@route("GET", "/pulls/{}", 200)
def read_pull(world: World, call: Call) -> Any:
    return shown(pull_of(world, call.parts[0]))


@route("PATCH", "/pulls/{}", 200)
def change_pull(world: World, call: Call) -> Any:
    pull = pull_of(world, call.parts[0])
    check_length(call.body.get("body", ""))
    pull.title, pull.body = call.body.get("title", pull.title), call.body.get("body", pull.body)
    if call.body.get("state") == "closed" and pull.state == "OPEN":
        pull.state = "CLOSED"
    pull.updated = world.now()
    return shown(pull)


@route("PUT", "/pulls/{}/merge", 200)
def merge_pull(world: World, call: Call) -> Any:
    pull = pull_of(world, call.parts[0])
    if pull.state != "OPEN":
        raise Reply(405, "Pull Request is not mergeable")
    if call.body["sha"] != pull.head:
        raise Reply(409, "Head branch was modified. Review and try the merge again.")
    if missing := world.missing_checks(pull):
        raise Reply(405, missing[0])
    if world.conflicts(pull):
        raise Reply(405, "Pull Request has merge conflicts")
    return {"sha": world.merge(pull), "merged": True, "message": "Pull Request successfully merged"}


@route("POST", "/pulls/{}/requested_reviewers", 201)
def ask_for_reviews(world: World, call: Call) -> Any:
    pull = pull_of(world, call.parts[0])
    people, teams = call.body.get("reviewers", []), call.body.get("team_reviewers", [])
    if pull.author in people:
        raise Reply(422, "Review cannot be requested from pull request author.")
    strangers = [name for name in people if world.permission(name) in (None, "none")]
    strangers += [slug for slug in teams if f"{world.owner}/{slug}" not in world.teams]
    if strangers:
        raise Reply(422, "Reviews may only be requested from collaborators. One or more of the users or teams you "
                         f"specified is not a collaborator of the {world.owner}/{world.name} repository.")  # fmt: skip
    pull.reviewers |= set(people)
    pull.team_reviewers |= set(teams)
    return shown(pull)


@route("POST", "/issues/{}/comments", 201)
def add_comment(world: World, call: Call) -> Any:
    pull = pull_of(world, call.parts[0])
    check_length(call.body["body"])
    said = world.say(pull.number, call.viewer, call.body["body"])
    return {"id": int(said.id.rpartition("_")[2]), "node_id": said.id, "body": said.body}


@route("PATCH", "/issues/comments/{}", 200)
def edit_comment(world: World, call: Call) -> Any:
    said = world.find(f"IC_{call.parts[0]}")
    if not said:
        raise Reply(404, "Not Found")
    check_length(call.body["body"])
    said.body, said.edited = call.body["body"], world.now()
    return {"id": int(call.parts[0]), "node_id": said.id, "body": said.body}


@route("POST", "/statuses/{}", 201)
def add_status(world: World, call: Call) -> Any:
    sha = call.parts[0]
    if not world.is_commit(sha):
        raise Reply(422, f"No commit found for SHA: {sha}")
    if len(call.body["description"]) > 140:
        raise Reply(422, "Validation Failed", "description is too long (maximum is 140 characters)")
    world.statuses.setdefault(sha, {})[call.body["context"]] = (call.body["state"], call.body["description"])
    world.merge_by_itself()
    return {"state": call.body["state"], "context": call.body["context"], "description": call.body["description"]}


@route("GET", "/collaborators/{}/permission", 200)
def permission(world: World, call: Call) -> Any:
    role = world.permission(call.parts[0])
    if role is None:
        raise Reply(404, f"{call.parts[0]} is not a user")
    simple = {"maintain": "write", "triage": "read"}.get(role, role)
    return {"permission": simple, "role_name": role, "user": {"login": call.parts[0], "role_name": role}}


@route("GET", "/labels/{}", 200)
def read_label(world: World, call: Call) -> Any:
    if call.parts[0] not in world.labels:
        raise Reply(404, "Not Found")
    return {"name": call.parts[0]}


@route("POST", "/labels", 201)
def make_label(world: World, call: Call) -> Any:
    if call.body["name"] in world.labels:
        raise Reply(422, "Validation Failed", {"resource": "Label", "field": "name", "code": "already_exists"})
    world.labels.add(call.body["name"])
    world.label_changes[call.body["name"]] = world.now()
    return {"name": call.body["name"], "color": call.body["color"]}


@route("POST", "/issues/{}/labels", 200)
def put_label(world: World, call: Call) -> Any:
    pull = pull_of(world, call.parts[0])
    for label in call.body["labels"]:
        world.label(pull.number, call.viewer, label, put_on=True)
    return [{"name": name} for name in sorted(pull.labels)]


@route("DELETE", "/issues/{}/labels/{}", 200)
def take_label_off(world: World, call: Call) -> Any:
    pull = pull_of(world, call.parts[0])
    if call.parts[1] not in pull.labels:
        raise Reply(404, "Label does not exist")
    world.label(pull.number, call.viewer, call.parts[1], put_on=False)
    return [{"name": name} for name in sorted(pull.labels)]


def record_shown(record: Record) -> Any:
    return {"id": record.number, "sha": record.commit, "ref": record.commit, "environment": record.environment,
            "description": record.description}  # fmt: skip


@route("GET", "/deployments", 200)
def list_deployments(world: World, call: Call) -> Any:
    found = [r for r in reversed(world.records) if r.environment == call.query["environment"]]
    return [record_shown(record) for record in found[: int(call.query["per_page"])]]


@route("POST", "/deployments", 201)
def add_deployment(world: World, call: Call) -> Any:
    assert not call.body["auto_merge"], "it would merge the default branch into what is deployed"
    return record_shown(world.record(call.body["environment"], call.body["ref"], call.body["description"]))


@route("GET", "/deployments/{}/statuses", 200)
def deployment_states(world: World, call: Call) -> Any:
    return [{"state": state} for state in _record(world, call).states]


@route("POST", "/deployments/{}/statuses", 201)
def add_deployment_state(world: World, call: Call) -> Any:
    _record(world, call).states.append(call.body["state"])
    return {"state": call.body["state"]}


def _record(world: World, call: Call) -> Record:
    found = next((r for r in world.records if r.number == int(call.parts[0])), None)
    if not found:
        raise Reply(404, "Not Found")
    return found


def check_length(text: str) -> None:
    """https://docs.github.com/en/rest says nothing of it; this is what GitHub answers."""
    if len(text) > 65536:
        message = "Body is too long (maximum is 65536 characters)"
        about = {"resource": "IssueComment", "code": "unprocessable", "field": "data"}
        raise Reply(422, "Validation Failed", {**about, "message": message})
