"""The YAML files of a folder on this machine, as git sees them where it is a checkout."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bot.core.errors import NotFound
from bot.core.manifests.conventions import is_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MOST_BYTES = 10_000_000
# Whatever a checkout's own settings say, nothing of it is run to list its files.
_SAFE = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "core.untrackedCache=false")
_LIST = ("ls-files", "-z", "--cached", "--others", "--exclude-standard")


class Unread(NamedTuple):
    """A file that was not read: its path, a reason code, and what is in the way."""

    file: str
    reason_code: str
    reason: str


class Unwritten(NamedTuple):
    """A file that was not written: its path, a reason code, and what is in the way."""

    file: str
    reason_code: str
    reason: str


class Worktree(NamedTuple):
    """The repository that a path is in: its root, the path within it (empty for all), YAML files, those not read."""

    root: Path
    within: str
    files: dict[str, bytes]
    unread: tuple[Unread, ...]

    def covers(self, file: str) -> bool:
        """Whether the file is one that was asked for."""
        return self.within in ("", file) or file.startswith(f"{self.within}/")


def read_worktree(path: Path) -> Worktree:
    """All YAML files of the repository that `path` is in, since what it holds may be explained elsewhere.

    Outside a git checkout it is the folder itself, or the one file. `NotFound` if `path` is not there.
    """
    if not path.exists():
        raise NotFound(f"{path} does not exist", fix="name a folder or a file", reason_code="invalid_option")
    here = path.resolve()
    root = next((one for one in (here, *here.parents) if (one / ".git").exists()), None)
    if root is None:
        root = here if here.is_dir() else here.parent
        names = _walk(root) if here.is_dir() else iter([here.name])
    else:
        listed = _tracked(root)
        # A file that is named counts, even if git ignores it.
        named = [here.relative_to(root).as_posix()] if here.is_file() else []
        names = _walk(root) if listed is None else iter(dict.fromkeys([*listed, *named]))
    within = here.relative_to(root).as_posix()
    return _read(root, "" if within == "." else within, names)


def write_files(tree: Worktree, contents: Mapping[str, bytes]) -> list[Unwritten]:
    """Replace files of the tree, each as a whole or not at all; returns those that could not be, and why.

    A file that is not any more as it was read is left alone.
    """
    failed: list[Unwritten] = []
    for name, content in contents.items():
        try:
            if _content(tree.root, name, named=True) != tree.files[name]:
                what = "the file has changed since it was read; do it again"
                failed.append(Unwritten(name, "file_changed", what))
            else:
                _replace(tree.root / name, content)
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


def _read(root: Path, within: str, names: Iterator[str]) -> Worktree:
    files: dict[str, bytes] = {}
    unread: list[Unread] = []
    for name in names:
        found = _content(root, name, named=name == within)
        if isinstance(found, bytes):
            files[name] = found
        elif found is not None:
            unread.append(found)
    return Worktree(root, within, files, tuple(unread))


def _content(root: Path, name: str, *, named: bool) -> bytes | Unread | None:
    path = f"{root}/{name}"
    try:
        name.encode()
    except UnicodeEncodeError:
        shown = os.fsencode(name).decode("utf-8", "replace")
        return Unread(shown, "unreadable", "the file's name is not UTF-8; rename it") if is_yaml(name) else None
    try:
        status = os.lstat(path)
        if stat.S_ISDIR(status.st_mode):
            return Unread(name, "submodule", "another repository has what is in this folder; scan it there")
        if not (named or is_yaml(name)):
            return None
        if not stat.S_ISREG(status.st_mode):
            return Unread(name, "not_a_file", "only files are read, no links; name what it leads to")
        if status.st_size > MOST_BYTES:
            return Unread(name, "too_large", f"the file has more than {MOST_BYTES} bytes; take it apart")
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            return file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        return None  # git still lists what was deleted
    except OSError as error:
        return Unread(name, "unreadable", f"the file cannot be read: {error.strerror}; make it readable")


def _tracked(root: Path) -> list[str] | None:
    """What git tracks, or would; None if git is not there or does not answer."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        answer = subprocess.run(
            ["git", *_SAFE, *_LIST], cwd=root, env=kept, capture_output=True, check=True, timeout=60
        )
    except (OSError, subprocess.SubprocessError):
        return None
    # A file with conflicts is listed once for each side.
    return list(dict.fromkeys(os.fsdecode(name) for name in answer.stdout.split(b"\0") if name))


def _walk(root: Path) -> Iterator[str]:
    for folder, below, names in os.walk(root):
        below[:] = sorted(name for name in below if name != ".git" and not os.path.islink(f"{folder}/{name}"))
        prefix = Path(folder).relative_to(root).as_posix()
        yield from (name if prefix == "." else f"{prefix}/{name}" for name in sorted(names))
