"""Named approvers are asked for their review once on each pull request, whatever a run was killed at."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bot.core.actions import Comment, OpenPullRequest, RequestReviews, UpdatePullRequest
from bot.core.config import load_config
from bot.core.events import Promote
from bot.core.inspection import Inspection
from tests.core.worlds import FOLLOWED, SHOP, actions, after, approved, decide, pull, running, settled, with_pull, world

if TYPE_CHECKING:
    from bot.core.snapshot import Snapshot

PROD = "bot/prod/shop"
APPROVERS = "[alice, bob, carol]"


def waiting(approvers: str = APPROVERS, by: str | None = None) -> Snapshot:
    """prod has an open pull request that was looked into, and that no reviewer was told of yet."""
    config = FOLLOWED.replace(APPROVERS, approvers)
    files = running(dev="1.1.0", staging="1.1.0", prod="1.0.0")
    snapshot = world(config, files, [f"{SHOP}:1.0.0", f"{SHOP}:1.1.0"])
    (opened,) = actions(snapshot, OpenPullRequest, Promote("prod", by=by) if by else None)
    return looked_into(settled(after(snapshot, opened)))


def looked_into(snapshot: Snapshot) -> Snapshot:
    """The branch of prod was looked into."""
    branch = replace(snapshot.branches[PROD], base=snapshot.head.sha)
    found = Inspection(branch.head.sha, branch.base, (), ())
    return replace(snapshot, branches={**snapshot.branches, PROD: branch}, inspections={PROD: found})


def asked(snapshot: Snapshot) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """The people and teams that are asked."""
    return [(action.users, action.teams) for action in actions(snapshot, RequestReviews)]


def test_named_approvers_are_asked_before_the_comment_that_marks_it() -> None:
    snapshot = waiting()
    request, comment = decide(snapshot).actions
    assert isinstance(request, RequestReviews)
    assert (request.number, request.users, request.teams) == (1, ("alice", "bob", "carol"), ())
    assert request.title == "Ask for reviews of #1: alice, bob, carol"
    assert isinstance(comment, Comment)
    assert comment.comment == "review"


def test_a_run_that_was_killed_before_the_comment_asks_again_and_a_finished_one_does_not() -> None:
    snapshot = waiting()
    request, comment = decide(snapshot).actions
    assert decide(after(snapshot, request)).actions == (request, comment)
    assert actions(after(snapshot, request, comment), RequestReviews) == []


def test_who_was_asked_is_not_asked_again_when_the_pull_request_is_rewritten() -> None:
    there = settled(waiting())
    files = running(dev="1.2.0", staging="1.2.0", prod="1.0.0")
    newer = world(FOLLOWED, files, [f"{SHOP}:{v}" for v in ("1.0.0", "1.1.0", "1.2.0")])
    newer = replace(newer, pull_requests=there.pull_requests, branches=there.branches)
    moved = looked_into(settled(after(newer, *actions(newer, UpdatePullRequest))))
    assert pull(moved, PROD).title == "prod: shop 1.2.0"
    assert actions(moved, Comment)
    assert asked(moved) == []


def test_nobody_is_asked_before_the_branch_was_looked_into() -> None:
    assert asked(replace(waiting(), inspections={})) == []


@pytest.mark.parametrize(
    ("approvers", "users", "teams"),
    [
        ("[alice, 'team:acme/ops', 'permission:admin']", ("alice",), ("acme/ops",)),
        ("['team:acme/ops', 'team:acme/platform/sre']", (), ("acme/ops", "acme/platform/sre")),
        ("[alice, 'renovate[bot]']", ("alice",), ()),
    ],
)
def test_people_and_teams_are_asked_but_no_permission_and_no_bot(
    approvers: str, users: tuple[str, ...], teams: tuple[str, ...]
) -> None:
    assert asked(waiting(approvers)) == [(users, teams)]


@pytest.mark.parametrize("approvers", ["[]", "['permission:write']"])
def test_where_nobody_is_named_nobody_is_asked(approvers: str) -> None:
    assert asked(waiting(approvers)) == []


def test_where_no_approval_is_needed_nobody_is_asked() -> None:
    snapshot = waiting()
    config = load_config(FOLLOWED.replace("approvals: 2", "approvals: 0").encode())
    assert asked(replace(snapshot, config=config)) == []


def test_who_asked_for_the_promotion_is_not_asked_for_a_review() -> None:
    assert asked(waiting(by="Alice")) == [(("bob", "carol"), ())]


def test_who_has_approved_already_is_not_asked_and_nobody_once_it_is_enough() -> None:
    assert asked(approved(waiting(), PROD, "alice")) == [(("bob", "carol"), ())]
    assert asked(approved(waiting(), PROD, "alice", "bob")) == []


def test_a_pull_request_whose_comment_is_there_is_left_as_it_is() -> None:
    assert asked(with_pull(waiting(), PROD, comments={"review": "older words"})) == []
