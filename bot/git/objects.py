"""Git's objects as bytes become our nouns; see git-cat-file and git-ls-tree, https://git-scm.com/docs."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from bot.core.errors import Refused, Unavailable
from bot.core.models import Commit, Entry
from bot.git.names import is_safe_path

if TYPE_CHECKING:
    from collections.abc import Iterator

_COMMITTER = re.compile(rb"^committer [^\n]*?<([^<>\n]*)> (-?\d{1,12}) [+-]\d{4}$", re.MULTILINE)
_ENCODING = re.compile(rb"^encoding ([A-Za-z0-9._-]+)$", re.MULTILINE)


class Object(NamedTuple):
    """One answer of `git cat-file --batch`; `kind` is `missing` or `ambiguous` for what is not there."""

    sha: str
    kind: str
    body: bytes


def batch(output: bytes) -> Iterator[Object]:
    """The answers of `git cat-file --batch`, in the order asked. `Unavailable` if the output was cut short."""
    position = 0
    while position < len(output):
        end = output.find(b"\n", position)
        words = output[position:end].decode("utf-8", "surrogateescape").rsplit(" ", 2)
        position = end + 1
        if end >= 0 and words[-1] in ("missing", "ambiguous"):
            yield Object("", words[-1], b"")
            continue
        size = int(words[2]) if end >= 0 and len(words) == 3 and words[2].isdecimal() else -1
        if size < 0 or output[position + size : position + size + 1] != b"\n":
            raise Unavailable("git cat-file ended before all objects were read", fix="try again")
        yield Object(words[0], words[1], output[position : position + size])
        position += size + 1


def commit(sha: str, body: bytes) -> Commit:
    """A commit object's bytes → Commit. `Unavailable` if they name no committer with a time."""
    headers, _, message = body.partition(b"\n\n")
    committer = _COMMITTER.search(headers)
    encoding = _ENCODING.search(headers)
    try:
        if not committer:
            raise ValueError
        time = datetime.fromtimestamp(int(committer[2]), UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise Unavailable(f"commit {sha} has no readable committer and time", fix="rewrite that commit") from error
    text = _decode(message, encoding[1].decode("ascii") if encoding else "utf-8")
    return Commit(sha, committer[1].decode("utf-8", "replace"), time, text.rstrip("\n"))


def _decode(message: bytes, encoding: str) -> str:
    try:
        return message.decode(encoding, "replace")
    # Of the names that Python knows some are no encodings of text, and one refuses every text.
    except (LookupError, ValueError):
        return message.decode("utf-8", "replace")


def tree(output: bytes) -> dict[str, Entry]:
    """The output of `git ls-tree -r -z` → entries by path, submodules (mode `160000`) included.

    Bytes of a path that are no UTF-8 become surrogates (PEP 383). `Refused` (`unsafe_path`) for a tree that names
    something outside of itself.
    """
    entries: dict[str, Entry] = {}
    for line in output.split(b"\0")[:-1]:
        about, _, name = line.partition(b"\t")
        mode, _, sha = about.decode("ascii").split(" ")
        path = name.decode("utf-8", "surrogateescape")
        if not is_safe_path(path):
            message = f"the repository has a file named {path[:200]!r}, which could escape a checkout"
            raise Refused(message, fix="remove it from the repository", reason_code="unsafe_path")
        # Very old trees hold 100664 and the like.
        regular = "100755" if mode.startswith("100") and int(mode, 8) & 0o100 else "100644"
        entries[path] = Entry(path, regular if mode.startswith("100") else mode, sha)
    return entries
