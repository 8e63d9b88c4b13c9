"""What GitLab tells, and what the bot makes of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from bot.core.errors import Unavailable
from bot.core.models import Person, Status
from tests.forges.gitlab.fake import Fault
from tests.forges.gitlab.world import BOT
from tests.forges.place import labeller

if TYPE_CHECKING:
    from bot.core.models import PullRequest
    from tests.forges.gitlab.place import GitLabPlace

EVER = datetime(2000, 1, 1, tzinfo=UTC)


def only(place: GitLabPlace) -> PullRequest:
    """The one merge request, as a new process reads it."""
    [found] = place.again().pull_requests()
    return found


def verdicts(place: GitLabPlace) -> list[tuple[str, str, str]]:
    """Its reviews: author, state, commit."""
    return [review[:3] for review in only(place).reviews]


def test_an_approval_given_before_a_push_stays_with_the_old_commit(place: GitLabPlace) -> None:
    number, old = place.request()
    place.approve(number, "carol")
    place.branch(text="tag: 3\n")
    assert verdicts(place) == [("carol", "approved", old)]


def test_an_approval_at_the_very_moment_of_a_push_is_not_for_the_new_commit(place: GitLabPlace) -> None:
    number, old = place.request()
    new = place.branch(text="tag: 3\n")
    place.world.settle()
    request = place.world.requests[number]
    place.approve(number, "carol")
    request.approvals["carol"] = request.versions[-1][1]
    assert request.versions[-1][0] == new
    assert verdicts(place) == [("carol", "approved", old)]


def test_an_approval_without_a_time_is_for_no_commit(place: GitLabPlace) -> None:
    number, _ = place.request()
    place.approve(number, "carol")
    answer = b'{"approved_by": [{"user": {"username": "carol"}}]}'
    place.server.faults.append(("/approvals", Fault(200, (("Content-Type", "application/json"),), answer)))
    [review] = place.forge.pull_requests()[0].reviews
    assert review[:3] == ("carol", "approved", "")


def test_a_branch_that_came_back_to_an_approved_commit_is_approved(place: GitLabPlace) -> None:
    number, old = place.request()
    place.approve(number, "carol")
    new = place.branch(text="tag: 3\n")
    assert only(place).head == new
    place.git.push("bot/dev/shop", old, new)
    assert only(place).head == old
    assert verdicts(place) == [("carol", "approved", old)]


def test_who_wants_changes_is_told_after_an_approval_of_the_same_person(place: GitLabPlace) -> None:
    number, head = place.request()
    place.approve(number, "carol")
    place.request_changes(number, "carol")
    reviews = only(place).reviews
    assert [review.state for review in sorted(reviews, key=lambda r: r.time)] == ["approved", "changes_requested"]
    assert reviews[-1].commit == head


@pytest.mark.parametrize(
    ("name", "may_fail", "state"),
    [
        ("created", False, "pending"), ("running", False, "pending"), ("manual", False, "pending"),
        ("manual", True, "success"), ("success", False, "success"), ("skipped", False, "success"),
        ("failed", False, "failure"), ("failed", True, "success"), ("canceled", False, "failure"),
        ("running", True, "pending"), ("a state of the future", False, "pending"),
    ],
)  # fmt: skip
def test_jobs_have_one_of_three_states(place: GitLabPlace, name: str, may_fail: bool, state: str) -> None:
    _, head = place.request()
    place.status(head, "build", "pending")
    place.world.statuses[-1].update(status=name, allow_failure=may_fail)
    assert only(place).statuses == (Status("build", state, ""),)  # type: ignore[arg-type]  # a parameter is any text


def test_the_pipeline_of_a_merged_result_is_told_beside_the_heads_jobs(place: GitLabPlace) -> None:
    _, head = place.request()
    place.world.pipelines[head] = ("running", head)
    assert only(place).statuses == ()
    place.world.pipelines[head] = ("failed", "e" * 40)
    status = Status("gitlab/pipeline", "failure", "the pipeline of the merged result is failed")
    assert only(place).statuses == (status,)


def test_everything_is_read_however_small_the_pages(place: GitLabPlace) -> None:
    place.server.page_size = place.server.graph.size = 2
    numbers = [place.request(f"bot/dev/app{i}", f"tag: {i + 2}\n")[0] for i in range(5)]
    closed = [place.request(f"bot/old/app{i}", f"tag: {i + 9}\n")[0] for i in range(3)]
    for number in closed:
        place.close(number, "carol")
    ids = [place.comment(numbers[0], "carol", f"comment {i}") for i in range(7)]
    place.forge.comment(numbers[0], "status", "mine")
    place.forge.comment(numbers[0], "status", "edited")
    place.server.graph.size = 20
    found = {p.number: p for p in place.again().pull_requests()}
    assert sorted(found) == sorted(numbers + closed)
    assert found[numbers[0]].comments == {"status": "edited"}
    place.server.graph.size = 2
    assert [comment.id for comment in place.again().comments_since(EVER)] == ids


def test_an_answer_that_lacks_a_merge_request_is_no_answer(place: GitLabPlace) -> None:
    place.server.graph.size = 1
    for i in range(2):
        place.request(f"bot/dev/app{i}", f"tag: {i + 2}\n")
    with pytest.raises(Unavailable, match="lacks some"):
        place.forge.pull_requests()


def test_more_reactions_than_a_page_hide_neither_the_bots_own_nor_other_comments(place: GitLabPlace) -> None:
    number, _ = place.request()
    comment = place.comment(number, "alice", "/status")
    note = place.world.note(int(comment.removeprefix("note:")))
    note.awards.extend((f"emoji_{index}", "mallory") for index in range(250))
    place.forge.react(comment, "rocket")
    [said] = place.again().comments_since(EVER)
    assert said.reactions == {"rocket"}
    place.forge.react(comment, "rocket")
    assert note.awards.count(("rocket", BOT)) == 1


def test_many_people_may_have_written_a_merge_request(place: GitLabPlace) -> None:
    number, _ = place.request("feature/x")
    names = {f"writer-{index:03}" for index in range(250)}
    place.world.requests[number].committers.update(names)
    assert only(place).pushers == names


def test_labels_that_do_not_fit_on_a_page_are_not_guessed(place: GitLabPlace) -> None:
    number, _ = place.request()
    place.world.requests[number].labels = {f"label {i}" for i in range(101)}
    with pytest.raises(Unavailable):
        place.forge.pull_requests()


def test_a_merge_request_from_a_fork_or_into_another_branch_is_not_the_bots(place: GitLabPlace) -> None:
    place.branch()
    place.world.open("bot/dev/shop", "mallory", fork=True)
    place.world.open("bot/dev/shop", "mallory", target="staging")
    place.git.push("staging", place.git.head().sha, None)
    assert list(place.forge.pull_requests()) == []
    assert place.forge.open_pull_request("bot/dev/shop", "Title", "Body") == 3


def test_commands_in_issues_are_told(place: GitLabPlace) -> None:
    from tests.forges.gitlab.world import Issue

    place.world.issues[4] = Issue(4, place.world.tick())
    note = place.world.write(place.world.issues[4], "carol", "/status")
    [found] = place.forge.comments_since(EVER)
    assert found[:4] == (f"note:{note.id}", 4, "carol", "/status")
    assert not found.on_pull_request
    place.forge.react(found.id, "rocket")
    assert place.forge.comments_since(EVER)[0].reactions == {"rocket"}


def test_an_issue_is_answered_and_not_the_merge_request_of_the_same_number(place: GitLabPlace) -> None:
    from tests.forges.gitlab.world import Issue

    number, _ = place.request()
    place.world.issues[number] = Issue(number, place.world.tick())
    for text in ("first", "second"):
        place.forge.comment(number, "reply-1", text, on_issue=True)
    assert [note.body.partition("\n")[2] for note in place.world.issues[number].notes] == ["second"]
    assert place.texts(number) == []


@pytest.mark.parametrize(
    ("level", "permission"),
    [(5, "none"), (10, "read"), (15, "read"), (20, "read"), (30, "write"), (40, "admin"), (50, "admin")],
)
def test_roles_are_permissions(place: GitLabPlace, level: int, permission: str) -> None:
    place.world.member("carol", level)
    assert place.forge.person("Carol").permission == permission


def test_a_blocked_member_has_no_permission(place: GitLabPlace) -> None:
    place.person("carol", "admin", ["acme/ops"])
    place.world.users["carol"]["state"] = "blocked"
    assert place.forge.person("carol", frozenset({"acme/ops"})) == Person("none")


def test_a_group_that_the_bot_cannot_see_is_not_an_empty_one(place: GitLabPlace) -> None:
    place.person("carol", "write")
    with pytest.raises(Unavailable, match="acme/hidden"):
        place.forge.person("carol", frozenset({"acme/hidden"}))


def test_a_look_at_nothing_new_takes_few_requests(place: GitLabPlace) -> None:
    for i in range(50):
        number, _ = place.request(f"bot/prod/app{i}", f"tag: {i}\n")
        place.world.requests[number].state = "closed"
    forge = place.again()
    forge.pull_requests()
    place.server.seen.clear()
    forge.pull_requests()
    forge.comments_since(place.world.tick())
    forge.deployments()
    assert len(place.server.seen) <= 3, place.server.seen


def test_what_was_closed_is_read_again_only_when_it_changed(place: GitLabPlace) -> None:
    number, _ = place.request()
    place.close(number, "carol")
    place.forge.pull_requests()
    place.forge.comment(number, "closed", "Open it again to go on.")
    assert place.forge.pull_requests()[0].comments == {"closed": "Open it again to go on."}
    place.world.requests[number].title, place.world.requests[number].updated = "By hand", place.world.tick()
    assert place.forge.pull_requests()[0].title == "By hand"
    place.world.requests[number].state = "opened"
    assert place.forge.pull_requests()[0].state == "open"


def test_the_bots_own_name_comes_along_with_the_merge_requests(place: GitLabPlace) -> None:
    place.request()
    forge = place.again()
    forge.pull_requests()
    place.server.seen.clear()
    assert forge.own_name() == BOT
    assert place.server.seen == []
    assert place.again().own_name() == BOT
    assert place.server.seen == ["GET /api/v4/user"]


def test_who_labelled_is_found_on_whatever_page(place: GitLabPlace) -> None:
    number, _ = place.request()
    for index in range(7):
        place.label(number, "dave", "other", present=index % 2 == 0)
    place.label(number, "carol", "hotfix")
    place.server.page_size = 3
    assert labeller(place.forge, number, "hotfix") == "carol"
    place.server.faults += [("page=2", Fault(500)) for _ in range(4)]
    with pytest.raises(Unavailable):
        place.forge.labelled_by(number, "hotfix")


def test_a_label_that_was_renamed_since_was_put_on_by_nobody(place: GitLabPlace) -> None:
    number, _ = place.request()
    place.label(number, "carol", "urgent")
    place.world.rename_label("urgent", "hotfix")
    assert only(place).labels == {"hotfix"}
    assert place.forge.labelled_by(number, "hotfix") is None
    place.label(number, "carol", "hotfix", present=False)
    place.label(number, "carol", "hotfix")
    assert labeller(place.forge, number, "hotfix") == "carol"


@pytest.mark.parametrize("gone", ["user", "label"])
def test_of_an_account_or_a_label_that_is_gone_nobody_knows(place: GitLabPlace, gone: str) -> None:
    number, _ = place.request()
    place.label(number, "carol", "hotfix")
    place.world.requests[number].label_events[-1][gone] = None
    assert place.forge.labelled_by(number, "hotfix") is None
