"""What stands between a pull request and its merge: other checks, approvals, a person who merges."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from bot.core.actions import MergePullRequest, OpenPullRequest, SetStatus, WriteState
from bot.core.config import load_config
from bot.core.events import Promote
from bot.core.models import Person, Review, Status, Unknown
from bot.core.state import GivenApproval, State
from tests.core.worlds import (
    FOLLOWED,
    NOW,
    SHOP,
    actions,
    after,
    approved,
    decide,
    everywhere,
    only,
    pull,
    recorded,
    running,
    settled,
    sha,
    skip,
    with_pull,
    world,
)

if TYPE_CHECKING:
    from bot.core.snapshot import Snapshot

PUSHED = [f"{SHOP}:1.0.0", f"{SHOP}:1.1.0"]
DEV, STAGING, PROD = ("bot/dev/shop", "bot/staging/shop", "bot/prod/shop")
SUCCESS = Status("gitops-bot/approval", "success", "1.1.0: no approval needed")


def in_dev() -> Snapshot:
    """dev merges by itself and has an open pull request on which nothing is said yet."""
    snapshot = world(FOLLOWED, everywhere("1.0.0"), PUSHED)
    return after(snapshot, *decide(snapshot).actions)


def in_staging() -> Snapshot:
    """staging needs one approval of anybody, and a person who merges."""
    return settled(world(FOLLOWED, running(dev="1.1.0", staging="1.0.0", prod="1.0.0"), PUSHED))


def in_prod() -> Snapshot:
    """prod needs two approvals of alice, bob or carol."""
    return settled(world(FOLLOWED, running(dev="1.1.0", staging="1.1.0", prod="1.0.0"), PUSHED))


def said(snapshot: Snapshot, *statuses: Status) -> Snapshot:
    """dev's pull request has these statuses, and that it may be merged is recorded."""
    return recorded(with_pull(snapshot, DEV, statuses=statuses), pull(snapshot, DEV).head)


def test_the_bot_says_that_nothing_is_missing_and_merges_the_head_that_it_saw() -> None:
    snapshot = in_dev()
    record, said, merge = decide(snapshot).actions
    assert isinstance(record, WriteState)
    assert isinstance(said, SetStatus)
    assert (said.commit, said.status) == (pull(snapshot, DEV).head, SUCCESS)
    assert isinstance(merge, MergePullRequest)
    assert (merge.number, merge.head) == (pull(snapshot, DEV).number, pull(snapshot, DEV).head)


def test_a_status_that_says_so_already_is_not_set_again() -> None:
    snapshot = said(in_dev(), SUCCESS)
    assert [a.kind for a in decide(snapshot).actions] == ["merge_pull_request"]


@pytest.mark.parametrize("other", [SUCCESS._replace(state="pending"), SUCCESS._replace(description="2 of 2 approvals")])
def test_a_status_that_says_anything_else_is_corrected(other: Status) -> None:
    assert actions(with_pull(in_dev(), DEV, statuses=(other,)), SetStatus)


@pytest.mark.parametrize(
    ("states", "reason_code"),
    [
        (("pending",), "checks_pending"),
        (("failure",), "checks_failed"),
        (("pending", "failure"), "checks_failed"),
        (("success", "pending"), "checks_pending"),
    ],
)
def test_other_checks_hold_the_merge(states: tuple[str, ...], reason_code: str) -> None:
    checks = tuple(Status(f"ci/{n}", s, "of the test") for n, s in enumerate(states))  # type: ignore[arg-type] # table
    snapshot = said(in_dev(), SUCCESS, *checks)
    assert decide(snapshot).actions == ()
    why = skip(snapshot, "dev")
    assert why.reason_code == reason_code
    assert "of the test" in why.reason
    assert why.waits_for is not None
    assert all((f"ci/{n}" in why.waits_for) is (s != "success") for n, s in enumerate(states))


def test_checks_that_succeeded_hold_nothing() -> None:
    snapshot = said(in_dev(), SUCCESS, Status("ci", "success", ""))
    assert [a.kind for a in decide(snapshot).actions] == ["merge_pull_request"]


def test_approvals_that_are_missing_are_said_with_those_who_may_give_them() -> None:
    snapshot = in_prod()
    assert pull(snapshot, PROD).statuses == (
        Status("gitops-bot/approval", "pending", "1.1.0: 0 of 2 approvals; may approve: alice, bob, carol"),
    )
    why = skip(snapshot, "prod")
    assert (why.reason_code, why.waits_for) == ("needs_approval", "2 more approvals of #1 by alice, bob, carol")


def test_each_approval_is_counted_on_the_status() -> None:
    snapshot = approved(in_prod(), PROD, "alice")
    assert only(snapshot, SetStatus).status.description == "1.1.0: 1 of 2 approvals (alice); may approve: bob, carol"
    assert skip(snapshot, "prod").waits_for == "1 more approval of #1 by bob, carol"


def test_a_person_merges_where_the_configuration_says_so() -> None:
    snapshot = settled(approved(in_prod(), PROD, "alice", "bob"))
    assert pull(snapshot, PROD).statuses[0].state == "success"
    why = skip(snapshot, "prod")
    assert (why.reason_code, why.waits_for) == ("needs_merge", "a person to merge #1")


@pytest.mark.parametrize("people", [("alice", "Alice"), ("alice", "mallory"), ("alice", "gitops-bot"), ("mallory",)])
def test_who_does_not_count_approves_nothing(people: tuple[str, ...]) -> None:
    assert skip(approved(in_prod(), PROD, *people), "prod").reason_code == "needs_approval"


def test_an_approval_of_another_commit_does_not_count() -> None:
    stale = (Review("alice", "approved", sha("older"), NOW),)
    assert skip(with_pull(in_staging(), STAGING, reviews=stale), "staging").reason_code == "needs_approval"


def test_changes_that_were_asked_for_hold_even_what_needs_no_approval() -> None:
    there = in_dev()
    objection = Review("alice", "changes_requested", pull(there, DEV).head, NOW)
    snapshot = with_pull(there, DEV, reviews=(objection,))
    assert actions(snapshot, MergePullRequest) == []
    (status,) = actions(snapshot, SetStatus)
    assert (status.status.state, status.status.description) == (
        "pending",
        "1.1.0: no approval needed; alice asked for changes",
    )
    why = skip(snapshot, "dev")
    assert (why.reason_code, why.waits_for) == ("needs_approval", "1 more approval of #1 by alice")


def test_who_asked_for_the_promotion_does_not_approve_it() -> None:
    snapshot = world(FOLLOWED, running(dev="1.1.0", staging="1.0.0", prod="1.0.0"), PUSHED)
    asked = after(snapshot, only(snapshot, OpenPullRequest, Promote("staging", by="dana")))
    assert skip(settled(approved(asked, STAGING, "dana")), "staging").reason_code == "needs_approval"
    assert skip(settled(approved(asked, STAGING, "erin")), "staging").reason_code == "needs_merge"


@pytest.mark.parametrize("who", [Person("read"), Person("none"), Unknown("no answer"), None])
def test_who_has_no_write_permission_or_is_not_known_approves_nothing_where_nobody_is_named(
    who: Person | Unknown | None,
) -> None:
    people = {"alice": who} if who else {}
    snapshot = replace(approved(in_staging(), STAGING, "alice"), people=people)
    assert skip(settled(snapshot), "staging").reason_code == "needs_approval"


def by_command(snapshot: Snapshot, *given: GivenApproval) -> Snapshot:
    """These approvals are on the state branch, and `/approve` is switched on."""
    config = load_config((FOLLOWED + "commands: {approve: true}\n").encode())
    return replace(snapshot, config=config, state=State(approvals=given))


def test_an_approval_by_command_counts_where_that_is_switched_on() -> None:
    there = in_staging()
    head, number = pull(there, STAGING).head, pull(there, STAGING).number
    given = GivenApproval(number, "alice", head, "7", NOW)
    assert skip(settled(by_command(there, given)), "staging").reason_code == "needs_merge"
    off = replace(there, state=State(approvals=(given,)))
    assert skip(settled(off), "staging").reason_code == "needs_approval"


@pytest.mark.parametrize(
    "change", [{"number": 99}, {"commit": sha("older")}, {"user": "rita"}, {"user": "gitops-bot"}], ids=str
)
def test_an_approval_by_command_counts_for_its_pull_request_and_commit_alone(change: dict[str, Any]) -> None:
    there = in_staging()
    given = GivenApproval(pull(there, STAGING).number, "alice", pull(there, STAGING).head, "7", NOW)
    assert skip(settled(by_command(there, given._replace(**change))), "staging").reason_code == "needs_approval"


def test_a_state_that_could_not_be_read_approves_nothing() -> None:
    unread = replace(by_command(in_staging()), state=Unknown("no answer"))
    assert skip(settled(unread), "staging").reason_code == "state_unknown"


@pytest.mark.parametrize(
    ("keep", "branch", "reason_code"),
    [("true", STAGING, "needs_merge"), ("false", STAGING, "needs_approval"), ("true", PROD, "needs_approval")],
)
def test_an_approval_stands_over_a_new_head_with_the_same_content_where_it_is_kept(
    keep: str, branch: str, reason_code: str
) -> None:
    config = load_config(FOLLOWED.replace("approvals: 1", f"approvals: 1, keep_approvals: {keep}").encode())
    older = (Review("alice", "approved", sha("older"), NOW),)
    there = replace(with_pull(in_staging(), STAGING, reviews=older), config=config)
    snapshot = replace(there, same_trees={branch: frozenset({sha("older")})})
    assert skip(settled(snapshot), "staging").reason_code == reason_code


def test_a_very_long_list_of_approvers_fits_into_a_status() -> None:
    people = tuple(f"a-rather-long-name-{n}" for n in range(20))
    there = replace(in_staging(), people=dict.fromkeys(people, Person("write")))
    (status,) = actions(approved(there, STAGING, *people), SetStatus)
    assert len(status.status.description) <= 140
    assert actions(after(approved(there, STAGING, *people), status), SetStatus) == []


def test_a_merge_moves_the_release_on_to_the_next_environment() -> None:
    merged = after(in_dev(), *decide(in_dev()).actions)
    assert [a.title for a in decide(merged).actions] == ["staging: shop 1.1.0"]


def test_the_author_of_a_pull_request_does_not_approve_it() -> None:
    there = with_pull(in_staging(), STAGING, author="alice")
    assert skip(approved(there, STAGING, "alice"), "staging").reason_code == "needs_approval"
