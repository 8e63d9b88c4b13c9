"""`scan`: every image and chart that a repository could bump, without any configuration."""

from __future__ import annotations

import shutil
from itertools import groupby
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import click

from bot.cli.common import as_json, patience, say, settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@click.command()
@click.argument("path", default=".", type=click.Path(path_type=Path))
@as_json
def scan(path: Path, *, as_json: bool) -> None:
    """Find every image and chart below PATH (default: here) that could be bumped, and what must not be edited.

    It reads the files as they are in the folder, changes nothing, and asks no registry.
    """
    from bot.bootstrap import open_scan

    with patience("reading the files"):
        told = open_scan(path, settings())
    if as_json:
        click.echo(told)
    else:
        import json

        _show(json.loads(told))


def _show(found: Mapping[str, list[dict[str, Any]]]) -> None:
    findings, skipped = found["findings"], found["skipped"]
    _by_file([(one["file"], one["environment"], one["line"], _what(one), _name(one)) for one in findings])
    say(f"{len(findings)} {'version' if len(findings) == 1 else 'versions'} found, {len(skipped)} skipped")
    _by_file([(one["file"], None, one["line"], f"skipped: {one['reason_code']}", one["reason"]) for one in skipped])


def _by_file(told: Sequence[tuple[str, str | None, int, str, str]]) -> None:
    """Each file on a line of its own, and below it its lines: where something is stays whole, however narrow it is."""
    for (file, environment), some in groupby(told, key=lambda one: one[:2]):
        say(f"{file}{f'  ({environment})' if environment else ''}")
        for _, _, line, what, name in some:
            _indented(f"{line:>6}  {what}", name)


def _indented(first: str, rest: str) -> None:
    """What stands on one line of a file: on one of the terminal, or the rest below, at the words' ends."""
    width = shutil.get_terminal_size().columns
    if len(first) + 2 + len(rest) <= width:
        say(f"{first}  {rest}")
        return
    say(first)
    for line in wrap(rest, max(width - 8, 20), break_long_words=False, break_on_hyphens=False):
        say(f"{'':8}{line}")


def _what(one: Mapping[str, Any]) -> str:
    return f"{one['what']:<13}  {one['value']}"


def _name(one: Mapping[str, Any]) -> str:
    chart = one["chart"]
    return one["image"] or (f"{chart['name']} of {chart['repository'] or 'an unknown source'}" if chart else "—")
