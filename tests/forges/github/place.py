"""The place whose forge is GitHub's fake."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Literal

from bot.forges.github import GitHubForge
from bot.forges.github_auth import token_access
from bot.forges.github_records import REACTIONS
from tests.forges.github.fake import FakeGitHub, serve
from tests.forges.github.world import TOKEN
from tests.forges.place import Permission, Place

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from bot.core.models import Reaction


class GitHubPlace(Place):
    """People do what they do on GitHub's pages. `slept`: the seconds that the forge waited, without waiting."""

    forge: GitHubForge

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._exits = contextlib.ExitStack()
        self.github: FakeGitHub = self._exits.enter_context(serve(self.alice.remote))
        self.world = self.github.world
        self.slept: list[float] = []
        self.forge = self.again()

    def stop(self) -> None:
        self._exits.close()

    def again(self, own_workflow: str = "") -> GitHubForge:
        access = token_access(TOKEN)
        return GitHubForge("acme/gitops", access, self.github.url, self.slept.append, own_workflow)

    def person(self, name: str, permission: Permission, teams: Iterable[str] = ()) -> None:
        self.world.people[name] = permission
        for members in self.world.teams.values():
            members.pop(name, None)
        for team in teams:
            self.world.teams.setdefault(team, {})[name] = "active"

    def _come(self, name: str) -> None:
        if name not in self.world.people and not name.endswith("[bot]"):
            self.world.people[name] = "write"

    def _review(self, number: int, by: str, state: str, body: str) -> str:
        self._come(by)
        return self.world.review(number, by, state, body).id

    def approve(self, number: int, by: str, body: str = "") -> str:
        return self._review(number, by, "APPROVED", body)

    def request_changes(self, number: int, by: str, body: str = "") -> str:
        return self._review(number, by, "CHANGES_REQUESTED", body)

    def discuss(self, number: int, by: str, body: str) -> str:
        return self._review(number, by, "COMMENTED", body)

    def dismiss(self, number: int, by: str) -> None:
        for review in self.world.pulls[number].reviews:
            if review.author == by:
                review.state = "DISMISSED"

    def comment(self, number: int, by: str, body: str) -> str:
        self._come(by)
        return self.world.say(number, by, body).id

    def edit(self, comment: str, by: str, body: str) -> None:
        said = self.world.find(comment)
        assert said
        assert said.author == by
        said.body, said.edited = body, self.world.now()

    def texts(self, number: int) -> list[tuple[str, str]]:
        return [(said.author, said.body) for said in self.world.pulls[number].comments]

    def react(self, comment: str, by: str, reaction: Reaction) -> None:
        said = self.world.find(comment)
        assert said
        said.reactions.add((by, REACTIONS[reaction]))

    def status(self, commit: str, context: str, state: Literal["pending", "success", "failure"]) -> None:
        self.world.statuses.setdefault(commit, {})[context] = (state, "")
        self.world.merge_by_itself()

    def require(self, context: str) -> None:
        self.world.required.add(context)

    def approval_is_not_required(self) -> None:
        self.world.required.discard("gitops-bot/approval")

    def close(self, number: int, by: str) -> None:
        self._come(by)
        self.world.settle()
        self.world.pulls[number].state = "CLOSED"

    def merge(self, number: int, by: str) -> None:
        self._come(by)
        self.world.settle()
        pull = self.world.pulls[number]
        assert not self.world.missing_checks(pull)
        self.world.merge(pull)
        self.world.run("update-ref", "-d", f"refs/heads/{pull.branch}")

    def label(self, number: int, by: str, label: str, *, present: bool = True) -> None:
        self._come(by)
        self.world.label(number, by, label, put_on=present)

    def reviewers(self, number: int) -> frozenset[str]:
        return frozenset(self.world.pulls[number].reviewers)

    def wrote(self, number: int, by: str) -> None:
        self._come(by)
        self.world.pulls[number].committers.add(by)

    def deployment_records(self, environment: str) -> int:
        return sum(record.environment == environment for record in self.world.records)
