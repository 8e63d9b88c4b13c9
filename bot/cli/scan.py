"""`scan`: every image and chart that a repository could bump, without any configuration."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bot.cli.common import as_json, patience, print_table, say, settings

if TYPE_CHECKING:
    from collections.abc import Mapping


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
    if findings:
        header = ["place", "what", "value", "image or chart", "environment"]
        print_table(header, [_row(one) for one in findings])
    say(f"{len(findings)} {'version' if len(findings) == 1 else 'versions'} found, {len(skipped)} skipped")
    if skipped:
        rows = [[f"{one['file']}:{one['line']}", one["reason_code"], one["reason"]] for one in skipped]
        print_table(["skipped", "code", "reason"], rows)


def _row(one: Mapping[str, Any]) -> list[str]:
    chart = one["chart"]
    named = one["image"] or (f"{chart['name']} of {chart['repository'] or 'an unknown source'}" if chart else "—")
    return [f"{one['file']}:{one['line']}", one["what"], one["value"], named, one["environment"] or "—"]
