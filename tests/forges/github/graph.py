"""The fake's GraphQL: GitHub's own schema, executed over the world."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from graphql import GraphQLError, execute_sync, parse, validate

from tests.forges.github.world import Check, Labelling, Pull, Record, Said, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from tests.forges.github.descriptions import Descriptions

REACTIONS = ["CONFUSED", "EYES", "HEART", "HOORAY", "LAUGH", "ROCKET", "THUMBS_DOWN", "THUMBS_UP"]


class Typed(Exception):
    """An error with GitHub's `type`."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def answer(world: World, descriptions: Descriptions, viewer: str, body: Any, problems: list[str]) -> dict[str, Any]:
    """The answer to a query; one that the schema does not allow is among the problems too."""
    document = parse(body["query"])
    if bad := validate(descriptions.graphql, document):
        problems += [f"GraphQL: {error.message}" for error in bad]
        return {"errors": [{**error.formatted, "extensions": {"code": "bad"}} for error in bad]}
    world.settle()
    root = Graph(world, viewer).root()
    done = execute_sync(descriptions.graphql, document, root, variable_values=body.get("variables"))
    result: dict[str, Any] = {"data": done.data}
    if done.errors:
        result["errors"] = [_formatted(error, problems) for error in done.errors]
    return result


def _formatted(error: GraphQLError, problems: list[str]) -> dict[str, Any]:
    original = error.original_error
    if isinstance(original, Typed):
        return {**error.formatted, "type": original.kind}
    problems.append(f"GraphQL: {error.message}")
    return dict(error.formatted)


class Graph:
    """Objects as one viewer sees them."""

    def __init__(self, world: World, viewer: str) -> None:
        self.world = world
        self.viewer = viewer

    def root(self) -> dict[str, Any]:
        """Where queries and mutations start."""
        return {
            "viewer": {"login": self.viewer},
            "repository": self.repository,
            "node": self.node,
            "addReaction": self.react,
            "enablePullRequestAutoMerge": self.enable_auto_merge,
            "disablePullRequestAutoMerge": self.disable_auto_merge,
        }

    def repository(self, _: Any, owner: str, name: str, **__: Any) -> Any:
        if (owner.lower(), name.lower()) != (self.world.owner, self.world.name):
            raise Typed("NOT_FOUND", f"Could not resolve to a Repository with the name '{owner}/{name}'.")
        return {
            "defaultBranchRef": {"name": self.world.default},
            "autoMergeAllowed": self.world.auto_merge_allowed,
            "pullRequests": self.pull_requests,
            "issues": self.issues,
            "pullRequest": self.numbered,
            "issueOrPullRequest": self.issue_or_pull_request,
            "object": self.object,
            "environments": self.environments,
        }

    def node(self, _: Any, id: str) -> Any:  # noqa: A002 # the schema names it so
        number = int(id.rpartition("_")[2])
        if id.startswith(("PR_", "I_")) and number in self.world.pulls:
            return self.pull(self.world.pulls[number])
        raise Typed("NOT_FOUND", f"Could not resolve to a node with the global id of '{id}'")

    def pull_requests(self, _: Any, states: Any = None, orderBy: Any = None, **page: Any) -> Any:  # noqa: N803 # ditto
        found = [p for p in self.world.pulls.values() if not p.is_issue and (not states or p.state in states)]
        return connection(sorted(found, key=_order(orderBy), reverse=_newest_first(orderBy)), self.pull, **page)

    def issues(self, _: Any, orderBy: Any = None, **page: Any) -> Any:  # noqa: N803 # the schema names it so
        found = [p for p in self.world.pulls.values() if p.is_issue]
        return connection(sorted(found, key=_order(orderBy), reverse=_newest_first(orderBy)), self.pull, **page)

    def numbered(self, _: Any, number: int) -> Any:
        pull = self.world.pulls.get(number)
        if not pull or pull.is_issue:
            raise Typed("NOT_FOUND", f"Could not resolve to a PullRequest with the number of {number}.")
        return self.pull(pull)

    def issue_or_pull_request(self, _: Any, number: int) -> Any:
        if number not in self.world.pulls:
            message = f"Could not resolve to an issue or pull request with the number of {number}."
            raise Typed("NOT_FOUND", message)
        return self.pull(self.world.pulls[number])

    def object(self, _: Any, oid: str) -> Any:
        return self.commit(oid) if self.world.is_commit(oid) else None

    def environments(self, _: Any, orderBy: Any = None, **page: Any) -> Any:  # noqa: ARG002, N803 # always by name
        def environment(name: str) -> Any:
            return {"name": name, "latestCompletedDeployment": lambda _: self.deployment(name)}

        return connection(sorted({r.environment for r in self.world.records}), environment, **page)

    def deployment(self, environment: str) -> Any:
        done = [r for r in self.world.records if r.environment == environment and r.states]
        newest: Record | None = done[-1] if done else None
        return newest and {"commitOid": newest.commit, "description": newest.description, "environment": environment}

    def react(self, _: Any, input: Any) -> Any:  # noqa: A002 # the schema names it so
        said = self.world.find(input["subjectId"])
        if not said:
            raise Typed("NOT_FOUND", f"Could not resolve to a node with the global id of '{input['subjectId']}'")
        said.reactions.add((self.viewer, input["content"]))
        return {"reaction": {"content": input["content"]}}

    def enable_auto_merge(self, _: Any, input: Any) -> Any:  # noqa: A002 # the schema names it so
        pull = self.world.pulls[int(input["pullRequestId"].removeprefix("PR_"))]
        if refused := self.world.refuses_auto_merge(pull, input["expectedHeadOid"]):
            raise Typed("UNPROCESSABLE", json.dumps([f"Pull request {refused}"]))
        pull.auto_merge = True
        return {"pullRequest": self.pull(pull)}

    def disable_auto_merge(self, _: Any, input: Any) -> Any:  # noqa: A002 # the schema names it so
        pull = self.world.pulls[int(input["pullRequestId"].removeprefix("PR_"))]
        if not pull.auto_merge:
            raise Typed("UNPROCESSABLE", "Can't disable auto-merge for this pull request.")
        pull.auto_merge = False
        return {"pullRequest": self.pull(pull)}

    def pull(self, pull: Pull) -> Any:
        tip = "" if pull.is_fork else self.world.tips.get(pull.branch, "")
        return {
            "__typename": "Issue" if pull.is_issue else "PullRequest",
            "id": f"{'I' if pull.is_issue else 'PR'}_{pull.number}",
            "number": pull.number,
            "title": pull.title,
            "body": pull.body,
            "state": pull.state,
            "headRefName": pull.branch,
            "headRefOid": pull.head,
            "baseRefName": pull.base,
            "isCrossRepository": pull.is_fork,
            "author": actor(pull.author),
            "updatedAt": _time(pull.updated),
            "autoMergeRequest": {"enabledAt": _time(pull.updated)} if pull.auto_merge else None,
            "mergeable": lambda _: (
                "CONFLICTING" if pull.state == "OPEN" and self.world.conflicts(pull) else "MERGEABLE"
            ),
            "headRef": {"target": lambda _: self.commit(tip)} if tip else None,
            "commits": lambda _, **page: connection(sorted(pull.committers), written, **page),
            "labels": lambda _, **page: connection(sorted(pull.labels), lambda name: {"name": name}, **page),
            "comments": lambda _, **page: connection(pull.comments, self.said, **page),
            "reviews": lambda _, **page: connection(self.visible(pull.reviews), self.said, **page),
            "timelineItems": lambda _, **page: self.timeline(pull, **page),
        }

    def timeline(self, pull: Pull, itemTypes: list[str], **page: Any) -> Any:  # noqa: N803 # the schema names it so
        assert sorted(itemTypes) == ["LABELED_EVENT", "UNLABELED_EVENT"], "the fake has no others"
        return connection(pull.labellings, self.labelling, **page)

    def labelling(self, labelling: Labelling) -> Any:
        changed = self.world.label_changes.get(labelling.label)
        by = labelling.by and {"__typename": labelling.by[0], "login": labelling.by[1]}
        return {
            "__typename": "LabeledEvent" if labelling.put_on else "UnlabeledEvent",
            "createdAt": _time(labelling.time),
            "actor": by,
            "label": {"name": labelling.label, "updatedAt": _time(changed) if changed else None},
        }

    def visible(self, reviews: Iterable[Said]) -> list[Said]:
        """A review that is not submitted is its author's alone."""
        return [review for review in reviews if review.state != "PENDING" or review.author == self.viewer]

    def commit(self, oid: str) -> Any:
        statuses = self.world.statuses.get(oid, {})
        contexts = [*statuses.items(), *self.world.checks.get(oid, [])]
        rollup = {"contexts": lambda _, **page: connection(contexts, self.context, **page)}
        return {
            "__typename": "Commit",
            "oid": oid,
            "statusCheckRollup": rollup if contexts else None,
            "status": {"context": lambda _, name: self.context((name, statuses[name])) if name in statuses else None},
        }

    def context(self, item: Check | tuple[str, tuple[str, str]]) -> Any:
        if isinstance(item, Check):
            run = {"workflow": {"resourcePath": f"/acme/gitops/actions/workflows/{item.workflow}"}}
            suite = {"workflowRun": run if item.workflow else None}
            about = {"name": item.name, "title": item.title, "checkSuite": suite, "conclusion": item.conclusion}
            return {"__typename": "CheckRun", "status": item.status, **about}
        context, (state, description) = item
        about = {"context": context, "state": state.upper(), "description": description or None}
        return {
            "__typename": "StatusContext",
            "isRequired": lambda _, **_about: context in self.world.required,
            **about,
        }

    def said(self, said: Said) -> Any:
        groups = [{"content": c, "viewerHasReacted": (self.viewer, c) in said.reactions} for c in REACTIONS]
        about = {
            "id": said.id,
            "author": actor(said.author),
            "viewerDidAuthor": said.author == self.viewer,
            "body": said.body,
            "createdAt": _time(said.created),
            "lastEditedAt": _time(said.edited) if said.edited else None,
            "reactionGroups": groups,
        }
        if not said.state:
            return {**about, "fullDatabaseId": said.id.rpartition("_")[2]}
        submitted = None if said.state == "PENDING" else about["createdAt"]
        commit = self.commit(said.commit) if said.commit else None
        return {**about, "state": said.state, "submittedAt": submitted, "commit": commit}


def written(by: str) -> Any:
    """A commit of a pull request; GitHub knows no account for some addresses."""
    return {"commit": {"author": {"user": {"login": by}}, "committer": {"user": None}}}


def actor(login: str) -> Any:
    """Who did it: an App's name has no `[bot]` in GraphQL; None if the account is gone."""
    if not login:
        return None
    kind = "Bot" if login.endswith("[bot]") else "User"
    return {"__typename": kind, "login": login.removesuffix("[bot]")}


def connection(items: Iterable[Any], node: Callable[[Any], Any], **page: Any) -> Any:
    """A page of a list; GitHub wants `first` or `last`, at most 100. Cursors are places in the list."""
    everything = list(items)
    size = page.get("first") or page.get("last") or 0
    if not 1 <= size <= 100:
        raise GraphQLError("You must provide a `first` or `last` value between 1 and 100 to properly paginate.")
    start, end = 0, len(everything)
    if "first" in page:
        start = int(page.get("after") or 0)
        end = min(end, start + size)
    else:
        end = int(page.get("before") or end)
        start = max(0, end - size)
    info = {
        "hasNextPage": end < len(everything),
        "endCursor": str(end),
        "hasPreviousPage": start > 0,
        "startCursor": str(start),
    }
    return {"pageInfo": info, "nodes": [node(item) for item in everything[start:end]]}


def _order(order: Any) -> Callable[[Pull], Any]:
    by_update = order and order["field"] == "UPDATED_AT"
    return lambda pull: (pull.updated, pull.number) if by_update else pull.number


def _newest_first(order: Any) -> bool:
    return bool(order and order["direction"] == "DESC")


def _time(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%SZ}"
