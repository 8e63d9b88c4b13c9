"""Which comments are requests: by which names the bot is spoken to, and who speaks to it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bot.core.actions import Comment, React, WriteState
from bot.core.models import Unknown, UserComment
from bot.core.plan.chatops import open_requests, speakers
from tests.core.worlds import FOLLOWED, NOW, SHOP, decide, everywhere, running, settled, world

if TYPE_CHECKING:
    from bot.core.actions import Action
    from bot.core.snapshot import Snapshot

PUSHED = [f"{SHOP}:1.0.0", f"{SHOP}:1.1.0"]
SAID = {"alice": "@gitops-bot status", "bob": "@Shop-Bot status", "carol": "@other-bot status", "dana": "/status"}


def spoken(own_name: str | Unknown) -> Snapshot:
    """Each of them says it, and a bot does."""
    comments = [UserComment(f"c:{by}", 1, by, text, NOW, on_pull_request=True) for by, text in SAID.items()]
    bots = comments[-1]._replace(id="c:bot", author="shop-bot[bot]", is_bot=True)
    there = world(FOLLOWED, everywhere("1.0.0"), [f"{SHOP}:1.0.0"], comments=(*comments, bots))
    return replace(there, own_name=own_name)


def heard(snapshot: Snapshot) -> set[str]:
    """Whose comments are requests."""
    found = {request.comment.author for request in open_requests(snapshot)}
    assert speakers(snapshot) == found
    return found


def test_the_bot_answers_to_its_own_name_and_to_that_of_its_account() -> None:
    assert heard(spoken("shop-bot[bot]")) == {"alice", "bob", "dana"}
    assert heard(spoken("gitops-bot")) == {"alice", "dana"}


def test_an_account_whose_name_is_not_known_has_none() -> None:
    assert heard(spoken(Unknown("no answer"))) == {"alice", "dana"}


def test_a_command_on_an_issue_is_not_about_the_pull_request_of_the_same_number() -> None:
    waiting = settled(world(FOLLOWED, running(dev="1.1.0", staging="1.0.0", prod="1.0.0"), PUSHED))
    assert isinstance(waiting.pull_requests, tuple)
    [number] = [p.number for p in waiting.pull_requests if p.branch == "bot/staging/shop"]

    def done(text: str, *, on_pull_request: bool) -> list[Action]:
        comment = UserComment("c", number, "alice", text, NOW, on_pull_request=on_pull_request)
        return list(decide(replace(waiting, comments=(comment,))).actions)

    assert any(isinstance(action, WriteState) for action in done("/hold", on_pull_request=True))
    reply, reaction = done("/hold", on_pull_request=False)
    assert isinstance(reply, Comment)
    assert "not_a_promotion" in reply.body
    assert (reply.number, reply.on_issue) == (number, True)
    assert isinstance(reaction, React)
    [written, _] = done("/lock prod we restore a backup", on_pull_request=False)
    assert isinstance(written, WriteState)
    assert b'"number": 0' in (written.steps[0].files["locks/prod.json"] or b"")


def test_comments_that_could_not_be_read_ask_for_nothing() -> None:
    assert heard(replace(spoken("shop-bot"), comments=Unknown("no answer"))) == set()
