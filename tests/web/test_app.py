"""The endpoint answers at once, believes only what is signed, and has one thing done at a time."""

from __future__ import annotations

import io
import json
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from bot.core.errors import BotError, Unavailable
from bot.core.events import Commented, Event, Reconcile
from bot.forges.deliveries import LIMIT
from bot.web import create_app
from bot.web.log import Log
from bot.web.memory import SIZE, Memory
from bot.web.worker import Worker
from tests.forges.deliveries import REPOSITORY, SECRET, SIGNING, github, gitlab, issue_comment, note, signed_gitlab

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.test import TestResponse

NOW = datetime(2026, 5, 15, 15, 20, 30, tzinfo=UTC)
SECONDS = 60  # far longer than anything here takes


class Endpoint:
    """The application, with a handler that remembers what it was given."""

    def __init__(self, secrets: tuple[str, ...] = (SECRET,), fails: Exception | None = None) -> None:
        self.handled: list[Event] = []
        self.fails = fails
        self.written = io.StringIO()
        log = Log(self.written, lambda: NOW)
        app = create_app(self.handle, secrets, log, bot="gitops-bot", repository=REPOSITORY, now=lambda: NOW)
        self.client = app.test_client()
        self.worker: Worker = app.extensions["worker"]

    def handle(self, event: Event) -> None:
        """Remember the event."""
        self.handled.append(event)
        if self.fails:
            raise self.fails

    def github(self, name: str, payload: Any, secret: str = SECRET, **headers: str) -> TestResponse:
        """GitHub delivers, and what that sets off is done."""
        sent, body = github(name, payload, secret, **headers)
        return self.post("/webhooks/github", sent, body)

    def post(self, path: str, headers: dict[str, str], body: bytes) -> TestResponse:
        """Anybody delivers, and what that sets off is done."""
        answer = self.client.post(path, headers=headers, data=body)
        assert self.worker.wait_until_idle(SECONDS)
        return answer

    def log(self) -> list[dict[str, Any]]:
        """The lines of the log."""
        return [json.loads(line) for line in self.written.getvalue().splitlines()]


def test_a_signed_delivery_is_answered_and_handled() -> None:
    here = Endpoint()
    answer = here.github("push", {"ref": "refs/heads/main"})
    assert (answer.status_code, answer.get_json()) == (202, {"outcome": "queued"})
    assert here.handled == [Reconcile()]
    first, second = here.log()
    assert first == {
        "time": "2026-05-15T15:20:30+00:00",
        "forge": "github",
        "delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
        "event": "Reconcile",
        "outcome": "queued",
    }
    assert second == {"time": "2026-05-15T15:20:30+00:00", "run": "Reconcile", "outcome": "done"}


def test_a_comment_reaches_the_bot_as_it_was_written() -> None:
    here = Endpoint()
    here.github("issue_comment", issue_comment("/promote prod é"))
    (event,) = here.handled
    assert isinstance(event, Commented)


@pytest.mark.parametrize("secrets", [(SECRET,), (SECRET, SIGNING)])
def test_gitlab_delivers_with_a_token_or_signed(secrets: tuple[str, ...]) -> None:
    here = Endpoint(secrets)
    sent = signed_gitlab(note(), int(NOW.timestamp())) if SIGNING in secrets else gitlab(note())
    assert here.post("/webhooks/gitlab", *sent).status_code == 202
    assert isinstance(here.handled[0], Commented)


def test_a_token_is_not_enough_where_a_secret_signs() -> None:
    here = Endpoint((SECRET, SIGNING))
    assert here.post("/webhooks/gitlab", *gitlab(note())).status_code == 401
    assert here.handled == []


def test_a_forged_delivery_learns_nothing() -> None:
    here = Endpoint()
    for answer in (
        here.github("push", {}, "another"),
        here.github("push", {}, X_Hub_Signature_256=""),
        here.post("/webhooks/github", {}, b""),
        here.post("/webhooks/gitlab", *gitlab(note(), X_Gitlab_Token="another")),
        here.post("/webhooks/github", *gitlab(note())),
    ):
        assert (answer.status_code, answer.data) == (401, b"{}\n")
    assert here.handled == []
    assert {line["reason_code"] for line in here.log()} == {"bad_signature"}


def test_what_is_sent_again_is_not_handled_again() -> None:
    here = Endpoint()
    answers = [here.github("push", {}).get_json()["outcome"] for _ in range(3)]
    assert answers == ["queued", "duplicate", "duplicate"]
    assert here.handled == [Reconcile()]


def test_a_comment_that_is_replayed_under_another_id_is_not_handled_again() -> None:
    here = Endpoint()
    answers = [
        here.github("issue_comment", issue_comment(), X_GitHub_Delivery=str(i)).get_json()["outcome"] for i in (1, 2)
    ]
    assert answers == ["queued", "duplicate"]
    assert len(here.handled) == 1
    here.github("issue_comment", issue_comment(node_id="IC_8"), X_GitHub_Delivery="3")
    assert len(here.handled) == 2


def test_what_means_nothing_is_ignored_and_the_log_says_why() -> None:
    here = Endpoint()
    for name, code in (("ping", "ping"), ("star", "unknown_event")):
        answer = here.github(name, {})
        assert (answer.status_code, answer.get_json()) == (202, {"outcome": "ignored"})
        assert here.log()[-1]["reason_code"] == code
        assert here.log()[-1]["reason"]
    assert here.handled == []


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b"{" + b" " * LIMIT, {}, 413, "too_large"),
        (b"payload=%7B%7D", {"Content_Type": "application/x-www-form-urlencoded"}, 415, "not_json"),
        (b"{", {}, 415, "not_json"),
        (b"{}", {"X_GitHub_Delivery": ""}, 400, "bad_delivery"),
        (json.dumps(issue_comment(by="аlice")).encode(), {}, 400, "bad_delivery"),  # noqa: RUF001 -- a letter that only looks like another is the point
    ],
)
def test_what_is_no_event_is_refused(body: bytes, headers: dict[str, str], status: int, code: str) -> None:
    here = Endpoint()
    answer = here.github("issue_comment", body, **headers)
    assert (answer.status_code, answer.get_json()) == (status, {"reason_code": code})
    assert here.handled == []
    assert here.log()[-1]["reason_code"] == code


def test_no_secret_and_no_body_is_in_the_log() -> None:
    here = Endpoint((SECRET, SIGNING), fails=Unavailable("no answer"))
    here.github("issue_comment", issue_comment("/lock prod because of hunter2"))
    here.github("push", {}, "another")
    here.post("/webhooks/gitlab", *gitlab(note("hunter2")))
    text = here.written.getvalue()
    assert text
    assert not [secret for secret in (SECRET, SIGNING, "hunter2", "another") if secret in text]


@pytest.mark.parametrize("name", ["\x1b[2J", "\xff\x9b", "x" * 5000])
def test_what_a_sender_writes_does_not_steer_a_terminal(name: str) -> None:
    here = Endpoint()
    assert here.github(name, {}).get_json() == {"outcome": "ignored"}
    text = here.written.getvalue()
    assert text.isascii()
    assert text.rstrip("\n").isprintable()
    assert len(text) < 500


def test_other_requests_are_answered_too() -> None:
    here = Endpoint()
    assert here.client.get("/healthz").get_json() == {"status": "ok"}
    assert here.client.get("/webhooks/github").status_code == 405
    assert here.client.get("/").status_code == 404
    assert here.client.get("/static/x").status_code == 404


@pytest.mark.parametrize("secrets", [(), ("",)])
def test_it_does_not_start_without_a_secret(secrets: tuple[str, ...]) -> None:
    with pytest.raises(BotError) as caught:
        Endpoint(secrets)
    assert "GITOPS_BOT_WEBHOOK_SECRETS" in caught.value.fix
    assert caught.value.reason_code == "invalid_setting"


@pytest.mark.parametrize(
    ("error", "code", "reason"),
    [
        (Unavailable("the forge does not answer", fix="wait"), "unavailable", "the forge does not answer\n  → wait"),
        (ValueError(f"token {SECRET}"), "internal", "ValueError"),
    ],
)
def test_a_run_that_fails_is_told_and_the_next_one_runs(error: Exception, code: str, reason: str) -> None:
    here = Endpoint(fails=error)
    here.github("push", {}, X_GitHub_Delivery="1")
    assert here.log()[-1] == {
        "time": "2026-05-15T15:20:30+00:00",
        "run": "Reconcile",
        "outcome": "failed",
        "reason_code": code,
        "reason": reason,
    }
    here.fails = None
    here.github("push", {}, X_GitHub_Delivery="2")
    assert here.log()[-1]["outcome"] == "done"
    assert here.client.get("/healthz").status_code == 200


class Slow:
    """A handler that waits at each event until it is let go."""

    def __init__(self) -> None:
        self.handled: list[Event] = []
        self.running = 0
        self.most = 0
        self.begun = threading.Semaphore(0)
        self.go = threading.Semaphore(0)

    def __call__(self, event: Event) -> None:
        self.running += 1
        self.most = max(self.most, self.running)
        self.handled.append(event)
        self.begun.release()
        assert self.go.acquire(timeout=SECONDS)
        self.running -= 1


def comments(count: int) -> list[Event]:
    """As many different comments."""
    here = Endpoint()
    for number in range(count):
        here.github("issue_comment", issue_comment(node_id=f"IC_{number}"), X_GitHub_Delivery=str(number))
    return here.handled


@pytest.mark.parametrize(
    ("meanwhile", "then"),
    [
        (lambda: [Reconcile()], lambda _: Reconcile()),
        (lambda: [Reconcile()] * 500, lambda _: Reconcile()),
        (lambda: comments(1), lambda given: given[0]),
        (lambda: comments(1) * 2, lambda given: given[0]),
        (lambda: comments(3), lambda _: Reconcile()),
        (lambda: [Reconcile(), *comments(1)], lambda _: Reconcile()),
    ],
)
def test_however_many_events_come_while_one_runs_they_mean_one_more_run(
    meanwhile: Callable[[], list[Event]], then: Callable[[list[Event]], Event]
) -> None:
    slow, waiting = Slow(), meanwhile()
    worker = Worker(slow, Log(io.StringIO()))
    worker.offer(Reconcile())
    assert slow.begun.acquire(timeout=SECONDS)
    for event in waiting:
        worker.offer(event)
    slow.go.release(2)
    assert worker.wait_until_idle(SECONDS)
    assert slow.handled == [Reconcile(), then(waiting)]
    assert slow.most == 1


def test_a_delivery_is_answered_while_another_one_is_being_handled() -> None:
    slow = Slow()
    app = create_app(slow, [SECRET], Log(io.StringIO()), bot="gitops-bot", repository=REPOSITORY)
    for number in "12":
        sent, body = github("push", {}, X_GitHub_Delivery=number)
        assert app.test_client().post("/webhooks/github", headers=sent, data=body).status_code == 202
    assert slow.begun.acquire(timeout=SECONDS)
    slow.go.release(2)
    assert app.extensions["worker"].wait_until_idle(SECONDS)


def test_the_memory_holds_the_newest_and_no_more() -> None:
    memory = Memory()
    assert memory.is_new("first", "its comment")
    assert not memory.is_new("another", "its comment")
    assert not memory.is_new("another")
    for number in range(SIZE):
        assert memory.is_new(str(number))
    assert memory.is_new("first")
    assert not memory.is_new(str(SIZE - 1))
