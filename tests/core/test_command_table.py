"""Every command by everyone, on what is one's own and on what is another's: one table, and what each flag asks for."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, get_args

import pytest

from bot.core.actions import OpenPullRequest
from bot.core.commands import VERBS, Command, Verb, parse
from bot.core.events import Promote
from bot.core.models import Person, Unknown, UserComment
from bot.core.plan.chatops.nouns import Request
from bot.core.plan.chatops.verdicts import ask_of, contradiction, problem
from bot.core.state import Hold, Lock, State
from tests.core.worlds import FOLLOWED, NOW, SHOP, actions, after, everywhere, world

if TYPE_CHECKING:
    from bot.core.snapshot import Snapshot

CONFIG = FOLLOWED.replace(
    "approvals: 2, approvers: [alice, bob, carol]}", "approvals: 1, approvers: [anna], deployers: [dora, owen]}"
).replace("applications:", "admins: [ada]\ncommands: {approve: true}\napplications:", 1)
BRANCH = "bot/prod/shop"
PEOPLE: dict[str, Person | Unknown] = {
    "nobody": Person("none"),
    "rita": Person("read"),
    "wim": Person("write"),
    "dora": Person("write"),
    "anna": Person("read"),
    "ada": Person("read"),
    "root": Person("admin"),
    "owen": Person("read"),
    "away": Unknown("the forge did not answer", "unavailable"),
}
"""dora and owen may deploy to prod, anna may approve there, ada is admin by the configuration."""

READERS, WRITERS = "rita wim dora anna ada root owen", "wim dora root"
MAY: dict[Verb, tuple[str, str, str]] = {
    # What is typed, who may where it is another's (owen's), and who may where it is one's own.
    "help": ("help", READERS, READERS),
    "status": ("status", READERS, READERS),
    "diff": ("diff prod", READERS, READERS),
    "promote": ("promote prod", "dora owen", "dora owen"),
    "rollback": ("rollback prod it is broken", "dora owen", "dora owen"),
    "approve": ("approve HEAD", "anna", "anna"),
    "hold": ("hold", READERS, READERS),
    "unhold": ("unhold", "dora owen", READERS),
    "lock": ("lock prod a test", "dora owen", "dora owen"),
    "unlock": ("unlock prod it is over", "ada", "ada dora owen"),
    "freeze": ("freeze --for=1h too late", "ada", "ada"),
    "unfreeze": ("unfreeze it is over", "ada", "ada"),
    "retry": ("retry", WRITERS, WRITERS),
    "rebuild": ("rebuild", WRITERS, WRITERS),
    "refresh": ("refresh", WRITERS, WRITERS),
    "cancel": ("cancel", "dora owen", "wim dora root owen"),
}


def opened(owner: str) -> Snapshot:
    """Prod has an open promotion that `owner` asked for by name."""
    files = everywhere("1.0.0") | {k: v for k, v in everywhere("1.1.0").items() if "prod" not in k}
    pushed = [f"{SHOP}:1.0.0", f"{SHOP}:1.1.0"]
    event = Promote("prod", by=owner)
    snapshot = world(CONFIG, files, pushed, event=event, people=PEOPLE, asks=(event,))
    (action,) = actions(snapshot, OpenPullRequest, event)
    return replace(after(snapshot, action), people=PEOPLE, own_name="gitops-bot")


def about(snapshot: Snapshot, owner: str) -> Snapshot:
    """The same, with a lock on prod and a hold of the pull request by `owner`."""
    number = pull_number(snapshot)
    since = NOW - timedelta(hours=2)
    lock = Lock("prod", owner, number, "1", "a test", since, None)
    hold = Hold(number, owner, "2", "", since)
    return replace(snapshot, state=State(locks={"prod": lock}, holds={number: hold}))


def pull_number(snapshot: Snapshot) -> int:
    assert not isinstance(snapshot.pull_requests, Unknown)
    return next(pull.number for pull in snapshot.pull_requests if pull.branch == BRANCH)


def typed(snapshot: Snapshot, text: str, author: str) -> tuple[UserComment, Command]:
    head = snapshot.branches[BRANCH].head.sha
    body = "/" + text.replace("HEAD", head[:12])
    comment = UserComment("9", pull_number(snapshot), author, body, NOW - timedelta(minutes=1), on_pull_request=True)
    (command,) = parse(body, "gitops-bot")
    assert isinstance(command, Command), command
    return comment, command


def test_every_command_is_in_the_table() -> None:
    assert set(MAY) == set(VERBS) == set(get_args(Verb))


@pytest.mark.parametrize("verb", MAY)
@pytest.mark.parametrize("author", PEOPLE)
@pytest.mark.parametrize("own", [True, False], ids=["own", "another's"])
def test_who_may_give_which_command(verb: Verb, author: str, own: bool) -> None:
    text, others, owners = MAY[verb]
    owner = author if own else "owen" if author != "owen" else "olga"
    snapshot = about(opened(owner), owner)
    if verb in ("promote", "lock"):
        snapshot = replace(snapshot, state=State())
    comment, command = typed(snapshot, text, author)
    found = problem(snapshot, comment, command)
    allowed = author in (owners if own else others).split()
    assert (found is None) == allowed, found
    if found and author == "away":
        assert found.reason_code == "forge_unavailable"
    elif found:
        assert found.reason_code == "permission_denied"
        assert found.message.startswith(f"{author} may not do this; who may: ")


@pytest.mark.parametrize(
    ("text", "event"),
    [
        ("promote prod", Promote("prod", (), None, "dora")),
        ("promote prod --version=1.1.0", Promote("prod", (), "1.1.0", "dora")),
        ("promote prod --app=shop --version=1.1.0", Promote("prod", ("shop",), "1.1.0", "dora")),
        ("promote prod --dry-run", Promote("prod", (), None, "dora", dry=True)),
        ("rollback prod broken", Promote("prod", (), None, "dora", rollback=True)),
        ("rollback prod --to=1.0.0 broken", Promote("prod", (), "1.0.0", "dora", rollback=True)),
        ("rollback prod --app=shop --to=1.0.0 x", Promote("prod", ("shop",), "1.0.0", "dora", rollback=True)),
        ("refresh", Promote("prod", ("shop",), None, "dora", refresh=True)),
        ("hold", None),
        ("retry", None),
        ("diff prod", None),
    ],
)
def test_what_a_command_asks_for(text: str, event: Promote | None) -> None:
    snapshot = opened("owen")
    assert ask_of(snapshot, *typed(snapshot, text, "dora")) == event


def test_a_refresh_of_nothing_asks_for_nothing() -> None:
    snapshot = opened("owen")
    comment, command = typed(snapshot, "refresh", "dora")
    elsewhere = comment._replace(number=comment.number + 50)
    assert ask_of(snapshot, elsewhere, command) is None
    found = problem(snapshot, elsewhere, command)
    assert found is not None
    assert found.reason_code == "not_a_promotion"


@pytest.mark.parametrize(
    ("first", "second"), [("hold", "unhold"), ("lock prod x", "unlock prod x"), ("freeze --for=1h x", "unfreeze x")]
)
def test_commands_that_undo_each_other_are_a_contradiction(first: str, second: str) -> None:
    snapshot = opened("owen")
    comment, one = typed(snapshot, first, "dora")
    _, other = typed(snapshot, second, "dora")
    assert contradiction(Request(comment, (one,), ())) == ()
    assert [p.reason_code for p in contradiction(Request(comment, (one, other), ()))] == ["contradiction"]
