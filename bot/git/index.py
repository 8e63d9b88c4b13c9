"""New trees are made in a temporary index: no checkout, no filter, no hook, and nothing that others can see."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bot.core.errors import Conflict, Refused, Unavailable
from bot.git.failures import end_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bot.core.models import Entry
    from bot.git.program import Finished, Program


def replaced(git: Program, start: str | None, present: Mapping[str, Entry], files: Mapping[str, bytes | None]) -> str:
    """The SHA of the tree of commit `start` (None: empty), whose entries are `present`, with `files` replaced.

    None as content deletes. Modes of replaced files stay. `Refused` (`not_a_file`) where a symbolic link, a
    submodule or a folder is in the way.
    """
    _check_room(present, files)
    with _workspace(git) as folder:
        index = {"GIT_INDEX_FILE": str(folder / "index")}
        if start is not None:
            _done(git.local("read-tree", start, extra=index))
        blobs = _blobs(git, folder, {path: content for path, content in files.items() if content is not None})
        # Deletions first: they may make room for a folder of the same name.
        lines = [f"0 {'0' * 40}\t{path}" for path, content in sorted(files.items()) if content is None]
        lines += [f"{present[path].mode if path in present else '100644'} {sha}\t{path}" for path, sha in blobs.items()]
        stdin = "".join(f"{line}\0" for line in lines).encode("utf-8", "surrogateescape")
        _done(git.local("update-index", "-z", "--index-info", stdin=stdin, extra=index))
        return _text(git.local("write-tree", extra=index))


def merged(git: Program, ancestor: str, base: str, head: str) -> str:
    """The SHA of the tree with the changes from `ancestor` to `base` and to `head`; `Conflict` names the files."""
    with _workspace(git) as folder:
        index = {"GIT_INDEX_FILE": str(folder / "index")}
        _done(git.local("read-tree", "-i", "-m", "--aggressive", ancestor, base, head, extra=index))
        unmerged = _done(git.local("ls-files", "-u", "-z", extra=index)).stdout.split(b"\0")[:-1]
        names = sorted({line.partition(b"\t")[2].decode("utf-8", "backslashreplace") for line in unmerged})
        tree = git.local("write-tree", extra=index)
        if names or tree.code:
            shown = ", ".join(map(repr, names[:20])) or end_of(tree.stderr)
            raise Conflict(f"both sides changed {shown}", fix="bring the branch up to date with the other side")
        return _text(tree)


@contextmanager
def _workspace(git: Program) -> Iterator[Path]:
    """A temporary folder where the private copy is: that one can be written to."""
    try:
        with tempfile.TemporaryDirectory(prefix="gitops-bot-", dir=git.folder) as folder:
            yield Path(folder)
    except OSError as error:
        message = f"nothing can be written to {git.folder}: {error.strerror}"
        raise Unavailable(message, fix="check its permissions and the free space") from error


def _check_room(present: Mapping[str, Entry], files: Mapping[str, bytes | None]) -> None:
    """Git itself would silently drop what is in the way of a new file."""
    written = {path for path, content in files.items() if content is not None}
    after = {path for path in present if path not in files} | written
    folders = {path[:end] for path in after for end, character in enumerate(path) if character == "/"}
    special = {path for path in written if path in present and not present[path].mode.startswith("100")}
    if in_the_way := sorted(special | (folders & after)):
        raise Refused(
            f"{', '.join(map(repr, in_the_way))}: a link, a submodule, a folder or a file is in the way",
            fix="remove it from the repository, or name another path",
            reason_code="not_a_file",
        )


def _blobs(git: Program, folder: Path, files: Mapping[str, bytes]) -> dict[str, str]:
    """Store the contents as blobs, in one run; SHAs by path."""
    paths = sorted(files)
    for number, path in enumerate(paths):
        (folder / f"{number}").write_bytes(files[path])
    names = "".join(f"{folder / str(number)}\n" for number in range(len(paths))).encode()
    output = _text(git.local("hash-object", "-w", "--no-filters", "--stdin-paths", stdin=names)) if paths else ""
    return dict(zip(paths, output.split(), strict=True))


def _done(finished: Finished) -> Finished:
    if finished.code:
        raise Unavailable(
            f"the private copy of the repository cannot be used: {end_of(finished.stderr)}",
            fix="delete the cache folder: it only holds copies",
        )
    return finished


def _text(finished: Finished) -> str:
    return _done(finished).stdout.decode("ascii").strip()
