"""The local forge: people and the bot share one file, and git has the last word on what is merged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.core.errors import Conflict, NotFound, Refused
from bot.core.models import Deployment, Person, Review
from bot.forges.local import Comment
from tests.forges.place import APPROVED, labeller
from tests.git_remote import run

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.git import Git
    from tests.forges.local_place import LocalPlace


def test_a_review_is_of_the_head_that_was_there(local: LocalPlace) -> None:
    number, old = local.request()
    local.forge.approve(number, "Alice")
    new = local.branch(text="tag: 3\n")
    local.forge.request_changes(number, "bob")
    reviews = local.forge.pull_request(number).request.reviews
    assert [review[:3] for review in reviews] == [("alice", "approved", old), ("bob", "changes_requested", new)]
    assert isinstance(reviews[0], Review)
    assert reviews[0].time.utcoffset() is not None


def test_a_review_for_another_head_than_the_present_one_is_a_conflict(local: LocalPlace) -> None:
    number, seen = local.request()
    local.forge.approve(number, "alice", head=seen)
    new = local.branch(text="tag: 3\n")
    for review in (local.forge.approve, local.forge.request_changes):
        with pytest.raises(Conflict, match=new):
            review(number, "bob", head=seen)
    assert [r.author for r in local.forge.pull_request(number).request.reviews] == ["alice"]


def test_nobody_reviews_their_own_pull_request(local: LocalPlace) -> None:
    number, _ = local.request()
    for review in (local.forge.approve, local.forge.request_changes):
        with pytest.raises(Refused) as error:
            review(number, "GitOps-Bot")
        assert error.value.reason_code == "own_pull_request"
    assert local.forge.pull_request(number).request.reviews == ()


@pytest.mark.parametrize("name", ["", "[bot]", "-alice", "alice bob", "ali\nce", "../x", "älice", "a" * 64, "alice\n"])
def test_names_of_people_are_plain(local: LocalPlace, name: str) -> None:
    number, head = local.approved()
    actions: list[Callable[[], object]] = [
        lambda: local.forge.approve(number, name),
        lambda: local.forge.add_comment(number, name, "x"),
        lambda: local.forge.close(number, name),
        lambda: local.forge.merge(number, name, head),
    ]
    for action in actions:
        with pytest.raises(Refused) as error:
            action()
        assert error.value.reason_code == "bad_name"
    assert local.forge.pull_request(number).state == "open"


def test_nobody_speaks_as_the_bot(local: LocalPlace) -> None:
    number, head = local.approved()
    with pytest.raises(Refused) as error:
        local.forge.add_comment(number, "gitops-bot", "x")
    assert error.value.reason_code == "reserved_name"
    with pytest.raises(Refused):
        local.forge.merge(number, "GITOPS-BOT", head)


def test_all_that_was_said_is_kept_in_order_and_names_its_author(local: LocalPlace) -> None:
    number, _ = local.request()
    local.forge.add_comment(number, "Alice", "/promote \udcff")
    local.forge.comment(number, "reply", "done")
    local.forge.approve(number, "Carol")
    review = local.forge.approve(number, "Carol", "Fine")
    local.forge.react(review, "eyes")
    local.forge.close(number, "bob")
    comments = local.forge.comments(number)
    assert isinstance(comments[0], Comment)
    assert [(comment.author, comment.body, comment.key) for comment in comments] == [
        ("alice", "/promote ?", None),
        ("gitops-bot", "done", "reply"),
        ("carol", "Fine", None),
        ("bob", "Closed.", None),
    ]
    assert {comment.id: comment.reactions for comment in comments if comment.reactions} == {review: {"eyes"}}
    assert local.forge.pull_request(number).state == "closed"


def test_people_edit_what_is_theirs_and_nothing_else(local: LocalPlace) -> None:
    number, _ = local.request()
    comment = local.forge.add_comment(number, "alice", "/status")
    with pytest.raises(Refused) as error:
        local.forge.edit_comment(comment, "mallory", "/promote prod")
    assert error.value.reason_code == "not_yours"
    local.forge.edit_comment(comment, "Alice", "/status")
    assert not local.forge.user_comment(comment).edited
    local.forge.edit_comment(comment, "Alice", "/diff prod")
    assert local.forge.user_comment(comment)[3] == "/diff prod"
    assert local.forge.user_comment(comment).edited


@pytest.mark.parametrize("comment", ["", "1", "comment:", "comment:2", "comment:01", "pull_requests:1", "comment:1 "])
def test_a_comment_that_is_not_there_is_named(local: LocalPlace, comment: str) -> None:
    number, _ = local.request()
    local.forge.add_comment(number, "alice", "/status")
    actions: list[Callable[[], object]] = [
        lambda: local.forge.react(comment, "eyes"),
        lambda: local.forge.edit_comment(comment, "alice", "x"),
        lambda: local.forge.user_comment(comment),
    ]
    for action in actions:
        with pytest.raises(NotFound, match="there is no comment"):
            action()
    assert [(c.body, c.reactions) for c in local.forge.comments(number)] == [("/status", frozenset())]


def test_everyone_may_write_unless_something_else_was_said(local: LocalPlace) -> None:
    assert local.forge.person("somebody", frozenset({"acme/ops"})) == Person("write")
    local.forge.set_person("Somebody", "read", ["Acme/Ops"])
    assert local.forge.person("SOMEBODY", frozenset({"acme/ops"})) == Person("read", frozenset({"acme/ops"}))
    assert local.forge.person("gitops-bot") == Person("none")


def test_teams_that_hold_somebody_are_asked_for_a_review(local: LocalPlace) -> None:
    number, _ = local.request()
    local.forge.set_person("carol", "write", ["acme/ops"])
    local.forge.set_person("mallory", "none")
    for _ in range(2):
        local.forge.request_reviews(number, ["Dave", "mallory", "gitops-bot"], ["Acme/Ops", "acme/nobody"])
    assert local.forge.pull_request(number).reviewers == {"dave", "acme/ops"}


def test_a_branch_without_commits_of_its_own_gets_no_pull_request(local: LocalPlace) -> None:
    local.git.push("bot/dev/shop", local.git.head().sha, None)
    with pytest.raises(Refused) as error:
        local.forge.open_pull_request("bot/dev/shop", "Title", "Body")
    assert error.value.reason_code == "nothing_to_merge"


def test_a_number_that_is_not_there_is_named(local: LocalPlace) -> None:
    actions: list[Callable[[], object]] = [
        lambda: local.forge.pull_request(7),
        lambda: local.forge.comments(7),
        lambda: local.forge.approve(7, "alice"),
        lambda: local.forge.update_pull_request(7, "", ""),
        lambda: local.forge.close_pull_request(7),
        lambda: local.forge.merge_pull_request(7, "0" * 40),
        lambda: local.forge.comment(7, "key", "x"),
        lambda: local.forge.set_label(7, "hold", present=True),
        lambda: local.forge.request_reviews(7, ["alice"]),
    ]
    for action in actions:
        with pytest.raises(NotFound, match="no pull request #7"):
            action()


def test_a_status_and_a_deployment_need_a_commit(local: LocalPlace) -> None:
    with pytest.raises(NotFound):
        local.forge.set_status("1" * 40, APPROVED)
    with pytest.raises(NotFound):
        local.forge.set_deployment(Deployment("dev/shop", "1" * 40, "shop 1.0.0"))
    assert local.forge.deployments() == {}


def test_a_person_who_merges_is_named_in_the_commit_and_in_the_list(local: LocalPlace) -> None:
    number, head = local.approved()
    local.forge.merge(number, "Alice", head)
    [found] = local.forge.all_pull_requests()
    assert (found.state, found.request.state, found.merged_by) == ("merged", "closed", "alice")
    assert found.merge_commit == local.alice.on("main")
    message = local.git.head().message
    assert message == f"Merge pull request #{number} from bot/dev/shop\n\nTitle\n\nMerged-by: alice"
    assert local.alice.on("bot/dev/shop") == ""


def test_a_person_needs_the_approval_status_too(local: LocalPlace) -> None:
    number, head = local.request()
    with pytest.raises(Refused, match="the bot has not looked at it yet") as error:
        local.forge.merge(number, "alice", head)
    assert error.value.reason_code == "needs_approval"
    local.forge.set_status(head, APPROVED._replace(state="pending", description="1 of 2 approvals"))
    with pytest.raises(Refused, match="1 of 2 approvals"):
        local.forge.merge(number, "alice", head)
    assert local.forge.pull_request(number).merged_by is None


def test_a_merged_or_closed_one_is_not_reviewed_or_merged(local: LocalPlace) -> None:
    merged, head = local.approved()
    local.forge.merge(merged, "alice", head)
    closed, other = local.approved("bot/dev/b", text="tag: 5\n")
    local.forge.close(closed, "alice")
    actions: list[Callable[[], object]] = [
        lambda: local.forge.approve(merged, "bob"),
        lambda: local.forge.merge(closed, "bob", other),
    ]
    for action in actions:
        with pytest.raises(Refused) as error:
            action()
        assert error.value.reason_code == "closed_pull_request"


class Killed(BaseException):
    """Stands for the end of the process."""


def _kill(git: Git, monkeypatch: pytest.MonkeyPatch, step: int, after: bool) -> None:
    """End the process at its `step`th push from now on, before or after it is done."""
    real, count = git.push, 0

    def push(branch: str, commit: str | None, expected: str | None) -> None:
        nonlocal count
        count += 1
        if count == step and not after:
            raise Killed
        real(branch, commit, expected)
        if count == step:
            raise Killed

    monkeypatch.setattr(git, "push", push)


@pytest.mark.parametrize(
    ("step", "after", "done"), [(1, False, False), (1, True, True), (2, False, True), (2, True, True)]
)
def test_a_merge_killed_between_its_steps_is_found_and_finished(
    local: LocalPlace, monkeypatch: pytest.MonkeyPatch, step: int, after: bool, done: bool
) -> None:
    number, head = local.approved()
    with monkeypatch.context() as patch:
        _kill(local.git, patch, step, after)
        with pytest.raises(Killed):
            local.forge.merge(number, "alice", head)
    other = local.local(local.copy("another cache"))
    found = other.pull_request(number)
    assert (found.state, found.merged_by) == (("merged", "alice") if done else ("open", None))
    assert [p.number for p in other.pull_requests()] == ([] if done else [number])
    main = local.alice.on("main")
    other.merge(number, "bob", head)
    assert (local.alice.on("main") == main) is done
    assert other.pull_request(number).merge_commit == local.alice.on("main")
    assert other.pull_request(number).merged_by == ("alice" if done else "bob")
    assert local.alice.on("bot/dev/shop") == ""
    assert run(local.alice.remote, "rev-list", "--count", "--merges", "main") == "1"


def test_a_merge_that_lost_the_race_is_not_taken_for_done(local: LocalPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    number, head = local.approved()
    real = local.git.push

    def push(branch: str, commit: str | None, expected: str | None) -> None:
        local.alice.push({"envs/dev/b.yaml": "tag: 7\n"})
        real(branch, commit, expected)

    with monkeypatch.context() as patch:
        patch.setattr(local.git, "push", push)
        with pytest.raises(Conflict):
            local.forge.merge(number, "alice", head)
    assert local.forge.pull_request(number).state == "open"
    local.alice.git("fetch", "-q", "origin")
    local.alice.git("checkout", "-q", "--detach", "origin/main")
    local.alice.git("merge", "-q", "--no-ff", "-m", "by hand", "origin/bot/dev/shop")
    local.alice.git("push", "-q", "origin", "HEAD:main")
    found = local.forge.pull_request(number)
    assert (found.state, found.merge_commit, found.merged_by) == ("merged", None, None)


def test_commits_that_came_after_the_merge_are_not_deleted(local: LocalPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    number, head = local.approved()
    real = local.git.push

    def push(branch: str, commit: str | None, expected: str | None) -> None:
        if commit is None:
            local.alice.push({"late": "1"}, branch="bot/dev/shop")
        real(branch, commit, expected)

    monkeypatch.setattr(local.git, "push", push)
    local.forge.merge(number, "alice", head)
    assert local.forge.pull_request(number).state == "merged"
    assert local.alice.on("bot/dev/shop") not in ("", head)


def test_pull_requests_are_unknown_when_the_repository_is_gone(local: LocalPlace) -> None:
    local.request()
    local.alice.remote.rename(local.folder / "elsewhere")
    with pytest.raises(NotFound, match="no git repository"):
        local.forge.pull_requests()
    (local.folder / "elsewhere").rename(local.alice.remote)
    assert local.forge.pull_requests()[0].state == "open"


def test_a_label_is_one_line_on_an_open_pull_request(local: LocalPlace) -> None:
    number, _ = local.request()
    local.forge.label(number, "Alice", "  hotfix ")
    assert labeller(local.forge, number, "hotfix") == "alice"
    for bad in ("", " ", "a\nb", "\u202ehold", "x" * 51):
        with pytest.raises(Refused) as error:
            local.forge.label(number, "alice", bad)
        assert error.value.reason_code == "bad_label"
    for name in ("gitops-bot", "a b"):
        with pytest.raises(Refused):
            local.forge.label(number, name, "hotfix")
    local.forge.close_pull_request(number)
    with pytest.raises(Refused) as error:
        local.forge.label(number, "alice", "hotfix", present=False)
    assert error.value.reason_code == "closed_pull_request"
    assert local.forge.pull_request(number).request.labels == {"hotfix"}
