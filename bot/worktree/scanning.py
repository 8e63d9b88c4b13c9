"""What a folder holds that could be bumped, looked into only where something changed since the last time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot import __version__
from bot.worktree.blobs import blob_sha, list_blobs, with_content
from bot.worktree.kept import Kept, key_of
from bot.worktree.reading import locate, read_located

if TYPE_CHECKING:
    from pathlib import Path

    from bot.core.config import Config
    from bot.core.discovery import Discovery, Finding, Skipped
    from bot.worktree.reading import Worktree

RULES = f"{__version__}/13"
"""What is kept under other rules is not looked at: the number grows with each change of what a file says."""


def scan(path: Path, cache: Path | None) -> bytes:
    """The JSON (UTF-8) of `gitops-bot scan --json` (docs/json.md): what can be bumped at `path`, and what must not be.

    `cache` is a folder for what the next scan need not look at again. `NotFound` if `path` is not there,
    `ConfigError` if the repository's gitops.yaml is not valid.
    """
    place = locate(path)
    blobs = list_blobs(place.root) if place.is_checkout else None
    kept = Kept(cache, place.root, RULES)
    key = key_of(place.within, blobs) if blobs else ""
    # A file that git ignores may be named: then it is not among the blobs, and what was found is not kept.
    if blobs and (known := kept.found(key)) is not None:
        return known
    tree = read_located(place, blobs)
    found = discovered(tree, cache)
    told = _told(found)
    # A filter of git's, or a change meanwhile, may have given the files another content than git named.
    if blobs and {name: blob_sha(body) for name, body in tree.files.items()} == with_content(blobs):
        kept.keep_found(key, told)
    return told


def _told(found: Discovery) -> bytes:
    """As JSON (UTF-8), with a line for each thing."""
    text = f'{{\n"findings": [{_lines(found.findings)}],\n"skipped": [{_lines(found.skipped)}]\n}}'
    return text.encode("utf-8", "replace")


def _lines(found: tuple[Finding, ...] | tuple[Skipped, ...]) -> str:
    import json

    return ",".join(f"\n{json.dumps(one.as_json(), ensure_ascii=False)}" for one in found)


def discovered(tree: Worktree, cache: Path | None) -> Discovery:
    """What is found in that part of the worktree that was asked for. `ConfigError` if its gitops.yaml is not valid."""
    from bot.core.discovery import Discovery, discover
    from bot.worktree.facts import Reader

    kept = Kept(cache, tree.root, RULES)
    with Reader(tree.files, kept.facts()) as reader:
        found = discover(tree.files, _config(tree), reader.facts)
    if reader.read_anew:
        kept.keep_facts(reader.used)
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
