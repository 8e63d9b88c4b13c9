"""A run meets others who are faster, actions that fail and worlds that never rest, and says what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bot.cli.demo.world import APPLICATION
from bot.core.errors import BotError, Conflict, Refused, Unavailable
from bot.core.events import Build, Promote, Reconcile
from bot.engine import handle, look
from tests.scenarios.story import Story
from tests.scenarios.test_pipeline import without_values

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bot.core.models import PullRequest
    from bot.ports import Edges


class Trouble:
    """An edge of which one method raises the given errors first, and then does what it always does."""

    def __init__(self, edge: Any, method: str, *errors: BotError) -> None:
        self._edge, self._method, self._errors = edge, method, list(errors)

    def __getattr__(self, name: str) -> Any:
        if name == self._method and self._errors:
            return self._raise
        return getattr(self._edge, name)

    def _raise(self, *_: object) -> None:
        raise self._errors.pop(0)


class Forgetful:
    """A forge that never lists its pull requests."""

    def __init__(self, edge: Any) -> None:
        self._edge = edge

    def __getattr__(self, name: str) -> Any:
        return getattr(self._edge, name)

    def pull_requests(self) -> Sequence[PullRequest]:
        """None, whatever was opened."""
        return ()


@pytest.fixture
def story(tmp_path: Path) -> Story:
    """A laid-out world in which the bot has not run yet."""
    return Story(tmp_path / "world")


def listening(edges: Edges) -> tuple[Edges, list[str]]:
    """The edges, and what is said as they are used."""
    said: list[str] = []
    return edges._replace(progress=said.append), said


def test_whoever_is_faster_wins_and_the_run_looks_again(story: Story) -> None:
    edges, said = listening(story.edges())
    faster = Conflict("'bot/dev/micro-integrator' was changed by somebody else meanwhile")
    report = handle(Reconcile(), edges._replace(git=Trouble(edges.git, "push", faster)))
    assert report.ok
    assert f"{faster.message}; looking again" in said
    assert said.count(f"Open a pull request: dev: {APPLICATION} {story.running('dev').tag}") == 2
    assert [(p.branch, p.state) for p in story.pulls()] == [
        (f"bot/dev/{APPLICATION}", "merged"),
        (f"bot/staging/{APPLICATION}", "open"),
    ]


def test_what_fails_is_reported_once_and_the_rest_goes_on(story: Story) -> None:
    story.run()
    story.commit({"second.car": "2\n"})
    edges = story.edges()
    broken = [Refused("the disk is full", fix="make room") for _ in range(20)]
    report = handle(Reconcile(), edges._replace(forge=Trouble(edges.forge, "update_pull_request", *broken)))
    ((action, reason),) = report.failed
    assert not report.ok
    assert (action.kind, action.environment) == ("update_pull_request", "staging")
    assert reason == "the disk is full\n  → make room"
    assert {"build_image", "open_pull_request", "merge_pull_request"} <= {a.kind for a in report.done}
    assert action not in report.done
    (why,) = [s for s in report.left.skips if s.environment == "staging"]
    assert (why.reason_code, why.waits_for) == ("failed", "the next run")
    story.run()
    assert story.running("dev").tag in story.pull("staging").title


def test_a_world_that_never_rests_ends_the_run_with_what_it_did_last(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.engine.ROUNDS", 3)
    edges = story.edges()
    with pytest.raises(BotError) as caught:
        handle(Reconcile(), edges._replace(forge=Forgetful(edges.forge)))
    assert caught.value.reason_code == "not_settled"
    assert caught.value.message == (
        f"nothing came to rest after 3 rounds; the last action was: "
        f"Open a pull request: dev: {APPLICATION} {story.tags()[0]}"
    )
    assert len(story.pulls()) == 1


def test_a_forge_that_cannot_be_read_stops_pull_requests_and_not_builds(story: Story) -> None:
    edges = story.edges()
    away = [Unavailable("the forge is away", fix="try again") for _ in range(20)]
    report = handle(Reconcile(), edges._replace(forge=Trouble(edges.forge, "pull_requests", *away)))
    assert [a.kind for a in report.done] == ["build_image"]
    assert {s.reason for s in report.left.skips} == {"the forge is away\n  → try again"}
    assert story.pulls() == []


def test_a_default_branch_that_cannot_be_read_ends_the_run(story: Story) -> None:
    edges = story.edges()
    away = Unavailable("git.example.com is away")
    with pytest.raises(Unavailable, match="is away"):
        handle(Reconcile(), edges._replace(git=Trouble(edges.git, "fetch", away)))


def test_looking_changes_nothing(story: Story) -> None:
    snapshot, planned = look(Reconcile(), story.edges())
    assert [a.kind for a in planned.actions] == ["build_image"]
    assert snapshot.deployed["dev", APPLICATION].release.images[APPLICATION].tag == "4.2.0"
    assert (story.pulls(), story.has_images()) == ([], False)


@pytest.mark.parametrize(
    ("event", "reason_code", "names"),
    [
        (Promote("qa", by="dana"), "unknown_environment", "dev, staging, prod"),
        (Promote("dev", ("desk",), by="dana"), "unknown_application", APPLICATION),
        (Build(("desk",)), "unknown_application", APPLICATION),
    ],
)
def test_what_is_not_configured_is_refused_with_what_is(
    story: Story, event: Build | Promote, reason_code: str, names: str
) -> None:
    with pytest.raises(BotError) as caught:
        look(event, story.edges())
    assert (caught.value.reason_code, caught.value.fix) == (reason_code, f"it has {names}")


def test_a_pull_request_stays_mergeable_when_the_same_line_changes_on_the_default_branch(story: Story) -> None:
    story.rewrite_config(without_values)
    story.run()
    story.approve("staging", "alice")
    path = f"envs/staging/{APPLICATION}/values.yaml"
    before = story.pull("staging")
    story.commit_gitops({path: story.file(path).replace('"4.2.0"', '"4.2.0-hotfix"')}, "Fix it at once")
    story.run()
    assert story.pull("staging").number == before.number
    story.approve("staging", "alice")
    story.merge("staging", "alice")
    assert story.running("staging") == story.running("dev")
