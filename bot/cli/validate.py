"""`validate` checks a configuration file, `schema` prints what one may say; neither needs a repository or a network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot.cli.common import as_json, print_json

if TYPE_CHECKING:
    from bot.core.config import Config


@click.command()
@click.argument("file", default="gitops.yaml", type=click.Path(path_type=Path))
@as_json
@click.pass_context
def validate(context: click.Context, file: Path, *, as_json: bool) -> None:
    """Check a configuration file; FILE is gitops.yaml if not given.

    Every problem is printed with its line, column and fix. Exits with 0 if the file is valid, 1 if it is not.
    """
    from bot.core.config import ConfigError, load_config

    try:
        config = load_config(_read(file), click.format_filename(file))
    except ConfigError as error:
        if as_json:
            print_json({"valid": False, "problems": [problem._asdict() for problem in error.problems]})
        else:
            click.echo(str(error), err=True)
        context.exit(1)
    if as_json:
        print_json({"valid": True, "problems": []})
    else:
        click.echo(f"{click.format_filename(file)}: valid — {_summary(config)}")


@click.command()
def schema() -> None:
    """Print the JSON Schema of gitops.yaml, for editors and other checkers."""
    from bot.core.config import json_schema

    print_json(json_schema())


def _read(file: Path) -> bytes:
    from bot.core.config import MOST_BYTES, ConfigError, Problem, missing_config

    try:
        with file.open("rb") as stream:
            return stream.read(MOST_BYTES + 1)  # one more than is allowed is enough to refuse it
    except FileNotFoundError:
        raise missing_config(click.format_filename(file)) from None
    except OSError as error:
        reason = f"the file cannot be read: {error.strerror}"
        raise ConfigError(
            [Problem(click.format_filename(file), 0, 0, "", reason, "name a file that you may read")]
        ) from error


def _summary(config: Config) -> str:
    return f"{_count(len(config.environments), 'environment')}, {_count(len(config.applications), 'application')}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
