"""What is left to a forge is merged by it once its own rules are met, and never past the bot's own status."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.core.errors import Conflict, NotFound, Refused
from bot.core.models import Status

if TYPE_CHECKING:
    from tests.forges.local_place import LocalPlace
    from tests.forges.place import Place

CI = "ci/test"


def waiting(place: Place) -> tuple[int, str]:
    """An approved pull request that waits for a check that the forge requires: number and head."""
    place.require(CI)
    number, head = place.approved()
    place.status(head, CI, "pending")
    return number, head


def is_on(place: Place) -> bool:
    """Whether auto-merge is on, as another process sees it."""
    [found] = place.again().pull_requests()
    return found.auto_merge


def refused(place: Place, number: int, head: str) -> Refused:
    """Why it is not left to the forge; nothing has changed by asking."""
    with pytest.raises(Refused) as error:
        place.forge.enable_auto_merge(number, head)
    assert place.on_main() == "tag: 1\n"
    assert error.value.fix
    return error.value


def test_it_is_merged_by_the_forge_once_the_last_check_succeeds(hosted: Place) -> None:
    number, head = waiting(hosted)
    assert not is_on(hosted)
    for _ in range(2):
        hosted.forge.enable_auto_merge(number, head)
    assert is_on(hosted)
    assert hosted.on_main() == "tag: 1\n"
    hosted.status(head, CI, "success")
    assert hosted.on_main() == "tag: 2\n"
    assert list(hosted.forge.pull_requests()) == []
    hosted.forge.enable_auto_merge(number, head)


def test_turned_off_it_is_not_merged(hosted: Place) -> None:
    number, head = waiting(hosted)
    hosted.forge.enable_auto_merge(number, head)
    for _ in range(2):
        hosted.forge.disable_auto_merge(number)
    assert not is_on(hosted)
    hosted.status(head, CI, "success")
    assert hosted.on_main() == "tag: 1\n"


def test_where_the_forge_has_nothing_to_wait_for_it_is_merged_at_once(hosted: Place) -> None:
    number, head = hosted.approved()
    hosted.forge.enable_auto_merge(number, head)
    assert hosted.on_main() == "tag: 2\n"
    assert list(hosted.forge.pull_requests()) == []


def test_an_approval_that_is_taken_back_holds_it_though_auto_merge_is_on(hosted: Place) -> None:
    number, head = waiting(hosted)
    hosted.forge.enable_auto_merge(number, head)
    hosted.forge.set_status(head, Status("gitops-bot/approval", "failure", "prod is locked"))
    hosted.status(head, CI, "success")
    assert hosted.on_main() == "tag: 1\n"


def test_a_head_that_moved_is_not_left_to_the_forge(hosted: Place) -> None:
    number, old = waiting(hosted)
    new = hosted.branch(text="tag: 3\n")
    with pytest.raises(Conflict):
        hosted.forge.enable_auto_merge(number, old)
    assert refused(hosted, number, new).reason_code == "needs_approval"
    assert not is_on(hosted)


def test_a_new_head_is_not_merged_by_what_was_turned_on_for_the_old_one(hosted: Place) -> None:
    number, old = waiting(hosted)
    hosted.forge.enable_auto_merge(number, old)
    new = hosted.branch(text="tag: 3\n")
    hosted.status(new, CI, "success")
    assert hosted.on_main() == "tag: 1\n"


@pytest.mark.parametrize("state", ["pending", "failure", None])
def test_what_is_not_approved_is_not_left_to_the_forge(hosted: Place, state: str | None) -> None:
    number, head = hosted.request()
    if state:
        hosted.forge.set_status(head, Status("gitops-bot/approval", state, "0 of 1"))  # type: ignore[arg-type] # table
    assert refused(hosted, number, head).reason_code == "needs_approval"
    assert not is_on(hosted)


def test_where_the_forge_would_merge_without_the_bots_status_it_is_refused(hosted: Place) -> None:
    number, head = waiting(hosted)
    hosted.approval_is_not_required()
    error = refused(hosted, number, head)
    assert error.reason_code == "approval_not_required"
    assert "init --protect" in error.fix
    assert not is_on(hosted)


def test_a_closed_one_is_not_left_to_the_forge_and_needs_no_turning_off(hosted: Place) -> None:
    number, head = waiting(hosted)
    hosted.forge.close_pull_request(number)
    assert refused(hosted, number, head).reason_code == "closed_pull_request"
    hosted.forge.disable_auto_merge(number)


def test_one_that_is_not_there_is_not_found(hosted: Place) -> None:
    with pytest.raises(NotFound):
        hosted.forge.enable_auto_merge(4242, "0" * 40)
    with pytest.raises(NotFound):
        hosted.forge.disable_auto_merge(4242)


def test_the_local_forge_merges_nothing_by_itself_and_says_what_to_write_instead(local: LocalPlace) -> None:
    number, head = local.approved()
    error = refused(local, number, head)
    assert error.reason_code == "no_auto_merge"
    assert "`merge: auto`" in error.fix
    local.forge.disable_auto_merge(number)
    assert not is_on(local)
