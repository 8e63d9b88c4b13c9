"""The fake's GraphQL: queries are checked against a part of GitLab's schema, and answered from the world."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphql import build_schema, graphql_sync

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tests.forges.gitlab.world import Issue, MergeRequest, Note, World

SCHEMA = build_schema(Path(__file__).with_name("schema.graphql").read_text())


class Graph:
    """Answers queries on one project's world as one user; pages have at most `size` items."""

    def __init__(self, world: World, path: str, me: str) -> None:
        self.world = world
        self.path = path
        self.me = me
        self.size = 100

    def answer(self, question: dict[str, Any]) -> dict[str, Any]:
        """The JSON of an answer: data and errors."""
        root = {
            "currentUser": self._user(self.me),
            "project": self._project,
            "note": self._note_of,
            "awardEmojiAdd": self._award,
        }
        done = graphql_sync(SCHEMA, question["query"], root, variable_values=question.get("variables"))
        return {"data": done.data} | ({"errors": [e.formatted for e in done.errors]} if done.errors else {})

    def _project(self, _info: Any, fullPath: str) -> dict[str, Any] | None:  # noqa: N803 # GitLab's name
        if fullPath != self.path:
            return None
        world = self.world
        return {
            "id": "gid://gitlab/Project/7",
            "repository": {"rootRef": "main"},
            "mergeRequest": lambda _i, iid: (found := world.requests.get(int(iid))) and self._request(found),
            "mergeRequests": lambda _i, **filters: self._requests(**filters),
            "issue": lambda _i, iid: self._issue(world.issues[int(iid)]),
            "issues": lambda _i, **filters: self._issues(**filters),
            "environments": lambda _i, **page: self._page(sorted(world.environments), self._environment, **page),
        }

    def _requests(
        self, sort: str, iids: Sequence[str] | None = None, state: str = "all", **rest: Any
    ) -> dict[str, Any]:
        found = [m for m in self.world.requests.values() if iids is None or str(m.iid) in iids]
        found = [m for m in found if state in ("all", m.state)]
        if after := rest.pop("updatedAfter", None):
            found = [m for m in found if m.updated >= datetime.fromisoformat(after)]
        return self._page(_sorted(found, sort), self._request, **rest)

    def _issues(self, sort: str, updatedAfter: str | None = None, **page: Any) -> dict[str, Any]:  # noqa: N803 # GitLab's name
        found = [
            i
            for i in self.world.issues.values()
            if updatedAfter is None or i.updated >= datetime.fromisoformat(updatedAfter)
        ]
        return self._page(_sorted(found, sort), self._issue, **page)

    def _request(self, request: MergeRequest) -> dict[str, Any]:
        pipeline = self.world.pipelines.get(request.head)
        return self._issue(request) | {
            "state": request.state,
            "sourceBranch": request.source,
            "targetBranch": request.target,
            "sourceProjectId": 8 if request.fork else 7,
            "targetProjectId": 7,
            "diffHeadSha": request.head,
            "autoMergeEnabled": request.auto_merge,
            "title": request.title,
            "description": request.description,
            "author": self._user(request.author),
            "labels": lambda _i, **page: self._page(sorted(request.labels), self._label, **page),
            "approvedBy": lambda _i, **page: self._page(list(request.approvals), self._user, **page),
            "reviewers": lambda _i, **page: self._page(list(request.reviewers.items()), self._reviewer, **page),
            "committers": lambda _i, **page: self._page(sorted(request.committers), self._user, **page),
            "headPipeline": {"status": pipeline[0].upper(), "sha": pipeline[1]} if pipeline else None,
        }

    def _label(self, title: str) -> dict[str, Any]:
        label = self.world.labels[title]
        return {"id": f"gid://gitlab/ProjectLabel/{label.id}", "title": title, "updatedAt": _time(label.updated)}

    def _issue(self, place: Issue) -> dict[str, Any]:
        return {
            "iid": str(place.iid),
            "updatedAt": _time(place.updated),
            "notes": lambda _i, **page: self._page(place.notes, self._note, **page),
        }

    def _note(self, note: Note) -> dict[str, Any]:
        return {
            "id": f"gid://gitlab/Note/{note.id}",
            "body": note.body,
            "system": bool(note.action),
            "createdAt": _time(note.created),
            "lastEditedAt": _time(note.edited) if note.edited else None,
            "author": self._user(note.author),
            "awardEmoji": lambda _i, **page: self._page(
                note.awards, lambda award: {"name": award[0], "user": self._user(award[1])}, **page
            ),
        }

    def _note_of(self, _info: Any, id: str) -> dict[str, Any] | None:  # noqa: A002 # GitLab's name
        try:
            return self._note(self.world.note(int(id.removeprefix("gid://gitlab/Note/"))))
        except KeyError:
            return None

    def _award(self, _info: Any, input: dict[str, str]) -> dict[str, Any]:  # noqa: A002 # GitLab's name
        awards = self.world.note(int(input["awardableId"].removeprefix("gid://gitlab/Note/"))).awards
        award = (input["name"], self.me)
        if award in awards:
            return {"awardEmoji": None, "errors": ["Award emoji has already been taken"]}
        awards.append(award)
        return {"awardEmoji": {"name": award[0], "user": self._user(self.me)}, "errors": []}

    def _environment(self, name: str) -> dict[str, Any]:
        def last(_info: Any, status: str) -> dict[str, Any] | None:
            found = [d for d in self.world.deployments if (d["environment"], d["status"].upper()) == (name, status)]
            return {"iid": found[-1]["id"], "sha": found[-1]["sha"], "status": status} if found else None

        return {"name": name, "state": "available", "lastDeployment": last}

    def _reviewer(self, reviewer: tuple[str, str]) -> dict[str, Any]:
        return {"username": reviewer[0], "mergeRequestInteraction": {"reviewState": reviewer[1]}}

    def _user(self, name: str) -> dict[str, Any]:
        return {"username": name, "bot": self.world.user(name)["bot"]}

    def _page(
        self, items: Sequence[Any], shown: Callable[[Any], Any], first: int = 100, after: str | None = None
    ) -> dict[str, Any]:
        start = int(after) if after else 0
        end = start + min(first, self.size, 100)
        nodes = [shown(item) for item in items[start:end]]
        info = {"hasNextPage": end < len(items), "endCursor": str(start + len(nodes)) if nodes else None}
        return {"nodes": nodes, "pageInfo": info}


def _sorted(places: Iterable[Any], sort: str) -> list[Any]:
    assert sort == "CREATED_ASC", "the fake knows no other order"
    return sorted(places, key=lambda place: int(place.iid))


def _time(time: datetime) -> str:
    """Whole seconds, as GitLab's GraphQL gives them."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")
