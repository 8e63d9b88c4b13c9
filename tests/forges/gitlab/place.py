"""The place whose forge is a GitLab: a fake one on this machine, with the same repository behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from bot.forges.gitlab import GitLabForge
from bot.forges.gitlab_records import EMOJI
from tests.forges.gitlab.fake import PROJECT, TOKEN, GitLab
from tests.forges.gitlab.world import PIPELINES
from tests.forges.place import Permission, Place

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from bot.core.models import Reaction

LEVELS: dict[Permission, int] = {"none": 0, "read": 20, "write": 30, "admin": 40}


class GitLabPlace(Place):
    """People do what they do on GitLab's pages."""

    forge: GitLabForge
    other_bot = "project_7_bot_renovate"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.server = GitLab(self.alice.remote)
        self.world = self.server.world
        self.waits: list[float] = []
        self.forge = self.again()

    def stop(self) -> None:
        self.server.stop()

    def again(self) -> GitLabForge:
        return GitLabForge(PROJECT, TOKEN, self.server.url, sleep=self.waits.append)

    def person(self, name: str, permission: Permission, teams: Iterable[str] = ()) -> None:
        self.world.member(name, LEVELS[permission])
        for members in self.world.groups.values():
            members.pop(name, None)
        for team in teams:
            self.world.groups.setdefault(team, {})[name] = 30

    def approve(self, number: int, by: str, body: str = "") -> str:
        self.world.unapprove(number, by)
        written = self.comment(number, by, body) if body else ""
        self.world.approve(number, by)
        return written

    def request_changes(self, number: int, by: str, body: str = "") -> str:
        written = self.comment(number, by, body) if body else ""
        self.world.request_changes(number, by)
        return written

    def discuss(self, number: int, by: str, body: str) -> str:
        return self.comment(number, by, body)

    def dismiss(self, number: int, by: str) -> None:
        self.world.unapprove(number, by)

    def comment(self, number: int, by: str, body: str) -> str:
        return f"note:{self.world.write(self.world.requests[number], by, body).id}"

    def edit(self, comment: str, by: str, body: str) -> None:
        note = self.world.note(int(comment.removeprefix("note:")))
        assert note.author == by
        self.world.edit(note, body)

    def texts(self, number: int) -> list[tuple[str, str]]:
        return [(note.author, note.body) for note in self.world.requests[number].notes if not note.action]

    def react(self, comment: str, by: str, reaction: Reaction) -> None:
        self.world.does(by)
        self.world.note(int(comment.removeprefix("note:"))).awards.append((EMOJI[reaction], by))

    def status(self, commit: str, context: str, state: Literal["pending", "success", "failure"]) -> None:
        self.world.does("ci")
        refused = self.world.set_status(commit, context, "failed" if state == "failure" else state, None, by="ci")
        assert not refused, refused

    def require(self, context: str) -> None:
        """Each status of the head is a part of its pipeline."""

    def approval_is_not_required(self) -> None:
        self.world.settings[PIPELINES] = False

    def close(self, number: int, by: str) -> None:
        self.world.does(by)
        self.world.requests[number].state, self.world.requests[number].updated = "closed", self.world.tick()

    def merge(self, number: int, by: str) -> None:
        self.world.does(by)
        self.world.merge(number)

    def label(self, number: int, by: str, label: str, *, present: bool = True) -> None:
        self.world.label(number, by, label, add=present)

    def reviewers(self, number: int) -> frozenset[str]:
        return frozenset(self.world.requests[number].reviewers)

    def wrote(self, number: int, by: str) -> None:
        self.world.does(by)
        self.world.requests[number].committers.add(by)

    def deployment_records(self, environment: str) -> int:
        return len([d for d in self.world.deployments if d["environment"] == environment])
