"""The pipeline and its commands on GitHub and on GitLab: fakes that are held to the forges' own descriptions."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pkgutil import resolve_name
from typing import TYPE_CHECKING

import pytest

from bot.cli.demo.world import APPLICATION, git
from bot.ports import reads
from tests.forges.conftest import PLACES
from tests.forges.place import START
from tests.scenarios.story import Story

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bot.core.models import PullRequest
    from bot.ports import Edges
    from tests.forges.place import Place


class ForgeClock:
    """A time a little after all that happens on the fakes, whose clocks begin at `START`."""

    @reads
    def now(self) -> datetime:
        return START + timedelta(days=1)


class HostedStory(Story):
    """A story whose pull requests are on a hosted forge, where people do what they do on its pages."""

    def __init__(self, place: Place, folder: Path) -> None:
        self.place = place
        super().__init__(folder)
        remote = str(place.alice.remote)
        git(self.world.checkout, "push", "-qf", remote, "main")
        git(self.world.checkout, "remote", "set-url", "origin", remote)
        git(self.world.checkout, "fetch", "-q")
        self.settings = replace(self.settings, repository=remote)

    def edges(self) -> Edges:
        return super().edges()._replace(forge=self.place.again(), clock=ForgeClock())

    def pull(self, environment: str) -> PullRequest:
        branch = f"bot/{environment}/{APPLICATION}"
        return next(p for p in self.place.again().pull_requests() if p.branch == branch and p.state == "open")

    def approve(self, environment: str, by: str) -> None:
        self.place.approve(self.number(environment), by)
        self.run()

    def merge(self, environment: str, by: str) -> None:
        self.place.merge(self.number(environment), by)
        self.run()

    def comment(self, environment: str, text: str, by: str) -> str:
        number = self.number(environment)
        self.place.comment(number, by, text)
        self.run()
        return self.place.texts(number)[-1][1]


@pytest.fixture(params=["github", "gitlab"])
def story(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[HostedStory]:
    """A laid-out world on a hosted forge, in which the bot has not run yet."""
    (tmp_path / "place").mkdir()
    place: Place = resolve_name(PLACES[request.param])(tmp_path / "place")
    for name in ("alice", "bob"):
        place.person(name, "write")
    place.person("root", "admin")
    place.person("rita", "read")
    yield HostedStory(place, tmp_path / "world")
    place.stop()


def test_a_commit_reaches_prod_through_reviews(story: HostedStory) -> None:
    story.run()
    version = story.running("dev")
    assert version.tag != "4.2.0"
    story.approve("staging", "rita")
    assert story.skip("staging").reason_code == "needs_approval", "who may only read approves nothing"
    story.approve("staging", "alice")
    assert story.skip("staging").reason_code == "needs_merge"
    story.merge("staging", "alice")
    story.approve("prod", "alice")
    story.approve("prod", "bob")
    story.merge("prod", "bob")
    assert story.running("prod") == version
    assert story.run().done == ()
    shown = story.place.again().deployments()
    assert {name for name, d in shown.items() if version.tag in d.description} == {
        f"{e}/{APPLICATION}" for e in ("dev", "staging", "prod")
    }


def test_a_newer_release_rewrites_the_pull_request_and_voids_its_approval(story: HostedStory) -> None:
    story.run()
    number = story.number("staging")
    story.approve("staging", "alice")
    story.commit({"second.car": "2\n"})
    story.run()
    assert story.number("staging") == number
    assert story.running("dev").tag in story.pull("staging").title
    assert story.skip("staging").reason_code == "needs_approval"


def test_a_persons_own_pull_request_is_approved_by_those_of_the_environment(
    story: HostedStory,
) -> None:
    story.run()
    place, checkout = story.place, story.world.checkout
    git(checkout, "fetch", "-q")
    git(checkout, "checkout", "-q", "-B", "more-memory", "origin/main")
    (checkout / f"envs/staging/{APPLICATION}/notes.yaml").write_text("memory: 2Gi\n")
    git(checkout, "add", "-A")
    git(checkout, "commit", "-qm", "More memory")
    git(checkout, "push", "-q", "origin", "more-memory")
    number = place.forge.open_pull_request("more-memory", "More memory", "")

    def said() -> list[tuple[str, str]]:
        story.run()
        [pull] = [p for p in place.again().pull_requests() if p.number == number]
        return [(s.state, s.description) for s in pull.statuses if s.context == "gitops-bot/approval"]

    assert said() == [("pending", "staging: 0 of 1 approval")]
    place.approve(number, "rita")
    assert said() == [("pending", "staging: 0 of 1 approval")], "who may only read approves nothing"
    place.approve(number, "bob")
    assert said() == [("success", "staging: 1 of 1 approval (bob)")]
    assert story.run().done == ()
    place.merge(number, "bob")
    assert story.run().done == ()


def test_commands_in_comments_are_done_and_answered_once(story: HostedStory) -> None:
    story.run()
    held = story.comment("staging", "Not yet.\n\n/hold the logs first", by="bob")
    assert "is held by bob" in held
    assert "hold" in story.pull("staging").labels
    denied = story.comment("staging", "@gitops-bot freeze prod --for=2d holidays", by="bob")
    assert "**permission_denied**" in denied
    story.comment("staging", "@gitops-bot freeze prod --for=2d holidays", by="root")
    assert "everything is quiet" not in story.comment("staging", "/status", by="rita")
    story.comment("staging", "/unhold", by="bob")
    assert "hold" not in story.pull("staging").labels
    before = story.place.texts(story.number("staging"))
    assert story.run().done == ()
    assert story.place.texts(story.number("staging")) == before


def test_the_bot_answers_to_its_accounts_name_and_an_admins_label_passes_a_freeze(story: HostedStory) -> None:
    story.run()
    story.approve("staging", "alice")
    name = story.place.again().own_name().removesuffix("[bot]")
    told = story.comment("staging", f"@{name.upper()} freeze staging --for=2d holidays", by="root")
    assert "staging is frozen until" in told
    number = story.number("staging")
    story.place.label(number, "alice", "hotfix")
    story.run()
    assert "the label hotfix does not count: alice may not do this" in story.skip("staging").reason
    story.place.label(number, "alice", "hotfix", present=False)
    story.place.label(number, "root", "hotfix")
    story.run()
    assert story.skip("staging").reason_code == "needs_merge"
    story.merge("staging", "alice")
    assert story.running("staging") == story.running("dev")


def test_what_is_left_to_the_forge_is_merged_when_its_checks_are_done_but_not_past_a_hold(story: HostedStory) -> None:
    story.rewrite_config(lambda text: text.replace("approvals: 1\n", "approvals: 1\n    merge: forge\n"))
    story.run()
    story.place.require("ci/test")
    story.place.status(story.pull("staging").head, "ci/test", "pending")
    story.run()
    assert not story.pull("staging").auto_merge
    story.approve("staging", "alice")
    assert story.pull("staging").auto_merge
    assert story.run().done == ()
    story.comment("staging", "/hold the logs first", by="bob")
    assert not story.pull("staging").auto_merge
    story.comment("staging", "/unhold", by="bob")
    assert story.skip("staging").reason_code == "checks_pending"
    story.place.status(story.pull("staging").head, "ci/test", "success")
    story.run()
    assert story.running("staging") == story.running("dev")
    assert story.run().done == ()


def test_a_forge_that_would_merge_without_approval_is_left_nothing_and_the_run_says_so(story: HostedStory) -> None:
    story.rewrite_config(lambda text: text.replace("approvals: 1\n", "approvals: 1\n    merge: forge\n"))
    story.run()
    story.place.approval_is_not_required()
    story.place.approve(story.number("staging"), "alice")
    before = story.place.texts(story.number("staging"))
    for _ in range(2):
        report = story.try_run()
        assert [(action.kind, "init --protect" in reason) for action, reason in report.failed] == [
            ("enable_auto_merge", True)
        ]
        after = story.place.texts(story.number("staging"))
        assert len(after) == len(before)
    assert story.running("staging") != story.running("dev")
