"""`merge: forge`: auto-merge is on exactly while nothing is waited for but what the forge itself waits for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from bot.core.actions import (
    Action,
    DisableAutoMerge,
    EnableAutoMerge,
    MergePullRequest,
    SetStatus,
    Skip,
    UpdatePullRequest,
)
from bot.core.commands import Command, parse
from bot.core.config import load_config
from bot.core.models import Review, Status, Unknown, UserComment
from bot.core.plan.chatops.hearing import Heard, hear
from bot.core.plan.chatops.nouns import Outcome, Request
from bot.core.plan.chatops.outcomes import outcome
from bot.core.state import Freeze, Hold, Lock, State
from tests.core.worlds import (
    FOLLOWED,
    NOW,
    SHOP,
    actions,
    after,
    approved,
    decide,
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

STAGING = "bot/staging/shop"
BY_FORGE = FOLLOWED.replace("approvals: 1", "approvals: 1, merge: forge")
CI = Status("ci/test", "pending", "it runs")


def in_staging(*, auto_merge: bool = False, approvers: tuple[str, ...] = ("alice",), **fields: Any) -> Snapshot:
    """staging has an open pull request whose check is pending; its status says what the approvals come to."""
    files = running(dev="1.1.0", staging="1.0.0", prod="1.0.0")
    there = settled(world(BY_FORGE, files, [f"{SHOP}:1.0.0", f"{SHOP}:1.1.0"]))
    there = approved(there, STAGING, *approvers)
    there = recorded(after(there, *actions(there, SetStatus)), pull(there, STAGING).head)
    statuses = (*pull(there, STAGING).statuses, CI)
    return replace(with_pull(there, STAGING, auto_merge=auto_merge, statuses=statuses), **fields)


def checked(snapshot: Snapshot, *states: str) -> Snapshot:
    """The checks of others are in these states."""
    own = tuple(s for s in pull(snapshot, STAGING).statuses if s.context == "gitops-bot/approval")
    checks = tuple(Status(f"ci/{n}", state, "") for n, state in enumerate(states))  # type: ignore[arg-type] # table
    return with_pull(snapshot, STAGING, statuses=(*own, *checks))


@pytest.mark.parametrize("states", [(), ("pending",), ("success",), ("success", "pending")])
def test_it_is_turned_on_for_the_head_that_was_seen_once_all_approvals_are_there(states: tuple[str, ...]) -> None:
    snapshot = checked(in_staging(), *states)
    action = only(snapshot, EnableAutoMerge)
    assert (action.number, action.head) == (1, pull(snapshot, STAGING).head)
    assert action.title == "Turn auto-merge of #1 on: staging: shop 1.1.0"
    assert actions(snapshot, MergePullRequest) == []


def test_the_approval_is_said_on_the_head_before_it_is_turned_on() -> None:
    snapshot = checked(in_staging(approvers=()), "pending")
    said, turned_on = decide(approved(snapshot, STAGING, "alice")).actions
    assert isinstance(said, SetStatus)
    assert said.status.state == "success"
    assert isinstance(turned_on, EnableAutoMerge)


def test_once_it_is_on_there_is_nothing_to_do_but_to_wait_for_the_forge() -> None:
    snapshot = after(in_staging(), *decide(in_staging()).actions)
    assert decide(snapshot).actions == ()
    why = skip(snapshot, "staging")
    assert (why.reason_code, why.waits_for) == ("checks_pending", "the checks ci/test")
    passed = checked(snapshot, "success")
    assert decide(passed).actions == ()
    why = skip(passed, "staging")
    assert (why.reason_code, why.waits_for) == ("forge_merges", "the forge to merge #1")


STOPPED: list[tuple[dict[str, Any], str]] = [
    ({"state": State(locks={"staging": Lock("staging", "bob", 9, "1", "a load test", NOW, None)})}, "locked"),
    ({"state": State(freezes={"staging": Freeze("staging", "bob", "1", "", NOW, NOW.replace(year=2030))})}, "frozen"),
    ({"state": State(holds={1: Hold(1, "bob", "1", "", NOW)})}, "held"),
    ({"state": Unknown("no answer")}, "state_unknown"),
]


@pytest.mark.parametrize(("stop", "code"), STOPPED, ids=[code for _, code in STOPPED])
def test_what_stops_a_merge_keeps_it_off_or_turns_it_off(stop: dict[str, Any], code: str) -> None:
    assert [a.kind for a in decide(in_staging(**stop)).actions] == ["set_status"]
    snapshot = in_staging(auto_merge=True, **stop)
    said, off = decide(snapshot).actions
    assert isinstance(said, SetStatus)
    assert said.status.state != "success"
    assert isinstance(off, DisableAutoMerge)
    assert (off.number, off.title) == (1, f"Turn auto-merge of #1 off: {code}")
    assert skip(snapshot, "staging").reason_code == code
    assert decide(after(snapshot, said, off)).actions == ()


def test_the_label_hold_turns_it_off() -> None:
    snapshot = with_pull(in_staging(auto_merge=True), STAGING, labels=frozenset({"hold"}))
    assert len(actions(snapshot, DisableAutoMerge)) == 1


def test_missing_approvals_keep_it_off_or_turn_it_off() -> None:
    assert decide(in_staging(approvers=())).actions == ()
    assert skip(in_staging(approvers=()), "staging").reason_code == "needs_approval"
    assert only(in_staging(approvers=(), auto_merge=True), DisableAutoMerge).title.endswith("off: needs_approval")


def test_changes_that_are_asked_for_turn_it_off() -> None:
    there = in_staging(auto_merge=True)
    objection = Review("alice", "changes_requested", pull(there, STAGING).head, NOW.replace(hour=13))
    reviews = (*pull(there, STAGING).reviews, objection)
    assert len(actions(with_pull(there, STAGING, reviews=reviews), DisableAutoMerge)) == 1


@pytest.mark.parametrize("states", [("failure",), ("pending", "failure")])
def test_a_failed_check_keeps_it_off_or_turns_it_off(states: tuple[str, ...]) -> None:
    assert decide(checked(in_staging(), *states)).actions == ()
    snapshot = checked(in_staging(auto_merge=True), *states)
    assert only(snapshot, DisableAutoMerge).title.endswith("off: checks_failed")


def test_an_approval_of_another_head_does_not_turn_it_on() -> None:
    stale = (Review("alice", "approved", sha("older"), NOW),)
    assert actions(with_pull(in_staging(), STAGING, reviews=stale), EnableAutoMerge) == []


def test_a_rewritten_pull_request_is_turned_off_until_it_is_approved_again() -> None:
    old = in_staging(auto_merge=True)
    files = running(dev="1.2.0", staging="1.0.0", prod="1.0.0")
    newer = world(BY_FORGE, files, [f"{SHOP}:{v}" for v in ("1.0.0", "1.1.0", "1.2.0")])
    newer = replace(newer, pull_requests=old.pull_requests, branches=old.branches)
    assert [a.status.state for a in actions(newer, SetStatus)] == ["pending"]
    assert actions(newer, UpdatePullRequest) == [], "what was approved is taken back first"
    newer = after(newer, *actions(newer, SetStatus))
    moved = with_pull(after(newer, *actions(newer, UpdatePullRequest)), STAGING, statuses=())
    assert {a.kind for a in decide(moved).actions} == {"set_status", "disable_auto_merge"}
    again = approved(after(moved, *decide(moved).actions), STAGING, "alice")
    assert [a.head for a in actions(again, EnableAutoMerge)] == [pull(again, STAGING).head]


def test_what_the_forge_refused_is_told_and_not_tried_again_in_the_same_run() -> None:
    snapshot = in_staging()
    refused = replace(snapshot, failures={only(snapshot, EnableAutoMerge).key: "there is no auto-merge"})
    assert decide(refused).actions == ()
    why = skip(refused, "staging")
    assert why.reason_code == "failed"
    assert "there is no auto-merge" in why.reason


@pytest.mark.parametrize("merge", ["manual", "auto"])
def test_elsewhere_what_people_turned_on_is_theirs(merge: str) -> None:
    config = load_config(BY_FORGE.replace("merge: forge", f"merge: {merge}").encode())
    for approvers in ((), ("alice",)):
        snapshot = in_staging(auto_merge=True, approvers=approvers, config=config)
        assert not {"enable_auto_merge", "disable_auto_merge"} & {a.kind for a in decide(snapshot).actions}


def promoted(snapshot: Snapshot) -> Outcome:
    """What alice is told who asks for what is there already."""
    comment = UserComment("7", 1, "alice", "/promote staging --app=shop", NOW, on_pull_request=True)
    (command,) = parse(comment.body, "gitops-bot")
    assert isinstance(command, Command)
    planned = decide(snapshot)
    everything: list[Action | Skip] = [*planned.actions, *planned.skips]
    found = [d for d in everything if d.environment == "staging"]
    return outcome(hear(snapshot), Heard(Request(comment, (command,), ())), command, {("staging", "shop"): found})


def test_who_asks_for_it_again_is_told_that_it_is_left_to_the_forge() -> None:
    assert promoted(in_staging()) == Outcome("done", "#1 is left to the forge to merge")
    waits = promoted(checked(in_staging(auto_merge=True), "success"))
    assert waits.status == "done"
    assert "once its own rules are met" in waits.text


def test_the_pull_request_says_that_it_merges_itself() -> None:
    assert "merges itself when the rules of the default branch are met" in pull(in_staging(), STAGING).body
