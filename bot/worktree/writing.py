"""Files of a worktree are replaced whole or not at all, and only as long as they are what was read."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bot.worktree.content import content

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.worktree.reading import Worktree


class Unwritten(NamedTuple):
    """A file that was not written: its path, a reason code, and what is in the way."""

    file: str
    reason_code: str
    reason: str


def write_files(tree: Worktree, contents: Mapping[str, bytes]) -> list[Unwritten]:
    """Replace files of the tree, each as a whole or not at all; returns those that could not be, and why.

    A file that is not any more as it was read is left alone.
    """
    failed: list[Unwritten] = []
    for name, new in contents.items():
        try:
            if content(tree.root, name, named=True) != tree.files[name]:
                what = "the file has changed since it was read; do it again"
                failed.append(Unwritten(name, "file_changed", what))
            else:
                _replace(tree.root / name, new)
        except OSError as error:
            what = f"the file cannot be written: {error.strerror}; make it writable"
            failed.append(Unwritten(name, "not_writable", what))
    return failed


def _replace(path: Path, content: bytes) -> None:
    if not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    number, name = tempfile.mkstemp(prefix=".gitops-bot-", dir=path.parent)
    try:
        with open(number, "wb") as file:
            file.write(content)
            os.fchmod(number, stat.S_IMODE(os.lstat(path).st_mode))
            file.flush()
            os.fsync(number)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink()
        raise
