"""The nouns: immutable values that every other room speaks in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from bot.core.references import Reference


@dataclass(frozen=True, slots=True)
class Unknown:
    """A read that failed. It is never the same as an empty answer: nothing is decided on it."""

    reason: str
    reason_code: str = "unavailable"


class Commit(NamedTuple):
    """A git commit: full SHA, committer's e-mail address and time (UTC), and the message."""

    sha: str
    committer: str
    time: datetime
    message: str


class Entry(NamedTuple):
    """One file of a git tree: path from the repository's root, mode (`100644`, `100755`, `120000`), blob SHA."""

    path: str
    mode: str
    sha: str


class ImageVersion(NamedTuple):
    """What is deployed of an image: its tag, and the manifest digest (`sha256:…`) where it is pinned."""

    tag: str
    digest: str | None = None

    def __str__(self) -> str:
        return f"{self.tag}@{self.digest}" if self.digest else self.tag


class ImageInfo(NamedTuple):
    """What a registry says of an image.

    `digest` is that of the manifest or index that the reference names; `labels` and `created` come from the
    configuration of the asked platform (OCI image-spec, config.md); `platforms` are all that there are
    (`os/architecture[/variant]`), by the index or, without one, by the configuration. `kind` is `image`, `chart`,
    or the artifact's own type.
    """

    digest: str
    labels: Mapping[str, str]
    created: datetime | None
    platforms: frozenset[str] = frozenset()
    kind: str = "image"


class ChartVersion(NamedTuple):
    """One version of a chart in its repository, as written there; what the repository does not say is None.

    `created` is when it was packaged, `digest` the SHA-256 of the package, `app_version` what it installs.
    """

    version: str
    created: datetime | None = None
    digest: str | None = None
    app_version: str | None = None


class ChartListing(NamedTuple):
    """All versions of a chart, in the repository's order, and in words which of its entries are none."""

    versions: tuple[ChartVersion, ...]
    ignored: tuple[str, ...] = ()


class Carried(NamedTuple):
    """A value of a YAML file: a text, or (`plain`) a number, truth value or date as it is written there."""

    text: str
    plain: bool = False


@dataclass(frozen=True, slots=True)
class Release:
    """What is promoted as one unit: images by name, the chart's version, the commit of the values source.

    `promoted` are the values that travel with it, by `file#pointer`.
    """

    images: Mapping[str, ImageVersion] = field(default_factory=dict)
    chart: str | None = None
    values: str | None = None
    promoted: Mapping[str, Carried] = field(default_factory=dict)


class Change(NamedTuple):
    """One value changed in one file: 1-based line, JSON Pointer, old and new text."""

    file: str
    line: int
    path: str
    old: str
    new: str


class Refusal(NamedTuple):
    """An edit that must not be made: where, a stable reason code, and what to do."""

    file: str
    line: int
    path: str
    reason_code: str
    reason: str


class Review(NamedTuple):
    """A review on the forge: `commit` is the SHA that the reviewer saw."""

    author: str
    state: Literal["approved", "changes_requested", "commented", "dismissed"]
    commit: str
    time: datetime


class Status(NamedTuple):
    """A commit status on the forge."""

    context: str
    state: Literal["pending", "success", "failure"]
    description: str


Reaction: TypeAlias = Literal["eyes", "rocket", "-1", "confused"]
"""What the bot puts on a comment: seen; done; refused; not understood. Any but `eyes` is its last word."""


class Person(NamedTuple):
    """What the forge says of a user in this repository: the permission, and which of the asked teams hold the user."""

    permission: Literal["none", "read", "write", "admin"]
    teams: frozenset[str] = frozenset()


class UserComment(NamedTuple):
    """A comment, review body or note that somebody wrote: what may hold commands.

    `id` is the forge's, opaque and unique there; `number` is the issue's or pull request's. `is_bot`: a bot's
    account wrote it. `edited`: it is not what was first written. `reactions` are this bot's own.
    """

    id: str
    number: int
    author: str
    body: str
    time: datetime
    on_pull_request: bool
    is_bot: bool = False
    edited: bool = False
    reactions: frozenset[Reaction] = frozenset()


class Labelled(NamedTuple):
    """Who put a label on a pull request last, and when."""

    by: str
    time: datetime


class Deployment(NamedTuple):
    """The newest deployment record of an environment on the forge: the commit, and what the record says."""

    environment: str
    commit: str
    description: str


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A pull request that is open, or closed without a merge.

    `comments`: the bot's own marked ones, by key. `own`: the bot's, from its branch `bot/…`; of another one `comments`
    is empty. `pushers`: whose commits it holds, as far as the forge can tell; the bot's own has none. `auto_merge`:
    whoever turned it on, the forge merges it by itself once its own rules are met.
    """

    number: int
    branch: str
    head: str
    title: str
    body: str
    author: str
    state: Literal["open", "closed"]
    reviews: tuple[Review, ...] = ()
    statuses: tuple[Status, ...] = ()
    comments: Mapping[str, str] = field(default_factory=dict)
    labels: frozenset[str] = frozenset()
    auto_merge: bool = False
    own: bool = True
    pushers: frozenset[str] = frozenset()


class Contribution(NamedTuple):
    """Somebody else's open pull request, and the paths that a merge of it may change."""

    pull_request: PullRequest
    files: frozenset[str] | Unknown


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch of the bot, seen against the default branch.

    `files`: the content at its head of each path that differs from the merge base (None: deleted there).
    `foreign`: the first commit on it that is not the bot's. `outdated`: the default branch has changed one of these
    files since, so that they cannot be merged as they are. `base`: the merge base. `unreadable`: why none of that can
    be told; then nothing of it may be merged, and nothing is done to it.
    """

    name: str
    head: Commit
    files: Mapping[str, bytes | None]
    foreign: Commit | None = None
    outdated: bool = False
    base: str = ""
    unreadable: str = ""


class BuildOrder(NamedTuple):
    """All that fixes an image: what to build, from which commit, on which base.

    `target` carries the tag to push, `base` the digest that was resolved once; `base_name` is the reference as
    configured (`wso2/wso2mi:4.2.0`). `context` and `dockerfile` are paths in the repository, the latter relative
    to the context, `source` that repository's URL. `args` are build arguments without the
    base. `created` becomes the image's creation time.
    """

    target: Reference
    base: Reference
    base_name: str
    base_arg: str
    commit: str
    context: str
    dockerfile: str
    args: Mapping[str, str]
    labels: Mapping[str, str]
    created: datetime
    source: str = ""
    platform: str = "linux/amd64"


class ChartOrder(NamedTuple):
    """All that fixes a chart's package: the chart in `folder` of `source` at `commit`, packaged as `version`.

    `target` carries the tag to push; `annotations` are the manifest's (OCI image-spec, annotations.md); every file
    gets the time `created`.
    """

    target: Reference
    source: str
    commit: str
    folder: str
    name: str
    version: str
    annotations: Mapping[str, str]
    created: datetime


class TestRun(NamedTuple):
    """The outcome of an image's test command: exit code, and the end of what it printed."""

    exit_code: int
    output: str


Path: TypeAlias = tuple[str | int, ...]
"""The way to a node in a YAML document: mapping keys and list indexes."""
