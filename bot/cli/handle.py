"""`handle` and `serve`: what a forge says happened becomes an event, from a file or over HTTP."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from bot.cli.common import as_json, edges, print_json, say, settings
from bot.cli.reconcile import print_report, report_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.core.events import Event, Ignored
    from bot.ports import Edges
    from bot.settings import Settings
    from bot.web.log import Log


@click.command()
@click.option("--event-path", required=True, metavar="FILE", help="The event as JSON: GITHUB_EVENT_PATH.")
@click.option("--event-name", metavar="NAME", help="The event's name: GITHUB_EVENT_NAME; GitLab's say it themselves.")
@click.option("--forge", type=click.Choice(["github", "gitlab"]), help="Where it is from: GITOPS_BOT_FORGE, or github.")
@as_json
def handle(event_path: str, event_name: str | None, forge: str | None, *, as_json: bool) -> None:
    """Handle one event of a forge, as a workflow or a job gets it in a file."""
    from bot.core.events import Ignored

    here = edges()
    event = _read_event(event_path, event_name, forge or settings().forge, here)
    if not isinstance(event, Ignored):
        _carry_out(event, here, as_json=as_json)
    elif as_json:
        print_json({"done": [], "failed": [], "skips": [], "ignored": event.reason_code, "reason": event.reason})
    else:
        say(f"ignored {event.reason_code}: {event.reason}")


@click.command()
@click.option("--host", default="127.0.0.1", metavar="ADDRESS", help="Listen on this address: 127.0.0.1 if not given.")
@click.option(
    "--port", default=8080, type=click.IntRange(0, 65535), metavar="NUMBER", help="Listen on this port: 8080."
)
def serve(host: str, port: int) -> None:
    """Listen for webhooks and handle them, one run at a time. The log is JSON on standard output."""
    from bot.web import create_app, listen
    from bot.web.log import Log

    log = Log(sys.stdout)
    here = settings()
    secrets = [secret.reveal() for secret in here.webhook_secrets]
    bot, repository = _own(edges())
    listen(create_app(_handler(here, log), secrets, log, bot=bot, repository=repository), host, port, log)


def _handler(here: Settings, log: Log) -> Callable[[Event], None]:
    """Handles an event with edges of its own: what an earlier run had open may be of another thread, or stale.

    Only answers that the forge itself says still hold go from run to run.
    """
    from bot.bootstrap import open_edges
    from bot.core.errors import BotError
    from bot.engine import handle
    from bot.forges.github_kept import KeptAnswers

    kept = KeptAnswers()

    def run(event: Event) -> None:
        report = handle(event, open_edges(here, lambda text: log(progress=text), kept))
        for action in report.done:
            log(done=action.summary)
        for action, reason in report.failed:
            log(failed=action.summary, reason=reason)
        if report.failed:
            raise BotError(f"failed actions: {len(report.failed)}", reason_code="action_failed")

    return run


def _own(edges: Edges) -> tuple[str, str]:
    """The login of the bot's account and the path of its repository, which tell its own comments and place from others.

    If the forge cannot be asked, its own comments are told from others later, when they are listed.
    """
    from bot.core.errors import BotError
    from bot.core.identity import BOT_NAME
    from bot.forges.deliveries import repository_path

    try:
        bot = edges.forge.own_name()
    except BotError:
        bot = BOT_NAME
    return bot, repository_path(edges.git.url)


def _read_event(path: str, name: str | None, forge: str, edges: Edges) -> Event | Ignored:
    from bot.core.errors import BotError
    from bot.forges import github_events, gitlab_events
    from bot.forges.deliveries import LIMIT, BadDelivery, read_payload

    if forge != "gitlab" and not name:
        fix = "add --event-name, or --forge gitlab"
        raise BotError("GitHub's events are told apart by their names", fix=fix, reason_code="invalid_option")
    try:
        with open(path, "rb") as file:
            payload = read_payload(file.read(LIMIT + 1))
    except OSError as error:
        fix = "name the file that holds the event"
        raise BotError(f"{path}: {error.strerror}", fix=fix, reason_code="invalid_option") from error
    except BadDelivery as error:
        fix = error.fix or "give the file as the forge wrote it: GITHUB_EVENT_PATH in a workflow"
        raise BotError(f"{path}: {error.message}", fix=fix, reason_code=error.reason_code) from error
    bot, repository = _own(edges)
    if forge == "gitlab":
        return gitlab_events.event_of(payload, bot=bot, repository=repository)
    return github_events.event_of(name or "", payload, bot=bot, repository=repository)


def _carry_out(event: Event, edges: Edges, *, as_json: bool) -> None:
    from bot.engine import handle

    report = handle(event, edges)
    if as_json:
        print_json(report_json(report) | {"ignored": None, "reason": None})
    else:
        print_report(report)
    if report.failed:
        raise SystemExit(1)
