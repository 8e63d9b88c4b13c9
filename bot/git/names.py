"""Names become arguments of git only after these checks: nothing can pass for an option or leave the tree."""

from __future__ import annotations

import re

from bot.core.errors import Refused

_SHA = re.compile(r"^[0-9a-f]{4,64}$")
_FULL_SHA = re.compile(r"^(?:[0-9a-f]{40}|[0-9a-f]{64})$")
_BAD_IN_BRANCH = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(?:/|$)|^[-./]|[./]$")


def branch_ref(branch: str) -> str:
    """`refs/heads/<branch>` of a branch name that git allows; `Refused` (`bad_branch_name`) otherwise.

    Rules: https://git-scm.com/docs/git-check-ref-format
    """
    if not branch or branch in ("@", "HEAD") or len(branch) > 200 or _BAD_IN_BRANCH.search(branch):
        raise Refused(
            f"{branch[:200]!r} cannot be the name of a branch",
            fix="use letters, digits, `-`, `_`, `.` and single `/`",
            reason_code="bad_branch_name",
        )
    return f"refs/heads/{branch}"


def is_revision(text: str) -> bool:
    """Whether the text can be a full or abbreviated SHA: 4 or more lower-case hexadecimal digits."""
    return bool(_SHA.fullmatch(text))


def full_sha(text: str) -> str:
    """The text, if it is a full SHA (40 or 64 lower-case hexadecimal digits); `Refused` (`bad_sha`) otherwise."""
    if not _FULL_SHA.fullmatch(text):
        raise Refused(f"{text[:100]!r} is not a full commit SHA", fix="use all its digits", reason_code="bad_sha")
    return text


def is_safe_path(path: str) -> bool:
    """Whether the path stays inside a tree and out of git's own folder, on every file system."""
    parts = path.split("/")
    return "\0" not in path and all(part not in ("", ".", "..") and part.lower() != ".git" for part in parts)


def tree_path(path: str) -> str:
    """The path, if it is safe; `Refused` (`unsafe_path`) otherwise."""
    if not is_safe_path(path):
        raise Refused(
            f"{path[:200]!r} is not a path inside a repository",
            fix="use a relative path without `..`, `.git` and empty parts",
            reason_code="unsafe_path",
        )
    return path


def tree_folder(folder: str) -> str:
    """The folder without a slash at its end, empty for the root (`.` or nothing); `Refused` as in `tree_path`."""
    return "" if folder in ("", ".") else tree_path(folder.removesuffix("/"))
