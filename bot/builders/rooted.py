"""A folder that stands for an image's root: nothing that a layer says reaches a path outside of it.

Every link is written for its own place, with no more steps up than there are folders above it, so that none leads out
whatever it is reached by; every path is refused that could be another than it says.
"""

from __future__ import annotations

import errno
import os
import posixpath
import shutil
from typing import TYPE_CHECKING

from bot.builders.context import parents
from bot.builders.layers import Unclear, check_path

if TYPE_CHECKING:
    import tarfile
    from pathlib import Path


class Rooted:
    """Files below `folder`, an empty folder that is the caller's alone. All paths are relative to it.

    Every method raises `Unclear` for a path with a part that is empty, `.`, `..`, or that no file can have.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._room = shutil.disk_usage(folder).free // 2
        # As the layers write them: a hard link to one has the same text at another place.
        self._links: dict[str, str] = {}

    def remove(self, path: str) -> None:
        """Delete what is at a path, links not followed; nothing if there is none."""
        place = self._existing(path)
        if place is None or not os.path.lexists(place):
            return
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        else:
            place.unlink()

    def empty(self, path: str) -> None:
        """Delete what is in a directory; the root is the empty path. Nothing where there is no real directory."""
        place = self._existing(path) if path else self._folder
        if place and place.is_dir() and not place.is_symlink():
            for child in list(place.iterdir()):
                self.remove(posixpath.join(path, child.name))

    def make_folder(self, path: str) -> Path:
        """A real directory with real ones above it, instead of a link or file of a lower layer that had its name."""
        check_path(path)
        for part in [*parents(path), path] if path else []:
            place = self._folder / part
            if place.is_symlink() or not place.is_dir():
                self.remove(part)
                place.mkdir(mode=0o755)
        return self._folder / path if path else self._folder

    def existing_folder(self, path: str) -> Path:
        """A directory of the root, made if it is not there. `Unclear` if a link or a file is in its way."""
        check_path(path)
        for part in [*parents(path), path] if path else []:
            place = self._folder / part
            if not place.is_symlink() and not place.exists():
                place.mkdir(mode=0o755)
            if place.is_symlink() or not place.is_dir():
                raise Unclear(f"/{part} is not a directory")
        return self._folder / path if path else self._folder

    def write(self, path: str, member: tarfile.TarInfo, tar: tarfile.TarFile) -> None:
        """A file with the content and permissions of a member, readable by its owner. `OSError` if there is no room."""
        place = self._free(path)
        self._room -= member.size
        if self._room < 0:
            raise OSError(errno.ENOSPC, "the files take more than half of the space that is free")
        descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as copy:
            source = tar.extractfile(member)
            if source:
                shutil.copyfileobj(source, copy)
            os.fchmod(copy.fileno(), member.mode & 0o777 | 0o400)

    def link(self, path: str, target: str) -> None:
        """A symbolic link that leads to the same path inside the root as `target` does in the image."""
        check_path(path)
        if "\0" in target:
            raise Unclear(f"the link {path!r} has a target with a NUL byte")
        above = posixpath.join("/", posixpath.dirname(path))
        inside = posixpath.normpath("/" + posixpath.join(above, target).lstrip("/"))
        self._free(path).symlink_to(posixpath.relpath(inside, above))
        self._links[path] = target

    def hard_link(self, path: str, target: str) -> None:
        """The same file at another path; nothing if there is none. A symbolic link is written anew for this place."""
        origin = self._existing(target)
        if origin is None or not os.path.lexists(origin) or path == target:
            return
        if origin.is_symlink():
            if target not in self._links:  # names that differ here are one on this file system
                raise Unclear(f"the hard link {path!r} is to {target!r}, which is another path's link here")
            self.link(path, self._links[target])
        elif not origin.is_dir():
            place = self._free(path)
            if origin.is_file() and not origin.is_symlink():  # what was in the way may have held it, or been it
                os.link(origin, place, follow_symlinks=False)

    def _free(self, path: str) -> Path:
        """The place of a path whose folders are made, with nothing there."""
        check_path(path)
        self.make_folder(posixpath.dirname(path))
        self.remove(path)
        return self._folder / path

    def _existing(self, path: str) -> Path | None:
        """The place of a path if every directory above it is a real one, else None: there is nothing then."""
        check_path(path)
        if any((self._folder / part).is_symlink() or not (self._folder / part).is_dir() for part in parents(path)):
            return None
        return self._folder / path if path else None
