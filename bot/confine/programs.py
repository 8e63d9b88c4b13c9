"""How a program is started that is to see nothing but a folder: what it is given, and what it cannot have."""

from __future__ import annotations

import functools
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bot.confine import launch

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

NOBODY = 65_534
"""The user that owns nothing, on Linux."""
_SYSTEM = (
    *("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/usr", "/opt", "/nix/store", "/etc/alternatives"),
    *("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/localtime", "/etc/ssl/certs"),
    *("/etc/passwd", "/etc/group", "/etc/nsswitch.conf", "/etc/java-17-openjdk", "/etc/java-21-openjdk"),
)
"""Programs, their libraries and what these read of the system: nobody's secrets."""
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")


@functools.cache
def how() -> str:
    """What keeps programs to their files on this machine: `landlock`, or nothing (the empty text)."""
    return "landlock" if launch.abi() else ""


def arguments(command: Sequence[str], folders: Iterable[Path]) -> list[str]:
    """The command line that starts `command` with nothing but `folders` to read and write, and programs to run.

    `command[0]` is the absolute path of a program. Where this process is root it becomes a user of no rights: give it
    the folders by `lend`.
    """
    program = os.path.realpath(command[0])
    wanted = {
        "read": [*_SYSTEM, *_path(), program],
        "write": [*map(str, folders), *_DEVICES],
        "user": NOBODY if _is_root() else None,
    }
    return [sys.executable, "-I", "-S", launch.__file__, json.dumps(wanted), *command]


def room(preferred: Path) -> Path | None:
    """Where to make folders that are lent: the preferred place, or None (the system's) if others cannot get there."""
    return None if _is_root() else preferred


def lend(folder: Path) -> None:
    """Let the user of `arguments` use a folder and all in it, links not followed."""
    if not _is_root():
        return
    os.chown(folder, NOBODY, NOBODY)
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            os.chown(os.path.join(place, name), NOBODY, NOBODY, follow_symlinks=False)


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _path() -> list[str]:
    """The folders of programs that the user named; a home is none."""
    folders = (os.environ.get("PATH") or os.defpath).split(os.pathsep)
    return [f for f in folders if f.startswith("/") and Path(f) not in (Path("/"), Path.home())]
