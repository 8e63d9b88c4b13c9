"""`validate` checks a configuration file, `schema` prints what one may say; neither needs a repository or a network."""

from __future__ import annotations

import os
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

    Every problem is printed with its line, column and fix. Where the file is in a checkout, the folders that it names
    must be there. Exits with 0 if the file is valid, 1 if it is not.
    """
    from bot.core.config import ConfigError, load_config

    try:
        content = _read(file)
        config = load_config(content, click.format_filename(file))
        _check_folders(file, content, config)
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


def _check_folders(file: Path, content: bytes, config: Config) -> None:
    """`ConfigError` for folders that are not there, if the file lies at the top of a checkout."""
    from bot.core.config import ConfigError, missing_folders

    top = file.resolve().parent
    if (top / ".git").exists():
        folders = {
            Path(here, name).relative_to(top).as_posix() for here, names, _ in os.walk(top) for name in _entered(names)
        }
        problems = missing_folders(content, click.format_filename(file), config, folders)
        if problems:
            raise ConfigError(problems)


def _entered(names: list[str]) -> list[str]:
    names[:] = [name for name in names if name != ".git"]
    return names


def _summary(config: Config) -> str:
    return f"{_count(len(config.environments), 'environment')}, {_count(len(config.applications), 'application')}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
