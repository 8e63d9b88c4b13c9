"""The GitHub forge beyond the contract: what it reads, to the end, what it costs, and whom it asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.core.errors import NotFound, Refused, Unavailable
from bot.core.models import Deployment, Person, Review
from tests.forges.github.fake import Fault
from tests.forges.github.world import BOT, TOKEN, Check
from tests.forges.place import START, labeller

if TYPE_CHECKING:
    from tests.forges.github.place import GitHubPlace


def many(github: GitHubPlace, count: int) -> None:
    """Branches and open pull requests of so many applications."""
    head = github.branch("bot/dev/a0")
    for number in range(count):
        github.world.run("update-ref", f"refs/heads/bot/dev/a{number}", head)
        github.world.open(BOT, f"bot/dev/a{number}", f"Application {number}", "")


def test_an_early_author_is_not_hidden_behind_many_commits(github: GitHubPlace) -> None:
    number, _ = github.request("feature/x")
    names = {f"writer-{index:03}" for index in range(170)}
    github.world.pulls[number].committers.update(names)
    [found] = github.again().pull_requests()
    assert found.pushers == names


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
    assert [(p.number, p.own) for p in github.forge.pull_requests()] == [(1, False)]
    number, _ = github.request()
    assert [p.number for p in github.forge.pull_requests() if p.own] == [number]


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


def test_a_command_on_an_issue_is_answered_there(github: GitHubPlace) -> None:
    issue = github.world.issue("alice")
    for body in ("Nothing runs.", "Shop runs."):
        github.forge.comment(issue.number, "answer", body)
    ((author, text),) = github.texts(issue.number)
    assert author == BOT
    assert text.endswith("Shop runs.")
    with pytest.raises(NotFound):
        github.forge.comment(4242, "answer", "Nobody is there.")


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


def test_the_bots_own_name_comes_along_with_the_pull_requests(github: GitHubPlace) -> None:
    github.request()
    github.world.tokens[TOKEN] = "acme-flow[bot]"
    forge = github.again()
    forge.pull_requests()
    before = len(github.github.seen)
    assert forge.own_name() == "acme-flow[bot]"
    assert len(github.github.seen) == before
    assert github.again().own_name() == "acme-flow[bot]"


def test_who_labelled_is_found_however_much_came_after(github: GitHubPlace) -> None:
    number, _ = github.request()
    github.label(number, "carol", "hotfix")
    for index in range(230):
        github.label(number, "dave", "other", present=index % 2 == 0)
    github.github.seen.clear()
    assert labeller(github.forge, number, "hotfix") == "carol"
    assert len(github.github.seen) == 3
    github.label(number, "erin", "hotfix", present=False)
    github.github.seen.clear()
    assert github.forge.labelled_by(number, "hotfix") is None
    assert len(github.github.seen) == 1
    github.label(number, "carol", "hotfix")
    for _ in range(60):
        github.label(number, "dave", "other")
        github.label(number, "dave", "other", present=False)
    github.github.faults = [Fault("graphql", status=500, times=99, after=1)]
    with pytest.raises(Unavailable):
        github.forge.labelled_by(number, "hotfix")


def test_a_label_that_was_renamed_since_was_put_on_by_nobody(github: GitHubPlace) -> None:
    number, _ = github.request()
    github.label(number, "carol", "urgent")
    github.world.rename_label("urgent", "hotfix")
    assert github.forge.pull_requests()[0].labels == {"hotfix"}
    assert github.forge.labelled_by(number, "hotfix") is None
    github.label(number, "carol", "hotfix", present=False)
    github.label(number, "carol", "hotfix")
    assert labeller(github.forge, number, "hotfix") == "carol"
    github.world.label_changes.clear()
    assert labeller(github.forge, number, "hotfix") == "carol", "it was never changed"


@pytest.mark.parametrize(("by", "kind"), [("", "User"), ("carol", "Mannequin"), ("acme", "Organization")])
def test_an_account_that_is_gone_or_no_persons_has_put_nothing_on(github: GitHubPlace, by: str, kind: str) -> None:
    number, _ = github.request()
    github.world.label(number, by, "hotfix", put_on=True, kind=kind)
    assert github.forge.labelled_by(number, "hotfix") is None
