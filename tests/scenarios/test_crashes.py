"""Killed anywhere and run again, the pipeline ends where it would have ended."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from bot.cli.demo.world import APPLICATION, git
from bot.core.events import Reconcile
from bot.core.plan.places import APPROVAL
from bot.core.state import BRANCH as STATE
from bot.engine import handle
from tests.scenarios.crash import Fuse, arm, boundaries, in_child
from tests.scenarios.story import Story
from tests.scenarios.test_policies import follow, push, push_dated, record

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Act(NamedTuple):
    """What people do before the bot runs."""

    name: str
    happens: Callable[[Story], None]


def _nothing(_: Story) -> None:
    """The first commit is there already."""


def _approve(environment: str, *people: str) -> Callable[[Story], None]:
    def happens(story: Story) -> None:
        for person in people:
            story.forge().approve(story.number(environment), person)

    return happens


def _merge(environment: str) -> Callable[[Story], None]:
    def happens(story: Story) -> None:
        story.forge().merge(story.number(environment), "alice", story.pull(environment).head)

    return happens


def _newer(story: Story) -> None:
    story.commit({"second.car": "2\n"})


def _by_hand(story: Story) -> None:
    path = f"envs/staging/{APPLICATION}/values.yaml"
    story.commit_gitops({path: story.file(path, f"bot/staging/{APPLICATION}")})


def _theirs(story: Story) -> None:
    checkout, branch = story.world.checkout, f"bot/prod/{APPLICATION}"
    git(checkout, "fetch", "-q")
    git(checkout, "checkout", "-q", branch)
    git(checkout, "-c", "user.name=e", "-c", "user.email=e@example.com", "commit", "-q", "--allow-empty", "-m", "Mine")
    git(checkout, "push", "-q", "origin", branch)
    git(checkout, "checkout", "-q", "main")


def _hold_by_comment(story: Story) -> None:
    story.forge().add_comment(story.number("staging"), "alice", "/hold\n/status")


def _new_base(story: Story) -> None:
    story.update_base("2")


def _newer_chart(story: Story) -> None:
    story.push_chart("4.2.0-2")


def _own_chart(story: Story) -> None:
    story.own_chart("5.0.0")


ACTS = [
    Act("the first commit", _nothing),
    Act("staging is approved", _approve("staging", "alice")),
    Act("staging is merged", _merge("staging")),
    Act("prod is approved", _approve("prod", "alice", "bob")),
    Act("a newer commit", _newer),
    Act("staging is changed by hand", _by_hand),
    Act("somebody commits to prod's branch", _theirs),
    Act("a new base", _new_base),
    Act("a hold by comment", _hold_by_comment),
    Act("a newer chart", _newer_chart),
    Act("a chart in git", _own_chart),
]


class End(NamedTuple):
    """All that can be seen at the end; commits are named by what they change, not by when they were made."""

    trees: dict[str, str]
    pulls: list[Any]
    talk: list[Any]
    asked: dict[int, frozenset[str]]
    images: dict[str, str]
    charts: dict[str, str]


def _end(story: Story) -> End:
    refs = git(story.world.gitops, "for-each-ref", "--format=%(refname) %(tree)").splitlines()
    trees = dict(line.split() for line in refs)
    if f"refs/heads/{STATE}" in trees:
        trees[f"refs/heads/{STATE}"] = "\n".join(line for line in _state(story) if "granted/" not in line)
    registry, forge = story.edges().registry, story.forge()
    from bot.core.references import parse_repository

    repository, charts = parse_repository(story.world.repository), story.chart_repository()
    return End(
        trees,
        story.pulls(),
        [
            (p.request.number, c.author, c.key, c.body.count(" "))
            for p in forge.all_pull_requests()
            for c in forge.comments(p.request.number)
        ],
        {p.request.number: p.reviewers for p in forge.all_pull_requests()},
        {tag: registry.digest(repository.with_tag(tag)) or "" for tag in story.tags()},
        {tag: registry.digest(charts.with_tag(tag)) or "" for tag in registry.tags(charts)},
    )


def _state(story: Story) -> list[str]:
    return git(story.world.gitops, "ls-tree", "-r", STATE).splitlines()


def _check_granted(story: Story) -> None:
    """Whatever was interrupted: what could be merged is the head of an open request, or is merged."""
    open_heads = {p.request.head for p in story.forge().all_pull_requests() if p.state == "open"}
    merged = set(git(story.world.gitops, "rev-list", "main").split())
    recorded = {line.rpartition("/")[2].removesuffix(".json") for line in _state(story) if "granted/" in line}
    assert recorded <= open_heads | merged
    for pull in story.forge().all_pull_requests():
        succeeded = any(s.context == APPROVAL and s.state == "success" for s in pull.request.statuses)
        assert not succeeded or pull.request.head in recorded | merged, pull


class Theatre:
    """Plays the acts in one folder; before each act the world can be kept, and brought back."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.story = Story(folder / "world")
        named = "approvals: 2\n    approvers: [alice, bob, erin]\n"
        self.story.rewrite_config(lambda text: text.replace("approvals: 2\n", named))

    def keep(self, name: str) -> None:
        """Keep the world as it is."""
        shutil.copytree(self.folder / "world", self.folder / name, symlinks=True)

    def bring_back(self, name: str) -> None:
        """Bring a kept world back, at the same place."""
        shutil.rmtree(self.folder / "world")
        shutil.copytree(self.folder / name, self.folder / "world", symlinks=True)

    def run(self, at: int | None) -> tuple[bool, list[str]]:
        """One run of the bot, killed at that boundary."""

        def work(say: Callable[[str], None]) -> None:
            edges = self.story.edges()
            arm(edges, Fuse(at, say))
            assert handle(Reconcile(), edges).ok

        return in_child(work)


@pytest.mark.parametrize("number", range(len(ACTS)), ids=[act.name for act in ACTS])
def test_killed_at_any_boundary_and_run_again_it_ends_the_same(tmp_path: Path, number: int) -> None:
    theatre = Theatre(tmp_path)
    for act in ACTS[:number]:
        act.happens(theatre.story)
        theatre.story.run()
    ACTS[number].happens(theatre.story)
    theatre.keep("before")
    finished, passed = theatre.run(None)
    assert finished
    wanted = _end(theatre.story)

    for at in range(len(passed)):
        theatre.bring_back("before")
        finished, _ = theatre.run(at)
        assert not finished, f"boundary {at} ({passed[at]}) was not reached"
        theatre.story.run()
        assert _end(theatre.story) == wanted, f"killed {passed[at]} (boundary {at} of {len(passed)})"
        _check_granted(theatre.story)
        assert theatre.story.run().done == ()


def test_killed_around_the_record_of_what_it_sees_it_has_recorded_it_once(tmp_path: Path) -> None:
    theatre = Theatre(tmp_path)
    follow(theatre.story, "{semver: '>=4.0 <5', min_age: 3d}")
    push(theatre.story, "4.3.0", 9)
    theatre.story.run()
    push_dated(theatre.story, "4.4.0", "1970-01-01T00:00:00Z")
    theatre.keep("before")
    finished, passed = theatre.run(None)
    assert finished
    assert passed[:2] == ["before Git.push", "after Git.push"]

    for at in range(len(passed)):
        theatre.bring_back("before")
        assert not theatre.run(at)[0]
        theatre.story.run()
        assert theatre.story.run().done == ()
        assert "4.4.0@" in theatre.story.file(record(theatre.story), "gitops-bot/state")
        commits = git(theatre.story.world.gitops, "rev-list", "--count", "gitops-bot/state", "--", "seen")
        assert commits.strip() == "1", f"killed {passed[at]}"


def test_every_kind_of_action_meets_a_boundary(tmp_path: Path) -> None:
    """If an action changed something past the ports, no kill would ever hit it."""
    from bot.core import actions

    theatre = Theatre(tmp_path)
    kinds: set[str] = set()
    for act in ACTS:
        act.happens(theatre.story)
        report = theatre.story.run()
        kinds |= {a.kind for a in report.done}
    every = {k.kind for k in vars(actions).values() if isinstance(k, type) and issubclass(k, actions.Action) and k.kind}
    assert kinds == every - {"enable_auto_merge", "disable_auto_merge"}, "which only hosted forges can do"


def test_the_boundaries_are_those_of_all_ports(tmp_path: Path) -> None:
    found = {f"{kind.__name__}.{name}" for kind, name in boundaries(Story(tmp_path / "world").edges())}
    assert found == {
        "Git.push",
        "LocalForge.open_pull_request",
        "LocalForge.update_pull_request",
        "LocalForge.close_pull_request",
        "LocalForge.merge_pull_request",
        "LocalForge.enable_auto_merge",
        "LocalForge.disable_auto_merge",
        "LocalForge.comment",
        "LocalForge.set_status",
        "LocalForge.react",
        "LocalForge.set_label",
        "LocalForge.request_reviews",
        "LocalForge.set_deployment",
        "LayoutRegistry.put_blob",
        "LayoutRegistry.mount_blob",
        "LayoutRegistry.put_manifest",
        "AssembleBuilder.push",
        "ChartPackager.push",
    }
