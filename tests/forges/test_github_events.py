"""A delivery of GitHub is verified, and becomes an event or the reason why it is ignored."""

from __future__ import annotations

import copy
import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.errors import BotError
from bot.core.events import Commented, Event, Ignored, Reconcile
from bot.forges.deliveries import LIMIT, BadDelivery, BadSignature, Payload, repository_path
from bot.forges.github_events import event_of, parse_github, verify_github
from tests.forges.deliveries import REPOSITORY, SECRET, github, issue_comment, repository
from tests.npm import npm_package

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Real payloads that GitHub's own people publish. No comment on a pull request, fork or approved review is among them:
# those are derived below, by what https://docs.github.com/en/webhooks/webhook-events-and-payloads says they have.
EXAMPLES = "@octokit/webhooks-examples@7.6.1"


class Example(NamedTuple):
    """One published payload: the event's name and what comes with it."""

    name: str
    payload: dict[str, Any]


@pytest.fixture(scope="session")
def examples(tmp_path_factory: pytest.TempPathFactory) -> list[Example]:
    """All published payloads, of GitHub and of GitHub Enterprise Server."""
    return list(read_examples(npm_package(EXAMPLES, tmp_path_factory)))


def read_examples(modules: Path) -> Iterator[Example]:
    """The payloads in the package."""
    for file in sorted(modules.glob("@octokit/webhooks-examples/*/index.json")):
        for event in json.loads(file.read_text()):
            for payload in event["examples"]:
                yield Example(event["name"], payload)


def one(examples: list[Example], name: str, action: str) -> dict[str, Any]:
    """A copy of the first example of an event's action, to derive from."""
    return copy.deepcopy(next(e.payload for e in examples if e.name == name and e.payload["action"] == action))


def parse(name: str, payload: Any, *, bot: str = "gitops-bot", at: str = REPOSITORY, **headers: str) -> Event | Ignored:
    """What a signed delivery means."""
    sent, body = github(name, payload, **headers)
    return parse_github(sent, body, [SECRET], bot=bot, repository=at).event


def home(payload: dict[str, Any]) -> str:
    """The path of the repository that a payload is about."""
    return str((payload.get("repository") or {}).get("full_name", "")).lower()


def kind(event: Event | Ignored) -> str:
    """An event's type, or the code of what is ignored."""
    return event.reason_code if isinstance(event, Ignored) else type(event).__name__


def test_every_published_event_is_handled_or_ignored_with_a_reason(examples: list[Example]) -> None:
    met: dict[str, set[str]] = defaultdict(set)
    for example in examples:
        event = parse(example.name, example.payload, at=home(example.payload))
        met[example.name].add(kind(event))
        assert not isinstance(event, Ignored) or event.reason
    assert len(examples) > 600
    handled = {name: codes for name, codes in met.items() if codes != {"unknown_event"}}
    assert handled == {
        "check_run": {"Reconcile", "no_effect"},
        "check_suite": {"Reconcile", "no_effect"},
        "issue_comment": {"Commented", "edited", "no_effect"},
        "package": {"Reconcile"},
        "ping": {"ping"},
        "pull_request": {"Reconcile", "no_effect"},
        "pull_request_review": {"Reconcile"},
        "pull_request_review_comment": {"on_a_line"},
        "push": {"Reconcile"},
        "repository_dispatch": {"Reconcile"},
        "status": {"Reconcile"},
        "workflow_dispatch": {"Reconcile"},
    }


def test_only_new_comments_of_the_published_ones_are_commands(examples: list[Example]) -> None:
    written = 0
    for name, payload in examples:
        event = parse(name, payload, at=home(payload))
        if isinstance(event, Commented):
            written += 1
            assert payload["action"] == "created"
            assert event == (payload["comment"]["node_id"], payload["issue"]["number"])
    assert written > 5


def test_a_comment_on_a_pull_request_is_an_event(examples: list[Example]) -> None:
    payload = one(examples, "issue_comment", "created")
    payload["issue"]["pull_request"] = {"url": payload["issue"]["url"].replace("/issues/", "/pulls/")}
    payload["comment"]["body"] = "/promote prod"
    event = parse("issue_comment", payload, at="codertocat/hello-world")
    assert event == Commented("MDEyOklzc3VlQ29tbWVudDQ5MjcwMDQwMA==", 1)


def test_a_pull_request_of_a_fork_is_looked_at_and_its_repository_is_not_mistaken_for_ours(
    examples: list[Example],
) -> None:
    payload = one(examples, "pull_request", "opened")
    payload["pull_request"]["head"]["repo"] |= {"full_name": "mallory/Hello-World", "fork": True}
    assert parse("pull_request", payload) == Reconcile()
    review = one(examples, "pull_request_review", "submitted")
    review["review"]["body"] = "/promote prod"
    review["pull_request"]["head"]["repo"] |= {"full_name": REPOSITORY, "fork": True}
    assert kind(parse("pull_request_review", review)) == "other_repository"


@pytest.mark.parametrize("state", ["approved", "changes_requested"])
def test_a_review_is_an_event_and_with_a_text_it_may_hold_commands(examples: list[Example], state: str) -> None:
    payload = one(examples, "pull_request_review", "submitted")
    payload["review"]["state"] = state
    assert parse("pull_request_review", payload) == Reconcile()
    payload["review"]["body"] = " \r\n"
    assert parse("pull_request_review", payload) == Reconcile()
    payload["review"]["body"] = "Fine.\r\n/promote prod"
    event = parse("pull_request_review", payload, at="codertocat/hello-world")
    assert event == Commented(payload["review"]["node_id"], 2)


def test_what_a_workflow_alone_knows_is_an_event_too() -> None:
    for name in ("schedule", "workflow_dispatch"):
        assert parse(name, {"schedule": "*/5 * * * *"}) == Reconcile()
    assert parse("registry_package", {"action": "published"}) == Reconcile()
    assert parse("pull_request_target", {"action": "opened"}) == Reconcile()
    assert kind(parse("pull_request_target", {"action": "assigned"})) == "no_effect"


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (issue_comment() | {"action": "edited"}, "edited"),
        (issue_comment() | {"action": "deleted"}, "no_effect"),
        (issue_comment(by="GitOps-Bot"), "own_comment"),
        (issue_comment() | {"sender": {"login": "gitops-bot", "type": "User"}}, "own_comment"),
        (issue_comment(user={"login": "renovate[bot]", "type": "Bot"}), "by_bot"),
        (issue_comment() | {"sender": {"login": "shop-app[bot]", "type": "Bot"}}, "by_bot"),
        (issue_comment(user={"login": "renovate[bot]"}), "by_bot"),
        (issue_comment(user=None), "no_author"),
        (issue_comment() | {"repository": repository("shop/gitops2")}, "other_repository"),
        (issue_comment() | {"repository": repository("mallory/gitops")}, "other_repository"),
    ],
)
def test_comments_that_give_no_commands_are_ignored(payload: dict[str, Any], code: str) -> None:
    event = parse("issue_comment", payload)
    assert kind(event) == code
    assert isinstance(event, Ignored)
    assert event.reason


@pytest.mark.parametrize("name", ["", "star", "issue_commentt", "ISSUE_COMMENT", "\x1b[2J", "x" * 10_000, "é"])
def test_an_event_that_nobody_knows_is_ignored(name: str) -> None:
    event = parse(name, issue_comment())
    assert isinstance(event, Ignored)
    assert event.reason_code == "unknown_event"
    assert len(event.reason) < 120
    assert event.reason.isprintable()


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/shop/gitops",
        "https://github.com/Shop/GitOps.git",
        "https://proxy.example.com:8443/shop/gitops.git/",
        "git@github.com:shop/gitops.git",
        "ssh://git@github.com:22/shop/gitops.git",
        "ssh://git@github.com/shop/gitops",
    ],
)
def test_the_repository_is_recognised_however_its_url_is_written(url: str) -> None:
    assert repository_path(url) == REPOSITORY


def test_a_server_below_a_path_of_its_host_is_recognised() -> None:
    payload = issue_comment()
    payload["repository"]["clone_url"] = "https://host.example/github/shop/gitops.git"
    assert isinstance(
        parse("issue_comment", payload, at=repository_path("https://host.example/github/shop/gitops")), Commented
    )


def test_a_repository_that_is_not_known_is_nobodys() -> None:
    assert kind(parse("issue_comment", issue_comment(), at="")) == "other_repository"
    assert kind(parse("issue_comment", issue_comment() | {"repository": {}}, at="")) == "other_repository"


@pytest.mark.parametrize(
    "headers",
    [
        {"X_Hub_Signature_256": ""},
        {"X_Hub_Signature_256": "sha256="},
        {"X_Hub_Signature_256": "sha256=" + "0" * 64},
        {"X_Hub_Signature_256": "", "X_Hub_Signature": "sha1=" + "0" * 40},
        {"X_Hub_Signature_256": "\xff\u202e"},
        {"X_Hub_Signature_256": "\ud800"},
        {"secret": "another"},
        {"secret": ""},
    ],
)
def test_a_forged_delivery_is_refused_and_says_nothing_of_the_secret(headers: dict[str, str]) -> None:
    secret = headers.pop("secret", SECRET)
    sent, body = github("push", {}, secret, **headers)
    with pytest.raises(BadSignature) as caught:
        verify_github(sent, body, [SECRET, ""])
    assert caught.value.reason_code == "bad_signature"
    assert SECRET not in str(caught.value)


def test_a_changed_byte_is_a_forged_delivery() -> None:
    sent, body = github("push", {"ref": "refs/heads/main"})
    for changed in (body + b" ", body.replace(b"main", b"prod"), b""):
        with pytest.raises(BadSignature):
            verify_github(sent, changed, [SECRET])


@pytest.mark.parametrize("secrets", [[], [""]])
def test_without_a_secret_nothing_is_believed(secrets: list[str]) -> None:
    for signed_with in (SECRET, ""):
        with pytest.raises(BadSignature):
            verify_github(*github("push", {}, signed_with), secrets)


def test_two_secrets_hold_while_one_takes_the_place_of_the_other() -> None:
    for secret in ("old", "new"):
        verify_github(*github("push", {}, secret), ["old", "new"])
    with pytest.raises(BadSignature):
        verify_github(*github("push", {}, "old"), ["new"])


def test_headers_are_found_however_they_are_written() -> None:
    sent, body = github("push", {})
    for change in (str.lower, str.upper, str.title):
        found = parse_github({change(k): v for k, v in sent.items()}, body, [SECRET], bot="b", repository=REPOSITORY)
        assert found == ("72d3162e-cc78-11e3-81ab-4c9367dc0958", Reconcile())


def test_a_comment_cannot_be_replayed_as_another_event() -> None:
    assert kind(parse("pull_request_review_comment", issue_comment())) == "on_a_line"
    assert kind(parse("pull_request_review", issue_comment())) == "no_effect"
    with pytest.raises(BadDelivery):
        parse("pull_request_review", issue_comment() | {"action": "submitted"})
    review = {"action": "submitted", "review": {"body": "/x"}, "pull_request": {"number": 1}}
    assert kind(parse("issue_comment", review)) == "no_effect"


@pytest.mark.parametrize("delivery", ["", "a b", "a\nb", "é", "x" * 300])
def test_a_delivery_without_a_proper_id_is_refused(delivery: str) -> None:
    with pytest.raises(BadDelivery):
        parse("push", {}, X_GitHub_Delivery=delivery)


def test_a_body_over_the_limit_is_not_even_hashed() -> None:
    with pytest.raises(BadDelivery) as caught:
        verify_github({}, b" " * (LIMIT + 1), [SECRET])
    assert caught.value.reason_code == "too_large"
    assert parse("push", b"{}" + b" " * (LIMIT - 2)) == Reconcile()


def test_a_comment_of_a_megabyte_is_taken_whole() -> None:
    text = "é" * 500_000
    event = parse("issue_comment", issue_comment(text))
    assert isinstance(event, Commented)


@pytest.mark.parametrize("content_type", ["", "application/x-www-form-urlencoded", "text/plain", "application/jsonx"])
def test_what_is_not_sent_as_json_is_refused(content_type: str) -> None:
    with pytest.raises(BadDelivery) as caught:
        parse("push", {}, Content_Type=content_type)
    assert caught.value.reason_code == "not_json"
    assert "application/json" in caught.value.fix


def test_a_content_type_may_name_its_characters() -> None:
    assert parse("push", {}, Content_Type="Application/JSON; charset=utf-8") == Reconcile()


@pytest.mark.parametrize(
    "body",
    [b"", b"payload=%7B%7D", b"[]", b"null", b'"text"', b"{", b"\xff\xfe", b'{"a": "\xed\xa0\x80"}', b"[" * 1_000_000],
)
def test_what_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(BadDelivery):
        parse("push", body)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("node_id", None),
        ("node_id", "IC kw7"),
        ("node_id", 7),
        ("node_id", "IC_\u202e"),
        ("user", "alice"),
        ("user", {"type": "User"}),
        ("user", {"login": ["alice"], "type": "User"}),
    ],
)
def test_a_comment_that_lacks_what_a_comment_has_is_refused(key: str, value: object) -> None:
    payload = issue_comment()
    payload["comment"][key] = value
    with pytest.raises(BadDelivery) as caught:
        parse("issue_comment", payload)
    assert f"comment.{key}" in caught.value.message


@pytest.mark.parametrize("number", [None, 0, -1, True, "7", 7.0, [7]])
def test_a_number_is_a_number(number: object) -> None:
    with pytest.raises(BadDelivery):
        parse("issue_comment", issue_comment() | {"issue": {"number": number}})


@pytest.mark.parametrize("login", ["аlice", "ａlice", "alice\u200b", "\u202ealice", "ali ce", "alice\n", "@alice", ""])  # noqa: RUF001 -- letters that only look like others are the point
def test_a_name_that_only_looks_like_somebodys_is_refused(login: str) -> None:
    with pytest.raises(BadDelivery):
        parse("issue_comment", issue_comment(by=login))


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(), below, max_size=3),
    max_leaves=10,
)
names = st.sampled_from(["issue_comment", "pull_request_review", "push", "check_run"])


@given(name=names | st.text(), body=st.binary() | anything.map(lambda value: json.dumps(value).encode()))
def test_whatever_is_sent_there_is_an_event_or_an_error_for_people(name: str, body: bytes) -> None:
    try:
        event: object = parse(name, body)
    except BotError as error:
        event = error
    assert isinstance(event, Reconcile | Ignored | BotError)


@given(
    name=names,
    place=st.sampled_from(["action", "issue", "comment", "repository", "sender", "review", "pull_request"]),
    key=st.sampled_from(["number", "user", "body", "node_id", "created_at", "full_name", "login", "type", "state"]),
    value=anything,
    whole=st.booleans(),
)
def test_whatever_is_changed_in_a_comment_there_is_an_event_or_an_error_for_people(
    name: str, place: str, key: str, value: object, whole: bool
) -> None:
    payload = issue_comment()
    payload |= {"review": payload["comment"] | {"submitted_at": "2026-05-15T15:20:21Z"}, "pull_request": {"number": 7}}
    if name == "pull_request_review":
        payload["action"] = "submitted"
    if whole or not isinstance(payload[place], dict):
        payload[place] = value
    else:
        payload[place] = payload[place] | {key: value}
    try:
        event: object = event_of(name, Payload(payload), bot="gitops-bot", repository=REPOSITORY)
    except BotError as error:
        event = error
    assert isinstance(event, Reconcile | Commented | Ignored | BotError)
    assert not isinstance(event, Commented) or event.comment.isascii()
