"""`validate` checks a configuration file, `schema` prints what one may say; neither needs a repository or a network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from bot.core.config import Config, ConfigError


@click.command()
@click.argument("file", default="gitops.yaml", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print {valid, problems} as JSON.")
@click.pass_context
def validate(context: click.Context, file: Path, *, as_json: bool) -> None:
    """Check a configuration file; FILE is gitops.yaml if not given.

    Every problem is printed with its line, column and fix. Exits with 0 if the file is valid, 1 if it is not.
    """
    from bot.core.config import ConfigError, load_config

    try:
        config = load_config(_read(file), str(file))
    except ConfigError as error:
        _print_problems(error, as_json=as_json)
        context.exit(1)
    click.echo(json.dumps({"valid": True, "problems": []}) if as_json else f"{file}: valid — {_summary(config)}")


@click.command()
def schema() -> None:
    """Print the JSON Schema of gitops.yaml, for editors and other checkers."""
    from bot.core.config import json_schema

    click.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))


def _read(file: Path) -> bytes:
    from bot.core.config import MOST_BYTES, ConfigError, Problem, missing_config

    try:
        with file.open("rb") as stream:
            return stream.read(MOST_BYTES + 1)  # one more than is allowed is enough to refuse it
    except FileNotFoundError:
        raise missing_config(str(file)) from None
    except OSError as error:
        reason = f"the file cannot be read: {error.strerror}"
        raise ConfigError([Problem(str(file), 0, 0, "", reason, "name a file that you may read")]) from error


def _print_problems(error: ConfigError, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"valid": False, "problems": [p._asdict() for p in error.problems]}, ensure_ascii=False))
    else:
        click.echo(str(error), err=True)


def _summary(config: Config) -> str:
    return f"{_count(len(config.environments), 'environment')}, {_count(len(config.applications), 'application')}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
