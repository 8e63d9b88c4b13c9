"""What every forge does alike, whoever provides it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.core.errors import Conflict, NotFound, Refused
from bot.core.models import Status

if TYPE_CHECKING:
    from tests.forges.place import Place


def test_a_new_repository_has_no_pull_requests(place: Place) -> None:
    assert place.forge.pull_requests() == ()


def test_an_opened_pull_request_is_listed_with_its_head(place: Place) -> None:
    number, head = place.request()
    [found] = place.forge.pull_requests()
    assert (found.number, found.branch, found.head, found.state) == (number, "bot/dev/shop", head, "open")
    assert (found.title, found.body) == ("Title", "Body")


def test_opening_twice_adopts_the_open_one(place: Place) -> None:
    number, _ = place.request()
    assert place.forge.open_pull_request("bot/dev/shop", "Other", "Other") == number
    assert len(place.forge.pull_requests()) == 1


def test_a_branch_that_is_not_there_has_no_pull_request(place: Place) -> None:
    with pytest.raises(NotFound):
        place.forge.open_pull_request("bot/dev/none", "Title", "Body")
    assert place.forge.pull_requests() == ()


def test_a_branch_without_commits_of_its_own_is_refused(place: Place) -> None:
    place.git.push("bot/dev/shop", place.git.head().sha, None)
    with pytest.raises(Refused) as error:
        place.forge.open_pull_request("bot/dev/shop", "Title", "Body")
    assert error.value.reason_code == "nothing_to_merge"


def test_branches_of_others_are_not_the_bots_pull_requests(place: Place) -> None:
    place.request("feature/x")
    assert place.forge.pull_requests() == ()


def test_a_rewritten_branch_moves_the_head_and_keeps_the_number(place: Place) -> None:
    number, old = place.request()
    new = place.branch(text="tag: 3\n")
    assert [(p.number, p.head) for p in place.forge.pull_requests()] == [(number, new)]
    assert new != old


def test_title_and_body_can_be_set_again(place: Place) -> None:
    number, _ = place.request()
    for _ in range(2):
        place.forge.update_pull_request(number, "New title", "New body: ü 日本 \U0001f680")
    [found] = place.forge.pull_requests()
    assert (found.title, found.body) == ("New title", "New body: ü 日本 \U0001f680")


def test_closing_twice_closes_once_and_the_newest_closed_one_is_listed(place: Place) -> None:
    first, _ = place.request()
    place.forge.close_pull_request(first)
    place.forge.close_pull_request(first)
    second, head = place.request(text="tag: 3\n")
    place.forge.close_pull_request(second)
    assert [(p.number, p.state, p.head) for p in place.forge.pull_requests()] == [(second, "closed", head)]
    third, _ = place.request(text="tag: 4\n")
    assert [(p.number, p.state) for p in place.forge.pull_requests()] == [(second, "closed"), (third, "open")]


def test_a_closed_one_keeps_the_head_it_was_closed_at(place: Place) -> None:
    number, head = place.request()
    place.forge.close_pull_request(number)
    place.branch(text="tag: 3\n")
    assert place.forge.pull_requests()[0].head == head


def test_a_comment_with_a_key_is_edited_in_place(place: Place) -> None:
    number, _ = place.request()
    for text in ("one", "two", "two"):
        place.forge.comment(number, "status", text)
    place.forge.comment(number, "diff", "other")
    assert place.forge.pull_requests()[0].comments == {"status": "two", "diff": "other"}


def test_a_status_belongs_to_its_commit(place: Place) -> None:
    _, old = place.request()
    status = Status("gitops-bot/approval", "pending", "0 of 1 approvals")
    place.forge.set_status(old, status)
    place.forge.set_status(old, status._replace(state="failure"))
    assert place.forge.pull_requests()[0].statuses == (status._replace(state="failure"),)
    place.branch(text="tag: 3\n")
    assert place.forge.pull_requests()[0].statuses == ()


def test_a_pull_request_is_merged_only_with_a_successful_approval_on_its_head(place: Place) -> None:
    number, head = place.request()
    with pytest.raises(Refused) as error:
        place.forge.merge_pull_request(number, head)
    assert error.value.reason_code == "needs_approval"
    place.forge.set_status(head, Status("gitops-bot/approval", "pending", "1 of 2 approvals"))
    with pytest.raises(Refused, match="1 of 2 approvals"):
        place.forge.merge_pull_request(number, head)
    assert place.on_main() == "tag: 1\n"
    place.forge.set_status(head, Status("gitops-bot/approval", "success", "2 of 2 approvals"))
    place.forge.merge_pull_request(number, head)
    assert place.on_main() == "tag: 2\n"
    assert place.forge.pull_requests() == ()


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
    with pytest.raises(Conflict):
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


def test_what_a_person_merged_by_hand_is_merged(place: Place) -> None:
    number, head = place.request()
    place.git.push("main", head, place.git.head().sha)
    assert place.forge.pull_requests() == ()
    place.forge.close_pull_request(number)
    assert place.forge.pull_requests() == ()


def test_a_pull_request_whose_branch_was_deleted_is_closed(place: Place) -> None:
    number, head = place.request()
    place.git.push("bot/dev/shop", None, head)
    assert [(p.number, p.state, p.head) for p in place.forge.pull_requests()] == [(number, "closed", head)]
