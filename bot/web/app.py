"""The endpoint: `POST /webhooks/github`, `POST /webhooks/gitlab`, `GET /healthz`."""

from __future__ import annotations

import socket
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flask import Flask, request
from waitress.server import create_server
from werkzeug.exceptions import RequestEntityTooLarge

from bot.core.errors import BotError
from bot.core.events import Commented, Ignored
from bot.forges.deliveries import LIMIT, Delivery
from bot.forges.github_events import parse_github
from bot.forges.gitlab_events import parse_gitlab
from bot.web.memory import Memory
from bot.web.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bot.core.events import Event
    from bot.web.log import Log

    Parse = Callable[[Mapping[str, str], bytes], Delivery]
    Answer = tuple[dict[str, str], int]

_STATUS = {"bad_signature": 401, "too_large": 413, "not_json": 415}


def create_app(
    handler: Callable[[Event], object],
    secrets: Sequence[str],
    log: Log,
    *,
    bot: str,
    repository: str,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Flask:
    """The WSGI application. What is verified and new goes to `handler`, in a thread of its own.

    `secrets`: those that deliveries may be signed with; `BotError` if there is none. `bot`: the bot's login on the
    forge; `repository`: as `repository_path` gives it. `now`: the time, UTC.
    """
    if not any(secrets):
        fix = "set GITOPS_BOT_WEBHOOK_SECRETS to the secret of the webhook"
        raise BotError("nothing could tell a forge from anybody else", fix=fix, reason_code="invalid_setting")
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = LIMIT
    desk = Desk(Worker(handler, log), log)

    @app.post("/webhooks/github")
    def github() -> Answer:
        return desk.take("github", lambda h, b: parse_github(h, b, secrets, bot=bot, repository=repository))

    @app.post("/webhooks/gitlab")
    def gitlab() -> Answer:
        return desk.take("gitlab", lambda h, b: parse_gitlab(h, b, secrets, now(), bot=bot, repository=repository))

    @app.get("/healthz")
    def healthz() -> Answer:
        return ({"status": "ok"}, 200) if desk.worker.is_alive() else ({"status": "failed"}, 503)

    app.extensions["worker"] = desk.worker
    return app


class Desk:
    """Takes deliveries: refuses, ignores, or hands on; says each in one line of the log."""

    def __init__(self, worker: Worker, log: Log) -> None:
        self.worker = worker
        self._log = log
        self._memory = Memory()

    def take(self, forge: str, parse: Parse) -> Answer:
        """Answer the request at hand. A refusal tells the sender its code and no more, a forged one not even that."""
        try:
            delivery = parse(dict(request.headers), request.get_data(cache=False))
        except RequestEntityTooLarge:
            return self._refuse(forge, BotError("the body is too large", reason_code="too_large"))
        except BotError as error:
            return self._refuse(forge, error)
        outcome = self._hand_on(delivery)
        code = delivery.event.reason_code if isinstance(delivery.event, Ignored) else None
        reason = delivery.event.reason if isinstance(delivery.event, Ignored) else None
        kind = type(delivery.event).__name__
        self._log(forge=forge, delivery=delivery.id, event=kind, outcome=outcome, reason_code=code, reason=reason)
        return {"outcome": outcome}, 202

    def _hand_on(self, delivery: Delivery) -> str:
        event = delivery.event
        if isinstance(event, Ignored):
            return "ignored"
        # GitHub signs no id: who replays a delivery under another one still carries the same comment.
        comment = [f"comment {event.comment}"] if isinstance(event, Commented) else []
        if not self._memory.is_new(f"delivery {delivery.id}", *comment):
            return "duplicate"
        self.worker.offer(event)
        return "queued"

    def _refuse(self, forge: str, error: BotError) -> Answer:
        self._log(forge=forge, outcome="refused", reason_code=error.reason_code, reason=error.message)
        status = _STATUS.get(error.reason_code, 400)
        return ({}, 401) if status == 401 else ({"reason_code": error.reason_code}, status)


def listen(app: Flask, host: str, port: int, log: Log) -> None:
    """Answer requests until the process is told to end; port 0 is any free one. `BotError` if it cannot be had."""
    try:
        door = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        fix = "choose another --host or --port, or stop what listens there"
        raise BotError(f"cannot listen on {host}:{port}: {error.strerror}", fix=fix) from error
    log(listening=host, port=door.getsockname()[1])
    create_server(app, sockets=[door], threads=4, max_request_body_size=LIMIT, ident=None).run()
