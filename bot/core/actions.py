"""What the bot can do, as data: a plan is actions, and skips with their reasons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.core.models import BuildOrder, Change, ChartOrder, Deployment, Reaction, Status


@dataclass(frozen=True, kw_only=True)
class Action:
    """Something to do. `title` says it in one line; `key` names it, so that a failed one is known again."""

    kind: ClassVar[str] = ""
    application: str
    title: str
    environment: str | None = None
    branch: str | None = None
    changes: tuple[Change, ...] = ()

    @property
    def summary(self) -> str:
        """What is done, in one line."""
        return self.title

    @property
    def key(self) -> str:
        """The same text for the same deed, within one run."""
        return f"{self.kind} {self.environment} {self.application} {self.title}"


@dataclass(frozen=True, kw_only=True)
class BuildImage(Action):
    """Build, test and push one image."""

    kind: ClassVar[str] = "build_image"
    image: str
    order: BuildOrder
    test: tuple[str, ...] = ()
    test_env: tuple[str, ...] = ()
    test_seconds: float = 300


@dataclass(frozen=True, kw_only=True)
class PackageChart(Action):
    """Package a chart from git and push it."""

    kind: ClassVar[str] = "package_chart"
    order: ChartOrder


@dataclass(frozen=True, kw_only=True)
class Proposal(Action):
    """A pull request's content: `files` on top of `parent`; the branch is pushed only if it is still at `expected`.

    `files` is None where the branch already holds what it should.
    """

    parent: str
    files: Mapping[str, bytes] | None
    expected: str | None
    message: str
    body: str


@dataclass(frozen=True, kw_only=True)
class OpenPullRequest(Proposal):
    """Push the branch and open its pull request."""

    kind: ClassVar[str] = "open_pull_request"

    @property
    def summary(self) -> str:
        """What is done, in one line."""
        return f"Open a pull request: {self.title}"


@dataclass(frozen=True, kw_only=True)
class UpdatePullRequest(Proposal):
    """Rewrite an open pull request in place."""

    kind: ClassVar[str] = "update_pull_request"
    number: int

    @property
    def summary(self) -> str:
        """What is done, in one line."""
        return f"Rewrite #{self.number}: {self.title}"


@dataclass(frozen=True, kw_only=True)
class ClosePullRequest(Action):
    """Close a pull request that became obsolete, with the reason as a comment."""

    kind: ClassVar[str] = "close_pull_request"
    number: int
    head: str
    reason: str
    comment: str = "closed"


@dataclass(frozen=True, kw_only=True)
class MergePullRequest(Action):
    """Merge, if the branch is still at the head that was evaluated."""

    kind: ClassVar[str] = "merge_pull_request"
    number: int
    head: str


@dataclass(frozen=True, kw_only=True)
class EnableAutoMerge(Action):
    """Have the forge merge once its own rules are met, if the branch is still at the head that was evaluated."""

    kind: ClassVar[str] = "enable_auto_merge"
    number: int
    head: str


@dataclass(frozen=True, kw_only=True)
class DisableAutoMerge(Action):
    """The forge does not merge by itself any more."""

    kind: ClassVar[str] = "disable_auto_merge"
    number: int


@dataclass(frozen=True, kw_only=True)
class RequestReviews(Action):
    """Ask people and teams (`org/team`) for a review; those who cannot be asked are left out."""

    kind: ClassVar[str] = "request_reviews"
    number: int
    users: tuple[str, ...]
    teams: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Comment(Action):
    """Write or edit the one comment with this key, on a pull request or an issue."""

    kind: ClassVar[str] = "comment"
    number: int
    comment: str
    body: str
    on_issue: bool = False


@dataclass(frozen=True, kw_only=True)
class SetStatus(Action):
    """Set a commit status. `awaited`: the next thing is done only once this is."""

    kind: ClassVar[str] = "set_status"
    number: int
    commit: str
    status: Status
    awaited: bool = False


@dataclass(frozen=True, kw_only=True)
class SetLabel(Action):
    """Put a label on a pull request, or take it off."""

    kind: ClassVar[str] = "set_label"
    number: int
    label: str
    present: bool


@dataclass(frozen=True, kw_only=True)
class React(Action):
    """Put the bot's reaction on somebody's comment."""

    kind: ClassVar[str] = "react"
    comment: str
    reaction: Reaction


class StateChange(NamedTuple):
    """A commit on the state branch: its title in one line, its whole message, and files (None: deleted)."""

    title: str
    message: str
    files: Mapping[str, bytes | None]


@dataclass(frozen=True, kw_only=True)
class WriteState(Action):
    """Put these commits on the state branch, all or none, if it is still at `expected` (None: it is not there)."""

    kind: ClassVar[str] = "write_state"
    steps: tuple[StateChange, ...]
    expected: str | None


@dataclass(frozen=True, kw_only=True)
class TakeBack(Action):
    """Take the success off commits that are no pull request's head any more, and then what is recorded of them.

    `numbers`: by commit, the pull request that it was approved for. `expected` as for `WriteState`.
    """

    kind: ClassVar[str] = "take_back"
    numbers: Mapping[str, int]
    status: Status
    steps: tuple[StateChange, ...]
    expected: str | None


@dataclass(frozen=True, kw_only=True)
class RecordDeployment(Action):
    """Record on the forge that an environment has a release."""

    kind: ClassVar[str] = "record_deployment"
    deployment: Deployment


@dataclass(frozen=True, kw_only=True)
class DeleteBranch(Action):
    """Delete a branch of the bot that no open pull request needs any more."""

    kind: ClassVar[str] = "delete_branch"
    head: str


class Skip(NamedTuple):
    """Something that is not done, and why. `waits_for` says what would have to happen, if anything can."""

    environment: str | None
    application: str
    reason_code: str
    reason: str
    waits_for: str | None = None


class Plan(NamedTuple):
    """All decisions on one snapshot."""

    actions: tuple[Action, ...]
    skips: tuple[Skip, ...]

    def as_json(self) -> dict[str, Any]:
        """The documented shape of `gitops-bot plan --json` (docs/json.md)."""
        return {
            "actions": [action_json(a) for a in self.actions],
            "skips": [s._asdict() for s in self.skips],
        }


def action_json(action: Action) -> dict[str, Any]:
    """One action as the documented JSON object."""
    return {
        "kind": action.kind,
        "environment": action.environment,
        "application": action.application,
        "branch": action.branch,
        "title": action.title,
        "changes": [c._asdict() for c in action.changes],
    }
