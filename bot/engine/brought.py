"""What a branch would bring into the default branch, as git merges it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bot.core.errors import NotFound, Refused, Unavailable

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from bot.ports import GitRepository


MOST_PATHS = 1_000
MOST_BYTES = 64 << 20


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


def contents(git: GitRepository, head: str, paths: Collection[str]) -> Mapping[str, bytes | None]:
    """What a branch of the bot's has at those paths (None: deleted). `Refused` for more than the bot ever writes."""
    if len(paths) > MOST_PATHS:
        raise Refused(f"it changes more than {MOST_PATHS:,} files")
    found = git.read(head, paths, MOST_BYTES)
    return {path: found.get(path) for path in paths}


def lands(git: GitRepository, default: str, head: str) -> frozenset[str]:
    """The paths that a merge of `head` may change on the default branch as it is now, whatever way a forge merges.

    Only where something was deleted on either side anything can have moved; and where a rebase leaves a merge out, with
    whatever that brought. `NotFound` for what is not here, or unrelated; `Unavailable` if it cannot be told.
    """
    try:
        bases = git.merge_bases(default, head)
    except NotFound as error:
        message = "its commits are elsewhere, or unrelated"
        raise NotFound(message, fix="push a branch here that starts from the default branch") from error
    # By a rebase each commit's state becomes one of the default branch, and is chosen from when somebody asks for it.
    paths = frozenset((*brought(git, default, head).paths, *git.touched(default, head)))
    return paths if _stays(git, bases, default, head) else paths | frozenset(git.landing(default, head))


def _stays(git: GitRepository, bases: tuple[str, ...], default: str, head: str) -> bool:
    """Whether nothing that `head` changes can land elsewhere on the default branch."""
    if git.merges(default, head):
        return False
    return bases == (default,) or not any(git.deletes(base, side) for base in bases for side in (default, head))


def is_outdated(git: GitRepository, default: str, head: str, there: Collection[str]) -> bool:
    """Whether the default branch, which has the files `there`, has changed what `head` changes since they parted.

    Or has moved a folder in which `head` adds a file: git would move that file after it.
    """
    found = brought(git, default, head)
    if found.base == default:
        return False
    if not set(found.paths).isdisjoint(git.changed(found.base, default)):
        return True
    if set(found.paths) <= set(there) or _stays(git, (found.base,), default, head):
        return False
    try:
        return not set(git.landing(default, head)) <= set(found.paths)
    except Unavailable:
        return True
