"""GitHub in a bad mood: what passes is waited for, what does not is told, and no list ever looks short."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bot.core.errors import BotError, Conflict, NotFound, Refused, Unauthorised, Unavailable
from bot.core.models import Deployment, Status
from bot.forges.github import GitHubForge
from bot.forges.github_api import Broken
from bot.forges.github_auth import token_access
from tests.forges.github.fake import Fault
from tests.forges.github.world import TOKEN
from tests.forges.place import APPROVED, START

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.forges.github.place import GitHubPlace


from tests.forges.github.test_github import many


def actions(github: GitHubPlace, number: int, head: str) -> list[Callable[[], object]]:
    """Everything that the bot does."""
    forge = github.forge
    return [
        lambda: forge.update_pull_request(number, "New", "New"),
        lambda: forge.comment(number, "status", "text"),
        lambda: forge.set_status(head, APPROVED),
        lambda: forge.set_label(number, "hold", present=True),
        lambda: forge.request_reviews(number, ["carol"]),
        lambda: forge.set_deployment(Deployment("prod", head, "shop 1")),
        lambda: forge.merge_pull_request(number, head),
    ]


@pytest.mark.parametrize(
    "fault",
    [
        Fault("", status=502),
        Fault("", cut=True),
        Fault("", short=True),
        Fault("", done=True),
        Fault(""),
        Fault("", status=403, headers={"Retry-After": "7"}),
        Fault("", status=429, body=None),
    ],
    ids=["502", "cut", "truncated JSON", "dropped when done", "dropped", "Retry-After", "429"],
)
def test_what_passes_is_tried_again_and_nothing_is_done_twice(github: GitHubPlace, fault: Fault) -> None:
    github.person("carol", "write")
    reads: list[Callable[[], object]] = [
        github.forge.pull_requests,
        lambda: github.forge.comments_since(START),
        github.forge.deployments,
        lambda: github.forge.person("carol"),
        lambda: github.forge.labelled_by(1, "hold"),
        lambda: github.again().own_name(),
    ]
    head = github.branch()
    number = 1
    opening = [lambda: github.forge.open_pull_request("bot/dev/shop", "Title", "Body")]
    for action in [*opening, *actions(github, number, head), *reads]:
        for step in range(4):  # each request of an action once
            github.github.faults = [replace(fault, after=step)]
            action()
    assert len(github.world.pulls) == 1
    assert [body.partition("\n")[2] for _, body in github.texts(1)] == ["text"]
    assert github.deployment_records("prod") == 1
    assert github.world.pulls[1].state == "MERGED"
    assert github.slept


def test_what_does_not_pass_is_unavailable_after_four_tries(github: GitHubPlace) -> None:
    github.request()
    github.github.faults = [Fault("graphql", status=500, times=99)]
    for listing in (github.forge.pull_requests, lambda: github.forge.comments_since(START), github.forge.deployments):
        github.slept.clear()
        with pytest.raises(Broken, match="500"):
            listing()
        assert github.slept == [1, 2, 4]


def test_a_later_page_that_fails_makes_the_list_unknown(github: GitHubPlace) -> None:
    many(github, 60)
    github.github.faults = [Fault("graphql", status=500, times=99, after=2)]
    with pytest.raises(Unavailable):
        github.forge.pull_requests()


def test_a_rate_limit_names_the_time_when_it_goes_on(github: GitHubPlace) -> None:
    reset = int(time.time()) + 1800
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(reset)}
    body = {"message": f"API rate limit exceeded for {TOKEN}."}
    github.github.faults = [Fault("graphql", 403, 99, headers, body)]
    with pytest.raises(Unavailable) as error:
        github.forge.pull_requests()
    assert time.strftime("%Y-%m-%d %H:%M", time.gmtime(reset + 1)) in error.value.fix
    assert TOKEN not in str(error.value)
    assert github.slept == []
    github.github.faults = [Fault("graphql", 200, 99, headers, {"errors": [{"type": "RATE_LIMITED", "message": "x"}]})]
    with pytest.raises(Unavailable, match="rate limit"):
        github.forge.pull_requests()


def test_a_secondary_rate_limit_is_waited_for_as_long_as_it_asks(github: GitHubPlace) -> None:
    body = {"message": "You have exceeded a secondary rate limit."}
    github.github.faults = [Fault("graphql", 403, 1, {"Retry-After": "17"}, body), Fault("graphql", 403, 1, {}, body)]
    assert github.forge.pull_requests() == ()
    assert github.slept == [17, 60]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"data": {"repository": None}, "errors": [{"type": "FORBIDDEN", "message": "not yours"}]}, Unauthorised),
        ({"data": None, "errors": [{"message": "Something went wrong while executing your query."}]}, Broken),
        ({"data": None, "errors": [{"message": "no field x", "extensions": {"code": "undefinedField"}}]}, Unavailable),
        ({"data": {"repository": None}}, NotFound),
        ({}, Broken),
        ([], Broken),
    ],
)
def test_an_answer_with_errors_or_without_data_is_no_empty_list(
    github: GitHubPlace, body: object, kind: type[BotError]
) -> None:
    github.github.faults = [Fault("graphql", 200, 99, {}, body)]
    for listing in (github.forge.pull_requests, lambda: github.forge.comments_since(START), github.forge.deployments):
        with pytest.raises(kind):
            listing()


@pytest.mark.parametrize(
    ("headers", "fix"),
    [
        ({"X-Accepted-GitHub-Permissions": "statuses=write"}, "permission statuses=write"),
        ({"X-Accepted-OAuth-Scopes": "repo", "X-OAuth-Scopes": "gist"}, "scope repo .it has: gist"),
        ({"X-GitHub-SSO": "required; url=https://github.com/orgs/acme/sso"}, "single sign-on"),
        ({}, "docs/github.md"),
    ],
)
def test_what_the_token_may_not_do_is_named(github: GitHubPlace, headers: dict[str, str], fix: str) -> None:
    body = {"message": "Resource not accessible by personal access token"}
    github.github.faults = [Fault("statuses", 403, 99, headers, body)]
    with pytest.raises(Unauthorised, match=fix):
        github.forge.set_status("0" * 40, APPROVED)
    assert github.slept == []


def test_a_refused_token_is_told_without_showing_it(github: GitHubPlace) -> None:
    forge = GitHubForge("acme/gitops", token_access("ghp_wrong"), github.github.url, github.slept.append)
    with pytest.raises(Unauthorised, match="Bad credentials") as error:
        forge.pull_requests()
    assert "ghp_wrong" not in f"{error.value}{error.value.__cause__}{forge!r}{token_access('ghp_wrong')}"
    assert forge.token() == "ghp_wrong"


def test_a_server_that_cannot_be_reached_is_unavailable(tmp_path: Path) -> None:
    slept: list[float] = []
    forge = GitHubForge("acme/gitops", token_access(TOKEN), "http://127.0.0.1:9", slept.append)
    with pytest.raises(Unavailable, match="connection failed"):
        forge.pull_requests()
    assert len(slept) == 3


@pytest.mark.parametrize("url", ["http://github.example", "ftp://x", "", "https://u:p4ss@github.example/api/v3"])
def test_the_token_goes_over_tls_only_and_the_address_holds_no_password(url: str) -> None:
    with pytest.raises(BotError, match="no address") as error:
        GitHubForge("acme/gitops", token_access(TOKEN), url)
    assert "p4ss" not in str(error.value)


@pytest.mark.parametrize("name", ["", "acme", "acme/", "/x", "acme/..", "acme/a/b", "../x", "acme/x?y"])
def test_a_repository_is_an_owner_and_a_name(name: str) -> None:
    with pytest.raises(BotError, match="no repository"):
        GitHubForge(name, token_access(TOKEN))


def test_refusals_of_a_merge_that_may_pass_are_tried_again_then_told(github: GitHubPlace) -> None:
    number, head = github.approved()
    github.world.required.add("ci")
    with pytest.raises(Refused, match='Required status check "ci" is expected'):
        github.forge.merge_pull_request(number, head)
    assert github.slept == [1, 2, 4]
    github.github.faults = [Fault("/merge", 405, 2, {}, {"message": "Base branch was modified."})]
    github.world.required.remove("ci")
    github.forge.merge_pull_request(number, head)
    assert github.on_main() == "tag: 2\n"


def test_a_head_that_moves_at_the_last_moment_is_not_merged(github: GitHubPlace) -> None:
    number, head = github.approved()

    def push(_method: str, path: str) -> None:
        if path.endswith("/merge"):
            github.github.before = lambda _method, _path: None
            github.branch(text="tag: 3\n")

    github.github.before = push
    with pytest.raises(Conflict):
        github.forge.merge_pull_request(number, head)
    assert github.on_main() == "tag: 1\n"


def test_a_merge_whose_answer_was_lost_is_done_once(github: GitHubPlace) -> None:
    number, head = github.approved()
    github.github.faults = [Fault("/merge", done=True)]
    github.forge.merge_pull_request(number, head)
    assert len(github.github.asked("PUT")) == 1


def test_a_status_keeps_what_github_keeps_of_its_description(github: GitHubPlace) -> None:
    _, head = github.request()
    github.forge.set_status(head, Status("ci", "success", "ü" * 200))
    assert github.forge.pull_requests()[0].statuses == (Status("ci", "success", "ü" * 140),)
