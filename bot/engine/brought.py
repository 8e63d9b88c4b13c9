"""What a branch would bring into the default branch, as git merges it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bot.core.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Collection

    from bot.ports import GitRepository


class Brought(NamedTuple):
    """The merge base, and the paths that differ from it, sorted."""

    base: str
    paths: tuple[str, ...]


def brought(git: GitRepository, default: str, head: str) -> Brought:
    """What the commit `head` changes. `NotFound` if the histories are unrelated.

    With several merge bases git merges against all of them: what is as in one may take back what another has, and the
    writer of a branch decides which one comes first. https://git-scm.com/docs/git-merge-base#_discussion
    """
    bases = git.merge_bases(default, head)
    return Brought(bases[0], tuple(sorted({path for base in bases for path in git.changed(base, head)})))


def lands(git: GitRepository, default: str, head: str) -> frozenset[str]:
    """The paths that a merge of `head` may change on the default branch as it is now, whatever way a forge merges.

    Only where something was deleted on either side anything can have moved. `NotFound` as `brought`, `Unavailable` if
    it cannot be told.
    """
    bases = git.merge_bases(default, head)
    paths = frozenset(brought(git, default, head).paths)
    if bases == (default,) or not any(git.deletes(base, side) for base in bases for side in (default, head)):
        return paths
    return paths | frozenset(git.landing(default, head))


def is_outdated(git: GitRepository, default: str, head: str, there: Collection[str]) -> bool:
    """Whether the default branch, which has the files `there`, has changed what `head` changes since they parted.

    Or has moved a folder in which `head` adds a file: git would move that file after it.
    """
    found = brought(git, default, head)
    if found.base == default:
        return False
    if not set(found.paths).isdisjoint(git.changed(found.base, default)):
        return True
    if set(found.paths) <= set(there) or not git.deletes(found.base, default):
        return False
    try:
        return not set(git.landing(default, head)) <= set(found.paths)
    except Unavailable:
        return True
