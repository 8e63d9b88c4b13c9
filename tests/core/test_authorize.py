"""Approvals count for the commit that is merged, by those who may give them; commands are for those who may."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal, get_args

import pytest

from bot.core.authorize import Approval, approval, may
from bot.core.commands import Level
from bot.core.config import Environment, load_config
from bot.core.models import Person, PullRequest, Review, Unknown
from bot.core.people import is_bot

if TYPE_CHECKING:
    from bot.core.config import Config

HEAD = "a" * 40
OLD = "b" * 40
START = datetime(2026, 1, 1, tzinfo=UTC)
State = Literal["approved", "changes_requested", "commented", "dismissed"]
Told = tuple[str, State] | tuple[str, State, str] | tuple[str, State, str, int]
Given = tuple[str, str, datetime]

NONE, READ, WRITE, ADMIN = Person("none"), Person("read"), Person("write"), Person("admin")
AWAY = Unknown("https://forge.example: no answer\n  → check the network", "unavailable")
PEOPLE: dict[str, Person | Unknown] = {
    "alice": WRITE,
    "bob": ADMIN,
    "carol": WRITE,
    "dave": WRITE,
    "erin": WRITE,
    "olga": Person("read", frozenset({"acme/ops"})),
    "otto": Person("none", frozenset({"acme/ops"})),
    "rita": READ,
    "nina": NONE,
    "away": AWAY,
    "gitops-bot": ADMIN,
    "renovate[bot]": ADMIN,
    "project_17_bot_0a1b": ADMIN,
}


def after(minutes: int) -> datetime:
    return START + timedelta(minutes=minutes)


def review(author: str, state: State, commit: str = HEAD, minute: int = 0) -> Review:
    return Review(author, state, commit, after(minute))


def ask(
    *reviews: Told,
    approvals: int = 1,
    approvers: tuple[str, ...] = (),
    invoker: str | None = None,
    head: str = HEAD,
    keep: bool = False,
    given: tuple[Given, ...] = (),
    same: frozenset[str] = frozenset(),
) -> Approval:
    """What reviews of a pull request by dave come to."""
    environment = Environment(path="envs/prod", approvals=approvals, approvers=approvers, keep_approvals=keep)
    pull_request = PullRequest(
        1, "bot/prod/shop", head, "Promote", "", "dave", "open", reviews=tuple(review(*told) for told in reviews)
    )
    return approval(environment, pull_request, invoker, people=PEOPLE, given=given, same=same)


def codes(result: Approval) -> list[tuple[str, str]]:
    return [(one.user, one.reason_code) for one in result.ignored]


def test_an_approval_of_the_head_commit_counts() -> None:
    result = ask(("alice", "approved"))
    assert (result.required, result.given, result.missing, result.ignored) == (1, ("alice",), 0, ())
    assert result.text == "1 of 1 approval (alice)"


def test_nothing_is_missing_where_no_approval_is_wanted() -> None:
    result = ask(approvals=0)
    assert (result.missing, result.text) == (0, "no approval needed")
    assert result.explanation == "No approval is needed."


def test_what_is_missing_is_counted() -> None:
    result = ask(("alice", "approved"), approvals=3)
    assert (result.given, result.missing, result.text) == (("alice",), 2, "1 of 3 approvals (alice)")


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
        (("Project_17_bot_0a1b", "approved"), "bot"),
        (("bob", "approved"), "not_an_approver"),
        (("otto", "approved"), "not_an_approver"),
        (("nina", "approved"), "not_an_approver"),
        (("away", "approved"), "forge_unavailable"),
        (("stranger", "approved"), "forge_unavailable"),
    ],
)
def test_a_review_that_does_not_count_is_named_with_its_reason(told: Told, reason_code: str) -> None:
    named = ("Alice", "carol", "dave", "erin", "nina", "away", "stranger", "team:acme/ops")
    result = ask(told, approvers=(*named, "gitops-bot", "renovate[bot]", "project_17_bot_0a1b"), invoker="erin")
    assert result.given == ()
    assert result.missing == 1
    assert codes(result) == [(told[0], reason_code)]
    assert result.ignored[0].reason
    assert told[0] in result.explanation


@pytest.mark.parametrize(
    ("approvers", "who"),
    [
        ((), {"alice", "bob", "carol", "erin"}),
        (("ALICE", "rita"), {"alice", "rita"}),
        (("team:acme/ops",), {"olga"}),
        (("team:ACME/Ops", "alice"), {"olga", "alice"}),
        (("team:acme/other",), set()),
        (("permission:write",), {"alice", "bob", "carol", "erin"}),
        (("permission:admin",), {"bob"}),
        (("permission:admin", "team:acme/ops", "rita"), {"bob", "olga", "rita"}),
        (("nina", "away", "stranger"), set()),
    ],
)
def test_an_approval_counts_by_those_who_may_give_it(approvers: tuple[str, ...], who: set[str]) -> None:
    everybody = [*PEOPLE, "stranger"]
    counted = {name for name in everybody if ask((name, "approved"), approvers=approvers).given}
    assert counted == who
    capital = {name for name in everybody if ask((name.upper(), "approved"), approvers=approvers).given}
    assert capital == who


def test_a_stale_approval_says_what_was_seen_and_what_there_is_now() -> None:
    assert ask(("alice", "approved", OLD)).ignored[0].reason == (
        "approved bbbbbbb, but the pull request is now at aaaaaaa"
    )


def test_without_a_head_commit_nothing_is_approved() -> None:
    assert ask(("alice", "approved", ""), head="").missing == 1
    assert ask(("alice", "approved", ""), head="", keep=True, same=frozenset({""})).missing == 1


@pytest.mark.parametrize(
    ("keep", "same", "given"),
    [
        (True, {OLD}, ("alice",)),
        (True, {"c" * 40}, ()),
        (True, set(), ()),
        (False, {OLD}, ()),
    ],
)
def test_an_approval_of_an_older_head_stands_where_that_is_kept_and_the_merge_is_the_same(
    *, keep: bool, same: set[str], given: tuple[str, ...]
) -> None:
    assert ask(("alice", "approved", OLD), keep=keep, same=frozenset(same)).given == given


def test_changes_asked_for_at_an_older_head_hold_where_approvals_are_kept_too() -> None:
    result = ask(("alice", "approved", OLD), ("bob", "changes_requested", OLD), keep=True, same=frozenset({OLD}))
    assert (result.given, result.missing) == (("alice",), 1)


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
    by_command = (("ALICE", HEAD, after(2)),)
    assert ask(("alice", "approved", HEAD, 1), given=by_command, approvals=2).missing == 1


@pytest.mark.parametrize(
    ("reviews", "given", "counts"),
    [
        ([], ("alice", HEAD, after(1)), ("alice",)),
        ([], ("alice", OLD, after(1)), ()),
        ([], ("alice", HEAD[:12], after(1)), ()),
        ([], ("dave", HEAD, after(1)), ()),
        ([], ("rita", HEAD, after(1)), ()),
        ([], ("away", HEAD, after(1)), ()),
        ([("alice", "changes_requested", HEAD, 1)], ("alice", HEAD, after(2)), ("alice",)),
        ([("alice", "changes_requested", HEAD, 3)], ("alice", HEAD, after(2)), ()),
        ([("alice", "dismissed", HEAD, 3)], ("alice", HEAD, after(2)), ()),
        ([("bob", "approved", HEAD, 1)], ("alice", HEAD, after(2)), ("bob", "alice")),
    ],
)
def test_an_approval_by_command_counts_as_a_review_does(
    reviews: list[Told], given: Given, counts: tuple[str, ...]
) -> None:
    assert ask(*reviews, given=(given,)).given == counts


@pytest.mark.parametrize("approvals", [0, 1])
@pytest.mark.parametrize("who", ["bob", "away", "stranger"])
def test_an_approver_who_asked_for_changes_holds_the_promotion_at_whatever_commit(who: str, approvals: int) -> None:
    result = ask(("alice", "approved"), (who, "changes_requested", OLD), approvals=approvals)
    assert (result.given, result.missing, result.blockers) == (("alice",), 1, (who,))
    assert f"(alice); {who} asked for changes" in result.text
    assert f"Changes were asked for by {who}: only their approval ends that" in result.explanation


@pytest.mark.parametrize("who", ["mallory", "rita", "nina", "dave", "renovate[bot]"])
def test_only_an_approver_can_hold_the_promotion(who: str) -> None:
    people = PEOPLE | {"mallory": READ}
    environment = Environment(path="envs/prod", approvals=1)
    reviews = (review("alice", "approved"), review(who, "changes_requested"))
    pull_request = PullRequest(1, "bot/prod/shop", HEAD, "Promote", "", "dave", "open", reviews=reviews)
    result = approval(environment, pull_request, None, people=people)
    assert (result.missing, result.blockers) == (0, ())
    assert [one.user for one in result.ignored] == [who]


@pytest.mark.parametrize(
    ("approvers", "text", "explanation"),
    [
        ((), "1 of 3 approvals (alice)", "2 more can come from anyone with write permission."),
        (
            ("alice", "bob", "dave", "erin", "x[bot]", "carol"),
            "1 of 3 approvals (alice); may approve: bob, carol",
            "2 more can come from bob, carol.",
        ),
        (
            ("alice", "team:acme/ops", "permission:admin"),
            "1 of 3 approvals (alice); may approve: the team acme/ops, anyone with admin permission",
            "2 more can come from the team acme/ops, anyone with admin permission.",
        ),
        (
            ("alice", "Dave", "Erin"),
            "1 of 3 approvals (alice); may approve: nobody who is left",
            "Nobody is left who may approve: name more approvers in gitops.yaml, or want fewer approvals.",
        ),
    ],
)
def test_who_can_give_what_is_missing_is_named(approvers: tuple[str, ...], text: str, explanation: str) -> None:
    result = ask(("alice", "approved"), approvals=3, approvers=approvers, invoker="erin")
    assert result.text == text
    assert result.explanation == f"1 of 3 approvals at commit aaaaaaa. Approved by alice. {explanation}"


def test_an_approval_that_could_not_be_looked_up_is_said_and_does_not_count() -> None:
    result = ask(("alice", "approved"), ("away", "approved"), approvals=2)
    assert result.missing == 1
    assert result.text == "1 of 2 approvals (alice); away could not be looked up"
    assert "Not counted: away (the forge could not say who that is here: https://forge.example: no answer → check" in (
        result.explanation
    )


def test_nobody_is_left_to_be_named_once_enough_approved() -> None:
    assert ask(("alice", "approved"), approvers=("alice", "bob")).text == "1 of 1 approval (alice)"


@pytest.mark.parametrize("length", [1, 12, 39, 255])
@pytest.mark.parametrize("number", [1, 2, 20, 300])
def test_a_status_is_never_too_long_however_many_people_there_are(number: int, length: int) -> None:
    def names(kind: str) -> list[str]:
        return [f"{kind}{n}".ljust(length, "x") for n in range(number)]

    known: dict[str, Person | Unknown] = {name: WRITE for kind in "abm" for name in names(kind)}
    reviews = [
        *(review(name, "approved") for name in names("a") + names("u")),
        *(review(name, "changes_requested") for name in names("b")),
    ]
    environment = Environment(
        path="p", approvals=20, approvers=(*names("m"), "team:acme/ops", *names("a"), *names("b"), *names("u"))
    )
    pull_request = PullRequest(1, "bot/p/shop", HEAD, "Promote", "", "dave", "open", reviews=tuple(reviews))
    result = approval(environment, pull_request, None, people=known)
    assert len(result.given) == len(result.blockers) == number
    assert len(result.text) <= 140
    assert f"{number} of 20 approvals" in result.text
    assert "asked for changes" in result.text


@pytest.mark.parametrize(
    ("user", "bot"),
    [
        ("gitops-bot", True),
        ("GitOps-Bot", True),
        ("x[BOT]", True),
        ("project_1_bot", True),
        ("project_1_bot2", True),
        ("Group_109_bot_4ffca233d8298ea1", True),
        ("robot", False),
        ("bot", False),
        ("project_x_bot", False),
        ("project_1_bottle-neck", False),
        ("my_project_1_bot", False),
    ],
)
def test_bots_are_known_by_their_names(user: str, *, bot: bool) -> None:
    assert is_bot(user) is bot


def configured(environment: str = "", admins: str = "[]") -> Config:
    """dev names nobody; prod has what is given."""
    text = f"version: 1\nadmins: {admins}\nenvironments:\n  dev: {{path: dev}}\n  prod: {{path: prod{environment}}}\n"
    return load_config(f"{text}applications: {{shop: {{}}}}\n".encode())


LEVELS: tuple[Level, ...] = get_args(Level)
NAMED = configured(", deployers: [Rita, 'team:acme/ops'], approvers: ['permission:admin']", "[alice]")


@pytest.mark.parametrize(
    ("person", "levels"),
    [
        (NONE, set()),
        (READ, {"read"}),
        (WRITE, {"read", "write", "deployer", "approver"}),
        (ADMIN, {"read", "write", "deployer", "approver", "admin"}),
    ],
)
def test_where_nobody_is_named_the_permission_on_the_forge_says_what_a_person_may(
    person: Person, levels: set[Level]
) -> None:
    assert {level for level in LEVELS if may(configured(), person, "zoe", level, "dev").allowed} == levels


@pytest.mark.parametrize(
    ("name", "person", "levels"),
    [
        ("rita", READ, {"read", "deployer"}),
        ("RITA", WRITE, {"read", "write", "deployer"}),
        ("rita", NONE, set()),
        ("olga", Person("read", frozenset({"ACME/ops"})), {"read", "deployer"}),
        ("olga", Person("read", frozenset({"acme/other"})), {"read"}),
        ("otto", Person("none", frozenset({"acme/ops"})), set()),
        ("Alice", WRITE, {"read", "write", "admin"}),
        ("alice", READ, {"read", "admin"}),
        ("alice", NONE, set()),
        ("bob", ADMIN, {"read", "write", "approver"}),
        ("team:acme/ops", WRITE, {"read", "write"}),
    ],
)
def test_where_people_are_named_only_they_may(name: str, person: Person, levels: set[Level]) -> None:
    assert {level for level in LEVELS if may(NAMED, person, name, level, "prod").allowed} == levels


def test_who_deploys_to_one_environment_does_not_deploy_to_another() -> None:
    assert may(NAMED, READ, "rita", "deployer", "prod").allowed
    assert not may(NAMED, READ, "rita", "deployer", "dev").allowed
    assert may(NAMED, WRITE, "erin", "deployer", "dev").allowed
    assert not may(NAMED, WRITE, "erin", "deployer", "prod").allowed


@pytest.mark.parametrize("level", LEVELS)
def test_who_is_not_known_may_nothing(level: Level) -> None:
    verdict = may(configured(admins="[away]"), AWAY, "away", level, "dev")
    assert (verdict.allowed, verdict.reason_code) == (False, "forge_unavailable")
    assert verdict.reason == (
        "the forge could not say what away may do: https://forge.example: no answer → check the network"
    )


@pytest.mark.parametrize("level", ["deployer", "approver"])
@pytest.mark.parametrize("environment", ["qa", "", None])
def test_nobody_deploys_to_or_approves_for_an_environment_that_is_not_there(
    level: Level, environment: str | None
) -> None:
    verdict = may(NAMED, ADMIN, "alice", level, environment)
    assert (verdict.allowed, verdict.reason_code) == (False, "unknown_environment")
    assert verdict.reason == "there is no such environment; there are dev, prod"


@pytest.mark.parametrize(
    ("level", "reason"),
    [
        ("read", "anyone with read permission"),
        ("write", "anyone with write permission"),
        ("deployer", "Rita, the team acme/ops"),
        ("approver", "anyone with admin permission"),
        ("admin", "alice"),
    ],
)
def test_a_refusal_names_those_who_may(level: Level, reason: str) -> None:
    verdict = may(NAMED, NONE, "mallory", level, "prod")
    assert verdict.reason_code == "permission_denied"
    assert verdict.reason == f"mallory may not do this; who may: {reason}"


def test_what_is_allowed_needs_no_words() -> None:
    assert may(NAMED, WRITE, "erin", "write") == (True, "", "")
