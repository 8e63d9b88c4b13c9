"""`scan`: every image and chart that a repository could bump, without any configuration."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot.cli.common import as_json, print_json, print_table, say

if TYPE_CHECKING:
    from bot.core.config import Config
    from bot.core.discovery import Discovery, Finding, Skipped
    from bot.worktree import Worktree


@click.command()
@click.argument("path", default=".", type=click.Path(path_type=Path))
@as_json
def scan(path: Path, *, as_json: bool) -> None:
    """Find every image and chart below PATH (default: here) that could be bumped, and what must not be edited.

    It reads the files as they are in the folder, changes nothing, and asks no registry.
    """
    from bot.bootstrap import open_worktree

    found = discovered(open_worktree(path))
    if as_json:
        print_json(
            {
                "findings": [one.as_json() for one in found.findings],
                "skipped": [one.as_json() for one in found.skipped],
            }
        )
        return
    if found.findings:
        header = ["place", "what", "value", "image or chart", "environment"]
        print_table(header, [_row(one) for one in found.findings])
    say(f"{_count(found)} found, {len(found.skipped)} skipped")
    if found.skipped:
        rows = [[f"{one.file}:{one.line}", one.reason_code, one.reason] for one in found.skipped]
        print_table(["skipped", "code", "reason"], rows)


def discovered(tree: Worktree) -> Discovery:
    """What is found in that part of the worktree that was asked for. `ConfigError` if its gitops.yaml is not valid."""
    from bot.core.discovery import Discovery, discover

    found = discover(tree.files, _config(tree))
    return Discovery(
        tuple(one for one in found.findings if tree.covers(one.file)),
        tuple(one for one in (*found.skipped, *skipped_files(tree)) if tree.covers(one.file)),
    )


def skipped_files(tree: Worktree) -> tuple[Skipped, ...]:
    """The files that were not read."""
    from bot.core.discovery import Skipped

    return tuple(Skipped(one.file, 1, "", None, one.reason_code, one.reason) for one in tree.unread)


def _config(tree: Worktree) -> Config | None:
    content = tree.files.get("gitops.yaml")
    if content is None:
        return None
    from bot.core.config import load_config

    return load_config(content, "gitops.yaml")


def _row(one: Finding) -> list[str]:
    named = one.image or (f"{one.chart.name} of {one.chart.repository or 'an unknown source'}" if one.chart else "—")
    return [f"{one.file}:{one.line}", one.what, one.value, str(named), one.environment or "—"]


def _count(found: Discovery) -> str:
    return f"{len(found.findings)} {'version' if len(found.findings) == 1 else 'versions'}"
