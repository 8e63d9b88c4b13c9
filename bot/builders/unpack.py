"""A test of an assembled image runs on this machine, beside the image's files: it checks files, it is no container.

The files are unpacked into a folder that no link and no name leads out of. Owners, devices and setuid bits are
left out. The command gets nothing of the bot's own environment.
"""

from __future__ import annotations

import contextlib
import os
import posixpath
import re
import shutil
import signal
import subprocess
import tarfile
import tempfile
from typing import TYPE_CHECKING, Any

from bot.builders.context import parents
from bot.builders.dockerfile import printable
from bot.builders.index import open_layer
from bot.builders.layers import Unclear, clean
from bot.core.errors import BotError, Refused
from bot.core.models import TestRun

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from bot.builders.archive import Blob
    from bot.builders.base import Base
    from bot.builders.layers import Files, Layer
    from bot.ports import Registry

TAIL = 4000
TIMED_OUT = 124  # what timeout(1) exits with
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# Variables that make a program of this machine load or run other code; an image must not choose that.
_LOADERS = re.compile(
    r"LD_.*|BASH_.*|ENV|IFS|PS4|SHELLOPTS|PATH|HOME|TMPDIR|IMAGE_ROOT|GCONV_PATH|LOCPATH|GIT_.*|PYTHON.*|PERL.*|RUBY.*"
    r"|NODE_.*|.*JAVA_TOOL_OPTIONS|_JAVA_OPTIONS|JDK_JAVA_OPTIONS|LUA_.*|.*PAGER|EDITOR"
)


def unpack(registry: Registry, base: Base, files: Files, layers: Sequence[Blob], folder: Path) -> None:
    """Unpack the layers of `base` and the own `layers` into the empty `folder`, deletions applied.

    `files` is the index of the same layers, lowest first. `Refused` for a layer with a path that is none.
    """
    for index, descriptor in zip(files.layers, base.layers, strict=False):
        with open_layer(registry, base.reference.repository, descriptor) as tar:
            _unpack_layer(tar, index, folder)
    for blob in layers:
        with tarfile.open(blob.file, mode="r|gz") as tar:
            for member in tar:
                _extract(tar, member, folder)


def _unpack_layer(tar: tarfile.TarFile, index: Layer, folder: Path) -> None:
    for path in index.whiteouts:
        _remove(_inside(folder, path))
    for path in index.opaque:
        place = _inside(folder, path)
        if place and place.is_dir() and not place.is_symlink():
            for child in place.iterdir():
                _remove(child)
    try:
        for member in tar:
            _extract(tar, member, folder)
            tar.members.clear()  # type: ignore[attr-defined]  # not in the stubs; else it keeps every member ever seen
    except Unclear as error:
        raise Refused(f"the base cannot be unpacked: {error}", reason_code="base_unsupported") from error


def _inside(folder: Path, path: str) -> Path | None:
    """The place of `path` if every directory above it is a real one, else None: there is nothing then."""
    if any((folder / part).is_symlink() or not (folder / part).is_dir() for part in parents(path)):
        return None
    return folder / path


def _remove(place: Path | None) -> None:
    if place is None or not os.path.lexists(place):
        return
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    else:
        place.unlink()


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    path = clean(member.name)
    name = posixpath.basename(path)
    if (
        not path
        or name.startswith(".wh.")
        or not (member.isreg() or member.isdir() or member.issym() or member.islnk())
    ):
        return
    for part in parents(path):
        _make_folder(folder / part)
    place = folder / path
    if member.isdir():
        _make_folder(place)
        return
    _remove(place)
    if member.issym():
        place.symlink_to(_harmless(path, member.linkname))
    elif member.islnk():
        _link(folder, clean(member.linkname), place)
    else:
        _write(tar, member, place)


def _make_folder(place: Path) -> None:
    """A real directory, instead of a link or file of a lower layer that had its name."""
    if place.is_symlink() or not place.is_dir():
        _remove(place)
        place.mkdir(mode=0o755)


def _harmless(path: str, link: str) -> str:
    """A link's target that leads to the same path inside the folder, and never out of it."""
    target = posixpath.normpath(posixpath.join("/", posixpath.dirname(path), link))
    return posixpath.relpath(target, posixpath.join("/", posixpath.dirname(path)))


def _link(folder: Path, target: str, place: Path) -> None:
    origin = _inside(folder, target)
    if origin and os.path.lexists(origin) and (origin.is_symlink() or not origin.is_dir()):
        os.link(origin, place, follow_symlinks=False)


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, place: Path) -> None:
    content = tar.extractfile(member)
    descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as copy:
        if content:
            shutil.copyfileobj(content, copy)
        os.fchmod(copy.fileno(), member.mode & 0o777 | 0o400)


def run_in_files(
    folder: Path, files: Files, settings: Mapping[str, Any], command: Sequence[str], seconds: float
) -> TestRun:
    """Run `command` on this machine with the image's unpacked files; `IMAGE_ROOT` is their folder.

    The program is looked up on this machine's PATH, never in the image. It starts in the image's WORKDIR, with the
    image's ENV (without PATH and what makes programs load code), an empty HOME and no standard input. At the time
    limit it and its children are killed, and the exit code is 124. `BotError` if there is no such program.
    """
    program = _program(command)
    start = _start(folder, files, str(settings.get("WorkingDir") or ""))
    start.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home, tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [program, *command[1:]], cwd=start, env=_environment(folder, home, settings), stdin=subprocess.DEVNULL,
            stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        try:
            code, note = process.wait(seconds), ""
        except subprocess.TimeoutExpired:
            code, note = TIMED_OUT, f"\n(killed after {seconds:g} seconds)"
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        output.seek(max(0, output.seek(0, os.SEEK_END) - 4 * TAIL))
        return TestRun(code, tail(output.read()) + note)


def _start(folder: Path, files: Files, workdir: str) -> Path:
    try:
        return folder / files.resolve(workdir.strip("/"))
    except Unclear as error:
        raise BotError(f"the image's WORKDIR {workdir!r}: {error}", reason_code="test_not_runnable") from error


def tail(output: bytes) -> str:
    """The last 4,000 characters of what a program printed, without what would steer a terminal."""
    return printable(output.decode("utf-8", "replace")[-TAIL:])


def _program(command: Sequence[str]) -> str:
    path = os.pathsep.join(part for part in _path().split(os.pathsep) if part.startswith("/"))
    name = command[0] if command else ""
    found = shutil.which(name, path=path) if name and ("/" not in name or name.startswith("/")) else None
    if not found:
        raise BotError(
            f"the test command {name!r} is not a program of this machine",
            fix="name one that is on PATH here, for example [sh, -c, …]; GITOPS_BOT_BUILDER=docker uses the image's",
            reason_code="test_not_runnable",
        )
    return found


def _path() -> str:
    return os.environ.get("PATH") or os.defpath


def _environment(folder: Path, home: str, settings: Mapping[str, Any]) -> dict[str, str]:
    image = dict(str(pair).partition("=")[::2] for pair in settings.get("Env") or [])
    kept = {name: value for name, value in image.items() if _NAME.fullmatch(name) and not _LOADERS.fullmatch(name)}
    return {**kept, "PATH": _path(), "HOME": home, "IMAGE_ROOT": str(folder)}
