"""What every command shares: the edges it works on, errors as exit codes, tables beside JSON."""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unicodedata import category

import click

from bot.core.errors import BotError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bot.ports import Edges
    from bot.settings import Settings

USAGE_CODES = (
    *("unknown_environment", "unknown_application", "invalid_option", "invalid_setting"),
    *("bad_policy", "bad_range", "bad_filter"),
)

_ENVIRON = f"{__name__}.environ"

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")


class Bot(click.Group):
    """Commands whose errors for people end in exit code 1, or 2 where the call itself was wrong."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; print a `BotError` without a trace."""
        try:
            with _secrets_withheld(ctx):
                return super().invoke(ctx)
        except BotError as error:
            say(f"error: {error}", err=True)
            ctx.exit(2 if error.reason_code in USAGE_CODES else 1)


@contextmanager
def _secrets_withheld(ctx: click.Context) -> Iterator[None]:
    """While a command runs, its secrets are where `settings` looks, not where each program would get them."""
    if _ENVIRON in ctx.meta or not any(name.startswith("GITOPS_BOT_") for name in os.environ):
        yield
        return
    from bot.confine import forget
    from bot.settings import SECRETS

    given = ctx.meta[_ENVIRON] = dict(os.environ)
    forget(SECRETS)
    try:
        yield
    finally:
        os.environ.update({name: given[name] for name in SECRETS if name in given})


def settings() -> Settings:
    """The settings of this process, by the environment that it was started with."""
    from bot.settings import read_settings

    return read_settings(click.get_current_context().meta.get(_ENVIRON, os.environ))


def edges() -> Edges:
    """The concrete edges that the settings name."""
    from bot.bootstrap import open_edges

    return open_edges(settings(), progress)


def progress(text: str) -> None:
    """Say on standard error what is being done, so that nobody waits in the dark."""
    say(f"· {text}", err=True)


@contextmanager
def patience(text: str) -> Iterator[None]:
    """Say what is being done, once it has taken two seconds."""
    from threading import Timer

    timer = Timer(2, progress, [text])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def say(text: str, *, err: bool = False) -> None:
    """Print text for people, made harmless, on standard output or standard error."""
    click.echo(harmless(text), err=err)


def harmless(text: str) -> str:
    """Text whose control and format characters are shown as �: what a file holds must not steer the terminal."""
    return "".join(c if c in "\n\t" or not category(c).startswith("C") else "�" for c in text)


def print_json(value: object) -> None:
    """JSON for scripts, on standard output."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table for people, as wide as the terminal; whole cells where the output is no terminal."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in header:
        # What does not fit goes on below; nothing is cut off.
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(Text(harmless(cell)) for cell in row))
    width = None if sys.stdout.isatty() else 400
    console = Console(width=width, highlight=False)
    console.print(table)
