"""What every forge does alike, whoever provides it: pull requests, their statuses, labels, merges."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.core.errors import Conflict, NotFound, Refused
from bot.core.models import Status
from tests.forges.place import APPROVED, labeller

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Literal

    from tests.forges.place import Place

STATES: tuple[Literal["pending", "success", "failure"], ...] = ("failure", "pending", "success", "pending", "failure")


def states(place: Place) -> dict[int, str]:
    """What is listed, and in which state."""
    return {pull_request.number: pull_request.state for pull_request in place.forge.pull_requests()}


def labels(place: Place) -> dict[int, frozenset[str]]:
    """The labels of each."""
    return {pull_request.number: pull_request.labels for pull_request in place.again().pull_requests()}


def test_a_new_repository_has_no_pull_requests(place: Place) -> None:
    assert list(place.forge.pull_requests()) == []


def test_an_opened_pull_request_is_listed_with_its_head(place: Place) -> None:
    number, head = place.request()
    [found] = place.forge.pull_requests()
    assert (found.number, found.branch, found.head, found.state) == (number, "bot/dev/shop", head, "open")
    assert (found.title, found.body) == ("Title", "Body")


def test_opening_twice_adopts_the_open_one(place: Place) -> None:
    number, _ = place.request()
    for forge in (place.forge, place.again()):
        assert forge.open_pull_request("bot/dev/shop", "Other", "Other") == number
    [found] = place.forge.pull_requests()
    assert (found.title, found.body) == ("Title", "Body")


def test_a_branch_that_is_not_there_has_no_pull_request(place: Place) -> None:
    with pytest.raises(NotFound):
        place.forge.open_pull_request("bot/dev/none", "Title", "Body")
    assert list(place.forge.pull_requests()) == []


def test_a_branch_of_others_is_listed_while_its_pull_request_is_open_and_is_not_the_bots(place: Place) -> None:
    number, head = place.request("feature/x")
    own, _ = place.request()
    place.comment(number, "bob", "I look at it.")
    place.forge.comment(number, "review", "text")
    place.approve(number, "carol")
    place.status(head, "ci", "pending")
    for forge in (place.forge, place.again()):
        found = {p.number: p for p in forge.pull_requests()}
        assert {n: p.own for n, p in found.items()} == {number: False, own: True}
        other = found[number]
        assert (other.branch, other.head, other.comments) == ("feature/x", head, {})
        assert [(r.author, r.state, r.commit) for r in other.reviews] == [("carol", "approved", head)]
        assert [(s.context, s.state) for s in other.statuses] == [("ci", "pending")]
    place.close(number, "bob")
    assert states(place) == {own: "open"}


def test_whose_commits_a_pull_request_of_others_holds_is_told_where_the_forge_knows(place: Place) -> None:
    number, _ = place.request("feature/x")
    assert place.forge.pull_requests()[0].pushers == frozenset()
    place.wrote(number, "bob")
    assert place.forge.pull_requests()[0].pushers == ({"bob"} if place.knows_committers else set())


def test_a_rewritten_branch_moves_the_head_and_keeps_the_number(place: Place) -> None:
    number, old = place.request()
    new = place.branch(text="tag: 3\n")
    assert [(p.number, p.head) for p in place.forge.pull_requests()] == [(number, new)]
    assert new != old


@pytest.mark.parametrize("body", ["", "ü 日本 \U0001f680", "Two\n\n- lines\n<!-- gitops-bot release=0 -->\n"])
def test_title_and_body_can_be_set_again_and_stay_as_they_are(place: Place, body: str) -> None:
    number, _ = place.request()
    for _ in range(2):
        place.forge.update_pull_request(number, "New title: ü 日本", body)
    [found] = place.forge.pull_requests()
    assert (found.title, found.body) == ("New title: ü 日本", body)


def test_a_pull_request_that_is_not_there_is_not_found(place: Place) -> None:
    actions: list[Callable[[], object]] = [
        lambda: place.forge.update_pull_request(4242, "Title", "Body"),
        lambda: place.forge.close_pull_request(4242),
        lambda: place.forge.comment(4242, "status", "text"),
        lambda: place.forge.merge_pull_request(4242, "0" * 40),
        lambda: place.forge.labelled_by(4242, "hotfix"),
    ]
    for action in actions:
        with pytest.raises(NotFound):
            action()


def test_closing_twice_closes_once_and_the_newest_closed_one_is_listed(place: Place) -> None:
    first, _ = place.request()
    place.forge.close_pull_request(first)
    place.forge.close_pull_request(first)
    second, head = place.request(text="tag: 3\n")
    place.forge.close_pull_request(second)
    assert [(p.number, p.state, p.head) for p in place.forge.pull_requests()] == [(second, "closed", head)]
    third, _ = place.request(text="tag: 4\n")
    assert states(place) == {second: "closed", third: "open"}


def test_of_each_branch_the_newest_that_was_closed_unmerged_is_listed(place: Place) -> None:
    closed, _ = place.request()
    place.close(closed, "carol")
    assert states(place) == {closed: "closed"}
    merged, head = place.approved()
    place.forge.merge_pull_request(merged, head)
    other, _ = place.request("bot/prod/shop", "tag: 3\n")
    place.close(other, "carol")
    assert states(place) == {closed: "closed", other: "closed"}


def test_a_closed_one_keeps_the_head_it_was_closed_at(place: Place) -> None:
    number, head = place.request()
    place.forge.close_pull_request(number)
    place.branch(text="tag: 3\n")
    assert place.forge.pull_requests()[0].head == head


def test_a_status_belongs_to_its_commit(place: Place) -> None:
    _, old = place.request()
    status = Status("gitops-bot/approval", "pending", "0 of 1 approvals → " + "ü" * 100)
    place.forge.set_status(old, status)
    assert place.forge.pull_requests()[0].statuses == (status,)
    place.branch(text="tag: 3\n")
    assert place.forge.pull_requests()[0].statuses == ()


def test_a_status_can_be_set_to_anything_again_and_again(place: Place) -> None:
    _, head = place.request()
    for state in STATES:
        status = Status("gitops-bot/approval", state, f"It is {state}")
        for _ in range(2):
            place.forge.set_status(head, status)
        assert place.again().pull_requests()[0].statuses == (status,)


def test_statuses_of_others_stand_beside_the_bots(place: Place) -> None:
    _, head = place.request()
    place.forge.set_status(head, APPROVED)
    place.status(head, "ci/test", "pending")
    place.status(head, "ci/test", "failure")
    place.status(head, "ci/lint", "success")
    [found] = place.forge.pull_requests()
    seen = {(status.context, status.state) for status in found.statuses}
    assert seen == {(APPROVED.context, "success"), ("ci/test", "failure"), ("ci/lint", "success")}
    assert len(found.statuses) == 3


def test_a_label_is_put_on_and_taken_off_once(place: Place) -> None:
    number, _ = place.request()
    other, _ = place.request("bot/prod/shop", "tag: 3\n")
    for _ in range(2):
        place.forge.set_label(number, "hold", present=True)
        place.forge.set_label(number, "env: prod/shop", present=True)
    assert labels(place) == {number: {"hold", "env: prod/shop"}, other: set()}
    for _ in range(2):
        place.forge.set_label(number, "hold", present=False)
        place.forge.set_label(other, "never put on", present=False)
    assert labels(place) == {number: {"env: prod/shop"}, other: set()}


def test_who_put_a_label_on_last_is_told(place: Place) -> None:
    number, _ = place.request()
    other, _ = place.request("bot/prod/shop", "tag: 3\n")
    assert place.forge.labelled_by(number, "hotfix") is None
    place.label(number, "carol", "hotfix")
    place.label(number, "dave", "hotfix")
    place.label(number, "dave", "hotfix-2")
    place.label(other, "erin", "hotfix")
    told = [labeller(place.again(), n, label) for n in (number, other) for label in ("hotfix", "hotfix-2")]
    assert told == ["carol", "dave", "erin", None]
    place.label(number, "carol", "hotfix", present=False)
    assert place.forge.labelled_by(number, "hotfix") is None
    place.label(number, "dave", "hotfix")
    assert labeller(place.forge, number, "hotfix") == "dave"
    assert labels(place)[number] == {"hotfix", "hotfix-2"}


def test_when_a_label_was_put_on_is_told(place: Place) -> None:
    number, _ = place.request()
    place.label(number, "carol", "hold")
    before = place.forge.labelled_by(number, "hold")
    place.label(number, "carol", "hold", present=False)
    place.label(number, "carol", "hold")
    now = place.forge.labelled_by(number, "hold")
    assert before
    assert now
    assert before.time < now.time


def test_bots_put_labels_on_by_their_own_names(place: Place) -> None:
    number, _ = place.request()
    place.forge.set_label(number, "hold", present=True)
    place.label(number, place.other_bot, "hotfix")
    assert labeller(place.forge, number, "hold") == place.forge.own_name()
    assert labeller(place.forge, number, "hotfix") == place.other_bot


def test_the_bots_name_is_that_of_its_account(place: Place) -> None:
    number, _ = place.request()
    place.forge.comment(number, "status", "text")
    [(author, _)] = place.texts(number)
    assert place.again().own_name() == author
    forge = place.again()
    forge.pull_requests()
    assert forge.own_name() == author


def test_people_are_asked_for_their_review_once(place: Place) -> None:
    number, _ = place.request()
    place.person("carol", "write")
    place.person("dave", "write")
    author = place.forge.pull_requests()[0].author
    for _ in range(2):
        place.forge.request_reviews(number, ["carol", author, place.nobody])
    assert place.reviewers(number) == {"carol"}
    place.forge.request_reviews(number, [])
    place.forge.request_reviews(number, ["dave"])
    assert place.reviewers(number) == {"carol", "dave"}


def test_a_pull_request_is_merged_only_with_a_successful_approval_on_its_head(place: Place) -> None:
    number, head = place.request()
    with pytest.raises(Refused):
        place.forge.merge_pull_request(number, head)
    place.forge.set_status(head, Status("gitops-bot/approval", "pending", "1 of 2 approvals"))
    with pytest.raises(Refused):
        place.forge.merge_pull_request(number, head)
    assert place.on_main() == "tag: 1\n"
    place.forge.set_status(head, Status("gitops-bot/approval", "success", "2 of 2 approvals"))
    place.forge.merge_pull_request(number, head)
    assert place.on_main() == "tag: 2\n"
    assert list(place.forge.pull_requests()) == []


def test_what_a_person_merged_is_merged(place: Place) -> None:
    number, head = place.approved()
    place.merge(number, "carol")
    assert place.on_main() == "tag: 2\n"
    assert list(place.forge.pull_requests()) == []
    main = place.alice.on("main")
    place.forge.merge_pull_request(number, head)
    assert place.alice.on("main") == main


def test_merging_twice_merges_once(place: Place) -> None:
    number, head = place.approved()
    place.forge.merge_pull_request(number, head)
    main = place.alice.on("main")
    place.forge.merge_pull_request(number, head)
    assert place.alice.on("main") == main


def test_a_head_that_moved_is_not_merged(place: Place) -> None:
    number, old = place.approved()
    new = place.branch(text="tag: 3\n")
    with pytest.raises(Conflict):
        place.forge.merge_pull_request(number, old)
    with pytest.raises(Refused):
        place.forge.merge_pull_request(number, new)
    assert place.on_main() == "tag: 1\n"


def test_the_same_file_changed_on_both_sides_is_a_conflict(place: Place) -> None:
    number, head = place.approved()
    place.alice.push({"envs/dev/a.yaml": "tag: 9\n"})
    with pytest.raises((Conflict, Refused)):
        place.forge.merge_pull_request(number, head)
    assert place.on_main() == "tag: 9\n"
    assert place.forge.pull_requests()[0].state == "open"


def test_what_others_put_on_the_default_branch_stays_in_a_merge(place: Place) -> None:
    number, head = place.approved()
    place.alice.push({"envs/dev/b.yaml": "tag: 9\n"})
    place.forge.merge_pull_request(number, head)
    assert (place.on_main(), place.on_main("envs/dev/b.yaml")) == ("tag: 2\n", "tag: 9\n")


def test_a_closed_one_is_not_merged(place: Place) -> None:
    number, head = place.approved()
    place.forge.close_pull_request(number)
    with pytest.raises(Refused):
        place.forge.merge_pull_request(number, head)
    assert place.on_main() == "tag: 1\n"


def test_what_a_person_pushed_to_the_default_branch_is_merged(place: Place) -> None:
    number, head = place.request()
    place.git.push("main", head, place.git.head().sha)
    assert list(place.forge.pull_requests()) == []
    place.forge.close_pull_request(number)
    assert list(place.forge.pull_requests()) == []


def test_a_pull_request_whose_branch_was_deleted_is_closed(place: Place) -> None:
    number, head = place.request()
    place.git.push("bot/dev/shop", None, head)
    assert [(p.number, p.state, p.head) for p in place.forge.pull_requests()] == [(number, "closed", head)]
