"""Which comments are requests: by which names the bot is spoken to, and who speaks to it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bot.core.models import Unknown, UserComment
from bot.core.plan.chatops import open_requests, speakers
from tests.core.worlds import FOLLOWED, NOW, SHOP, everywhere, world

if TYPE_CHECKING:
    from bot.core.snapshot import Snapshot

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


def test_comments_that_could_not_be_read_ask_for_nothing() -> None:
    assert heard(replace(spoken("shop-bot"), comments=Unknown("no answer"))) == set()
