"""The unified diff of a pull request, made from what git holds."""

from __future__ import annotations

import re
from difflib import unified_diff
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.ports import GitRepository


def pull_request_diff(git: GitRepository, head: str, context: int = 3) -> str:
    """What `head` has that the default branch had not when they parted, with `context` lines around it."""
    base = git.merge_base(git.head().sha, head)
    paths = git.changed(base, head)
    old, new = git.read(base, paths), git.read(head, paths)
    return "".join(file_diff(path, old, new, context) for path in paths)


def file_diff(path: str, old: Mapping[str, bytes], new: Mapping[str, bytes], context: int = 3) -> str:
    """The unified diff of one file between two sets of files, as git writes and takes it."""
    before, after = _lines(old, path), _lines(new, path)
    names = (f"a/{path}" if path in old else "/dev/null", f"b/{path}" if path in new else "/dev/null")
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
        for line in unified_diff(before, after, *names, n=context)
    )


def _lines(files: Mapping[str, bytes], path: str) -> list[str]:
    # As git sees lines: other line ends are part of them.
    return re.findall(r"[^\n]*\n|[^\n]+", files.get(path, b"").decode("utf-8", "replace"))
