"""What the core needs of the outside, as Protocols; the edges satisfy them, the fakes too.

A method marked `@reads` changes nothing that anyone else can see. Every other method is an *action boundary*:
the crash tests kill the process before and after each call of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, NamedTuple, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from bot.core.models import (
        BuildOrder,
        ChartListing,
        ChartOrder,
        Commit,
        Deployment,
        Entry,
        ImageInfo,
        Labelled,
        Person,
        PullRequest,
        Reaction,
        Status,
        TestRun,
        UserComment,
    )
    from bot.core.references import Reference

F = TypeVar("F", bound="Callable[..., object]")


def reads(method: F) -> F:
    """Mark a port's method as one that changes nothing outside this process (a private cache does not count)."""
    method.__reads__ = True  # type: ignore[attr-defined]
    return method


class GitRepository(Protocol):
    """A git repository, read and written without a checkout.

    All methods raise `Unavailable` when the remote cannot be reached, `Unauthorised` when it refuses us and
    `NotFound` for a branch or commit that is not there.
    """

    url: str

    @reads
    def fetch(self) -> None:
        """Bring the private copy up to date with the remote: all branches, gone ones removed."""

    @reads
    def head(self, branch: str | None = None) -> Commit:
        """The newest commit of `branch`, or of the default branch. `NotFound` if there is none."""

    @reads
    def default_branch(self) -> str:
        """The name of the remote's default branch. `NotFound`, with the fix, if it has none."""

    @reads
    def branches(self, prefix: str) -> Mapping[str, str]:
        """The remote's branches whose names begin with `prefix`, with the SHA of each, as of the last fetch."""

    @reads
    def commit_of(self, revision: str) -> Commit:
        """The commit that a full or abbreviated SHA names."""

    @reads
    def entries(self, commit: str, folder: str = "") -> tuple[Entry, ...]:
        """Every file below `folder` in the commit's tree, recursively, sorted by path."""

    @reads
    def read(self, commit: str, paths: Iterable[str], most: int = ...) -> Mapping[str, bytes]:
        """The bytes of regular files at `commit`; a path that is not a regular file there is left out.

        `Refused` if they are more than `most` together.
        """

    @reads
    def links(self, commit: str, paths: Iterable[str]) -> Mapping[str, str]:
        """Where symbolic links at `commit` lead, as written; a path that is no link there is left out."""

    @reads
    def changed(self, old: str, new: str) -> tuple[str, ...]:
        """Paths that differ between the trees of two commits, renames shown as delete and add."""

    @reads
    def deletes(self, old: str, new: str) -> bool:
        """Whether anything of `old` is gone in `new`, or was gone in any commit between them: it may have moved."""

    @reads
    def touched(self, old: str, new: str) -> tuple[str, ...]:
        """Paths that any of the commits that `new` has and `old` has not changes, also if a later one takes it back.

        A merge changes what is as on none of its sides.
        """

    @reads
    def merges(self, old: str, new: str) -> bool:
        """Whether any of the commits that `new` has and `old` has not is a merge."""

    @reads
    def landing(self, onto: str, head: str) -> tuple[str, ...]:
        """Paths that a merge or a rebase of `head` changes on `onto`: git follows what was moved on either side.

        Those in conflict are among them. `Unavailable` if it cannot be told, also where git is older than 2.38.
        """

    @reads
    def merge_base(self, one: str, other: str) -> str:
        """The best common ancestor. `NotFound` if the histories are unrelated."""

    @reads
    def merge_bases(self, one: str, other: str) -> tuple[str, ...]:
        """All of them, several where each side has merged the other's. `NotFound` if the histories are unrelated."""

    @reads
    def log(
        self,
        since: str | None,
        until: str,
        paths: Sequence[str] = (),
        limit: int = 100,
        *,
        first_parent: bool = False,
    ) -> tuple[Commit, ...]:
        """Commits reachable from `until` and not from `since`, newest first, that touch any of `paths`.

        `first_parent`: those alone that the branch itself was at, and not those of branches that were merged into it.
        """

    @reads
    def write(self, parents: Sequence[str], files: Mapping[str, bytes | None], message: str, when: datetime) -> str:
        """Make a commit object: the first parent's tree with `files` replaced (None: deleted). Returns its SHA.

        Nobody sees it until `push`. Author and committer are the bot, so the same arguments give the same SHA.
        """

    @reads
    def merge(self, base: str, head: str, message: str, when: datetime) -> str:
        """Make a merge commit object of `head` into `base`, file by file. `Conflict` if both changed one file."""

    def push(self, branch: str, commit: str | None, expected: str | None) -> None:
        """Set the remote branch to `commit` (None: delete) if it is still at `expected` (None: absent).

        `Conflict` if it is not: somebody else was faster and nothing was changed.
        """


class Forge(Protocol):
    """Pull requests, reviews, comments and statuses of one GitOps repository."""

    @reads
    def pull_requests(self) -> Sequence[PullRequest]:
        """All open pull requests into the default branch; of the bot's branches also the newest closed unmerged one.

        The bot's `own` are those from a branch `bot/…` of this repository.
        Complete, or it raises `Unavailable`.
        """

    @reads
    def own_name(self) -> str:
        """The login of the bot's own account. `Unavailable` if it cannot be told.

        No request of its own once `pull_requests` was asked.
        """

    @reads
    def labelled_by(self, number: int, label: str) -> Labelled | None:
        """Who put a label on a pull request last, by login, and when.

        None if it is not on it, or nobody knows who did, also where the label was renamed or changed since: another
        label may then have been put on. `Unavailable` if it cannot be read to its end.
        """

    def open_pull_request(self, branch: str, title: str, body: str) -> int:
        """Open a pull request from `branch` to the default branch; an open one of that branch is adopted."""

    def update_pull_request(self, number: int, title: str, body: str) -> None:
        """Set title and body."""

    def close_pull_request(self, number: int) -> None:
        """Close without merging. Closing a closed one does nothing."""

    def merge_pull_request(self, number: int, head: str) -> None:
        """Merge if the branch is still at `head`, else `Conflict`; `Refused` if the forge's rules forbid it."""

    def enable_auto_merge(self, number: int, head: str) -> None:
        """Have the forge merge by itself once its own rules are met; if they are, it is merged now. Twice is once.

        `Conflict` if the branch is not at `head`. `Refused`: `needs_approval` without a successful status
        `gitops-bot/approval` on `head`; `approval_not_required` if the forge would merge without that status;
        `auto_merge_off` if the repository has it turned off, `no_auto_merge` if the forge has no such thing.
        """

    def disable_auto_merge(self, number: int) -> None:
        """The forge does not merge by itself any more; nothing if that is not on, or it is not open."""

    def comment(self, number: int, key: str, body: str, *, on_issue: bool = False) -> None:
        """Write the bot's one comment marked `key` on a pull request or an issue, or edit it in place."""

    def set_status(self, commit: str, status: Status) -> None:
        """Set a commit status."""

    @reads
    def comments_since(self, since: datetime) -> Sequence[UserComment]:
        """What others than this bot wrote on issues and pull requests since then, oldest first.

        Comments, review bodies with a text, GitLab's notes; complete, or it raises `Unavailable`.
        """

    @reads
    def person(self, name: str, teams: frozenset[str] = frozenset()) -> Person:
        """A user's permission here, and in which of `teams` (`org/team`, GitLab: full group path) the user is.

        A name that nobody has is a person without permission. `Unavailable` if it cannot be told.
        """

    @reads
    def deployments(self) -> Mapping[str, Deployment]:
        """The newest deployment record of each environment that has one, by the environment's name on the forge."""

    def react(self, comment: str, reaction: Reaction) -> None:
        """Put a reaction of the bot on a `UserComment`, by its id. Doing it twice is doing it once."""

    def set_label(self, number: int, label: str, *, present: bool) -> None:
        """Put a label on a pull request or take it off; it is created on the forge if need be."""

    def request_reviews(self, number: int, users: Sequence[str], teams: Sequence[str] = ()) -> None:
        """Ask people (not the author) for their review; those who cannot be asked are left out."""

    def set_deployment(self, deployment: Deployment) -> None:
        """Record that an environment has a commit; nothing if that is the newest record already."""


class Manifest(NamedTuple):
    """A manifest or index as the registry gave it: media type, digest of the bytes, the bytes."""

    media_type: str
    digest: str
    body: bytes


class Registry(Protocol):
    """Container registries (OCI distribution-spec 1.1). One object serves all hosts; the reference names the host.

    All methods raise `Unauthorised` for 401 and 403, `Unavailable` for anything else that is not an answer,
    also for a listing or a body that was cut short or whose digest is wrong.
    """

    @reads
    def tags(self, repository: Reference) -> tuple[str, ...]:
        """All tags of a repository, complete (every page), sorted; `NotFound` if the repository is not there."""

    @reads
    def digest(self, reference: Reference) -> str | None:
        """The digest that a tag names now, by one HEAD request; None if the tag is surely absent."""

    @reads
    def manifest(self, reference: Reference) -> Manifest | None:
        """The manifest or index by tag or digest; None if surely absent."""

    @reads
    def image(self, reference: Reference, platform: str = "linux/amd64") -> ImageInfo | None:
        """Digest, labels, creation time, platforms; None if surely absent. In an index, the entry for `platform`."""

    @reads
    def has_blob(self, repository: Reference, digest: str) -> bool:
        """Whether the repository holds the blob."""

    @reads
    def open_blob(self, repository: Reference, digest: str) -> AbstractContextManager[BinaryIO]:
        """A blob as a stream; reading to the end raises `Unavailable` if size or digest are wrong."""

    def put_blob(self, repository: Reference, digest: str, size: int, content: BinaryIO) -> None:
        """Upload a blob that is not there yet."""

    def mount_blob(self, repository: Reference, digest: str, source: Reference) -> bool:
        """Make a blob of `source` appear in `repository` without moving its bytes; False if that cannot be done."""

    def put_manifest(self, reference: Reference, media_type: str, body: bytes) -> str:
        """Upload a manifest under the reference's tag (or digest) and return its digest."""


class ChartRepository(Protocol):
    """Helm repositories (`https://…` with an `index.yaml`) and charts in registries (`oci://…`)."""

    @reads
    def versions(self, repository: str, chart: str) -> ChartListing:
        """All versions of a chart, complete, or it raises.

        `NotFound` if the repository surely has no such chart, `Unauthorised` when it refuses us, `Unavailable` for
        anything else that is not an answer, also for an index that was cut short or that readers disagree on.
        """


class Builder(Protocol):
    """Makes images. Nothing is pushed before `push`."""

    @reads
    def build(self, order: BuildOrder, source: GitRepository) -> str:
        """Build and keep the image locally; returns a handle for `test` and `push`.

        `Refused` (with file, line and reason code) for a Dockerfile that must not or cannot be built, `NotFound`
        for a missing Dockerfile or base, `BotError` with the end of the log when the build itself fails.
        """

    @reads
    def test(self, handle: str, command: Sequence[str], seconds: float, variables: Sequence[str] = ()) -> TestRun:
        """Run the test command in the built image; `BotError` when it could not be run at all.

        `variables`: those of the image that the command gets where it runs beside the image, not in it.
        """

    def push(self, handle: str, target: Reference) -> str:
        """Push the image under the target's tag and return its digest."""

    @reads
    def discard(self, handle: str) -> None:
        """Forget the local image."""


class Package(NamedTuple):
    """A packaged chart: its metadata as JSON, the `.tgz`, and the annotations of its manifest."""

    config: bytes
    content: bytes
    annotations: Mapping[str, str]


class Packager(Protocol):
    """Packages charts. Nothing is pushed before `push`."""

    @reads
    def package(self, order: ChartOrder, source: GitRepository) -> Package:
        """The chart's package; the same order gives the same bytes.

        `Refused` (with reason code) for a chart that must not or cannot be packaged.
        """

    def push(self, package: Package, target: Reference) -> str:
        """Push it under the target's tag, as Helm does, and return its manifest's digest."""


class Rendering(NamedTuple):
    """What would be applied: a YAML stream of Kubernetes objects, and in words what of it could not be rendered."""

    objects: str
    notes: tuple[str, ...] = ()


class Renderer(Protocol):
    """Makes the Kubernetes objects of a folder as Flux would. Nothing is downloaded, no cluster is asked."""

    @reads
    def render(self, files: Mapping[str, bytes], folder: str) -> Rendering:
        """The objects of `folder`, given all regular files of the repository (path → bytes).

        `Refused` for what must not or cannot be rendered, with the reason; it would be the same the next time.
        """


class Clock(Protocol):
    """Time, so that nothing else asks for it."""

    @reads
    def now(self) -> datetime:
        """The present time, UTC."""


class Edges(NamedTuple):
    """The concrete edges that `bootstrap` picked. `source` opens another git repository by its URL."""

    git: GitRepository
    forge: Forge
    registry: Registry
    charts: ChartRepository
    builder: Builder
    packager: Packager
    clock: Clock
    source: Callable[[str], GitRepository]
    progress: Callable[[str], None]
    renderer: Renderer
