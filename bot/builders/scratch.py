"""Folders for a while: gone afterwards, however deep what somebody else's program has made in them."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


@contextlib.contextmanager
def scratch(prefix: str, where: Path | None = None) -> Iterator[Path]:
    """A new folder below `where` (or where the system has such), by its real path; deleted at the end."""
    temporary = tempfile.TemporaryDirectory(prefix=prefix, dir=where)
    try:
        yield Path(temporary.name).resolve()
    finally:
        try:
            temporary.cleanup()
        except (OSError, RecursionError):  # a level takes a stack frame and an open file
            _flatten(temporary.name)
            temporary.cleanup()


def _flatten(folder: str) -> None:
    """Move every folder in it to the top, by descriptors: what still runs in there cannot lead it elsewhere."""
    top = os.open(folder, _FOLDER)
    try:
        found, count = _folders(top), 0
        while found:
            place = os.open(found.pop(), _FOLDER, dir_fd=top)
            try:
                for name in _folders(place):
                    count += 1
                    found.append(f".moved-{os.urandom(8).hex()}-{count}")
                    os.rename(name, found[-1], src_dir_fd=place, dst_dir_fd=top)
            finally:
                os.close(place)
    finally:
        os.close(top)


def _folders(place: int) -> list[str]:
    with os.scandir(place) as entries:
        return [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
