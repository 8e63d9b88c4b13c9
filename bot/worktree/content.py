"""One file of a worktree: its bytes, or why they are not read. No link is followed, and nothing but files is opened."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, NamedTuple

from bot.core.filenames import is_yaml

if TYPE_CHECKING:
    from pathlib import Path

MOST_BYTES = 10_000_000
# Without O_NONBLOCK a pipe of that name would wait for somebody to write.
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NO_FILE = "only files are read, no links; name what it leads to"


class Unread(NamedTuple):
    """A file that was not read: its path, a reason code, and what is in the way."""

    file: str
    reason_code: str
    reason: str


def content(root: Path, name: str, *, named: bool) -> bytes | Unread | None:
    """The bytes of a file, or why it is not read; None for what is no YAML or not there. `named`: by a person."""
    wanted = named or is_yaml(name)
    try:
        name.encode()
    except UnicodeEncodeError:
        shown = os.fsencode(name).decode("utf-8", "replace")
        return Unread(shown, "unreadable", "the file's name is not UTF-8; rename it") if wanted else None
    try:
        number = os.open(f"{root}/{name}", _FLAGS)
    except OSError as error:
        return _unopened(name, error) if wanted else None
    try:
        return _opened(number, name, wanted=wanted)
    except OSError as error:
        return _unreadable(name, error)
    finally:
        os.close(number)


def _opened(number: int, name: str, *, wanted: bool) -> bytes | Unread | None:
    status = os.fstat(number)
    if stat.S_ISDIR(status.st_mode):
        return Unread(name, "submodule", "another repository has what is in this folder; scan it there")
    if not wanted:
        return None
    if not stat.S_ISREG(status.st_mode):
        return Unread(name, "not_a_file", _NO_FILE)
    body = os.read(number, MOST_BYTES + 1)
    if len(body) > MOST_BYTES or status.st_size > MOST_BYTES:
        return Unread(name, "too_large", f"the file has more than {MOST_BYTES} bytes; take it apart")
    return body


def _unopened(name: str, error: OSError) -> Unread | None:
    if error.errno == errno.ENOENT:
        return None  # git still lists what was deleted
    if error.errno in (errno.ELOOP, errno.ENXIO):
        return Unread(name, "not_a_file", _NO_FILE)
    return _unreadable(name, error)


def _unreadable(name: str, error: OSError) -> Unread:
    return Unread(name, "unreadable", f"the file cannot be read: {error.strerror}; make it readable")
