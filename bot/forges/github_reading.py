"""Lists from GitHub, read to their end: a page that is missing or cut raises, and never looks like the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.core.errors import NotFound, Unavailable
from bot.forges import github_queries as queries
from bot.forges.github_records import is_own, pull_request, said_at, statuses, time_of, user_comment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from bot.core.models import PullRequest, Status, UserComment
    from bot.forges.github_api import Api

_OPEN_SIZE = 50
_CLOSED_SIZE = 100


class Reader:
    """Asks one repository. `own_workflow`: the file name of the workflow that the bot runs in, else ""."""

    def __init__(self, api: Api, own_workflow: str) -> None:
        self._api = api
        self._own_workflow = own_workflow
        self._owner, _, self._name = api.repository.partition("/")
        self._viewer = ""

    def repository(self, query: str, what: str, **variables: Any) -> Any:
        """The answer's `repository`."""
        found = self._api.graphql(query, what, owner=self._owner, name=self._name, **variables)
        self._viewer = found.get("viewer", {}).get("login", self._viewer)
        return _there(found["repository"], f"the repository {self._api.repository}")

    def viewer(self) -> str:
        """The login of these credentials' account; asked for if no list has brought it along yet."""
        if not self._viewer:
            what = "ask who these credentials are"
            self._viewer = _there(self._api.graphql(queries.VIEWER, what)["viewer"], "the account")["login"]
        return self._viewer

    def pull_requests(self) -> list[PullRequest]:
        """All open ones, and of the bot's the newest closed unmerged one a branch."""
        closed = {node["headRefName"]: node for node in self._listed(open_ones=False)}
        nodes = sorted([*closed.values(), *self._listed(open_ones=True)], key=lambda node: int(node["number"]))
        return [self._complete(node) for node in nodes]

    def _listed(self, *, open_ones: bool) -> Iterator[Any]:
        """The open ones into the default branch, or the closed ones of the bot; oldest first."""
        variables = {"states": ["OPEN" if open_ones else "CLOSED"], "open": open_ones}
        size = _OPEN_SIZE if open_ones else _CLOSED_SIZE

        def page(after: str | None) -> Any:
            found = self.repository(
                queries.PULL_REQUESTS,
                "list the pull requests",
                after=after,
                size=size,
                **self._workflows(),
                **variables,
            )
            default = (found["defaultBranchRef"] or {}).get("name")
            connection = found["pullRequests"]
            into = [node for node in _nodes(connection) if node["baseRefName"] == default]
            return {**connection, "nodes": [node for node in into if open_ones or is_own(node)]}

        yield from _all(page(None), page)

    def _complete(self, node: Any) -> PullRequest:
        number = node["number"]

        def more_comments(after: str | None) -> Any:
            return self._comments_page(number, after)

        def more_reviews(after: str | None) -> Any:
            return self._node(queries.MORE_REVIEWS, f"read the reviews of #{number}", node["id"], after=after)[
                "reviews"
            ]

        def earlier_commits(before: str | None) -> Any:
            what = f"read the commits of #{number}"
            return self._node(queries.EARLIER_COMMITS, what, node["id"], before=before)["commits"]

        is_open = node["state"] == "OPEN"
        others = is_open and not is_own(node)
        return pull_request(
            node,
            _all(node["labels"], _cut),
            _all(node["comments"], more_comments) if is_own(node) else (),
            _all(node["reviews"], more_reviews) if is_open else (),
            self._statuses(node) if is_open else (),
            _backwards(node["commits"], earlier_commits, None) if others else (),
        )

    def comments(self, number: int) -> Iterator[Any]:
        """The nodes of all comments on a pull request or an issue."""
        return _all(self._comments_page(number, None), lambda after: self._comments_page(number, after))

    def _comments_page(self, number: int, after: str | None) -> Any:
        found = self.repository(queries.COMMENTS, f"read the comments on #{number}", number=number, after=after)
        return _there(found["talk"], f"#{number}")["comments"]

    def labelling(self, number: int, label: str) -> Any:
        """The node of the last time that a label of that name was put on or taken off; None if it never was."""

        def page(before: str | None) -> Any:
            what = f"read who labelled #{number}"
            found = self.repository(queries.LABELLINGS, what, number=number, before=before)
            return _there(found["pullRequest"], f"#{number}")["timelineItems"]

        newest_first = _pages_back(page(None), page)
        nodes = (node for connection in newest_first for node in reversed(_nodes(connection)))
        return next((node for node in nodes if node["label"]["name"] == label), None)

    def _statuses(self, node: Any) -> tuple[Status, ...]:
        """The statuses of exactly the pull request's head, wherever the branch is by now."""
        head = node["headRefOid"]

        def more(after: str | None) -> Any:
            found = self.repository(
                queries.MORE_CONTEXTS, f"read the statuses of {head}", oid=head, after=after, **self._workflows()
            )
            return _contexts(_there(found["object"], f"the commit {head}"))

        target = (node["headRef"] or {}).get("target") or {}
        first = _contexts(target) if target.get("oid") == head else more(None)
        return statuses(_all(first, more), self._own_workflow)

    def _workflows(self) -> dict[str, bool]:
        return {"workflows": bool(self._own_workflow)}

    def comments_since(self, since: datetime) -> list[UserComment]:
        """What others wrote, oldest first."""
        found: dict[str, UserComment] = {}
        for query, on_pull_request in ((queries.SAID_ON_PULL_REQUESTS, True), (queries.SAID_ON_ISSUES, False)):
            for talk in self._talks(query, since):
                for node in self._said(talk, since):
                    comment = user_comment(node, talk["number"], on_pull_request=on_pull_request)
                    if not node["viewerDidAuthor"] and comment.body.strip() and comment.time >= since:
                        found[comment.id] = comment
        return sorted(found.values(), key=lambda comment: (comment.time, comment.id))

    def _talks(self, query: str, since: datetime) -> list[Any]:
        """Issues or pull requests that changed since then, newest first."""

        def page(after: str | None) -> Any:
            return self.repository(query, "read the comments", after=after)["talks"]

        found: list[Any] = []
        first = page(None)
        for node in _all(first, page):
            if time_of(node["updatedAt"]) < since:
                break
            found.append(node)
        if len(found) > len(_nodes(first)):
            # What changed while the later pages were read has moved to the front, past the page that was to hold it.
            found += self._talks(query, time_of(found[0]["updatedAt"]))
        return found

    def _said(self, talk: Any, since: datetime) -> Iterator[Any]:
        what = f"read the comments on #{talk['number']}"

        def earlier(query: str) -> Callable[[str | None], Any]:
            return lambda before: self._node(query, what, talk["id"], before=before)["found"]

        yield from _backwards(talk["comments"], earlier(queries.EARLIER_COMMENTS), since)
        if "reviews" in talk:
            # To the very first: a review may have been begun long before it was submitted.
            yield from (
                n for n in _backwards(talk["reviews"], earlier(queries.EARLIER_REVIEWS), None) if n["submittedAt"]
            )

    def _node(self, query: str, what: str, node: str, **variables: Any) -> Any:
        return _there(self._api.graphql(query, what, id=node, **variables)["node"], what)

    def environments(self) -> Sequence[Any]:
        """The nodes of all environments that have a deployment record."""

        def page(after: str | None) -> Any:
            return self.repository(queries.DEPLOYMENTS, "read the deployments", after=after)["environments"]

        return [node for node in _all(page(None), page) if node["latestCompletedDeployment"]]


def _there(found: Any, what: str) -> Any:
    if not found:
        raise NotFound(
            f"{what} is not on GitHub, or hidden from these credentials", fix="check the name and the access"
        )
    return found


def _contexts(commit: Any) -> Any:
    rollup = commit.get("statusCheckRollup")
    return rollup["contexts"] if rollup else {"pageInfo": {"hasNextPage": False}, "nodes": []}


def _nodes(connection: Any) -> list[Any]:
    nodes = connection["nodes"] if connection else None
    if nodes is None or None in nodes:
        raise Unavailable("GitHub left something out of a list", fix="run again; give the credentials access to all")
    return list(nodes)


def _all(connection: Any, more: Callable[[str | None], Any]) -> Iterator[Any]:
    """All nodes: those of the page that is there, and of those after it."""
    while True:
        yield from _nodes(connection)
        if not connection["pageInfo"]["hasNextPage"]:
            return
        connection = more(connection["pageInfo"]["endCursor"])


def _backwards(connection: Any, earlier: Callable[[str | None], Any], since: datetime | None) -> Iterator[Any]:
    """All nodes from the last page back to `since`, or to the first."""
    for page in _pages_back(connection, earlier):
        nodes = _nodes(page)
        yield from nodes
        if since and nodes and said_at(nodes[0]) < since:
            return


def _pages_back(connection: Any, earlier: Callable[[str | None], Any]) -> Iterator[Any]:
    """The page that is there, and one after the other those before it."""
    yield connection
    while connection["pageInfo"]["hasPreviousPage"]:
        connection = earlier(connection["pageInfo"]["startCursor"])
        yield connection


def _cut(_: str | None) -> Any:
    raise Unavailable("a pull request has more than 100 labels", fix="take labels off")
