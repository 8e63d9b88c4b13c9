"""The unified diff of a pull request, made from what git holds."""

from __future__ import annotations

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
    return "".join(_file(path, old, new, context) for path in paths)


def _file(path: str, old: Mapping[str, bytes], new: Mapping[str, bytes], context: int) -> str:
    before, after = _lines(old, path), _lines(new, path)
    names = (f"a/{path}" if path in old else "/dev/null", f"b/{path}" if path in new else "/dev/null")
    return "".join(
        line if line.endswith("\n") else f"{line}\n" for line in unified_diff(before, after, *names, n=context)
    )


def _lines(files: Mapping[str, bytes], path: str) -> list[str]:
    return files.get(path, b"").decode("utf-8", "replace").splitlines(keepends=True)
