"""What is there on the fake GitHub: people, pull requests, what they say; what is merged is for a real git to say."""

from __future__ import annotations

import itertools
import os
import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pathlib import Path

BOT = "gitops-bot[bot]"
TOKEN = "ghp_t0kenThatNobodyMaySee"
START = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass
class Said:
    """A comment or a review. `reactions`: who, and GraphQL's name of it. `state` and `commit`: a review's."""

    id: str
    number: int
    author: str
    body: str
    created: datetime
    edited: datetime | None = None
    reactions: set[tuple[str, str]] = field(default_factory=set)
    state: str = ""
    commit: str = ""


@dataclass
class Labelling:
    """Somebody puts a label on or takes it off: who (GraphQL's type and login, none if the account is gone), when."""

    by: tuple[str, str] | None
    label: str
    put_on: bool
    time: datetime


@dataclass
class Pull:
    """A pull request, or an issue (`is_issue`)."""

    number: int
    author: str
    title: str
    body: str
    updated: datetime
    branch: str = ""
    base: str = "main"
    head: str = ""
    state: Literal["OPEN", "CLOSED", "MERGED"] = "OPEN"
    is_fork: bool = False
    is_issue: bool = False
    committers: set[str] = field(default_factory=set)
    labels: set[str] = field(default_factory=set)
    labellings: list[Labelling] = field(default_factory=list)
    reviewers: set[str] = field(default_factory=set)
    team_reviewers: set[str] = field(default_factory=set)
    auto_merge: bool = False
    comments: list[Said] = field(default_factory=list)
    reviews: list[Said] = field(default_factory=list)


@dataclass
class Record:
    """A deployment and the states that it got."""

    number: int
    environment: str
    commit: str
    description: str
    created: datetime
    states: list[str] = field(default_factory=list)


@dataclass
class Check:
    """A check run, in REST's words; `workflow`: its file's name."""

    name: str
    status: str
    conclusion: str | None = None
    title: str | None = None
    workflow: str = ""


class World:
    """One repository `acme/gitops` whose git is the bare one in `git`. Names are compared without case.

    `required`: the contexts that must be successful before a merge into `main`. `teams`: state by member, by team.
    """

    owner, name = "acme", "gitops"

    def __init__(self, git: Path) -> None:
        self.git = git
        self.people: dict[str, str] = {}
        self.teams: dict[str, dict[str, str]] = {}
        self.tokens = {TOKEN: BOT}
        self.required = {"gitops-bot/approval"}
        self.pulls: dict[int, Pull] = {}
        self.statuses: dict[str, dict[str, tuple[str, str]]] = {}
        self.checks: dict[str, list[Check]] = {}
        self.labels: set[str] = set()
        self.label_changes: dict[str, datetime] = {}
        self.records: list[Record] = []
        self.default = "main"
        self.auto_merge_allowed = True
        self.tips: dict[str, str] = {}
        """The branches when `settle` last looked."""
        self._ids = itertools.count(3_000_000_000)  # real ones need more than 31 bits
        self._is_in: dict[tuple[str, str], bool] = {}
        self._now = START

    def begin(self, time: datetime) -> None:
        """Let what comes happen from this time on, where the bot has a real clock."""
        self._now = time.replace(microsecond=0)

    def now(self) -> datetime:
        """The time, which moves on by a second whenever somebody asks."""
        self._now += timedelta(seconds=1)
        return self._now

    def run(self, *arguments: str, fails: bool = False) -> str:
        """Run git in the repository; its output without the last newline, "" if it may fail and does."""
        who = {f"GIT_{role}_{what}": "github" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        done = subprocess.run(["git", *arguments], cwd=self.git, env=os.environ | who, capture_output=True, text=True)
        assert fails or not done.returncode, done.stderr
        return done.stdout.removesuffix("\n") if not done.returncode else ""

    def tip(self, branch: str) -> str:
        """The commit of a branch, "" if there is none."""
        return self.run("for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}")

    def _read_tips(self) -> dict[str, str]:
        found = self.run("for-each-ref", "--format=%(objectname) %(refname:lstrip=2)", "refs/heads")
        return {line[41:]: line[:40] for line in found.splitlines()}

    def is_commit(self, sha: str) -> bool:
        """Whether the repository has that commit."""
        return self.run("cat-file", "-t", sha, fails=True) == "commit"

    def is_in(self, tip: str, commit: str) -> bool:
        """Whether `tip` has all of `commit`."""
        if (tip, commit) not in self._is_in:
            self._is_in[tip, commit] = self.run("merge-base", commit, tip, fails=True) == commit
        return self._is_in[tip, commit]

    def settle(self) -> None:
        """What pushes have done to open pull requests: moved, merged or closed them."""
        tips = self.tips = self._read_tips()
        for pull in self.pulls.values():
            tip = tips.get(pull.branch, "")
            if pull.state != "OPEN" or pull.is_issue or pull.is_fork:
                continue
            if (tip or pull.head) != pull.head or not tip:
                pull.updated = self.now()
            pull.head = tip or pull.head
            if self.is_in(tips[pull.base], pull.head):
                pull.state = "MERGED"
            elif not tip:
                pull.state = "CLOSED"

    def open(self, author: str, branch: str, title: str, body: str, *, base: str = "main", fork: bool = False) -> Pull:
        """A new pull request."""
        head = self.tip(branch) or self.tip(base)
        number = len(self.pulls) + 1
        pull = Pull(number, author, title, body, self.now(), branch, base, head, is_fork=fork)
        self.pulls[number] = pull
        return pull

    def issue(self, author: str, title: str = "An issue") -> Pull:
        """A new issue."""
        number = len(self.pulls) + 1
        self.pulls[number] = Pull(number, author, title, "", self.now(), is_issue=True)
        return self.pulls[number]

    def say(self, number: int, author: str, body: str) -> Said:
        """A new comment."""
        pull = self.pulls[number]
        said = Said(f"IC_{next(self._ids)}", number, author, body, self.now())
        pull.comments.append(said)
        pull.updated = said.created
        return said

    def review(self, number: int, author: str, state: str, body: str = "") -> Said:
        """A new review of the present head: `APPROVED`, `CHANGES_REQUESTED`, `COMMENTED` or `PENDING`."""
        self.settle()
        pull = self.pulls[number]
        said = Said(f"PRR_{next(self._ids)}", number, author, body, self.now(), state=state, commit=pull.head)
        pull.reviews.append(said)
        pull.updated = said.created
        return said

    def label(self, number: int, by: str, label: str, *, put_on: bool, kind: str = "") -> None:
        """Put a label on or take it off; what changes nothing is no event."""
        pull = self.pulls[number]
        if (label in pull.labels) == put_on:
            return
        (pull.labels.add if put_on else pull.labels.remove)(label)
        if label not in self.labels:
            self.labels.add(label)
            self.label_changes[label] = self.now()
        kind = kind or ("Bot" if by.endswith("[bot]") else "User")
        pull.labellings.append(Labelling((kind, by.removesuffix("[bot]")) if by else None, label, put_on, self.now()))
        pull.updated = self.now()

    def rename_label(self, old: str, new: str) -> None:
        """A label is called otherwise from now on, in what was done with it too."""
        self.labels = self.labels - {old} | {new}
        self.label_changes[new] = self.now()
        for pull in self.pulls.values():
            pull.labels = {new if label == old else label for label in pull.labels}
            for labelling in pull.labellings:
                labelling.label = new if labelling.label == old else labelling.label

    def find(self, node: str) -> Said | None:
        """A comment or review by its node id."""
        everything = (said for pull in self.pulls.values() for said in [*pull.comments, *pull.reviews])
        return next((said for said in everything if said.id == node), None)

    def record(self, environment: str, commit: str, description: str) -> Record:
        """A new deployment record."""
        made = Record(next(self._ids), environment, commit, description, self.now())
        self.records.append(made)
        return made

    def conflicts(self, pull: Pull) -> bool:
        """Whether git cannot merge it."""
        return not self.run("merge-tree", "--write-tree", self.tip(pull.base), pull.head, fails=True)

    def merge(self, pull: Pull) -> str:
        """Merge as the button does; the merge commit."""
        base = self.tip(pull.base)
        tree = self.run("merge-tree", "--write-tree", base, pull.head)
        message = f"Merge pull request #{pull.number} from {self.owner}/{pull.branch}"
        commit = self.run("commit-tree", tree, "-p", base, "-p", pull.head, "-m", message)
        self.run("update-ref", f"refs/heads/{pull.base}", commit, base)
        pull.state, pull.updated = "MERGED", self.now()
        return commit

    def merge_by_itself(self) -> None:
        """Merge what auto-merge is on of, and that may be merged by now."""
        self.settle()
        for pull in self.pulls.values():
            ready = pull.auto_merge and pull.state == "OPEN" and not self.missing_checks(pull)
            if ready and not self.conflicts(pull):
                self.merge(pull)

    def refuses_auto_merge(self, pull: Pull, head: str) -> str:
        """Why auto-merge cannot be turned on, in GitHub's words; empty if it can."""
        if not self.auto_merge_allowed:
            return "Auto merge is not allowed for this repository"
        if pull.state != "OPEN" or pull.auto_merge:
            return "Can't enable auto-merge for this pull request"
        if head != pull.head:
            return "Head branch was modified. Review and try again."
        if self.missing_checks(pull):
            return ""
        states = {state for state, _ in self.statuses.get(pull.head, {}).values()}
        return f"Pull request is in {'clean' if states <= {'success'} else 'unstable'} status"

    def missing_checks(self, pull: Pull) -> list[str]:
        """The required contexts that are not successful on the head, in GitHub's words."""
        has = self.statuses.get(pull.head, {})
        states = {context: has.get(context, ("expected", ""))[0] for context in self.required}
        return [f'Required status check "{name}" is {state}.' for name, state in states.items() if state != "success"]

    def permission(self, login: str) -> str | None:
        """A person's role, None if there is nobody of that name."""
        return {name.casefold(): role for name, role in self.people.items()}.get(login.casefold())
