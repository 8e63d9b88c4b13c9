"""How a program is started that is to see nothing but a folder: what it is given, and what it cannot have."""

from __future__ import annotations

import functools
import glob
import json
import os
import re
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bot.confine import launch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

NOBODY = 65_534
"""The user that owns nothing, on Linux."""
_RIGHTS = 0b1100_1011
"""CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_SETGID, CAP_SETUID: capabilities(7)."""
_SYSTEM = (
    *("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/usr", "/opt", "/nix/store", "/etc/alternatives"),
    *("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/localtime", "/etc/ssl/certs"),
    *("/etc/ssl/openssl.cnf", "/etc/crypto-policies", "/etc/passwd", "/etc/group", "/etc/nsswitch.conf"),
    *glob.glob("/etc/java*"),
)
"""Programs, their libraries and what these read of the system: nobody's secrets."""
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")


@functools.cache
def how() -> str:
    """What keeps programs to their files on this machine: `landlock`, or nothing (the empty text)."""
    return "landlock" if launch.abi() else ""


def arguments(command: Sequence[str], *, read: Iterable[Path] = (), write: Iterable[Path] = ()) -> list[str]:
    """The command line that starts `command` with nothing but these folders to read, or to write too, and programs.

    `command[0]` is the absolute path of a program. Where this process is root it becomes a user of no rights: let it
    have the folders by `show` and `lend`.
    """
    program = os.path.realpath(command[0])
    wanted = {
        "file": program,
        "read": [*_SYSTEM, *_path(), program, *map(str, read)],
        "write": [*map(str, write), *_DEVICES],
        "user": NOBODY if _can_be_another() else None,
    }
    return [sys.executable, "-I", "-S", launch.__file__, json.dumps(wanted), *command]


def room(preferred: Path) -> Path | None:
    """Where to make folders that are lent: the preferred place, or None (the system's) if others cannot get there."""
    return None if _can_be_another() else preferred


def show(folder: Path) -> None:
    """Let the user of `arguments` read a folder and all in it: what this process wrote, no links among it."""
    for place in _all_in(folder):
        mode = place.stat().st_mode
        os.chown(place, -1, NOBODY)
        place.chmod(mode | 0o050 if stat.S_ISDIR(mode) else mode | 0o040)


def lend(folder: Path) -> None:
    """Let the user of `arguments` have a folder and all in it, links not followed: before the first program runs."""
    for place in _all_in(folder):
        os.chown(place, NOBODY, NOBODY, follow_symlinks=False)


def _all_in(folder: Path) -> Iterator[Path]:
    """The folder and all below, links not followed; nothing where there is no other user."""
    if _can_be_another():
        yield folder
        for place, folders, files in os.walk(folder):
            yield from (Path(place, name) for name in (*folders, *files))


@functools.cache
def _can_be_another() -> bool:
    """Whether this is root, with the rights of root: a container may have taken them away, or know no other user."""
    if os.geteuid():
        return False
    try:
        status, users = Path("/proc/self/status").read_text(), Path("/proc/self/uid_map").read_text().splitlines()
    except OSError:
        return True  # no Linux
    capabilities = re.search(r"^CapEff:\s*([0-9a-f]+)$", status, re.MULTILINE)
    ranges = [(int(start), int(count)) for start, _, count in map(str.split, users)]
    known = any(start <= NOBODY < start + count for start, count in ranges)
    return known and capabilities is not None and int(capabilities[1], 16) & _RIGHTS == _RIGHTS


def _path() -> list[str]:
    """The folders of programs that the user named, but for a home and what is above it."""
    home = Path(os.path.realpath(os.path.expanduser("~")))
    folders = (os.environ.get("PATH") or os.defpath).split(os.pathsep)
    return [f for f in folders if f.startswith("/") and not home.is_relative_to(os.path.realpath(f))]
