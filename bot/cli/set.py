"""`set`: images, charts or single values get a new version in the files of a folder, and nothing else changes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from bot.cli.common import as_json, harmless, patience, print_json, say, settings
from bot.core.errors import BotError

if TYPE_CHECKING:
    from bot.core.assign import Assigned, Missed, Request
    from bot.core.manifests import Note
    from bot.core.models import Change, Refusal
    from bot.worktree.reading import Worktree


NOT_FOUND = "not_found"


class _Asked(NamedTuple):
    """The options that say what to set, as they were typed."""

    images: tuple[str, ...]
    charts: tuple[str, ...]
    places: tuple[str, ...]
    values: tuple[str, ...]


@click.command("set")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--image", "images", metavar="REPO=TAG[@DIGEST]", multiple=True, help="Set every place of this image.")
@click.option(
    "--chart", "charts", metavar="[REPO/]NAME=VERSION[@DIGEST]", multiple=True, help="Set every place of this chart."
)
@click.option("--at", "places", metavar="POINTER", multiple=True, help="Set the value at this JSON Pointer of a file.")
@click.option("--to", "values", metavar="VALUE", multiple=True, help="The new value, one for each --at.")
@click.option("--diff", is_flag=True, help="Print a unified diff.")
@click.option("--dry-run", is_flag=True, help="Write nothing, only say what would change.")
@as_json
@click.pass_context
def set_(
    context: click.Context,
    path: Path,
    images: tuple[str, ...],
    charts: tuple[str, ...],
    places: tuple[str, ...],
    values: tuple[str, ...],
    *,
    diff: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Set versions in the file or folder PATH, and change no other byte.

    All options together are one change, and --image, --chart and --at with --to may be repeated. Exits with 0 when all
    that was asked for is now so, 1 when anything was refused (the rest is done), 2 when nothing was found.
    """
    if diff and as_json:
        raise _usage("--diff and --json cannot both be printed", "give one of them")
    with patience("reading the files"):
        tree, result = _decide(path, _Asked(images, charts, places, values))
    changes, refused = (result.changes, result.refused) if dry_run else _write(tree, result)
    refused = (*refused, *(_refusal(path, one) for one in result.missed))
    if as_json:
        print_json({"changes": [one._asdict() for one in changes], "refused": [one._asdict() for one in refused]})
    else:
        _show(_diff(tree, result, changes) if diff else _told(changes, refused, dry_run=dry_run))
    for note in result.notes:
        say(f"note: {_place(note)}{note.reason}", err=True)
    for one in refused:
        say(f"refused ({one.reason_code}): {_place(one)}{one.reason}", err=True)
    context.exit(2 if not result.found else 1 if refused else 0)


def _decide(path: Path, asked: _Asked) -> tuple[Worktree, Assigned]:
    from bot.bootstrap import open_worktree, scan_cache
    from bot.core.assign import assign
    from bot.core.discovery import Discovery
    from bot.worktree.scanning import discovered, skipped_files

    tree = open_worktree(path)
    requests = _requests(path, tree.within, asked)
    # One value of one file is looked for in that file alone.
    if not (asked.images or asked.charts):
        return tree, assign(tree.files, Discovery((), skipped_files(tree)), requests)
    return tree, assign(tree.files, discovered(tree, scan_cache(settings())), requests)


def _requests(path: Path, within: str, asked: _Asked) -> list[Request]:
    from bot.core.assign import chart_request, image_request, value_request

    if len(asked.places) != len(asked.values):
        raise _usage("--at and --to come in pairs", "give one --to for each --at")
    if asked.places and path.is_dir():
        raise _usage("--at needs one file, and PATH is a folder", "name the file")
    if not any(asked):
        raise _usage("nothing was asked for", "give --image, --chart, or --at and --to")
    requests: list[Request] = [
        *map(image_request, asked.images),
        *map(chart_request, asked.charts),
        *(value_request(within or path.name, at, to) for at, to in zip(asked.places, asked.values, strict=True)),
    ]
    return list(dict.fromkeys(requests))


def _write(tree: Worktree, result: Assigned) -> tuple[tuple[Change, ...], tuple[Refusal, ...]]:
    """Write the files; the changes of one that cannot be written are refused."""
    from bot.core.models import Refusal
    from bot.worktree.writing import write_files

    with patience("writing the files"):
        failed = {one.file: one for one in write_files(tree, result.contents)}
    made = tuple(one for one in result.changes if one.file not in failed)
    lost = (
        Refusal(one.file, one.line, one.path, failed[one.file].reason_code, failed[one.file].reason)
        for one in result.changes
        if one.file in failed
    )
    return made, (*result.refused, *lost)


def _refusal(path: Path, missed: Missed) -> Refusal:
    from bot.core.models import Refusal

    return Refusal(click.format_filename(path), 0, getattr(missed.request, "pointer", ""), NOT_FOUND, str(missed))


def _place(one: Refusal | Note) -> str:
    return f"{one.file}:{one.line}{' ' if one.path else ''}{one.path}: " if one.line else ""


def _diff(tree: Worktree, result: Assigned, changes: tuple[Change, ...]) -> str:
    from bot.cli.diff import file_diff

    return "".join(file_diff(file, tree.files, result.contents) for file in dict.fromkeys(one.file for one in changes))


def _show(text: str) -> None:
    """Print it as it is where it is for a program, a diff to apply, and made harmless on a terminal."""
    click.echo(harmless(text.replace("\r\n", "\n")) if sys.stdout.isatty() else text, nl=False)


def _told(changes: tuple[Change, ...], refused: tuple[Refusal, ...], *, dry_run: bool) -> str:
    lines = [f"{one.file}:{one.line} {one.path}: {one.old} → {one.new}" for one in changes]
    files = len({one.file for one in changes})
    verb = "would change" if dry_run else "changed"
    if changes:
        values, names = f"value{'' if len(changes) == 1 else 's'}", f"file{'' if files == 1 else 's'}"
        lines.append(f"{len(changes)} {values} in {files} {names} {verb}")
    elif not refused:
        lines.append("nothing to change: it is so already")
    return harmless("".join(f"{line}\n" for line in lines))


def _usage(message: str, fix: str) -> BotError:
    return BotError(message, fix=fix, reason_code="invalid_option")
