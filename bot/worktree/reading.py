"""The YAML files of the repository that a path on this machine is in, as git sees them where it is a checkout."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bot.core.errors import NotFound
from bot.worktree.blobs import list_blobs
from bot.worktree.content import Unread, content

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


class Worktree(NamedTuple):
    """The repository that a path is in: its root, the path within it (empty for all), YAML files, those not read."""

    root: Path
    within: str
    files: dict[str, bytes]
    unread: tuple[Unread, ...]

    def covers(self, file: str) -> bool:
        """Whether the file is one that was asked for."""
        return self.within in ("", file) or file.startswith(f"{self.within}/")


class Located(NamedTuple):
    """Where a path lies: the root of its checkout (else the folder itself), and the path from there."""

    root: Path
    within: str
    is_checkout: bool


def locate(path: Path) -> Located:
    """The repository that `path` is in. `NotFound` if it is not there."""
    try:
        here = path.resolve(strict=True)
    except (OSError, RuntimeError) as error:  # also a circle of links, or a working folder that was deleted
        fix = "name a folder or a file"
        raise NotFound(f"{path} does not exist", fix=fix, reason_code="invalid_option") from error
    root = next((one for one in (here, *here.parents) if (one / ".git").exists()), None)
    top = root or (here if here.is_dir() else here.parent)
    within = here.relative_to(top).as_posix()
    return Located(top, "" if within == "." else within, root is not None)


def read_worktree(path: Path) -> Worktree:
    """All YAML files of the repository that `path` is in, since what it holds may be explained elsewhere.

    Outside a git checkout it is the folder itself, or the one file. `NotFound` if `path` is not there.
    """
    place = locate(path)
    return read_located(place, list_blobs(place.root) if place.is_checkout else None)


def read_located(place: Located, blobs: Mapping[str, str] | None) -> Worktree:
    """The same, with what git has listed; None where it does not say, and all files of the folder are read."""
    # A file that is named counts, even if git ignores it.
    named = [place.within] if (place.root / place.within).is_file() else []
    if blobs is not None:
        return _read(place, sorted({*blobs, *named}))
    return _read(place, named if named and not place.is_checkout else _walk(place.root))


def _read(place: Located, names: Iterable[str]) -> Worktree:
    files: dict[str, bytes] = {}
    unread: list[Unread] = []
    for name in names:
        found = content(place.root, name, named=name == place.within)
        if isinstance(found, bytes):
            files[name] = found
        elif found is not None:
            unread.append(found)
    return Worktree(place.root, place.within, files, tuple(unread))


def _walk(root: Path) -> Iterator[str]:
    for folder, below, names in os.walk(root):
        below[:] = sorted(name for name in below if name != ".git" and not os.path.islink(f"{folder}/{name}"))
        prefix = Path(folder).relative_to(root).as_posix()
        yield from (name if prefix == "." else f"{prefix}/{name}" for name in sorted(names))
