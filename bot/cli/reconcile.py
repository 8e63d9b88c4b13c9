"""`run`, `plan`, `build`, `promote`: an event from the keyboard, handled as any other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from bot.cli.common import as_json, edges, print_json, say, settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bot.core.actions import Action, Plan, Skip
    from bot.core.events import Event
    from bot.engine import Report

NOTHING_TO_DO = 3

exit_code = click.option(
    "--exit-code", is_flag=True, help="Exit with 3 if there was nothing to do (otherwise that is 0)."
)


@click.command()
@exit_code
@as_json
def run(*, exit_code: bool, as_json: bool) -> None:
    """Reconcile once: build what is new, open, rewrite, close and merge pull requests."""
    from bot.core.events import Reconcile

    _handle(Reconcile(), as_json=as_json, exit_code=exit_code)


@click.command()
@exit_code
@as_json
def plan(*, exit_code: bool, as_json: bool) -> None:
    """Show what `run` would do now, and why not more. Changes nothing."""
    from bot.core.events import Reconcile
    from bot.engine import look

    _, planned = look(Reconcile(), edges())
    if as_json:
        print_json(planned.as_json())
    else:
        _print_plan(planned)
    if exit_code and not planned.actions:
        raise SystemExit(NOTHING_TO_DO)


@click.command()
@click.argument("applications", nargs=-1, metavar="[APPLICATION]...")
@exit_code
@as_json
def build(applications: tuple[str, ...], *, exit_code: bool, as_json: bool) -> None:
    """Build and push the images and charts whose source or base changed, and open no pull request."""
    from bot.core.events import Build

    _handle(Build(applications), as_json=as_json, exit_code=exit_code)


@click.command()
@click.argument("environment")
@click.option("--app", "applications", multiple=True, metavar="NAME", help="Only this application; may be repeated.")
@click.option("--version", metavar="TAG", help="The release with this image tag instead of the newest one.")
@exit_code
@as_json
def promote(
    environment: str, applications: tuple[str, ...], version: str | None, *, exit_code: bool, as_json: bool
) -> None:
    """Open or rewrite the pull request that brings a release to ENVIRONMENT.

    The order of the environments holds: a release must have been in the one before.
    """
    from bot.core.events import Promote

    _handle(Promote(environment, applications, version, settings().user), as_json=as_json, exit_code=exit_code)


def _handle(event: Event, *, as_json: bool, exit_code: bool) -> None:
    """Handle the event and report. Exit code 1 if an action failed, or what was asked for by name is refused."""
    from bot.engine import handle

    report = handle(event, edges())
    if as_json:
        print_json(report_json(report))
    else:
        print_report(report)
    if report.failed or _refused(event, report.left.skips):
        raise SystemExit(1)
    if exit_code and not report.done:
        raise SystemExit(NOTHING_TO_DO)


def _refused(event: Event, skips: Iterable[Skip]) -> bool:
    from bot.core.events import Build, Promote

    if isinstance(event, Promote):
        waiting = ("up_to_date", "needs_approval", "needs_merge", "forge_merges", "checks_pending")
        return any(s.reason_code not in waiting for s in skips)
    return isinstance(event, Build) and any(True for _ in skips)


def report_json(report: Report) -> dict[str, Any]:
    """The documented shape of `run`, `build` and `promote` with --json (docs/json.md)."""
    from bot.core.actions import action_json

    return {
        "done": [action_json(a) for a in report.done],
        "failed": [action_json(a) | {"reason": reason} for a, reason in report.failed],
        "skips": [s._asdict() for s in report.left.skips],
    }


def print_report(report: Report) -> None:
    """What was done, what failed, and why not more, for people."""
    for action in report.done:
        say(f"done    {action.summary}")
        _print_changes(action)
    for action, reason in report.failed:
        say(f"failed  {action.summary}\n        " + reason.replace("\n", "\n        "))
    if not report.done and not report.failed:
        say("nothing to do")
    _print_skips(report.left.skips)


def _print_plan(planned: Plan) -> None:
    for action in planned.actions:
        say(f"would   {action.summary}")
        _print_changes(action)
    if not planned.actions:
        say("nothing to do")
    _print_skips(planned.skips)


def _print_changes(action: Action) -> None:
    from bot.core.messages import change_line

    for change in action.changes:
        say(f"        {change_line(change)}")


def _print_skips(skips: tuple[Skip, ...]) -> None:
    for skip in skips:
        where = f"{skip.environment}: " if skip.environment else ""
        say(f"skipped {where}{skip.application}: {skip.reason_code}: " + skip.reason.replace("\n", "\n        "))
        if skip.waits_for:
            say(f"        waits for {skip.waits_for}")
