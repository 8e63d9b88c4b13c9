"""Approvals count for the commit that is merged, by other people than those who want it merged."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest

from bot.core.authorize import Approval, approval, is_bot
from bot.core.config import Environment
from bot.core.models import PullRequest, Review

HEAD = "a" * 40
OLD = "b" * 40
START = datetime(2026, 1, 1, tzinfo=UTC)
State = Literal["approved", "changes_requested", "commented", "dismissed"]
Told = tuple[str, State] | tuple[str, State, str] | tuple[str, State, str, int]


def review(author: str, state: State, commit: str = HEAD, minute: int = 0) -> Review:
    return Review(author, state, commit, START + timedelta(minutes=minute))


def ask(
    *reviews: Told, approvals: int = 1, approvers: tuple[str, ...] = (), invoker: str | None = None, head: str = HEAD
) -> Approval:
    environment = Environment(path="envs/prod", approvals=approvals, approvers=approvers)
    pull_request = PullRequest(
        1, "bot/prod/shop", head, "Promote", "", "dave", "open", reviews=tuple(review(*told) for told in reviews)
    )
    return approval(environment, pull_request, invoker)


def test_an_approval_of_the_head_commit_counts() -> None:
    assert ask(("alice", "approved")) == Approval(1, ("alice",), 0, (), "1 of 1 approval (alice)")


def test_nothing_is_missing_where_no_approval_is_wanted() -> None:
    assert ask(approvals=0) == Approval(0, (), 0, (), "no approval needed")


def test_what_is_missing_is_counted() -> None:
    assert ask(("alice", "approved"), approvals=3) == Approval(3, ("alice",), 2, (), "1 of 3 approvals (alice)")


@pytest.mark.parametrize(
    ("told", "reason_code"),
    [
        (("alice", "approved", OLD), "stale"),
        (("alice", "approved", ""), "stale"),
        (("alice", "approved", HEAD[:7]), "stale"),
        (("alice", "changes_requested"), "changes_requested"),
        (("alice", "dismissed"), "dismissed"),
        (("dave", "approved"), "author"),
        (("DAVE", "approved"), "author"),
        (("Erin", "approved"), "invoker"),
        (("gitops-bot", "approved"), "bot"),
        (("renovate[bot]", "approved"), "bot"),
        (("frank", "approved"), "not_an_approver"),
    ],
)
def test_a_review_that_does_not_count_is_named_with_its_reason(told: Told, reason_code: str) -> None:
    everyone = ("Alice", "bob", "dave", "erin", "gitops-bot", "renovate[bot]")
    result = ask(told, approvers=everyone, invoker="erin")
    assert result.given == ()
    assert result.missing == 1
    assert [(one.user, one.reason_code) for one in result.ignored] == [(told[0], reason_code)]
    assert result.ignored[0].reason


def test_a_stale_approval_says_what_was_seen_and_what_there_is_now() -> None:
    assert ask(("alice", "approved", OLD)).ignored[0].reason == (
        "approved bbbbbbb, but the pull request is now at aaaaaaa"
    )


def test_without_a_head_commit_nothing_is_approved() -> None:
    assert ask(("alice", "approved", ""), head="").missing == 1


@pytest.mark.parametrize(
    ("told", "given"),
    [
        ([("alice", "approved", HEAD, 1), ("alice", "changes_requested", HEAD, 2)], ()),
        ([("alice", "approved", HEAD, 1), ("alice", "dismissed", HEAD, 2)], ()),
        ([("alice", "approved", HEAD, 1), ("alice", "commented", HEAD, 2)], ("alice",)),
        ([("alice", "commented", HEAD, 1)], ()),
        ([("alice", "changes_requested", OLD, 1), ("alice", "approved", HEAD, 2)], ("alice",)),
        ([("alice", "approved", HEAD, 2), ("alice", "changes_requested", HEAD, 1)], ("alice",)),
        ([("alice", "approved", HEAD, 1), ("alice", "approved", OLD, 2)], ()),
        ([("alice", "approved", HEAD, 1), ("ALICE", "approved", HEAD, 2)], ("ALICE",)),
        ([("alice", "approved", HEAD, 1), ("Alice", "changes_requested", HEAD, 1)], ()),
        ([("Alice", "changes_requested", HEAD, 1), ("alice", "approved", HEAD, 1)], ("alice",)),
        ([("bob", "approved", HEAD, 2), ("alice", "approved", HEAD, 1)], ("alice", "bob")),
    ],
)
def test_the_latest_review_of_each_person_is_what_counts(told: list[Told], given: tuple[str, ...]) -> None:
    assert ask(*told).given == given


def test_nobody_counts_twice() -> None:
    assert ask(("alice", "approved", HEAD, 1), ("Alice", "approved", HEAD, 2), approvals=2).missing == 1


@pytest.mark.parametrize("approvals", [0, 1])
def test_an_approver_who_asked_for_changes_holds_the_promotion_at_whatever_commit(approvals: int) -> None:
    result = ask(("alice", "approved"), ("bob", "changes_requested", OLD), approvals=approvals)
    assert result.given == ("alice",)
    assert result.missing == 1
    assert result.text.endswith("(alice); bob asked for changes")


def test_only_an_approver_can_hold_the_promotion() -> None:
    result = ask(("alice", "approved"), ("mallory", "changes_requested"), approvers=("alice",))
    assert result.missing == 0
    assert [(one.user, one.reason_code) for one in result.ignored] == [("mallory", "not_an_approver")]


@pytest.mark.parametrize(
    ("user", "bot"), [("gitops-bot", True), ("GitOps-Bot", True), ("x[BOT]", True), ("robot", False), ("bot", False)]
)
def test_bots_are_known_by_their_names(user: str, *, bot: bool) -> None:
    assert is_bot(user) is bot
