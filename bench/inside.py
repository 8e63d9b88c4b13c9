"""Measures parts of one process that a whole process cannot show; prints seconds by name, as JSON.

Usage: python bench/inside.py CHECKOUT CACHE     (CHECKOUT as `worlds.repository` makes it, scanned once into CACHE)
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from bot.core.assign import assign, image_request
from bot.git import Git
from bot.worktree.blobs import list_blobs
from bot.worktree.kept import Kept, key_of
from bot.worktree.reading import read_worktree
from bot.worktree.scanning import RULES, discovered

BUSYBOX = "docker.io/library/busybox=1.37.0"


def same_tree(checkout: Path, cache: Path) -> float:
    """What was found in a tree whose contents git has named already."""
    blobs = list_blobs(checkout)
    assert blobs is not None
    key = key_of("", blobs)
    start = time.perf_counter()
    found = Kept(cache, checkout.resolve(), RULES).found(key)
    seconds = time.perf_counter() - start
    assert found, "nothing was kept"
    return seconds


def bumps(checkout: Path, cache: Path) -> float:
    """One image set in a thousand files of one environment, verified, and committed without a checkout."""
    tree = read_worktree(checkout / "envs" / "dev")
    found = discovered(tree, cache)
    with tempfile.TemporaryDirectory() as folder:
        git = Git(str(checkout.with_suffix(".git")), Path(folder))
        git.fetch()
        head = git.head().sha
        start = time.perf_counter()
        done = assign(tree.files, found, [image_request(BUSYBOX)])
        git.write([head], done.contents, "Set an image a thousand times", datetime.now(UTC))
        seconds = time.perf_counter() - start
    assert len(done.contents) == 1000, len(done.contents)
    return seconds


if __name__ == "__main__":
    place, kept = Path(sys.argv[1]), Path(sys.argv[2])
    same_tree(place, kept)
    print(json.dumps({"same_tree": same_tree(place, kept), "bumps": bumps(place, kept)}))  # noqa: T201 -- a program
