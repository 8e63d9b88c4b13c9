"""What stops a pull request whatever its approvals, and the label by which an admin excepts one from a freeze."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from bot.core.actions import MergePullRequest
from bot.core.config import load_config
from bot.core.models import Labelled, Person, Unknown
from bot.core.plan.stops import HOTFIX, hotfixes
from bot.core.state import Damaged, Freeze, Hold, Lock, State
from tests.core.worlds import FOLLOWED, NOW, SHOP, actions, decide, pull, running, settled, skip, with_pull, world

if TYPE_CHECKING:
    from bot.core.snapshot import Snapshot

STAGING = "bot/staging/shop"
PEOPLE = {"root": Person("admin"), "owner": Person("admin"), "alice": Person("write"), "gone": Person("none")}
HOLIDAYS = Freeze("staging", "root", "c1", "holidays", NOW, NOW + timedelta(days=1))
FROZEN = State(freezes={"staging": HOLIDAYS})
WHO = "staging is frozen by root until 2026-03-02 12:00 UTC: holidays"


def labelled(by: str | Unknown | None, state: State | Unknown = FROZEN, config: str = "", **more: Any) -> Snapshot:
    """A release that waits for staging only, its pull request labelled `hotfix` by somebody."""
    text = FOLLOWED.replace("after: dev, approvals: 1", "after: dev") + config
    there = settled(world(text, running(dev="1.1.0", staging="1.0.0", prod="1.0.0"), [f"{SHOP}:1.1.0"], people=PEOPLE))
    there = with_pull(there, STAGING, labels=frozenset({"hotfix"}))
    number = pull(there, STAGING).number
    put = Labelled(by, NOW) if isinstance(by, str) else by
    return replace(there, **{"labelled": {(number, HOTFIX): put}, "state": state, **more})


def test_the_label_of_an_admin_excepts_a_pull_request_from_a_freeze() -> None:
    assert skip(settled(labelled("root")), "staging").reason_code == "needs_merge"
    assert pull(settled(labelled("root")), STAGING).statuses[0].state == "success"
    everywhere = State(freezes={None: HOLIDAYS._replace(environment=None)})
    assert skip(settled(labelled("Root", everywhere)), "staging").reason_code == "needs_merge"


def test_a_file_that_counts_as_a_freeze_stops_no_exception() -> None:
    damaged = State(damaged=(Damaged("freezes/staging.json", "no JSON"),))
    assert skip(settled(labelled("alice", damaged)), "staging").reason_code == "frozen"
    assert skip(settled(labelled("root", damaged)), "staging").reason_code == "needs_merge"


@pytest.mark.parametrize(
    ("by", "why"),
    [
        ("alice", "alice may not do this; who may: root"),
        ("owner", "owner may not do this; who may: root"),
        ("gone", "gone may not do this; who may: root"),
        ("stranger", "the forge could not say what stranger may do: who that is was not asked"),
        ("root[bot]", "root[bot], who put it on, is a bot"),
        ("gitops-bot", "gitops-bot, who put it on, is a bot"),
        ("robot", "robot, who put it on, is a bot"),
        (None, "who put it on cannot be told, an admin may take it off and put it on again"),
        (Unknown("no\nanswer"), "who put it on could not be read: no answer"),
    ],
)
def test_the_label_of_anybody_else_does_not_count_and_the_stop_says_why(by: str | Unknown | None, why: str) -> None:
    people = {**PEOPLE, "root[bot]": Person("admin"), "robot": Person("admin"), "gitops-bot": Person("admin")}
    admins = "admins: [root, robot]\n" if by == "robot" else "admins: [root]\n"
    snapshot = labelled(by, config=admins, people=people, own_name="robot")
    assert actions(snapshot, MergePullRequest) == []
    found = skip(settled(snapshot), "staging")
    assert found.reason_code == "frozen"
    assert found.reason == f"#1: the label hotfix does not count: {why}; {WHO}"
    assert found.waits_for == "the end of the freeze, or the label hotfix by an admin"
    (status,) = pull(settled(snapshot), STAGING).statuses
    assert status.state == "pending"
    assert status.description.startswith(f"the label hotfix does not count: {why}"[:140])


def test_who_put_it_on_was_not_asked_is_no_exception() -> None:
    snapshot = labelled("root", labelled={})
    assert "who put it on could not be read: it was not asked" in skip(settled(snapshot), "staging").reason


def test_without_the_label_an_admins_name_excepts_nothing() -> None:
    snapshot = with_pull(labelled("root"), STAGING, labels=frozenset({"hotfix-2", "Hotfix"}))
    assert skip(settled(snapshot), "staging").reason == f"#1: {WHO}"


@pytest.mark.parametrize(
    ("state", "reason_code"),
    [
        (replace(FROZEN, locks={"staging": Lock("staging", "bob", 99, "c1", "mine", NOW, None)}), "locked"),
        (replace(FROZEN, holds={1: Hold(1, "bob", "c1", "wait", NOW)}), "held"),
        (replace(FROZEN, damaged=(Damaged("locks/staging.json", "no JSON"),)), "locked"),
        (Unknown("no answer"), "state_unknown"),
    ],
)
def test_it_excepts_from_freezes_alone(state: State | Unknown, reason_code: str) -> None:
    assert skip(settled(labelled("root", state)), "staging").reason_code == reason_code


def test_it_gives_no_approval() -> None:
    snapshot = replace(labelled("root"), config=load_config(FOLLOWED.encode()))
    assert skip(settled(snapshot), "staging").reason_code == "needs_approval"


def test_who_put_it_on_is_asked_only_where_that_decides() -> None:
    assert hotfixes(labelled("root")) == (1,)
    assert hotfixes(labelled("root", State(damaged=(Damaged("what/else", "no"),)))) == (1,)
    over = State(freezes={"staging": HOLIDAYS._replace(until=NOW)})
    elsewhere = State(freezes={"prod": HOLIDAYS._replace(environment="prod")})
    for state in (State(), over, elsewhere, Unknown("no answer")):
        assert hotfixes(labelled("root", state)) == ()
    assert hotfixes(with_pull(labelled("root"), STAGING, labels=frozenset())) == ()
    assert hotfixes(with_pull(labelled("root"), STAGING, state="closed")) == ()
    assert hotfixes(labelled("root", pull_requests=Unknown("no answer"))) == ()
    assert decide(labelled("root", pull_requests=Unknown("no answer"))).actions == ()
