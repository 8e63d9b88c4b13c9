"""GitHub as a forge: lists by GraphQL, changes by REST; GitHub's own rules have the last word on every merge."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlencode

from bot.core.errors import BotError, NotFound, Refused
from bot.core.models import Deployment, Person
from bot.forges import github_merge
from bot.forges import github_queries as queries
from bot.forges.github_api import ATTEMPTS, Api, Broken
from bot.forges.github_kept import KeptAnswers
from bot.forges.github_reading import Reader
from bot.forges.github_records import (
    LONGEST_BODY,
    REACTIONS,
    is_login,
    labeller,
    marked,
    own_comments,
    person,
    storable,
)
from bot.forges.github_refusals import Rejected
from bot.ports import reads

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from bot.core.models import Labelled, PullRequest, Reaction, Status, UserComment
    from bot.forges.github_auth import Access

T = TypeVar("T")
PUBLIC_API = "https://api.github.com"
_LABEL_COLOUR = "c5def5"


class GitHubForge:
    """`ports.Forge` on a repository `owner/name` of github.com or an Enterprise server (`https://HOST/api/v3`).

    `own_workflow` is the file name of the workflow that the bot runs in: its check runs, which are not done while
    the bot looks at them, are left out of the statuses. `sleep` waits so many seconds. `kept`: answers of earlier
    runs, and of this one for later ones.
    """

    def __init__(
        self,
        repository: str,
        access: Access,
        api_url: str = PUBLIC_API,
        sleep: Callable[[float], None] = time.sleep,
        own_workflow: str = "",
        kept: KeptAnswers | None = None,
    ) -> None:
        owner, _, name = repository.partition("/")
        if not is_login(owner) or name in ("", ".", "..") or quote(name, safe="") != name:
            raise BotError(
                f"{repository[:100]!r} is no repository", fix="use owner/name", reason_code="invalid_setting"
            )
        self._api = Api(repository, access, api_url, sleep, kept or KeptAnswers())
        self._reader = Reader(self._api, own_workflow)
        self._path = f"/repos/{repository}"
        self._owner = owner

    @reads
    def token(self) -> str:
        """A token that is valid now, with which git may push (as user `x-access-token`)."""
        return self._api.token()

    @reads
    def pull_requests(self) -> Sequence[PullRequest]:
        """See `ports.Forge`."""
        return tuple(self._reader.pull_requests())

    @reads
    def comments_since(self, since: datetime) -> Sequence[UserComment]:
        """See `ports.Forge`. Comments on lines of a diff are not among them."""
        return tuple(self._reader.comments_since(since))

    @reads
    def deployments(self) -> Mapping[str, Deployment]:
        """See `ports.Forge`."""
        found = {}
        for node in self._reader.environments():
            record = node["latestCompletedDeployment"]
            found[node["name"]] = Deployment(node["name"], record["commitOid"], record["description"] or "")
        return found

    @reads
    def person(self, name: str, teams: frozenset[str] = frozenset()) -> Person:
        """See `ports.Forge`. A team that these credentials cannot see counts as one that the user is not in.

        https://docs.github.com/en/rest/collaborators/collaborators#get-repository-permissions-for-a-user
        """
        if not is_login(name):
            return Person("none")
        try:
            path = f"{self._path}/collaborators/{quote(name, safe='')}/permission"
            answer = self._api.get(path, f"read the permission of {name}")
        except NotFound:
            return Person("none")
        return person(answer, name, frozenset(team for team in teams if self._is_member(team, name)))

    def _is_member(self, team: str, name: str) -> bool:
        """https://docs.github.com/en/rest/teams/members#get-team-membership-for-a-user"""
        organisation, _, slug = team.partition("/")
        if not is_login(organisation) or not is_login(slug):
            return False
        try:
            path = f"/orgs/{organisation}/teams/{slug}/memberships/{quote(name, safe='')}"
            answer = self._api.get(path, f"see whether {name} is in {team}")
        except NotFound:
            return False
        return bool(answer["state"] == "active")

    @reads
    def own_name(self) -> str:
        """See `ports.Forge`. An App's ends in `[bot]`."""
        return self._reader.viewer()

    @reads
    def labelled_by(self, number: int, label: str) -> Labelled | None:
        """See `ports.Forge`. https://docs.github.com/en/graphql/reference/objects#labeledevent"""
        return labeller(self._reader.labelling(number, label))

    def open_pull_request(self, branch: str, title: str, body: str) -> int:
        """See `ports.Forge`. `NotFound` without the branch, `Refused` if it has nothing that is not merged.

        https://docs.github.com/en/rest/pulls/pulls#create-a-pull-request
        """
        base = self._api.get(self._path, f"read {self._api.repository}")["default_branch"]
        what = f"open a pull request from {branch}"
        query = urlencode({"head": f"{self._owner}:{branch}", "base": base, "state": "open"})
        text = {"title": storable(title), "body": _short_enough(storable(body), what), "head": branch, "base": base}

        def find() -> int | None:
            found = self._api.rest("GET", f"{self._path}/pulls?{query}", what)
            return next((int(each["number"]) for each in found if _is_from(each, branch, base)), None)

        def make() -> int:
            return int(self._api.rest("POST", f"{self._path}/pulls", what, text)["number"])

        try:
            return self._find_or_make(find, make)
        except Rejected as error:
            raise _not_opened(error, branch) from error

    def _find_or_make(self, find: Callable[[], T | None], make: Callable[[], T]) -> T:
        """What must not be made twice: after a failure it may be there all the same, so it is looked for again."""
        for attempt in range(1, ATTEMPTS + 1):
            found = find()
            if found is not None:
                return found
            try:
                return make()
            except Broken:
                if attempt == ATTEMPTS:
                    raise
                self._api.pause(attempt)
        raise AssertionError("unreachable")

    def update_pull_request(self, number: int, title: str, body: str) -> None:
        """See `ports.Forge`."""
        what = f"change #{number}"
        text = {"title": storable(title), "body": _short_enough(storable(body), what)}
        self._api.rest("PATCH", f"{self._path}/pulls/{number}", what, text)

    def close_pull_request(self, number: int) -> None:
        """See `ports.Forge`. The branch stays."""
        self._api.rest("PATCH", f"{self._path}/pulls/{number}", f"close #{number}", {"state": "closed"})

    def merge_pull_request(self, number: int, head: str) -> None:
        """See `ports.Forge` and `github_merge.merge`."""
        github_merge.merge(self._api, self._reader, number, head)

    def enable_auto_merge(self, number: int, head: str) -> None:
        """See `ports.Forge` and `github_merge.enable_auto_merge`."""
        github_merge.enable_auto_merge(self._api, self._reader, number, head)

    def disable_auto_merge(self, number: int) -> None:
        """See `ports.Forge`."""
        github_merge.disable_auto_merge(self._api, self._reader, number)

    def comment(self, number: int, key: str, body: str, *, on_issue: bool = False) -> None:  # noqa: ARG002 # one count
        """See `ports.Forge`. The key stands in the text's first line, which pages do not show.

        https://docs.github.com/en/rest/issues/comments
        """
        what = f"comment on #{number}"
        text = {"body": _short_enough(marked(key, body), what)}

        def find() -> tuple[str, str] | None:
            return own_comments(self._reader.comments(number)).get(key)

        def make() -> tuple[str, str]:
            made = self._api.rest("POST", f"{self._path}/issues/{number}/comments", what, text)
            return str(made["id"]), storable(body)

        comment, present = self._find_or_make(find, make)
        if present != storable(body):
            self._api.rest("PATCH", f"{self._path}/issues/comments/{comment}", what, text)

    def set_status(self, commit: str, status: Status) -> None:
        """See `ports.Forge`. `NotFound` for a commit that is not there. GitHub keeps 140 characters of description.

        https://docs.github.com/en/rest/commits/statuses#create-a-commit-status
        """
        description = storable(status.description)[:140]
        body = {"context": status.context, "state": status.state, "description": description}
        what = f"set the status {status.context} of {commit[:40]}"
        try:
            # Twice the same status is once: only the newest of a context counts.
            self._api.rest("POST", f"{self._path}/statuses/{quote(commit, safe='')}", what, body, again=True)
        except Rejected as error:
            if "No commit found" in error.reasons:
                raise NotFound(error.message, fix="push the commit first") from error
            raise

    def react(self, comment: str, reaction: Reaction) -> None:
        """See `ports.Forge`. https://docs.github.com/en/graphql/reference/mutations#addreaction"""
        self._api.graphql(queries.REACT, "react to a comment", subject=comment, content=REACTIONS[reaction])

    def set_label(self, number: int, label: str, *, present: bool) -> None:
        """See `ports.Forge`. https://docs.github.com/en/rest/issues/labels"""
        name, what = quote(label, safe=""), f"label #{number}"
        on_request = f"{self._path}/issues/{number}/labels"
        if present:
            self._make_label(label)
            self._api.rest("POST", on_request, what, {"labels": [label]}, again=True)
            return
        try:
            self._api.rest("DELETE", f"{on_request}/{name}", what)
        except NotFound:
            # Either the label is not on it, or there is no such pull request, which this tells.
            self._api.get(f"{self._path}/pulls/{number}", what)

    def _make_label(self, label: str) -> None:
        try:
            self._api.get(f"{self._path}/labels/{quote(label, safe='')}", f"read the label {label}")
        except NotFound:
            body = {"name": label, "color": _LABEL_COLOUR}
            try:
                self._api.rest("POST", f"{self._path}/labels", f"make the label {label}", body, again=True)
            except Rejected as error:
                if "already_exists" not in error.reasons:
                    raise

    def request_reviews(self, number: int, users: Sequence[str], teams: Sequence[str] = ()) -> None:
        """See `ports.Forge`. https://docs.github.com/en/rest/pulls/review-requests"""
        slugs = [team.rpartition("/")[2] for team in teams]
        wanted: list[tuple[str, str]] = [("reviewers", user) for user in users]
        wanted += [("team_reviewers", slug) for slug in slugs]
        if not wanted or self._request(number, {"reviewers": list(users), "team_reviewers": slugs}):
            return
        # One name that cannot be asked fails all: the others are asked one by one.
        for kind, name in wanted:
            self._request(number, {kind: [name]})

    def _request(self, number: int, body: Mapping[str, list[str]]) -> bool:
        path = f"{self._path}/pulls/{number}/requested_reviewers"
        try:
            self._api.rest("POST", path, f"ask for reviews of #{number}", body, again=True)
        except Rejected as error:
            if error.status != 422:
                raise
            return False
        return True

    def set_deployment(self, deployment: Deployment) -> None:
        """See `ports.Forge`. https://docs.github.com/en/rest/deployments/deployments"""
        what = f"record the deployment of {deployment.environment}"
        path = f"{self._path}/deployments"
        query = urlencode({"environment": deployment.environment, "per_page": 1})

        def find() -> int | None:
            newest = next(iter(self._api.rest("GET", f"{path}?{query}", what)), None)
            return int(newest["id"]) if newest and _is_same(newest, deployment) else None

        def make() -> int:
            # Nothing is to be merged or waited for: the commit is there already.
            body = {"ref": deployment.commit, "environment": deployment.environment, "auto_merge": False}
            made = {**body, "required_contexts": [], "description": storable(deployment.description)}
            return int(self._api.rest("POST", path, what, made)["id"])

        number = self._find_or_make(find, make)
        statuses = f"{path}/{number}/statuses"
        if not self._api.rest("GET", f"{statuses}?per_page=1", what):
            self._api.rest("POST", statuses, what, {"state": "success"}, again=True)


def _is_from(request: Any, branch: str, base: str) -> bool:
    """Whether it is what was asked for: a server that redirects may forget the query."""
    head, into = request["head"], request["base"]
    own = head["repo"] is not None and head["repo"]["id"] == into["repo"]["id"]
    return own and (head["ref"], into["ref"]) == (branch, base)


def _is_same(record: Any, deployment: Deployment) -> bool:
    there = (record["environment"], record["sha"], record["description"] or "")
    return there == (deployment.environment, deployment.commit, storable(deployment.description))


def _short_enough(text: str, what: str) -> str:
    if len(text) > LONGEST_BODY:
        message = f"cannot {what}: the text has {len(text)} characters, and GitHub takes {LONGEST_BODY}"
        raise Refused(message, fix="shorten it")
    return text


def _not_opened(error: Rejected, branch: str) -> BotError:
    if "No commits between" in error.reasons:
        message = f"there is nothing to merge: all commits of {branch!r} are on the default branch"
        return Refused(message, fix="push a commit to the branch first", reason_code="nothing_to_merge")
    if "PullRequest head invalid" in error.reasons:
        return NotFound(f"there is no branch {branch!r}", fix="push it first")
    return error
