"""GitLab as a forge: merge requests, notes and approvals of one project, on gitlab.com or an instance of one's own."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from gitlab.exceptions import GitlabError

from bot.core.errors import Refused, Unavailable
from bot.core.models import Deployment
from bot.forges import gitlab_merge, gitlab_people, gitlab_queries, gitlab_records
from bot.forges.gitlab_api import Api
from bot.ports import reads

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from gitlab.v4.objects import ProjectMergeRequest

    from bot.core.models import Labelled, Person, PullRequest, Reaction, Status, UserComment
    from bot.forges.gitlab_queries import Node

_STATES = {"pending": "pending", "success": "success", "failure": "failed"}


class GitLabForge:
    """`ports.Forge` on a GitLab project, named by its full path.

    `token`: a personal, project or group access token with the scope `api`; it goes to `url` alone. `Refused`
    (`job_token`) for a CI job's token, which may not do what the bot does. All methods raise `Unavailable` when
    GitLab cannot be reached or read to the end, `Unauthorised` when it refuses the token.
    """

    def __init__(
        self,
        project: str,
        token: str,
        url: str = "https://gitlab.com",
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if token.startswith("glcbt-"):  # https://docs.gitlab.com/security/tokens/#token-prefixes
            fix = "make a project access token with the scope `api` and the role Maintainer (docs/gitlab.md)"
            message = "the token of a CI job cannot open merge requests, comment or read approvals"
            raise Refused(message, fix=fix, reason_code="job_token")
        self._token = token
        self._sleep = sleep
        self._api = Api(project, url, token, sleep)
        self._closed: dict[str, tuple[str, PullRequest]] = {}

    def __repr__(self) -> str:
        return f"GitLabForge({self._api.path!r}, url={self._api.url!r})"

    @reads
    def token(self) -> str:
        """The token as the password of git over https; GitLab takes any user name with it."""
        return self._token

    @reads
    def pull_requests(self) -> Sequence[PullRequest]:
        """See `ports.Forge`. Statuses and reviews are read of open ones only; those from forks are left out."""
        opened, closed = gitlab_queries.listing(self._api)
        newest = {node["sourceBranch"]: node for node in closed}
        stamps = {node["iid"]: node["updatedAt"] for node in newest.values()}
        known = {i: kept for i, (stamp, kept) in self._closed.items() if stamps.get(i) == stamp}
        wanted = dict.fromkeys([node["iid"] for node in opened] + [i for i in stamps if i not in known])
        read = [self._read(node) for node in gitlab_queries.details(self._api, wanted)]
        found = {str(p.number): p for p in read if p is not None}
        self._closed = {i: (s, p) for i, s in stamps.items() if (p := known.get(i) or found.get(i)) and not _open(p)}
        return tuple(sorted((known | found).values(), key=lambda p: p.number))

    def _read(self, node: Node) -> PullRequest | None:
        """None for one that was merged since it was listed."""
        number, what = int(node["iid"]), f"read !{node['iid']}"
        with self._api.translated(what):
            if node["state"] not in ("opened", "closed"):
                return None
            if node["state"] == "closed":
                return gitlab_records.pull_request(node, self._me(), (), ())
            given = self._approvals(number) if gitlab_queries.whole(node["approvedBy"]) else []
            reviews = [*given, *gitlab_records.objections(node, given)]
            statuses = gitlab_merge.statuses(self._api, node["diffHeadSha"], self._me()) if node["diffHeadSha"] else []
            statuses += gitlab_records.head_pipeline(node)
            own = gitlab_queries.is_own(node)
            pushers = frozenset() if own else gitlab_queries.committers(self._api, node["iid"])
            return gitlab_records.pull_request(node, self._me(), reviews, statuses, pushers)

    def _approvals(self, number: int) -> list[Any]:
        request = self._request(number)
        # Approvals first: a version that comes in between is then newer than all of them.
        approved = request.approvals.get().approved_by
        versions = [version.attributes for version in request.diffs.list(iterator=True)]
        return gitlab_records.approvals(approved, versions)

    @reads
    def own_name(self) -> str:
        """See `ports.Forge`."""
        return self._me()

    @reads
    def labelled_by(self, number: int, label: str) -> Labelled | None:
        """See `ports.Forge`. https://docs.gitlab.com/api/resource_label_events/"""
        with self._api.translated(f"read who labelled !{number}"):
            labels = gitlab_queries.labels(self._api, number)
            events = self._request(number).resourcelabelevents.list(iterator=True)
            return gitlab_records.labeller(labels, (event.attributes for event in events), label)

    def open_pull_request(self, branch: str, title: str, body: str) -> int:
        """See `ports.Forge`. `NotFound` without the branch, `Refused` if it has nothing that is not merged."""
        with self._api.translated(f"open a merge request for {branch!r}"):
            default = self._default_branch()
            if (there := self._open_one(branch, default)) is not None:
                return there
            self._check_something_to_merge(branch, default)
            values = {
                "source_branch": branch,
                "target_branch": default,
                "title": title,
                "description": body,
                "remove_source_branch": True,
            }
            try:
                return int(self._api.project.mergerequests.create(values).iid)
            except GitlabError as error:
                # 409: somebody opened one meanwhile. After a lost answer it may be our own.
                there = self._open_one(branch, default)
                if error.response_code != 409 or there is None:
                    raise
                return there

    def _open_one(self, branch: str, default: str) -> int | None:
        query = {"state": "opened", "source_branch": branch, "target_branch": default}
        found = self._api.project.mergerequests.list(query_parameters=query, iterator=True)
        own = [m for m in found if m.source_project_id == m.target_project_id]
        return int(own[0].iid) if own else None

    def _check_something_to_merge(self, branch: str, default: str) -> None:
        self._api.project.branches.get(branch)
        compared = self._api.project.repository_compare(default, branch)
        if not isinstance(compared, dict) or not compared["commits"]:
            message = f"there is nothing to merge: all commits of {branch!r} are on the default branch"
            raise Refused(message, fix="push a commit to the branch first", reason_code="nothing_to_merge")

    def update_pull_request(self, number: int, title: str, body: str) -> None:
        """See `ports.Forge`."""
        self._update(number, {"title": title, "description": body})

    def close_pull_request(self, number: int) -> None:
        """See `ports.Forge`. The branch stays."""
        with self._api.translated(f"close !{number}"):
            if self._api.project.mergerequests.get(number).state == "opened":
                self._update(number, {"state_event": "close"})

    def merge_pull_request(self, number: int, head: str) -> None:
        """See `ports.Forge` and `gitlab_merge.merge`. The branch is deleted."""
        gitlab_merge.merge(self._api, number, head, self._me(), self._sleep)

    def enable_auto_merge(self, number: int, head: str) -> None:
        """See `ports.Forge` and `gitlab_merge.enable_auto_merge`. The branch is deleted when it is merged."""
        gitlab_merge.enable_auto_merge(self._api, number, head, self._me(), self._sleep)

    def disable_auto_merge(self, number: int) -> None:
        """See `ports.Forge`."""
        gitlab_merge.disable_auto_merge(self._api, number)

    def comment(self, number: int, key: str, body: str, *, on_issue: bool = False) -> None:
        """See `ports.Forge`."""
        text = gitlab_records.marked(key, body)
        with self._api.translated(f"comment on !{number}"):
            self._closed.pop(str(number), None)
            # Issues and merge requests are counted apart.
            issues = self._api.project.issues
            notes = issues.get(number, lazy=True).notes if on_issue else self._request(number).notes
            for note in notes.list(iterator=True, sort="asc"):
                found = gitlab_records.mark(note.body)
                if not note.system and note.author["username"] == self._me() and found and found[0] == key:
                    if note.body != text:
                        notes.update(note.id, {"body": text})
                    return
            notes.create({"body": text})

    def set_status(self, commit: str, status: Status) -> None:
        """See `ports.Forge`. `NotFound` for a commit that is not there.

        GitLab refuses to set what is pending to pending again, and what is running to either: the state between them
        is `running` once, which also waits, and then `canceled`, which blocks for a moment.
        """
        with self._api.translated(f"set the status {status.context!r} of {commit[:12]}"):
            statuses = self._api.project.commits.get(commit, lazy=True).statuses
            query = gitlab_merge.ALL | {"name": status.context}
            listed = statuses.list(query_parameters=query, iterator=True)
            found = gitlab_records.latest((s.attributes for s in listed), self._me())
            old = found.get(status.context)
            if old and gitlab_records.status(old) == status:
                return
            for state in _way(old["status"] if old else "", _STATES[status.state]):
                statuses.create({"state": state, "name": status.context, "description": status.description})

    @reads
    def comments_since(self, since: datetime) -> Sequence[UserComment]:
        """See `ports.Forge`. Notes on merge requests, their diffs and issues."""
        found: list[UserComment] = []
        for kind, node in gitlab_queries.discussed(self._api, since):
            with self._api.translated("read the comments"):
                found += gitlab_records.user_comments(kind, node, self._me(), since)
        return tuple(sorted(found, key=lambda comment: (comment.time, int(comment.id.removeprefix("note:")))))

    @reads
    def person(self, name: str, teams: frozenset[str] = frozenset()) -> Person:
        """See `ports.Forge` and `gitlab_people.person`."""
        return gitlab_people.person(self._api, name, teams)

    @reads
    def deployments(self) -> Mapping[str, Deployment]:
        """See `ports.Forge`. GitLab's records have no text: the environment's description holds it."""
        with self._api.translated("read the deployments"):
            shas = {e["name"]: e["lastDeployment"]["sha"] for e in self._environments() if e["lastDeployment"]}
            found = self._api.project.environments.list(iterator=True) if shas else ()
            texts = {e.name: e.attributes.get("description") or "" for e in found}
        return {name: Deployment(name, sha, texts.get(name, "")) for name, sha in shas.items()}

    def _environments(self) -> list[Node]:
        return list(gitlab_queries.environments(self._api))

    def react(self, comment: str, reaction: Reaction) -> None:
        """See `ports.Forge`. `NotFound` for an id that is not a comment's."""
        what, note = f"react to {comment[:100]}", gitlab_records.global_id(comment)
        with self._api.translated(what):
            if reaction in self._reactions(what, note):
                return
            said = gitlab_queries.award(self._api, note, gitlab_records.EMOJI[reaction])
            # After a lost answer GitLab refuses what it has done already.
            if said and reaction not in self._reactions(what, note):
                raise Refused(f"cannot {what}: GitLab says: {said}")

    def _reactions(self, what: str, note: str) -> frozenset[Reaction]:
        return gitlab_records.reactions(gitlab_queries.note(self._api, what, note), self._me())

    def set_label(self, number: int, label: str, *, present: bool) -> None:
        """See `ports.Forge`. GitLab makes a label that it does not know."""
        self._update(number, {"add_labels" if present else "remove_labels": label})

    def request_reviews(self, number: int, users: Sequence[str], teams: Sequence[str] = ()) -> None:  # noqa: ARG002 # GitLab asks no groups
        """See `ports.Forge`. GitLab asks people, not groups; without Premium it asks one person only."""
        with self._api.translated(f"ask for reviews of !{number}"):
            request = self._api.project.mergerequests.get(number)
            asked = [int(user["id"]) for user in request.reviewers]
            ids = [gitlab_people.user_id(self._api, user) for user in users]
            new = [i for i in dict.fromkeys(ids) if i is not None and i not in (*asked, request.author["id"])]
        if new:
            self._update(number, {"reviewer_ids": [*asked, *new]})

    def set_deployment(self, deployment: Deployment) -> None:
        """See `ports.Forge`."""
        name = deployment.environment
        old = self.deployments().get(name)
        if old == deployment:
            return
        with self._api.translated(f"record the deployment of {name!r}"):
            if old is None or old.commit != deployment.commit:
                values = {"environment": name, "sha": deployment.commit, "status": "success", "tag": False}
                self._api.project.deployments.create(values | {"ref": self._default_branch()})
            found = self._api.project.environments.list(query_parameters={"name": name}, iterator=True)
            for environment in found:
                self._api.project.environments.update(environment.id, {"description": deployment.description})

    def _update(self, number: int, values: dict[str, Any]) -> None:
        self._closed.pop(str(number), None)
        with self._api.translated(f"change !{number}"):
            self._api.project.mergerequests.update(number, values)

    def _request(self, number: int) -> ProjectMergeRequest:
        return self._api.project.mergerequests.get(number, lazy=True)

    def _me(self) -> str:
        """The name of the token's user; asked for if no answer has brought it along yet."""
        if not self._api.me:
            with self._api.translated("ask who the token's user is"):
                user = self._api.gl.http_get("/user")
                if not isinstance(user, dict) or not user["username"]:
                    raise Unavailable("GitLab does not say who the token's user is")
                self._api.me = str(user["username"])
        return self._api.me

    def _default_branch(self) -> str:
        return str(self._api.gl.projects.get(self._api.path).default_branch)


def _open(request: PullRequest) -> bool:
    return request.state == "open"


def _way(old: str, new: str) -> tuple[str, ...]:
    """The states to set one after the other so that GitLab takes the last."""
    if new != "pending" or old not in ("pending", "running"):
        return (new,)
    return ("running",) if old == "pending" else ("canceled", "pending")
