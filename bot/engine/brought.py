"""What a branch would bring into the default branch, as git merges it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from bot.ports import GitRepository


class Brought(NamedTuple):
    """The merge base, and the paths that differ from it, sorted."""

    base: str
    paths: tuple[str, ...]


def brought(git: GitRepository, default: str, head: str) -> Brought:
    """What a merge of the commit `head` may change on the default branch. `NotFound` if the histories are unrelated.

    With several merge bases git merges against all of them: what is as in one may take back what another has, and the
    writer of a branch decides which one comes first. https://git-scm.com/docs/git-merge-base#_discussion
    """
    bases = git.merge_bases(default, head)
    return Brought(bases[0], tuple(sorted({path for base in bases for path in git.changed(base, head)})))
