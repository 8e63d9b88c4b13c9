"""Merging on GitLab, which finds out later whether it can, and says no in many words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.core.errors import Conflict, NotFound, Refused
from bot.core.models import Status
from tests.forges.gitlab.fake import Fault

if TYPE_CHECKING:
    from tests.forges.gitlab.place import GitLabPlace


def test_what_gitlab_is_still_checking_is_merged_a_little_later(place: GitLabPlace) -> None:
    number, head = place.approved()
    place.world.checking = 2
    place.forge.merge_pull_request(number, head)
    assert place.on_main() == "tag: 2\n"
    assert len(place.waits) == 2


@pytest.mark.parametrize(
    ("word", "code", "waits"),
    [
        ("checking", "not_mergeable", 5),
        ("ci_must_pass", "checks_pending", 5),
        ("ci_still_running", "checks_pending", 5),
        ("not_approved", "needs_approval", 0),
        ("requested_changes", "needs_approval", 0),
        ("need_rebase", "not_mergeable", 0),
        ("discussions_not_resolved", "not_mergeable", 0),
        ("a word of the future", "not_mergeable", 0),
    ],
)
def test_what_gitlab_forbids_is_refused_with_its_own_word(place: GitLabPlace, word: str, code: str, waits: int) -> None:
    number, head = place.approved()
    place.world.forbids = word
    with pytest.raises(Refused, match=word) as error:
        place.forge.merge_pull_request(number, head)
    assert (error.value.reason_code, len(place.waits)) == (code, waits)
    assert place.on_main() == "tag: 1\n"


def test_a_conflict_is_one(place: GitLabPlace) -> None:
    number, head = place.approved()
    place.alice.push({"envs/dev/a.yaml": "tag: 9\n"})
    with pytest.raises(Conflict, match="both sides"):
        place.forge.merge_pull_request(number, head)


def test_a_head_that_moves_at_the_last_moment_is_not_merged(place: GitLabPlace) -> None:
    number, head = place.approved()
    refused = Fault(409, body=b'{"message": "SHA does not match HEAD of source branch"}')
    place.server.faults.append(("PUT", refused))
    with pytest.raises(Conflict, match="SHA does not match"):
        place.forge.merge_pull_request(number, head)
    assert place.on_main() == "tag: 1\n"


@pytest.mark.parametrize("status", [405, 422])
def test_a_refusal_without_a_word_is_looked_into_and_tried_again(place: GitLabPlace, status: int) -> None:
    number, head = place.approved()
    place.server.faults.append(("PUT", Fault(status, body=b'{"message": "Method Not Allowed"}')))
    place.forge.merge_pull_request(number, head)
    assert place.on_main() == "tag: 2\n"


@pytest.mark.parametrize("lost", [Fault(502, done=True), Fault(cut=True)])
def test_a_merge_whose_answer_was_lost_is_found_done(place: GitLabPlace, lost: Fault) -> None:
    number, head = place.approved()
    place.server.faults.append(("PUT", lost))
    place.forge.merge_pull_request(number, head)
    assert place.on_main() == "tag: 2\n"
    assert len(place.world.commits(head, "main")) == 1


def test_an_approval_status_that_somebody_else_set_does_not_count(place: GitLabPlace) -> None:
    number, head = place.request()
    place.forge.set_status(head, Status("gitops-bot/approval", "pending", "0 of 1 approvals"))
    pending = place.forge.pull_requests()[0].statuses
    place.status(head, "gitops-bot/approval", "success")
    assert place.forge.pull_requests()[0].statuses == pending
    with pytest.raises(Refused) as error:
        place.forge.merge_pull_request(number, head)
    assert error.value.reason_code == "needs_approval"
    assert place.on_main() == "tag: 1\n"
    place.forge.set_status(head, Status("gitops-bot/approval", "success", "1 of 1 approvals"))
    place.forge.merge_pull_request(number, head)
    assert place.on_main() == "tag: 2\n"


def test_a_branch_without_commits_of_its_own_is_refused(place: GitLabPlace) -> None:
    place.git.push("bot/dev/shop", place.git.head().sha, None)
    with pytest.raises(Refused) as error:
        place.forge.open_pull_request("bot/dev/shop", "Title", "Body")
    assert error.value.reason_code == "nothing_to_merge"
    assert place.world.requests == {}


def test_one_that_somebody_opened_meanwhile_is_adopted(place: GitLabPlace) -> None:
    number, _ = place.request()
    place.server.faults.append(
        ("source_branch=bot%2Fdev%2Fshop", Fault(200, (("Content-Type", "application/json"),), b"[]"))
    )
    assert place.forge.open_pull_request("bot/dev/shop", "Other", "Other") == number
    assert len(place.world.requests) == 1


def test_the_branch_is_deleted_with_the_merge(place: GitLabPlace) -> None:
    number, head = place.approved()
    place.forge.merge_pull_request(number, head)
    assert place.alice.on("bot/dev/shop") == ""


def test_a_reaction_to_what_is_no_comment_is_not_found(place: GitLabPlace) -> None:
    for comment in ("note:4242", "note:../1", "merge_requests/1", ""):
        with pytest.raises(NotFound):
            place.forge.react(comment, "eyes")
