"""A repository, a forge for it and the people there: what the contract suite needs of each kind of forge."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from bot.core.models import Status
from bot.git import Git
from tests.git_remote import Person as Committer

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from bot.core.models import Reaction
    from bot.ports import Forge

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
APPROVED = Status("gitops-bot/approval", "success", "1 of 1 approvals")
Permission = Literal["none", "read", "write", "admin"]


class Place(ABC):
    """A remote repository with one commit, the bot's view of it and of its forge, and Alice who works on it too.

    The forge protects the default branch `main`: `gitops-bot/approval` must be successful on what is merged. Its
    clock moves on by a second or more from one thing that somebody does to the next. People are named in lower case.
    Whoever does something has permission `write`, if nothing else was said of them.
    """

    forge: Forge
    nobody = "nobody"
    """A name that nobody has."""
    other_bot = "renovate[bot]"
    """The name of another bot, which may comment."""

    knows_committers = True
    """Whether the forge tells whose commits a pull request holds."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.alice = Committer(folder / "remote.git", folder / "alice")
        self.alice.push({"envs/dev/a.yaml": "tag: 1\n", "envs/dev/b.yaml": "tag: 1\n"})
        self.git = self.copy()
        self.git.fetch()

    def stop(self) -> None:  # noqa: B027 # a forge without a server has nothing to stop
        """Stop what was started."""

    @abstractmethod
    def again(self) -> Forge:
        """The same forge as another process of the bot sees it: nothing is remembered."""

    @abstractmethod
    def person(self, name: str, permission: Permission, teams: Iterable[str] = ()) -> None:
        """Somebody comes, or gets another permission; the teams (`org/team`) hold them."""

    @abstractmethod
    def approve(self, number: int, by: str, body: str = "") -> str:
        """Approve the present head. With a text: its id as a `UserComment` (else any text)."""

    @abstractmethod
    def request_changes(self, number: int, by: str, body: str = "") -> str:
        """Object to the present head. With a text: its id as a `UserComment` (else any text)."""

    @abstractmethod
    def discuss(self, number: int, by: str, body: str) -> str:
        """A review without a verdict, or a comment where there is no such thing; its id as a `UserComment`."""

    @abstractmethod
    def dismiss(self, number: int, by: str) -> None:
        """The reviews that `by` gave count no longer: dismissed, or taken back where that is what one can do."""

    @abstractmethod
    def comment(self, number: int, by: str, body: str) -> str:
        """Write a comment on a pull request; its id as a `UserComment`."""

    @abstractmethod
    def edit(self, comment: str, by: str, body: str) -> None:
        """Change the text of what `by` wrote by `comment`."""

    @abstractmethod
    def texts(self, number: int) -> list[tuple[str, str]]:
        """All comments on a pull request as the forge has them, marks and all, oldest first: author and text."""

    @abstractmethod
    def react(self, comment: str, by: str, reaction: Reaction) -> None:
        """Somebody else than the bot reacts to a comment; nothing, where only the bot can."""

    @abstractmethod
    def status(self, commit: str, context: str, state: Literal["pending", "success", "failure"]) -> None:
        """Somebody else's commit status, without a description."""

    @abstractmethod
    def require(self, context: str) -> None:
        """From now on nothing is merged into `main` without this status too."""

    @abstractmethod
    def approval_is_not_required(self) -> None:
        """Somebody takes the protection off: the forge merges without `gitops-bot/approval`."""

    @abstractmethod
    def close(self, number: int, by: str) -> None:
        """Close without merging."""

    @abstractmethod
    def merge(self, number: int, by: str) -> None:
        """Merge the present head, which may be merged, and delete the branch."""

    @abstractmethod
    def label(self, number: int, by: str, label: str, *, present: bool = True) -> None:
        """Put a label on a pull request or take it off."""

    @abstractmethod
    def reviewers(self, number: int) -> frozenset[str]:
        """The people whose review the bot has asked for."""

    @abstractmethod
    def deployment_records(self, environment: str) -> int:
        """How many deployment records an environment has."""

    @abstractmethod
    def wrote(self, number: int, by: str) -> None:
        """Let the forge know that a pull request holds a commit of somebody; nothing, where it cannot know."""

    def copy(self, cache: str = "cache") -> Git:
        """Another private copy of the remote."""
        return Git(str(self.alice.remote), self.folder / cache)

    def branch(self, name: str = "bot/dev/shop", text: str = "tag: 2\n") -> str:
        """Set a branch to a commit of the bot that bumps `a.yaml`; the new head."""
        self.git.fetch()
        old = self.alice.on(name) or None
        base = self.git.head().sha
        commit = self.git.write([base], {"envs/dev/a.yaml": text.encode()}, f"Bump a to {text!r}", START)
        self.git.push(name, commit, old)
        return commit

    def request(self, name: str = "bot/dev/shop", text: str = "tag: 2\n") -> tuple[int, str]:
        """Make a branch and its pull request: number and head."""
        head = self.branch(name, text)
        return self.forge.open_pull_request(name, "Title", "Body"), head

    def approved(self, name: str = "bot/dev/shop", text: str = "tag: 2\n") -> tuple[int, str]:
        """As `request`, with the status that lets it be merged."""
        number, head = self.request(name, text)
        self.forge.set_status(head, APPROVED)
        return number, head

    def on_main(self, path: str = "envs/dev/a.yaml") -> str:
        """A file on the remote's default branch."""
        git = self.copy()
        git.fetch()
        return git.read(git.head().sha, [path])[path].decode()


def labeller(forge: Forge, number: int, label: str) -> str | None:
    """Who put a label on last, as the forge tells the bot."""
    found = forge.labelled_by(number, label)
    return found.by if found else None
