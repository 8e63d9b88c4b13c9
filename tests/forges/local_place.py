"""The place whose forge is the local one; its clock is moved on by whoever reads it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from bot.core.models import Status
from bot.forges.local import LocalForge
from bot.forges.local_store import transaction
from tests.forges.place import START, Permission, Place

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from pathlib import Path

    from bot.core.models import Reaction
    from bot.git import Git


class Ticks:
    """A clock that moves on by a minute whenever it is read."""

    def __init__(self) -> None:
        self.time = START

    def now(self) -> datetime:
        self.time += timedelta(minutes=1)
        return self.time


class LocalPlace(Place):
    """People use the methods that `gitops-bot pr` uses."""

    forge: LocalForge
    nobody = "no body"
    """Whoever could be a person is one here."""
    knows_committers = False

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.clock = Ticks()
        self.forge = self.local()

    def local(self, git: Git | None = None) -> LocalForge:
        """The forge as another process sees it."""
        return LocalForge(git or self.git, self.folder / "forge.sqlite", self.clock)

    def again(self) -> LocalForge:
        return self.local(self.copy("another cache"))

    def person(self, name: str, permission: Permission, teams: Iterable[str] = ()) -> None:
        self.forge.set_person(name, permission, teams)

    def approve(self, number: int, by: str, body: str = "") -> str:
        return self.forge.approve(number, by, body)

    def request_changes(self, number: int, by: str, body: str = "") -> str:
        return self.forge.request_changes(number, by, body)

    def discuss(self, number: int, by: str, body: str) -> str:
        return self.comment(number, by, body)

    def dismiss(self, number: int, by: str) -> None:
        """Nobody can take a review back here; what an imported one would look like."""
        self._ask("UPDATE reviews SET state = 'dismissed' WHERE number = ? AND author = ?", number, by)

    def comment(self, number: int, by: str, body: str) -> str:
        return self.forge.add_comment(number, by, body)

    def edit(self, comment: str, by: str, body: str) -> None:
        self.forge.edit_comment(comment, by, body)

    def texts(self, number: int) -> list[tuple[str, str]]:
        return [(comment.author, comment.body) for comment in self.forge.comments(number)]

    def react(self, comment: str, by: str, reaction: Reaction) -> None:
        """Only the bot reacts on this forge."""

    def status(self, commit: str, context: str, state: Literal["pending", "success", "failure"]) -> None:
        self.forge.set_status(commit, Status(context, state, ""))

    def require(self, context: str) -> None:
        """Here the bot alone looks at other checks."""

    def approval_is_not_required(self) -> None:
        raise AssertionError("the local forge requires it always")

    def close(self, number: int, by: str) -> None:
        self.forge.close(number, by)

    def merge(self, number: int, by: str) -> None:
        self.forge.merge(number, by, self.forge.pull_request(number).request.head)

    def label(self, number: int, by: str, label: str, *, present: bool = True) -> None:
        self.forge.label(number, by, label, present=present)

    def reviewers(self, number: int) -> frozenset[str]:
        return self.forge.pull_request(number).reviewers

    def wrote(self, number: int, by: str) -> None:
        """This forge knows no accounts behind commits."""

    def deployment_records(self, environment: str) -> int:
        return len(self._ask("SELECT 1 FROM deployments WHERE environment = ?", environment))

    def _ask(self, query: str, *values: object) -> list[object]:
        with transaction(self.folder / "forge.sqlite") as db:
            return db.execute(query, values).fetchall()
