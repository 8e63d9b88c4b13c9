"""What a GitLab knows of one project, and what people do there; branches and commits are those of a real repository."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.git_remote import run

if TYPE_CHECKING:
    from pathlib import Path

PIPELINES = "only_allow_merge_if_pipeline_succeeds"
BOT = "project_7_bot_c0ffee"


@dataclass
class Note:
    """A note, or a system note with its action."""

    id: int
    author: str
    body: str
    created: datetime
    action: str = ""
    edited: datetime | None = None
    awards: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class Issue:
    """What has notes: an issue."""

    iid: int
    updated: datetime
    notes: list[Note] = field(default_factory=list)


@dataclass
class MergeRequest(Issue):
    """A merge request; `versions` are the heads it had, each with the time it was noticed."""

    source: str = ""
    target: str = "main"
    title: str = ""
    description: str = ""
    author: str = BOT
    state: str = "opened"
    versions: list[tuple[str, datetime]] = field(default_factory=list)
    labels: set[str] = field(default_factory=set)
    label_events: list[dict[str, Any]] = field(default_factory=list)
    reviewers: dict[str, str] = field(default_factory=dict)
    approvals: dict[str, datetime] = field(default_factory=dict)
    fork: bool = False
    committers: set[str] = field(default_factory=set)
    auto_merge: bool = False

    @property
    def head(self) -> str:
        """The commit it is at."""
        return self.versions[-1][0]


@dataclass
class Label:
    """A label of the project."""

    id: int
    title: str
    updated: datetime


class World:
    """The project `acme/gitops`, protected as a person has set it up, with a clock that each deed moves on."""

    def __init__(self, remote: Path) -> None:
        self.remote = remote
        self.clock = datetime(2026, 3, 1, 12, tzinfo=UTC)
        self.users: dict[str, dict[str, Any]] = {}
        self.members: dict[str, int] = {}
        self.groups: dict[str, dict[str, int]] = {}
        self.requests: dict[int, MergeRequest] = {}
        self.issues: dict[int, Issue] = {}
        self.statuses: list[dict[str, Any]] = []
        self.labels: dict[str, Label] = {}
        self.deployments: list[dict[str, Any]] = []
        self.environments: dict[str, str] = {}
        self.pipelines: dict[str, tuple[str, str]] = {}
        """By head: status and commit of the merge request's pipeline."""
        self.checking = 0
        """How many more looks at a merge request find GitLab still at finding out whether it can be merged."""
        self.forbids = ""
        """A `detailed_merge_status` that the project's settings lead to."""
        self.premium = True
        self.settings: dict[str, Any] = {
            PIPELINES: True,
            "allow_merge_on_skipped_pipeline": None,
        }
        self.approval_settings = {"reset_approvals_on_push": False}
        self.protected: list[dict[str, Any]] = []
        """The rules for branches, in their order."""
        self._ids = 100
        self.member(BOT, 40, bot=True)
        self.protect("main", push=40, merge=40)

    def tick(self) -> datetime:
        """The time of the next deed."""
        self.clock += timedelta(minutes=1)
        return self.clock

    def id(self) -> int:
        """A number that nothing else has."""
        self._ids += 1
        return self._ids

    # People

    def user(self, name: str, *, bot: bool = False) -> dict[str, Any]:
        """Somebody with an account."""
        return self.users.setdefault(name, {"id": self.id(), "username": name, "bot": bot, "state": "active"})

    def member(self, name: str, level: int, *, bot: bool = False) -> None:
        """Give somebody a role in the project, 0 for none: https://docs.gitlab.com/api/members/#roles"""
        self.user(name, bot=bot)
        self.members[name] = level

    def does(self, name: str) -> None:
        """Whoever does something is at least a developer, if nothing else was said."""
        if name not in self.members:
            self.member(name, 30, bot="_bot_" in name)

    def approve(self, number: int, by: str) -> None:
        """Approve; again after a push, which takes revoking the old approval first, as on the page."""
        self.does(by)
        request = self.requests[number]
        if request.state != "opened":
            raise AssertionError("only an open merge request can be approved")
        self.settle()
        request.approvals[by] = request.updated = self.tick()
        if by in request.reviewers:
            request.reviewers[by] = "APPROVED"
        self.write(request, by, "approved this merge request", action="approved")

    def unapprove(self, number: int, by: str) -> None:
        """Take an approval back."""
        request = self.requests[number]
        request.approvals.pop(by, None)
        if by in request.reviewers:
            request.reviewers[by] = "UNAPPROVED"
        self.write(request, by, "unapproved this merge request", action="unapproved")

    def request_changes(self, number: int, by: str) -> None:
        """Submit a review that wants changes."""
        self.does(by)
        request = self.requests[number]
        request.reviewers[by] = "REQUESTED_CHANGES"
        self.write(request, by, "requested changes", action="requested_changes")

    def write(self, place: Issue, by: str, body: str, *, action: str = "") -> Note:
        """Write a note."""
        self.does(by)
        note = Note(self.id(), by, body, self.tick(), action)
        place.notes.append(note)
        place.updated = note.created
        return note

    def note(self, number: int) -> Note:
        """A note by its number. `KeyError` if there is none."""
        places = [*self.requests.values(), *self.issues.values()]
        return {note.id: note for place in places for note in place.notes}[number]

    def edit(self, note: Note, body: str) -> None:
        """Change a note's text."""
        note.body, note.edited = body, self.tick()

    # Protection

    def protect(
        self, name: str, *, push: int, merge: int, force: bool = False, inherited: bool = False
    ) -> dict[str, Any]:
        """Add a rule for a branch: https://docs.gitlab.com/api/protected_branches/#protect-repository-branches"""
        made: dict[str, Any] = {"id": self.id(), "name": name, "allow_force_push": force, "unprotect_access_levels": []}
        for key, level in (("push_access_levels", push), ("merge_access_levels", merge)):
            made[key] = [{"id": self.id(), "access_level": level, "access_level_description": "a role"}]
        if self.premium:
            people = {"user_id": None, "group_id": None}
            made["push_access_levels"][0] |= {**people, "deploy_key_id": None}
            made["merge_access_levels"][0] |= people
            made |= {"code_owner_approval_required": False, "inherited": inherited}
        self.protected.append(made)
        return made

    # Merge requests

    def open(self, source: str, by: str = BOT, **values: Any) -> MergeRequest:
        """Open a merge request from a branch."""
        now = self.tick()
        number = len(self.requests) + 1
        head = self.tip(source)
        made = MergeRequest(number, now, source=source, author=by, versions=[(head, now)], **values)
        self.requests[number] = made
        return made

    def settle(self) -> None:
        """Notice what was pushed: new heads, heads that are on the target now, branches that are gone."""
        for request in self.requests.values():
            if request.state != "opened" or request.fork:
                continue
            tip = self.tip(request.source)
            if self.is_in(request.target, tip or request.head):
                request.state, request.updated = "merged", self.tick()
            elif not tip:
                request.state, request.updated = "closed", self.tick()
            elif tip != request.head:
                request.versions.append((tip, self.tick()))
                request.auto_merge = False
                request.updated = self.clock

    def merge_status(self, request: MergeRequest) -> str:
        """https://docs.gitlab.com/api/merge_requests/#merge-status"""
        if request.state != "opened":
            return "not_open"
        if self.checking:
            self.checking -= 1
            return "checking"
        if self.forbids:
            return self.forbids
        if self.settings[PIPELINES] and (open_states := self._states(request.head) - {"success"}):
            return "ci_must_pass" if "failed" in open_states else "ci_still_running"
        return "mergeable" if self._merged_tree(request) else "conflict"

    def _states(self, commit: str) -> set[str]:
        """The states of the newest status of each name: what the commit's pipeline is made of."""
        return set({s["name"]: s["status"] for s in self.statuses if s["sha"] == commit}.values())

    def merge_by_itself(self) -> None:
        """Merge what auto-merge is on of, and that may be merged by now."""
        self.settle()
        for request in list(self.requests.values()):
            if request.auto_merge and self.merge_status(request) == "mergeable":
                self.merge(request.iid)

    def merge(self, number: int) -> None:
        """Merge what can be merged, and delete the branch."""
        request = self.requests[number]
        tree = self._merged_tree(request)
        assert tree
        parents = ["-p", self.tip(request.target), "-p", request.head]
        commit = run(self.remote, "commit-tree", tree, *parents, "-m", f"Merge branch '{request.source}'")
        run(self.remote, "update-ref", f"refs/heads/{request.target}", commit)
        run(self.remote, "update-ref", "-d", f"refs/heads/{request.source}")
        request.state, request.updated = "merged", self.tick()

    def _merged_tree(self, request: MergeRequest) -> str:
        command = ["git", "merge-tree", "--write-tree", request.target, request.head]
        done = subprocess.run(command, cwd=self.remote, capture_output=True, text=True)
        return done.stdout.split("\n")[0] if done.returncode == 0 else ""

    def label(self, number: int, by: str, label: str, *, add: bool) -> None:
        """Put a label on, which is made if need be, or take it off; what changes nothing is no event."""
        self.does(by)
        request = self.requests[number]
        if (label in request.labels) == add:
            return
        (request.labels.add if add else request.labels.remove)(label)
        if label not in self.labels:
            self.labels[label] = Label(self.id(), label, self.tick())
        event = {
            "id": self.id(),
            "user": self.user(by),
            "created_at": self.tick(),
            "action": "add" if add else "remove",
        }
        request.label_events.append(event | {"label": self.labels[label]})
        request.updated = self.clock

    def rename_label(self, old: str, new: str) -> None:
        """A label is called otherwise from now on, in what was done with it too."""
        label = self.labels.pop(old)
        label.title, label.updated = new, self.tick()
        self.labels[new] = label
        for request in self.requests.values():
            request.labels = {new if name == old else name for name in request.labels}

    # Statuses

    def set_status(self, commit: str, name: str, state: str, description: str | None, by: str = BOT) -> str:
        """Set a commit status; else why not, in GitLab's words.

        A status that has ended stays as it is, and a new one is made; one that waits or runs goes on from there.
        """
        open_ones = [
            s for s in self.statuses if (s["sha"], s["name"], s["author"]["username"]) == (commit, name, by)
            and s["status"] in ("pending", "running")
        ]  # fmt: skip
        old = open_ones[-1]["status"] if open_ones else "created"
        if (old, state) in {("pending", "pending"), ("running", "pending"), ("running", "running")}:
            event = "enqueue" if state == "pending" else "run"
            return (
                f'Cannot transition status via :{event} from :{old} (Reason(s): Status cannot transition via "{event}")'
            )
        if not open_ones:
            open_ones = [{"id": self.id(), "sha": commit, "ref": "main", "name": name, "author": self.user(by)}]
            self.statuses.append(open_ones[0])
        open_ones[-1].update(status=state, description=description, allow_failure=False)
        self.tick()
        self.merge_by_itself()
        return ""

    # The repository

    def tip(self, branch: str) -> str:
        """The commit of a branch, empty if there is none."""
        return run(self.remote, "for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}")

    def is_in(self, branch: str, commit: str) -> bool:
        """Whether a branch has a commit."""
        command = ["git", "merge-base", "--is-ancestor", commit, branch]
        return subprocess.run(command, cwd=self.remote, capture_output=True).returncode == 0

    def commits(self, since: str, until: str) -> list[str]:
        """The commits of one branch that another does not have."""
        return run(self.remote, "rev-list", f"{since}..{until}").split()

    def has(self, commit: str) -> bool:
        """Whether a commit is there."""
        command = ["git", "cat-file", "-e", f"{commit}^{{commit}}"]
        return subprocess.run(command, cwd=self.remote, capture_output=True).returncode == 0
