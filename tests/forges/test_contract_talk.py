"""What every forge does alike, whoever provides it: what people say, who they are, and what is deployed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from bot.core.models import Deployment, Person

if TYPE_CHECKING:
    from bot.core.models import Reaction, UserComment
    from tests.forges.place import Permission, Place

EVER = datetime(2000, 1, 1, tzinfo=UTC)


def said(place: Place) -> dict[str, UserComment]:
    """All that others said, by its id, as a new process reads it; in that order."""
    return {comment.id: comment for comment in place.again().comments_since(EVER)}


def verdicts(place: Place) -> dict[str, tuple[str, str]]:
    """The newest review of each person that is more than words: state and commit."""
    [found] = place.again().pull_requests()
    reviews = sorted((r for r in found.reviews if r.state != "commented"), key=lambda review: review.time)
    return {review.author: (review.state, review.commit) for review in reviews}


def test_a_comment_with_a_key_is_edited_in_place(place: Place) -> None:
    number, _ = place.request()
    for text in ("one", "two", "two"):
        place.again().comment(number, "status", text)
    place.forge.comment(number, "diff", "other")
    assert place.forge.pull_requests()[0].comments == {"status": "two", "diff": "other"}
    assert len(place.texts(number)) == 2


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Two\n\nparagraphs\n",
        "  - [ ] ü 日本 \U0001f680 &lt; <b>\n\n\n",
        "<!-- gitops-bot:diff -->\nlooks like another mark",
        "> <!-- gitops-bot release=0123456789abcdef -->",
    ],
)
def test_a_comment_with_a_key_is_given_back_as_it_was_written(place: Place, text: str) -> None:
    number, _ = place.request()
    place.forge.comment(number, "reply:IC_kwDO+/9==", text)
    assert place.again().pull_requests()[0].comments == {"reply:IC_kwDO+/9==": text}


def test_a_forged_mark_does_not_make_a_comment_the_bots(place: Place) -> None:
    first, _ = place.request()
    second, _ = place.request("bot/prod/shop", "tag: 3\n")
    place.forge.comment(first, "status", "All is well")
    [(bot, marked)] = place.texts(first)
    place.comment(second, "mallory", marked)
    forged = {p.number: p.comments for p in place.again().pull_requests()}
    assert forged == {first: {"status": "All is well"}, second: {}}
    place.again().comment(second, "status", "Not so well")
    [(_, kept), (author, _)] = place.texts(second)
    assert (kept, author) == (marked, bot)
    found = {p.number: p for p in place.again().pull_requests()}
    assert found[second].comments == {"status": "Not so well"}
    assert found[second].author == bot


def test_a_review_is_of_the_head_that_was_there(place: Place) -> None:
    number, old = place.request()
    place.approve(number, "carol")
    assert verdicts(place) == {"carol": ("approved", old)}
    new = place.branch(text="tag: 3\n")
    assert ("approved", new) not in verdicts(place).values()
    place.approve(number, "carol")
    assert verdicts(place) == {"carol": ("approved", new)}


def test_the_last_word_of_a_reviewer_is_told(place: Place) -> None:
    number, head = place.request()
    place.approve(number, "dave")
    place.approve(number, "carol")
    place.request_changes(number, "carol")
    assert verdicts(place) == {"dave": ("approved", head), "carol": ("changes_requested", head)}
    place.approve(number, "carol")
    assert verdicts(place) == {"dave": ("approved", head), "carol": ("approved", head)}


def test_a_review_that_was_dismissed_approves_no_more(place: Place) -> None:
    number, head = place.request()
    place.approve(number, "dave")
    place.approve(number, "carol")
    place.dismiss(number, "carol")
    left = verdicts(place)
    assert left.pop("carol", ("dismissed", head))[0] == "dismissed"
    assert left == {"dave": ("approved", head)}


def test_words_neither_approve_nor_take_an_approval_back(place: Place) -> None:
    number, head = place.request()
    place.approve(number, "dave")
    place.discuss(number, "dave", "Well done")
    place.discuss(number, "carol", "LGTM")
    assert verdicts(place) == {"dave": ("approved", head)}


def test_nobody_has_said_anything_at_first(place: Place) -> None:
    number, _ = place.request()
    place.forge.comment(number, "status", "The bot does not listen to itself")
    assert list(place.forge.comments_since(EVER)) == []


def test_comments_and_the_texts_of_reviews_are_told_oldest_first(place: Place) -> None:
    one, _ = place.request()
    other, _ = place.request("bot/prod/shop", "tag: 3\n")
    expected = {
        place.comment(other, "carol", "/status\nü 日本 \U0001f680"): (other, "carol", "/status\nü 日本 \U0001f680"),
        place.discuss(one, "dave", "/hold"): (one, "dave", "/hold"),
        place.approve(one, "carol", "Good.\n\n/promote prod"): (one, "carol", "Good.\n\n/promote prod"),
        place.comment(one, "dave", "/help"): (one, "dave", "/help"),
        place.request_changes(other, "dave", "/diff prod"): (other, "dave", "/diff prod"),
    }
    place.approve(one, "erin")
    found = said(place)
    assert list(found) == list(expected)
    assert {id_: (c.number, c.author, c.body) for id_, c in found.items()} == expected
    times = [comment.time for comment in found.values()]
    assert times == sorted(set(times))
    for comment in found.values():
        assert (comment.on_pull_request, comment.is_bot, comment.edited) == (True, False, False)
        assert comment.reactions == frozenset()
        assert comment.time.utcoffset() is not None


def test_only_what_is_new_enough_is_told(place: Place) -> None:
    number, _ = place.request()
    ids = [place.comment(number, "carol", text) for text in ("one", "two", "three")]
    bound = said(place)[ids[1]].time
    place.edit(ids[0], "carol", "one, edited later")
    assert [comment.id for comment in place.forge.comments_since(bound)] == ids[1:]


def test_what_was_said_is_told_when_the_pull_request_is_closed_or_merged(place: Place) -> None:
    closed, _ = place.request()
    merged, _ = place.approved("bot/prod/shop", "tag: 3\n")
    ids = [place.comment(number, "carol", "/status") for number in (closed, merged)]
    place.forge.close_pull_request(closed)
    place.merge(merged, "carol")
    ids.append(place.comment(merged, "carol", "/rollback prod it is broken"))
    assert [id_ for id_ in said(place) if id_ in ids] == ids


def test_what_was_edited_is_told_as_such(place: Place) -> None:
    number, _ = place.request()
    edited = place.comment(number, "carol", "/promote staging")
    review = place.approve(number, "carol", "Fine")
    plain = place.comment(number, "carol", "/promote staging")
    place.edit(edited, "carol", "/promote prod")
    place.edit(review, "carol", "/promote prod")
    found = said(place)
    assert list(found) == [edited, review, plain]
    assert [(c.edited, c.body) for c in found.values()] == [
        (True, "/promote prod"),
        (True, "/promote prod"),
        (False, "/promote staging"),
    ]


def test_another_bot_is_told_from_people(place: Place) -> None:
    number, _ = place.request()
    ids = [place.comment(number, place.other_bot, "/promote prod"), place.comment(number, "carol", "/status")]
    assert [said(place)[id_].is_bot for id_ in ids] == [True, False]


def test_reactions_are_the_bots_own(place: Place) -> None:
    number, _ = place.request()
    first, second = (place.comment(number, "carol", text) for text in ("/promote prod", "/status"))
    place.react(first, "dave", "rocket")
    place.react(second, "dave", "eyes")
    assert {comment.reactions for comment in said(place).values()} == {frozenset()}
    for _ in range(2):
        place.forge.react(first, "eyes")
        place.again().react(first, "rocket")
    found = said(place)
    assert found[first].reactions == {"eyes", "rocket"}
    assert found[second].reactions == frozenset()


@pytest.mark.parametrize("reaction", ["eyes", "rocket", "-1", "confused"])
def test_the_text_of_a_review_gets_reactions_too(place: Place, reaction: Reaction) -> None:
    number, _ = place.request()
    review, comment = place.approve(number, "carol", "/promote prod"), place.comment(number, "carol", "/status")
    for _ in range(2):
        place.forge.react(review, reaction)
    assert said(place)[review].reactions == {reaction}
    place.forge.react(comment, reaction)
    assert said(place)[comment].reactions == {reaction}


@pytest.mark.parametrize("permission", ["read", "write", "admin", "none"])
def test_a_person_has_a_permission_and_is_in_teams(place: Place, permission: Permission) -> None:
    place.person("carol", permission, ["acme/ops", "acme/dev"])
    place.person("dave", "write", ["acme/sre"])
    assert place.forge.person("carol") == Person(permission)
    asked = frozenset({"acme/ops", "acme/sre"})
    assert place.forge.person("carol", asked) == Person(permission, frozenset({"acme/ops"}))


def test_a_permission_that_was_taken_away_is_gone(place: Place) -> None:
    teams = frozenset({"acme/ops"})
    place.person("carol", "admin", teams)
    assert place.again().person("carol", teams) == Person("admin", teams)
    place.person("carol", "read")
    assert place.again().person("carol", teams) == Person("read")


def test_a_name_that_nobody_has_is_a_person_without_permission(place: Place) -> None:
    place.person("carol", "admin", ["acme/ops"])
    for name in (place.nobody, "", "..", "../carol", "carol/", "carol?x=1", "carol%2f", "ca\nrol", "cärol"):
        assert place.forge.person(name, frozenset({"acme/ops"})) == Person("none"), name


def test_the_newest_deployment_of_each_environment_is_told(place: Place) -> None:
    first, second = place.git.head().sha, place.alice.push({"envs/dev/b.yaml": "tag: 2\n"})
    place.git.fetch()
    assert dict(place.forge.deployments()) == {}
    prod = Deployment("prod/shop", first, "shop 1.0.0")
    place.forge.set_deployment(prod)
    expected: list[Deployment] = [
        Deployment("dev/shop", first, "shop 1.0.0"),
        Deployment("dev/shop", second, "shop 1.1.0"),
        Deployment("dev/shop", first, "shop 1.0.0"),
    ]
    for records, deployment in enumerate(expected, start=1):
        for forge in (place.forge, place.again()):
            forge.set_deployment(deployment)
            assert dict(forge.deployments()) == {"prod/shop": prod, "dev/shop": deployment}
        assert place.deployment_records("dev/shop") == records
    assert place.deployment_records("prod/shop") == 1
