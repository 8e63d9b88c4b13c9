"""The GitHub forge beyond the contract: who it is, what it costs, and what it makes of GitHub's moods."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bot.core.errors import BotError, Conflict, NotFound, Refused, Unauthorised, Unavailable
from bot.core.models import Deployment, Person, Review, Status
from bot.forges.github import GitHubForge
from bot.forges.github_api import Broken
from bot.forges.github_auth import token_access
from tests.forges.github.fake import Fault
from tests.forges.github.place import GitHubPlace
from tests.forges.github.world import BOT, TOKEN, Check
from tests.forges.place import APPROVED, START

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def github(tmp_path: Path) -> Iterator[GitHubPlace]:
    """A place with a fake GitHub."""
    place = GitHubPlace(tmp_path)
    yield place
    place.stop()


def many(github: GitHubPlace, count: int) -> None:
    """Branches and open pull requests of so many applications."""
    head = github.branch("bot/dev/a0")
    for number in range(count):
        github.world.run("update-ref", f"refs/heads/bot/dev/a{number}", head)
        github.world.open(BOT, f"bot/dev/a{number}", f"Application {number}", "")


def test_a_run_with_nothing_to_do_asks_at_most_eight_times_for_fifty_applications(github: GitHubPlace) -> None:
    many(github, 50)
    for number in range(1, 51):
        github.comment(number, "carol", "/status")
        github.world.statuses.setdefault(github.world.pulls[number].head, {})["ci"] = ("success", "")
    old = github.world.open(BOT, "bot/prod/a", "Closed", "")
    old.state = "CLOSED"
    forge = github.again()
    assert len(forge.pull_requests()) == 51
    assert len(forge.comments_since(START)) == 50
    forge.deployments()
    assert len(github.github.seen) <= 6, "two more are for an App: its installation and its token"


def test_lists_of_several_pages_are_read_to_the_end(github: GitHubPlace) -> None:
    many(github, 60)
    for number in range(130):
        closed = github.world.open(BOT, f"bot/old/b{number}", "Closed", "")
        closed.state = "CLOSED"
        github.world.issue("carol")
        github.world.record(f"env-{number:03}", closed.head, "").states.append("success")
    found = github.forge.pull_requests()
    assert [p.title for p in found if p.state == "open"] == [f"Application {number}" for number in range(60)]
    assert len([p for p in found if p.state == "closed"]) == 130
    assert len(github.forge.deployments()) == 130
    ids = [github.world.say(number, "carol", "/status").id for number in github.world.pulls]
    assert [comment.id for comment in github.forge.comments_since(START)] == ids


def test_long_lists_inside_of_a_pull_request_are_read_to_the_end(github: GitHubPlace) -> None:
    number, head = github.request()
    github.forge.comment(number, "first", "the oldest")
    for index in range(130):
        github.comment(number, "carol", f"comment {index}")
        github.discuss(number, "dave", f"review {index}")
        github.status(head, f"ci/{index}", "success")
    github.approve(number, "erin")
    github.forge.comment(number, "last", "the newest")
    [found] = github.again().pull_requests()
    assert found.comments == {"first": "the oldest", "last": "the newest"}
    assert (len(found.reviews), found.reviews[-1].author) == (131, "erin")
    assert len(found.statuses) == 130
    assert len(github.forge.comments_since(START)) == 260


def test_what_is_said_while_the_pages_are_read_is_not_lost(github: GitHubPlace) -> None:
    many(github, 110)
    for number in range(1, 111):
        github.comment(number, "carol", "/status")
    asked: list[str] = []

    def speak(_method: str, path: str) -> None:
        asked.append(path)
        if len(asked) == 2:  # what was to be on the second page moves to the front, which was read
            github.comment(1, "carol", "/promote prod")

    github.github.before = speak
    bodies = [comment.body for comment in github.forge.comments_since(START)]
    assert (len(bodies), bodies[-1]) == (111, "/promote prod")


def test_a_branch_of_a_fork_or_into_another_branch_is_not_the_bots(github: GitHubPlace) -> None:
    github.alice.push({"x": "1"}, branch="release")
    github.branch()
    github.world.open("mallory", "bot/dev/shop", "From a fork", "", fork=True)
    github.world.open("alice", "bot/dev/shop", "Into a release", "", base="release")
    assert github.forge.pull_requests() == ()
    number, _ = github.request()
    assert [p.number for p in github.forge.pull_requests()] == [number]


def test_reviews_tell_state_author_and_commit(github: GitHubPlace) -> None:
    number, old = github.request()
    github.approve(number, "carol")
    github.world.review(number, BOT, "PENDING", "not sent yet")
    new = github.branch(text="tag: 3\n")
    github.request_changes(number, "dave")
    github.dismiss(number, "dave")
    github.world.review(number, "", "APPROVED").commit = ""
    [found] = github.forge.pull_requests()
    shown = [(review.author, review.state, review.commit) for review in found.reviews]
    assert shown == [("carol", "approved", old), ("dave", "dismissed", new), ("ghost", "approved", "")]
    assert all(isinstance(review, Review) and review.time.utcoffset() is not None for review in found.reviews)
    assert found.author == BOT


@pytest.mark.parametrize(
    ("status", "conclusion", "state"),
    [
        ("QUEUED", None, "pending"),
        ("IN_PROGRESS", None, "pending"),
        ("COMPLETED", "SUCCESS", "success"),
        ("COMPLETED", "NEUTRAL", "success"),
        ("COMPLETED", "SKIPPED", "success"),
        ("COMPLETED", "CANCELLED", "failure"),
        ("COMPLETED", "ACTION_REQUIRED", "failure"),
        ("COMPLETED", "STALE", "failure"),
        ("COMPLETED", None, "failure"),
    ],
)
def test_a_check_run_is_a_status(github: GitHubPlace, status: str, conclusion: str | None, state: str) -> None:
    _, head = github.request()
    github.world.checks[head] = [Check("test", status, conclusion, "3 tests")]
    [found] = github.forge.pull_requests()
    assert [tuple(each) for each in found.statuses] == [("test", state, "3 tests")]


def test_the_check_runs_of_the_bots_own_workflow_are_left_out(github: GitHubPlace) -> None:
    _, head = github.request()
    own, other = Check("run", "IN_PROGRESS", workflow="gitops.yml"), Check("ci", "QUEUED", workflow="ci.yml")
    github.world.checks[head] = [own, other, Check("app", "QUEUED")]
    [found] = github.again(own_workflow="gitops.yml").pull_requests()
    assert [status.context for status in found.statuses] == ["ci", "app"]
    assert [status.context for status in github.forge.pull_requests()[0].statuses] == ["run", "ci", "app"]


def test_a_comment_that_was_saved_in_a_browser_is_read_the_same(github: GitHubPlace) -> None:
    number, _ = github.request()
    github.forge.comment(number, "status", "one\ntwo\n")
    said = github.world.pulls[number].comments[0]
    said.body = said.body.replace("\n", "\r\n")
    assert github.forge.pull_requests()[0].comments == {"status": "one\ntwo\n"}
    github.forge.comment(number, "status", "one\ntwo\n")
    assert github.github.asked("PATCH") == []


def test_texts_longer_than_github_takes_are_refused_before_they_are_sent(github: GitHubPlace) -> None:
    number, _ = github.request()
    with pytest.raises(Refused, match="65536"):
        github.forge.comment(number, "diff", "x" * 1_000_000)
    with pytest.raises(Refused, match="65536"):
        github.forge.update_pull_request(number, "Title", "x" * 65_537)
    assert github.texts(number) == []
    github.forge.update_pull_request(number, "Title", "ü" * 65_536)


def test_texts_that_are_no_unicode_are_kept_as_far_as_they_are(github: GitHubPlace) -> None:
    number, _ = github.request()
    github.forge.comment(number, "diff", "file \udcff")
    assert github.forge.pull_requests()[0].comments == {"diff": "file ?"}


@pytest.mark.parametrize(
    ("role", "permission"), [("maintain", "write"), ("triage", "read"), ("admin", "admin"), ("read", "read")]
)
def test_a_role_is_what_it_may_do(github: GitHubPlace, role: str, permission: str) -> None:
    github.world.people["Carol"] = role
    assert github.forge.person("carol").permission == permission


def test_who_is_only_invited_to_a_team_is_not_in_it(github: GitHubPlace) -> None:
    github.person("carol", "write", ["acme/ops"])
    github.world.teams["acme/ops"]["carol"] = "pending"
    assert github.forge.person("carol", frozenset({"acme/ops", "no-team", "acme/../ops"})) == Person("write")


def test_asking_again_for_the_same_person_is_free_of_charge(github: GitHubPlace) -> None:
    github.person("carol", "admin")
    assert github.forge.person("carol") == github.forge.person("carol") == Person("admin")
    assert [seen.status for seen in github.github.asked("/permission")] == [200, 304]
    github.person("carol", "read")
    assert github.forge.person("carol") == Person("read")


def test_who_cannot_be_asked_for_a_review_is_left_out(github: GitHubPlace) -> None:
    number, _ = github.request()
    github.person("carol", "write", ["acme/ops"])
    github.forge.request_reviews(number, ["stranger", "carol", BOT], ["acme/none", "acme/ops"])
    assert github.reviewers(number) == {"carol"}
    assert github.world.pulls[number].team_reviewers == {"ops"}


def test_a_label_comes_off_only_where_there_is_a_pull_request(github: GitHubPlace) -> None:
    with pytest.raises(NotFound):
        github.forge.set_label(4242, "hold", present=False)


def test_a_deployment_that_was_left_without_a_state_gets_it(github: GitHubPlace) -> None:
    head = github.git.head().sha
    github.world.record("prod", head, "shop 1")
    assert github.forge.deployments() == {}
    github.forge.set_deployment(Deployment("prod", head, "shop 1"))
    assert github.forge.deployments() == {"prod": Deployment("prod", head, "shop 1")}
    assert github.deployment_records("prod") == 1


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
