"""GitLab's auto-merge: it waits for the pipeline, finds out late whether it can, and says no in many ways."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.core.errors import Conflict, Refused, Unavailable
from tests.forges.gitlab.fake import Fault
from tests.forges.test_contract_auto_merge import CI, is_on, waiting

if TYPE_CHECKING:
    from tests.forges.gitlab.place import GitLabPlace


def test_what_gitlab_is_still_checking_is_left_to_it_a_little_later(place: GitLabPlace) -> None:
    number, head = waiting(place)
    place.world.checking = 4  # two looks, and what is tried after each
    place.forge.enable_auto_merge(number, head)
    assert is_on(place)
    assert len(place.waits) == 2


@pytest.mark.parametrize(
    ("word", "code", "waits"),
    [("checking", "not_mergeable", 5), ("ci_must_pass", "checks_pending", 5), ("need_rebase", "not_mergeable", 0)],
)
def test_what_gitlab_does_not_take_is_refused_with_its_own_word(
    place: GitLabPlace, word: str, code: str, waits: int
) -> None:
    number, head = waiting(place)
    place.world.forbids = word
    with pytest.raises(Refused, match=word) as error:
        place.forge.enable_auto_merge(number, head)
    assert (error.value.reason_code, len(place.waits)) == (code, waits)
    assert not is_on(place)


def test_a_conflict_is_one(place: GitLabPlace) -> None:
    number, head = waiting(place)
    place.status(head, CI, "success")
    place.alice.push({"envs/dev/a.yaml": "tag: 9\n"})
    with pytest.raises(Conflict, match="both sides"):
        place.forge.enable_auto_merge(number, head)


@pytest.mark.parametrize("lost", [Fault(502, done=True), Fault(cut=True), Fault(405, body=b"{}")])
def test_an_answer_that_is_lost_leaves_it_on(place: GitLabPlace, lost: Fault) -> None:
    number, head = waiting(place)
    place.server.faults.append(("PUT", lost))
    place.forge.enable_auto_merge(number, head)
    assert is_on(place)


def test_a_push_turns_it_off(place: GitLabPlace) -> None:
    number, head = waiting(place)
    place.forge.enable_auto_merge(number, head)
    place.branch(text="tag: 3\n")
    assert not is_on(place)


def test_a_project_whose_settings_are_not_shown_counts_as_one_that_requires_nothing(place: GitLabPlace) -> None:
    number, head = waiting(place)
    shown = Fault(200, (("Content-Type", "application/json"),), b'{"id": 7, "default_branch": "main"}')
    place.server.faults.append(("GET /api/v4/projects/acme%2Fgitops", shown))
    with pytest.raises(Refused) as error:
        place.forge.enable_auto_merge(number, head)
    assert error.value.reason_code == "approval_not_required"


def test_a_refusal_to_turn_it_off_that_comes_as_a_success_is_told(place: GitLabPlace) -> None:
    number, head = waiting(place)
    place.forge.enable_auto_merge(number, head)
    body = b'{"message": "Can\'t cancel the automatic merge", "status": "error", "http_status": 406}'
    place.server.faults.append(("POST", Fault(201, (("Content-Type", "application/json"),), body)))
    with pytest.raises(Refused, match="Can't cancel"):
        place.forge.disable_auto_merge(number)


def test_a_turning_off_whose_answer_is_lost_is_found_done(place: GitLabPlace) -> None:
    number, head = waiting(place)
    place.forge.enable_auto_merge(number, head)
    place.server.faults.append(("POST", Fault(502, done=True)))
    with pytest.raises(Unavailable):
        place.forge.disable_auto_merge(number)
    place.forge.disable_auto_merge(number)
    assert not is_on(place)
