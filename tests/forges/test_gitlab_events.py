"""A delivery of GitLab is verified, and becomes an event or the reason why it is ignored."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.errors import BotError
from bot.core.events import Commented, Event, Ignored, Reconcile
from bot.forges.deliveries import LIMIT, BadDelivery, BadSignature, Delivery
from bot.forges.gitlab_events import parse_gitlab, verify_gitlab
from bot.forges.gitlab_records import comment_id
from tests.forges.deliveries import REPOSITORY, SECRET, SIGNING, gitlab, note, signed_gitlab

NOW = datetime(2026, 5, 15, 15, 20, 30, tzinfo=UTC)
TIME = int(NOW.timestamp())
PUSH = {"object_kind": "push", "ref": "refs/heads/main"}


def deliver(payload: Any, *, at: str = REPOSITORY, **headers: str) -> Delivery:
    """A delivery with a token, parsed."""
    sent, body = gitlab(payload, **headers)
    return parse_gitlab(sent, body, [SECRET], NOW, bot="gitops-bot", repository=at)


def parse(payload: Any, *, at: str = REPOSITORY) -> Event | Ignored:
    """What a delivery with a token means."""
    return deliver(payload, at=at).event


def kind(event: Event | Ignored) -> str:
    """An event's type, or the code of what is ignored."""
    return event.reason_code if isinstance(event, Ignored) else type(event).__name__


def test_a_new_note_on_a_merge_request_is_an_event() -> None:
    assert parse(note("/promote prod\n")) == Commented("note:1244", 7)


def test_a_note_has_the_id_that_the_forge_lists_it_by() -> None:
    event = parse(note())
    assert isinstance(event, Commented)
    assert event.comment == comment_id("gid://gitlab/Note/1244")


def test_a_new_note_on_an_issue_is_an_event() -> None:
    event = parse(note(noteable_type="Issue") | {"issue": {"id": 92, "iid": 17}})
    assert event == Commented("note:1244", 17)


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (note(action="update"), "edited"),
        (note(action=None), "edited"),
        (note(system=True), "by_bot"),
        (note(by="project_5_bot_4ffca233d8298ea1"), "by_bot"),
        (note(by="group_12_bot"), "by_bot"),
        (note(by="GitOps-Bot"), "own_comment"),
        (note(noteable_type="Commit"), "no_effect"),
        (note(noteable_type="Snippet"), "no_effect"),
        (note() | {"project": {"path_with_namespace": "mallory/gitops"}}, "other_repository"),
        (note() | {"project": {}}, "other_repository"),
    ],
)
def test_notes_that_give_no_commands_are_ignored(payload: dict[str, Any], code: str) -> None:
    event = parse(payload)
    assert kind(event) == code
    assert isinstance(event, Ignored)
    assert event.reason


def test_a_person_may_be_named_nearly_like_a_bot() -> None:
    for name in ("project_bot", "my_project_5_bot", "_bot_", "group_x_bot"):
        assert isinstance(parse(note(by=name)), Commented)


def test_a_server_below_a_path_of_its_host_is_recognised() -> None:
    payload = note()
    payload["project"]["git_http_url"] = "https://host.example/gitlab/shop/gitops.git"
    assert isinstance(parse(payload, at="gitlab/shop/gitops"), Commented)


@pytest.mark.parametrize(
    ("attributes", "code"),
    [
        ({"action": "open"}, "Reconcile"),
        ({"action": "merge"}, "Reconcile"),
        ({"action": "close"}, "Reconcile"),
        ({"action": "approved"}, "Reconcile"),
        ({"action": "unapproval"}, "Reconcile"),
        ({"action": "update", "oldrev": "6db1f9cc"}, "Reconcile"),
        ({"action": "update"}, "no_effect"),
        ({"action": "update", "oldrev": None}, "no_effect"),
        ({"action": "update", "labels": [{"title": "hotfix"}]}, "no_effect"),
        ({}, "no_effect"),
    ],
)
def test_a_merge_request_counts_when_its_commits_or_its_state_changed(attributes: dict[str, str], code: str) -> None:
    assert kind(parse({"object_kind": "merge_request", "object_attributes": attributes})) == code


def test_a_merge_request_counts_when_its_labels_changed() -> None:
    update = {"object_kind": "merge_request", "object_attributes": {"action": "update"}}
    labels = {"previous": [], "current": [{"id": 206, "title": "hotfix"}]}
    assert kind(parse(update | {"changes": {"labels": labels}})) == "Reconcile"
    assert kind(parse(update | {"changes": {"title": {"previous": "a", "current": "b"}}})) == "no_effect"


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (PUSH, "Reconcile"),
        ({"object_kind": "tag_push"}, "Reconcile"),
        ({"object_kind": "deployment", "status": "success"}, "Reconcile"),
        ({"object_kind": "pipeline", "object_attributes": {"status": "success"}}, "Reconcile"),
        ({"object_kind": "pipeline", "object_attributes": {"status": "failed"}}, "Reconcile"),
        ({"object_kind": "pipeline", "object_attributes": {"status": "running"}}, "no_effect"),
        ({"object_kind": "emoji"}, "unknown_event"),
        ({"object_kind": "build"}, "unknown_event"),
        ({"object_kind": "\u202enote"}, "unknown_event"),
        ({}, "unknown_event"),
    ],
)
def test_other_events_say_that_something_changed_or_nothing(payload: dict[str, Any], code: str) -> None:
    assert kind(parse(payload)) == code


@pytest.mark.parametrize("token", ["", "another", SECRET + " ", SECRET.upper(), "\xff", "\ud800"])
def test_a_wrong_token_is_refused_and_says_nothing_of_the_right_one(token: str) -> None:
    with pytest.raises(BadSignature) as caught:
        deliver(PUSH, X_Gitlab_Token=token)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("secrets", [[], [""]])
def test_without_a_secret_nothing_is_believed(secrets: list[str]) -> None:
    for headers in ({}, {"X_Gitlab_Token": ""}):
        with pytest.raises(BadSignature):
            verify_gitlab(*gitlab(PUSH, **headers), secrets, NOW)


def test_two_tokens_hold_while_one_takes_the_place_of_the_other() -> None:
    for secret in ("old", "new"):
        verify_gitlab(*gitlab(PUSH, X_Gitlab_Token=secret), ["old", "new"], NOW)


def test_the_signature_is_that_of_the_specification() -> None:
    # The example of the Standard Webhooks specification's reference libraries.
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    secret, then = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", datetime.fromtimestamp(1614265330, UTC)
    body = b'{"test": 2432232314}'
    verify_gitlab(headers, body, [secret], then)
    with pytest.raises(BadSignature):
        verify_gitlab(headers, body + b" ", [secret], then)


def test_a_signed_delivery_is_known_by_the_id_that_is_signed() -> None:
    sent, body = signed_gitlab(note(), TIME, Idempotency_Key="another")
    found = parse_gitlab(sent, body, [SIGNING], NOW, bot="gitops-bot", repository=REPOSITORY)
    assert found.id == "f5e5f430-f57b-4e6e-9fac-d9128cd7232f"
    assert isinstance(found.event, Commented)


def test_one_of_several_signatures_is_enough() -> None:
    sent, body = signed_gitlab(PUSH, TIME)
    good = sent["webhook-signature"]
    for several in (f"v1,{'A' * 43}= {good}", f"{good} v1,x", f"v1a,xyz  {good}"):
        verify_gitlab(sent | {"webhook-signature": several}, body, [SIGNING], NOW)
    verify_gitlab(sent, body, ["whsec_b3RoZXI=", SIGNING], NOW)


@pytest.mark.parametrize(
    "headers",
    [
        {"webhook_signature": ""},
        {"webhook_signature": "v1,"},
        {"webhook_signature": "v1"},
        {"webhook_id": ""},
        {"webhook_id": "another"},
        {"webhook_timestamp": ""},
        {"webhook_timestamp": str(TIME + 1)},
        {"webhook_timestamp": f"{TIME}.0"},
        {"webhook_timestamp": "\u0661\u0667"},
        {"webhook_timestamp": "9" * 400},
        {"webhook_timestamp": "-1"},
    ],
)
def test_a_forged_signature_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(BadSignature):
        verify_gitlab(*signed_gitlab(PUSH, TIME, **headers), [SIGNING], NOW)


def test_a_signature_without_its_version_or_of_another_is_refused() -> None:
    sent, body = signed_gitlab(PUSH, TIME)
    bare = sent["webhook-signature"].removeprefix("v1,")
    for given_signature in (bare, f"v2,{bare}", f"v1a,{bare}", f"V1,{bare}"):
        with pytest.raises(BadSignature):
            verify_gitlab(sent | {"webhook-signature": given_signature}, body, [SIGNING], NOW)


def test_a_signed_delivery_holds_for_five_minutes() -> None:
    sent, body = signed_gitlab(PUSH, TIME)
    for seconds in (-300, 0, 300):
        verify_gitlab(sent, body, [SIGNING], NOW + timedelta(seconds=seconds))
    for seconds in (-301, 301, 86400):
        with pytest.raises(BadSignature):
            verify_gitlab(sent, body, [SIGNING], NOW + timedelta(seconds=seconds))


def test_where_a_secret_signs_a_token_is_not_enough() -> None:
    with pytest.raises(BadSignature):
        verify_gitlab(*gitlab(PUSH), [SECRET, SIGNING], NOW)
    with pytest.raises(BadSignature):
        verify_gitlab(*gitlab(PUSH, X_Gitlab_Token=SIGNING), [SIGNING], NOW)
    verify_gitlab(*signed_gitlab(PUSH, TIME, X_Gitlab_Token="whatever"), [SECRET, SIGNING], NOW)


def test_a_signing_secret_that_is_none_lets_nobody_in() -> None:
    for secret in ("whsec_", "whsec_!", "whsec_é"):
        with pytest.raises(BadSignature):
            verify_gitlab(*gitlab(PUSH, X_Gitlab_Token=secret), [secret], NOW)
    with pytest.raises(BadSignature):
        verify_gitlab(*signed_gitlab(PUSH, TIME, secret="whsec_"), ["whsec_"], NOW)


def test_what_is_sent_again_has_the_same_id_whatever_the_version_of_gitlab() -> None:
    assert deliver(PUSH).id == deliver(PUSH).id == "f5e5f430-f57b-4e6e-9fac-d9128cd7232f"
    old = [deliver(p, Idempotency_Key="").id for p in (PUSH, PUSH, PUSH | {"ref": "refs/heads/x"})]
    assert old[0] == old[1] != old[2]
    assert deliver(PUSH, Idempotency_Key="", X_Gitlab_Event_UUID="another").id != old[0]
    with pytest.raises(BadDelivery):
        deliver(PUSH, Idempotency_Key="a b")


def test_a_body_over_the_limit_is_not_even_hashed() -> None:
    with pytest.raises(BadDelivery) as caught:
        verify_gitlab({}, b" " * (LIMIT + 1), [SECRET], NOW)
    assert caught.value.reason_code == "too_large"


def test_the_longest_note_that_gitlab_takes_is_taken_whole() -> None:
    event = parse(json.dumps(note("é" * 1_000_000), ensure_ascii=False).encode())
    assert isinstance(event, Commented)


@pytest.mark.parametrize(
    "changes",
    [
        {"id": None},
        {"id": "1244"},
        {"id": True},
        {"system": None},
        {"system": "false"},
    ],
)
def test_a_note_that_lacks_what_a_note_has_is_refused(changes: dict[str, Any]) -> None:
    payload = note()
    payload["object_attributes"] |= changes
    with pytest.raises(BadDelivery) as caught:
        parse(payload)
    assert f"object_attributes.{next(iter(changes))}" in caught.value.message


@pytest.mark.parametrize("user", [None, {}, {"username": "аlice"}, {"username": "ali\u200bce"}, {"username": ["a"]}])  # noqa: RUF001 -- a letter that only looks like another is the point
def test_a_name_that_only_looks_like_somebodys_is_refused(user: object) -> None:
    with pytest.raises(BadDelivery):
        parse(note() | {"user": user})


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(), below, max_size=3),
    max_leaves=10,
)


@given(body=st.binary() | anything.map(lambda value: json.dumps(value).encode()))
def test_whatever_is_sent_there_is_an_event_or_an_error_for_people(body: bytes) -> None:
    try:
        event: object = parse(body)
    except BotError as error:
        event = error
    assert isinstance(event, Reconcile | Ignored | BotError)


@given(
    place=st.sampled_from(["object_kind", "user", "project", "object_attributes", "merge_request"]),
    key=st.sampled_from(["iid", "username", "note", "id", "created_at", "system", "action", "noteable_type"]),
    value=anything,
    whole=st.booleans(),
)
def test_whatever_is_changed_in_a_note_there_is_an_event_or_an_error_for_people(
    place: str, key: str, value: object, whole: bool
) -> None:
    payload = note()
    payload[place] = value if whole or place == "object_kind" else payload[place] | {key: value}
    try:
        event: object = parse(payload)
    except BotError as error:
        event = error
    assert isinstance(event, Reconcile | Commented | Ignored | BotError)
    assert not isinstance(event, Commented) or event.comment.isascii()


@given(name=st.text(), value=st.text(), time=st.text())
def test_whatever_the_headers_hold_it_is_refused(name: str, value: str, time: str) -> None:
    sent = {name: value, "webhook-id": value, "webhook-timestamp": time, "webhook-signature": value}
    for secret in (SECRET, SIGNING):
        with pytest.raises(BadSignature):
            verify_gitlab(sent, b"{}", [secret], NOW)
