"""A place with a repository and a forge of each kind, for the contract every forge keeps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from bot.core.models import Status
from bot.forges.local import LocalForge
from bot.git import Git
from tests.git_remote import Person

if TYPE_CHECKING:
    from pathlib import Path

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
APPROVED = Status("gitops-bot/approval", "success", "1 of 1 approvals")


class Ticks:
    """A clock that moves on by a minute whenever it is read."""

    def __init__(self) -> None:
        self.time = START

    def now(self) -> datetime:
        self.time += timedelta(minutes=1)
        return self.time


class Place:
    """A remote repository with one commit, the bot's view of it, and Alice who works on it too."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.alice = Person(folder / "remote.git", folder / "alice")
        self.alice.push({"envs/dev/a.yaml": "tag: 1\n", "envs/dev/b.yaml": "tag: 1\n"})
        self.git = self.copy()
        self.git.fetch()
        self.forge = self.local()

    def copy(self, cache: str = "cache") -> Git:
        """Another private copy of the remote."""
        return Git(str(self.alice.remote), self.folder / cache)

    def local(self, git: Git | None = None) -> LocalForge:
        """The forge as another process sees it."""
        return LocalForge(git or self.git, self.folder / "forge.sqlite", Ticks())

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


@pytest.fixture(params=["local"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A place with a forge of the kind that the parameter names."""
    return {"local": Place}[request.param](tmp_path)


@pytest.fixture
def local(tmp_path: Path) -> Place:
    """A place with the local forge."""
    return Place(tmp_path)
