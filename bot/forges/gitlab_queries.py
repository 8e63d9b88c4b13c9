"""What is asked of GitLab's GraphQL API, page by page to the end: https://docs.gitlab.com/api/graphql/reference/"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from bot.core.errors import NotFound, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from bot.forges.gitlab_api import Api

Node: TypeAlias = dict[str, Any]
Kind: TypeAlias = Literal["mergeRequest", "issue"]
BATCH = 20  # a query's complexity grows with its pages: https://docs.gitlab.com/api/graphql/#limits

_PAGE = "pageInfo { hasNextPage endCursor }"
_AWARDS = _PAGE + " nodes { name user { username } }"
_NOTES = (
    "{ " + _PAGE + " nodes { id body system createdAt lastEditedAt author { username bot }"
    " awardEmoji { " + _AWARDS + " } } }"
)
_LISTED = _PAGE + " nodes { iid sourceBranch targetBranch sourceProjectId targetProjectId updatedAt }"
LISTING = f"""query($path: ID!, $opened: String, $closed: String) {{
currentUser {{ username }}
project(fullPath: $path) {{
  repository {{ rootRef }}
  opened: mergeRequests(state: opened, sort: CREATED_ASC, first: 100, after: $opened) {{ {_LISTED} }}
  closed: mergeRequests(state: closed, sort: CREATED_ASC, first: 100, after: $closed) {{ {_LISTED} }}
}} }}"""
DETAILS = f"""query($path: ID!, $iids: [String!]!) {{ project(fullPath: $path) {{
  mergeRequests(iids: $iids, sort: CREATED_ASC, first: {BATCH}) {{ nodes {{
    iid state sourceBranch diffHeadSha title description updatedAt autoMergeEnabled author {{ username }}
    labels {{ pageInfo {{ hasNextPage }} nodes {{ title }} }}
    approvedBy {{ pageInfo {{ hasNextPage }} nodes {{ username }} }}
    reviewers {{ pageInfo {{ hasNextPage }} nodes {{ username mergeRequestInteraction {{ reviewState }} }} }}
    headPipeline {{ status sha }}
    notes(first: 100) {_NOTES}
  }} }}
}} }}"""
COMMITTERS = f"""query($path: ID!, $iid: String!, $after: String) {{ project(fullPath: $path) {{
  mergeRequest(iid: $iid) {{ committers(first: 100, after: $after) {{ {_PAGE} nodes {{ username }} }} }}
}} }}"""
COMMENTS = f"""query($path: ID!, $since: Time!, $mergeRequests: String, $issues: String) {{ project(fullPath: $path) {{
  mergeRequests(updatedAfter: $since, sort: CREATED_ASC, first: {BATCH}, after: $mergeRequests) {{
    {_PAGE} nodes {{ iid notes(first: 100) {_NOTES} }} }}
  issues(updatedAfter: $since, sort: CREATED_ASC, first: {BATCH}, after: $issues) {{
    {_PAGE} nodes {{ iid notes(first: 100) {_NOTES} }} }}
}} }}"""
MORE_NOTES = {
    kind: f"""query($path: ID!, $iid: String!, $after: String) {{ project(fullPath: $path) {{
  {kind}(iid: $iid) {{ notes(first: 100, after: $after) {_NOTES} }}
}} }}"""
    for kind in ("mergeRequest", "issue")
}
ENVIRONMENTS = f"""query($path: ID!, $environments: String) {{ project(fullPath: $path) {{
  environments(first: 100, after: $environments) {{
    {_PAGE} nodes {{ name lastDeployment(status: SUCCESS) {{ sha }} }} }}
}} }}"""
LABELS = """query($path: ID!, $iid: String!) { project(fullPath: $path) {
  mergeRequest(iid: $iid) { labels { pageInfo { hasNextPage } nodes { id title updatedAt } } }
} }"""
NOTE = "query($id: NoteID!, $after: String) { note(id: $id) { id awardEmoji(after: $after) { " + _AWARDS + " } } }"
AWARD = """mutation($id: AwardableID!, $name: String!) {
  awardEmojiAdd(input: { awardableId: $id, name: $name }) { errors }
}"""


def listing(api: Api) -> tuple[list[Node], list[Node]]:
    """The open merge requests of this project into its default branch, and the closed ones of the bot, in the order
    they were made. Those from forks are left out: what decides on them are the fork's own pipelines.
    """
    found: dict[str, list[Node]] = {"opened": [], "closed": []}
    for project in _pages(api, "list the merge requests", LISTING, ("opened", "closed")):
        with api.translated("list the merge requests"):
            default = project["repository"]["rootRef"]
            for state, nodes in found.items():
                into = [n for n in project[state]["nodes"] if _is_into(n, default)]
                nodes += [n for n in into if state == "opened" or is_own(n)]
    return found["opened"], found["closed"]


def _is_into(node: Node, default: str) -> bool:
    return bool(node["sourceProjectId"] == node["targetProjectId"] and node["targetBranch"] == default)


def is_own(node: Node) -> bool:
    """Whether a merge request of this project is the bot's: from a branch `bot/…`."""
    return str(node["sourceBranch"]).startswith("bot/")


def details(api: Api, numbers: Iterable[str]) -> Iterator[Node]:
    """Merge requests by number, with all their notes. `Unavailable` if one is missing from the answer."""
    wanted = list(numbers)
    for start in range(0, len(wanted), BATCH):
        batch = wanted[start : start + BATCH]
        project = api.query("read the merge requests", DETAILS, iids=batch)
        with api.translated("read the merge requests"):
            nodes = project["mergeRequests"]["nodes"]
            if {node["iid"] for node in nodes} != set(batch):
                raise Unavailable("cannot read the merge requests: the answer lacks some", fix="try again")
        for node in nodes:
            yield node | {"notes": notes(api, "mergeRequest", node) if is_own(node) else []}


def committers(api: Api, number: str) -> frozenset[str]:
    """Whose commits a merge request holds: https://docs.gitlab.com/api/graphql/reference/#mergerequest"""
    what = f"read the commits of !{number}"

    def page(after: str | None) -> Node:
        found: Node = api.query(what, COMMITTERS, iid=number, after=after)["mergeRequest"]["committers"]
        return found

    with api.translated(what):
        return frozenset(user["username"] for user in _to_the_end(page(None), page))


def discussed(api: Api, since: datetime) -> Iterator[tuple[Kind, Node]]:
    """The merge requests and issues that changed since then, with all their notes."""
    kinds: dict[str, Kind] = {"mergeRequests": "mergeRequest", "issues": "issue"}
    for project in _pages(api, "read the comments", COMMENTS, tuple(kinds), since=since.isoformat()):
        for name, kind in kinds.items():
            with api.translated("read the comments"):
                nodes = project[name]["nodes"]
            for node in nodes:
                yield kind, node | {"notes": notes(api, kind, node)}


def environments(api: Api) -> Iterator[Node]:
    """The environments, each with its last successful deployment."""
    for project in _pages(api, "read the deployments", ENVIRONMENTS, ("environments",)):
        with api.translated("read the deployments"):
            yield from project["environments"]["nodes"]


def labels(api: Api, number: int) -> list[Node]:
    """The labels of a merge request, with the time of their last change. `NotFound` if there is no such."""
    what = f"read the labels of !{number}"
    with api.translated(what):
        request = api.query(what, LABELS, iid=str(number))["mergeRequest"]
        if request is None:
            raise NotFound(f"cannot {what}: GitLab shows this token no such merge request")
        return whole(request["labels"])


def notes(api: Api, kind: Kind, node: Node) -> list[Node]:
    """All notes of a merge request or an issue whose first page is there, with all their reactions."""
    what = "read the comments"

    def page(after: str) -> Node:
        found: Node = api.query(what, MORE_NOTES[kind], iid=node["iid"], after=after)[kind]["notes"]
        return found

    with api.translated(what):
        return [_with_awards(api, what, each) for each in _to_the_end(node["notes"], page)]


def note(api: Api, what: str, note: str) -> Node:
    """One note with its reactions, by its global id. `NotFound` if there is none that the token's user may see."""
    found = api.ask(what, NOTE, id=note)["note"]
    if found is None:
        raise NotFound(f"cannot {what}: GitLab shows this token no such comment")
    return _with_awards(api, what, found)


def _with_awards(api: Api, what: str, note: Node) -> Node:
    """The note with all its reactions: everybody may give it more than a page of them."""

    def page(after: str) -> Node:
        found: Node = api.ask(what, NOTE, id=note["id"], after=after)["note"]["awardEmoji"]
        return found

    return note | {"awardEmoji": {**note["awardEmoji"], "nodes": _to_the_end(note["awardEmoji"], page)}}


def award(api: Api, note: str, name: str) -> str:
    """Put an emoji on a note; why GitLab did not, else empty."""
    said = api.ask(f"react to {note}", AWARD, id=note, name=name)["awardEmojiAdd"]["errors"]
    return api.clean("; ".join(map(str, said)))


def whole(connection: Node) -> list[Node]:
    """The nodes of a connection that is never long; `ValueError` if there are more than one page of them."""
    if connection["pageInfo"]["hasNextPage"]:
        raise ValueError("more than a page")
    return list(connection["nodes"])


def _to_the_end(connection: Node, more: Callable[[str], Node]) -> list[Node]:
    """The nodes of a connection whose first page is there, with those behind it."""
    found, page = list(connection["nodes"]), connection["pageInfo"]
    while page["hasNextPage"]:
        connection = more(_cursor(page))
        found, page = found + connection["nodes"], connection["pageInfo"]
    return found


def _pages(api: Api, what: str, text: str, names: tuple[str, ...], **variables: Any) -> Iterator[Node]:
    """One answer after the other until every named connection is read; each continues at its own cursor."""
    cursors: dict[str, str | None] = dict.fromkeys(names)
    more = True
    while more:
        project = api.query(what, text, **variables, **cursors)
        yield project
        with api.translated(what):
            pages = {name: project[name]["pageInfo"] for name in names}
            more = any(page["hasNextPage"] for page in pages.values())
            # Behind its end a connection is empty: it has no cursor then, and the last one still holds.
            after = {n: _cursor(page) if page["hasNextPage"] else page["endCursor"] for n, page in pages.items()}
            if more and after == cursors:
                raise ValueError("the same page again")
            cursors = {name: after[name] or cursors[name] for name in names}


def _cursor(page: Node) -> str:
    cursor = page["endCursor"]
    if not isinstance(cursor, str) or not cursor:
        raise ValueError("a page without a cursor")
    return cursor
