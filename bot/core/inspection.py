"""What a reviewer must see and the changed lines do not say: an image's commits, the objects in the cluster."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

State: TypeAlias = Literal["changed", "new", "gone"]


class SourceCommit(NamedTuple):
    """A commit of an artifact repository: its full SHA, and the first line of its message as it was written."""

    sha: str
    subject: str


class ImageChange(NamedTuple):
    """What two builds of one image were made from, by their labels.

    `source` is the artifact repository's URL; `old` and `new` are full commit SHAs, empty where none is known.
    `commits` are those of the new one that the old one had not, newest first, `more` how many are not listed. `base`
    is the base image's name, `old_base` and `new_base` its digests. `note` is plain text: what to know of the
    history, or why there are no commits.
    """

    image: str
    source: str
    old: str = ""
    new: str = ""
    commits: tuple[SourceCommit, ...] = ()
    more: int = 0
    base: str = ""
    old_base: str = ""
    new_base: str = ""
    note: str = ""


class ObjectDiff(NamedTuple):
    """A Kubernetes object that differs: `Kind namespace/name`, and the lines of a unified diff, secrets masked."""

    name: str
    state: State
    lines: tuple[str, ...]


class Inspection(NamedTuple):
    """What was found for a head on the commit `base`, the default branch's that it was made on.

    `notes` is plain text on what could not be rendered. `final` is whether another look would find the same: nothing
    failed that may succeed later.
    """

    head: str
    base: str
    images: tuple[ImageChange, ...] = ()
    objects: tuple[ObjectDiff, ...] = ()
    notes: tuple[str, ...] = ()
    final: bool = True
