"""Secrets that came by the environment stay in this process: no child gets them, /proc shows them to nobody."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

_SET_DUMPABLE = 4
_START = 47  # of the fields behind the program's name, counted from 0: proc_pid_stat(5), env_start


def forget(names: Collection[str]) -> None:
    """Take variables out of the environment of this process, and overwrite them where it was started with them.

    Only Linux shows that place to others. From now on it shows neither it nor this process's memory to programs of the
    same user, and writes no core.
    """
    for name in names:
        os.environ.pop(name, None)
    if sys.platform == "linux":
        _overwrite(names)
        ctypes.CDLL(None).prctl(_SET_DUMPABLE, 0, 0, 0, 0)


def _overwrite(names: Collection[str]) -> None:
    try:
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        start, end = int(fields[_START]), int(fields[_START + 1])
    except (OSError, ValueError, IndexError):
        return
    at = start
    for entry in ctypes.string_at(start, end - start).split(b"\0"):
        name, _, value = entry.partition(b"=")
        if os.fsdecode(name) in names:
            ctypes.memset(at + len(name) + 1, ord("*"), len(value))
        at += len(entry) + 1
