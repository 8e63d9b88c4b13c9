"""Where a merge puts what a branch changes: git follows files and folders that were moved meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core.errors import Unavailable
from bot.git.failures import end_of
from bot.git.program import MOST_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bot.git.program import Program

MOST_COMMITS = 200
"""Commits of a branch that are replayed; a forge that rebases more of them is not foreseen."""
SECONDS = 20
"""For one branch: whoever moves thousands of files on both sides makes git compare each with each."""
# Whatever the user has set: as far as git follows at all.
_FOLLOW = ("-c", "merge.renames=true", "-c", "merge.directoryRenames=true", "-c", "merge.renameLimit=32767")
_CONFLICTS, _USAGE = 1, 129


def merged(git: Program, onto: str, head: str) -> Iterator[str]:
    """Paths that differ from the commit `onto` once `head` is merged into it, and those in conflict."""
    tree, conflicts = _merge(git, onto, head)
    yield from conflicts
    yield from _changed(git, onto, tree)


def replayed(git: Program, onto: str, bases: tuple[str, ...], head: str, author: Mapping[str, str]) -> Iterator[str]:
    """The same once the commits of `head` that `bases` do not have are replayed on `onto`, one after the other.

    Merges are left out, as a rebase does; some forges leave out too what `onto` has had already under another SHA.
    `Unavailable` for more than 200.
    """
    commits = _commits(git, head, *(f"^{base}" for base in bases))
    new = set(_commits(git, "--cherry-pick", "--right-only", f"{onto}...{head}"))
    yield from _replay(git, onto, commits, author)
    if not commits.keys() <= new:
        yield from _replay(git, onto, {commit: commits[commit] for commit in commits if commit in new}, author)


def _commits(git: Program, *revisions: str) -> dict[str, list[str]]:
    """The commits that are no merges, the oldest first, and the parents of each."""
    question = ("rev-list", "--reverse", "--topo-order", "--parents", "--no-merges", f"--max-count={MOST_COMMITS + 1}")
    lines = [line.split() for line in _text(git, *question, *revisions).splitlines()]
    if len(lines) > MOST_COMMITS:
        raise Unavailable(f"it has more than {MOST_COMMITS} commits", fix="rebase it into fewer")
    return {commit: parents for commit, *parents in lines}


def _replay(git: Program, onto: str, commits: Mapping[str, list[str]], author: Mapping[str, str]) -> Iterator[str]:
    """A conflict ends nothing: attributes and the forge's own ways solve some that these settings do not."""
    tree = onto
    for commit, parents in commits.items():
        # A commit with the tree so far on the same parent: then the change of the one is merged with that of the other.
        so_far = _text(git, "commit-tree", f"{tree}^{{tree}}", *_parents(parents), author=author)
        tree, conflicts = _merge(git, so_far, commit)
        yield from conflicts
        yield from _changed(git, onto, tree)


def _parents(parents: list[str]) -> list[str]:
    return [part for parent in parents for part in ("-p", parent)]


def _merge(git: Program, onto: str, head: str) -> tuple[str, list[str]]:
    """The tree of a merge, and the paths in conflict. https://git-scm.com/docs/git-merge-tree"""
    arguments = ("merge-tree", "--write-tree", "--no-messages", "--name-only", "-z", "--allow-unrelated-histories")
    finished = git.local(*_FOLLOW, *arguments, onto, head, most=MOST_NAMES)
    if finished.code == _USAGE:
        raise Unavailable("git is older than 2.38", fix="install a newer one where the bot runs")
    if finished.code not in (0, _CONFLICTS):
        raise Unavailable(f"git cannot tell: {end_of(finished.stderr)}", fix="try again")
    tree, *conflicts = finished.stdout.decode("utf-8", "surrogateescape").split("\0")
    return tree.strip(), [path for path in conflicts if path]


def _changed(git: Program, onto: str, tree: str) -> list[str]:
    names = _text(git, "diff-tree", "-r", "-z", "--no-renames", "--name-only", f"{onto}^{{tree}}", tree)
    return [name for name in names.split("\0") if name]


def _text(git: Program, *arguments: str, author: Mapping[str, str] | None = None) -> str:
    finished = git.local(*arguments, extra=author, most=MOST_NAMES)
    if finished.code:
        raise Unavailable(f"git cannot tell: {end_of(finished.stderr)}", fix="try again")
    return finished.stdout.decode("utf-8", "surrogateescape").strip()
