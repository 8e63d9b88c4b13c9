"""Whatever people do and whatever fails, in whatever order: nobody can merge into prod what must not be merged.

A model of one request in prod, played on the local forge and on both fakes. Between any two deeds of the bot that are
no taking back, every commit that could be merged must be one that the model lets be merged, by what was read last.
`GITOPS_BOT_TEST_EXAMPLES` sets how many plays there are.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import sqlite3
import tempfile
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from bot import ports
from bot.bootstrap import open_registry
from bot.cli.demo.base import push_base
from bot.cli.demo.world import APPLICATION, git
from bot.core.errors import BotError, Refused, Unavailable
from bot.core.events import Reconcile
from bot.core.plan.places import APPROVAL
from bot.core.references import parse
from bot.engine import handle
from bot.renderers.local import LocalRenderer
from tests.forges.conftest import PLACES
from tests.scenarios.model import APPROVERS, Model, Said
from tests.scenarios.story import Story
from tests.scenarios.test_hosted_forges import HostedStory
from tests.scenarios.test_pipeline import followed

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.core.models import PullRequest
    from bot.ports import Edges

PLAYS = int(os.environ.get("GITOPS_BOT_TEST_EXAMPLES", "0"))
BRANCH = f"bot/prod/{APPLICATION}"
VALUES = f"envs/staging/{APPLICATION}/values.yaml"
BROKEN = "\nbroken: [\n"
OTHER = 1  # a pull request that is merged: a lock that is asked for there is for no open one


class Killed(BaseException):
    """The bot's process ends at a boundary."""


class World:
    """A story in which prod has an open request, the people in it, and what the forge would let be merged."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind = kind
        self.place: Any = None
        if kind == "local":
            self.story: Story = Story(folder / "world")
        else:
            (folder / "place").mkdir()
            self.place = resolve_name(PLACES[kind])(folder / "place")
            self.story = HostedStory(self.place, folder / "world")
        for name in (*APPROVERS, "mallory"):
            self.person(name, "write")
        self.person("root", "admin")
        self.story.rewrite_config(lambda text: followed(text) + "admins: [root]\n")
        self.push("4.3.0")
        self.story.run()
        self.story.approve("staging", "alice")
        self.story.merge("staging", "alice")
        self.releases = 3

    def person(self, name: str, permission: str) -> None:
        self.place.person(name, permission) if self.place else self.story.forge().set_person(name, permission)

    def people(self) -> Any:
        """Who does what people do on a forge's pages."""
        return self.place or self.story.forge()

    def say(self, number: int, by: str, text: str) -> None:
        self.place.comment(number, by, text) if self.place else self.story.forge().add_comment(number, by, text)

    def push(self, tag: str) -> None:
        """Somebody pushes an image."""
        registry = open_registry(self.story.settings)
        push_base(registry, parse(f"{self.story.world.repository}:{tag}"), f"pushed as {tag}")

    def open(self) -> PullRequest | None:
        forge = self.place.again() if self.place else self.story.forge()
        return next((p for p in forge.pull_requests() if p.branch == BRANCH and p.state == "open"), None)

    def succeeded(self, commit: str) -> bool:
        """Whether the forge shows the bot's success on a commit, whatever branch it is on."""
        if self.kind == "github":
            return bool(self.place.world.statuses.get(commit, {}).get(APPROVAL, ("", ""))[0].lower() == "success")
        if self.kind == "gitlab":
            found = [s for s in self.place.world.statuses if (s["sha"], s["name"]) == (commit, APPROVAL)]
            return bool(found) and max(found, key=lambda s: int(s["id"]))["status"] == "success"
        query = "SELECT state FROM statuses WHERE head = ? AND context = ?"
        with contextlib.closing(sqlite3.connect(self.story.forge()._database)) as connection:
            row = connection.execute(query, (commit, APPROVAL)).fetchone()
        return row is not None and row[0] == "success"


class Play(RuleBasedStateMachine):
    """One play; `world` is made anew for each."""

    kind: ClassVar[str] = "local"
    mergeable: ClassVar[int] = 0
    """How often something could be merged when that was looked at: a play in which nothing ever can shows nothing."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="gitops-bot-"))
        self.world = _local_world() if self.kind == "local" else World(self.kind, self.folder)
        self.model = Model()
        self.heads: dict[str, int] = {}
        self.deaf: set[str] = set()
        self.everything_is_well()

    def teardown(self) -> None:
        if getattr(self, "world", None) and self.world.place:
            self.world.place.stop()
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder, ignore_errors=True)

    # --- what people do

    def on_open(self, deed: Callable[[PullRequest], object]) -> None:
        if (pull := self.world.open()) is not None:
            deed(pull)

    @rule(by=st.sampled_from(APPROVERS))
    def approve(self, by: str) -> None:
        def deed(pull: PullRequest) -> None:
            self.world.people().approve(pull.number, by)
            self.model.reviews.setdefault(pull.head, {})[by] = "approved"

        self.on_open(deed)

    @rule(by=st.sampled_from(APPROVERS))
    def ask_for_changes(self, by: str) -> None:
        def deed(pull: PullRequest) -> None:
            self.world.people().request_changes(pull.number, by)
            self.model.reviews.setdefault(pull.head, {})[by] = "changes_requested"

        self.on_open(deed)

    @rule(
        by=st.sampled_from(["alice", "root"]),
        verb=st.sampled_from(["hold", "unhold", "freeze", "unfreeze", "lock", "unlock", "hold", "freeze", "cancel"]),
    )
    def command(self, by: str, verb: str) -> None:
        text = {
            "freeze": "/freeze prod --for=2h an outage",
            "unfreeze": "/unfreeze prod it is over",
            "lock": "/lock prod a load test",
            "unlock": "/unlock prod",
        }.get(verb, f"/{verb}")

        def deed(pull: PullRequest) -> None:
            number = OTHER if verb in ("lock", "unlock") else pull.number
            self.world.say(number, by, text)
            self.model.said.append(Said(by, verb, pull.number))

        self.on_open(deed)

    @rule(present=st.booleans())
    def label(self, present: bool) -> None:
        def deed(pull: PullRequest) -> None:
            self.world.people().label(pull.number, "alice", "hold", present=present)
            # Taken off by hand, a hold by comment stands; put on by hand while it is on, nothing was done.
            if present and "hold" not in pull.labels:
                self.model.labelled.add(pull.number)
            elif not present:
                self.model.labelled.discard(pull.number)

        self.on_open(deed)

    @rule()
    def turn_down(self) -> None:
        def deed(pull: PullRequest) -> None:
            self.world.people().close(pull.number, "erin")
            self.model.closed.add(pull.number)

        self.on_open(deed)

    @rule()
    def rewrite_the_title(self) -> None:
        if self.kind == "local":
            self.on_open(lambda p: self.world.story.forge().update_pull_request(p.number, "Fix a typo", p.body))

    @rule()
    def a_newer_release(self) -> None:
        """It is in staging at once; the open request of prod is superseded."""
        if "registry" in self.model.unreadable:
            return
        self.world.releases += 1
        new = f"4.{self.world.releases}.0"
        self.world.push(new)
        if not self.model.unreadable & {"staging"}:
            self.move_staging(new)

    def move_staging(self, new: str) -> None:
        story = self.world.story
        registry = open_registry(story.settings)
        digest = registry.digest(parse(f"{story.world.repository}:{new}"))
        old = story.running("staging")
        text = story.file(VALUES).replace(f"{old}", f"{new}@{digest}")
        story.commit_gitops({VALUES: text})

    @rule(lost=st.sampled_from(["staging", "registry", "state"]))
    def lose(self, lost: str) -> None:
        if lost not in self.model.unreadable:
            self.model.unreadable.add(lost)
            if lost == "staging":
                self.world.story.commit_gitops({VALUES: self.world.story.file(VALUES) + BROKEN})
            if lost == "registry":
                self.index().rename(f"{self.index()}.kept")
                self.index().write_text("{")

    @rule()
    def mend(self) -> None:
        if "staging" in self.model.unreadable:
            self.world.story.commit_gitops({VALUES: self.world.story.file(VALUES).replace(BROKEN, "\n")})
        if "registry" in self.model.unreadable:
            Path(f"{self.index()}.kept").replace(self.index())
        self.model.unreadable.clear()

    def index(self) -> Path:
        return self.world.story.world.registry / "registry.example.com" / "wso2" / APPLICATION / "index.json"

    @rule(approvals=st.sampled_from([1, 2, 3]))
    def want_approvals(self, approvals: int) -> None:
        if approvals != self.model.approvals:
            self.model.approvals = approvals
            self.world.story.rewrite_config(lambda text: _of_prod(text, approvals))

    @rule()
    def everything_is_well(self) -> None:
        """Whatever came before: once nothing stops it and all approve, it may be merged."""
        self.mend()
        self._run(None)
        if self.world.open() is None:
            self.a_newer_release()
            self._run(None)
        pull = self.world.open()
        assert pull is not None
        self.world.people().label(pull.number, "alice", "hold", present=False)
        self.model.labelled.discard(pull.number)
        for by, text in ((self.model.locked_by, "/unlock prod"), ("root", "/unhold"), ("root", "/unfreeze prod over")):
            if by:
                self.world.say(OTHER if "lock" in text else pull.number, by, text)
                self.model.said.append(Said(by, text.split()[0][1:], pull.number))
        for by in APPROVERS:
            self.world.people().approve(pull.number, by)
            self.model.reviews.setdefault(pull.head, {})[by] = "approved"
        self._run(None)
        assert self.world.succeeded(pull.head), [s.description for s in (self.world.open() or pull).statuses]

    @rule(at=st.integers(0, 400))
    def merge_an_old_commit_from_another_branch(self, at: int) -> None:
        """Whoever may push tries any commit that the bot has ever proposed."""
        if self.heads and self.kind == "local":
            commit = sorted(self.heads)[at % len(self.heads)]
            gitops = self.world.story.world.gitops
            git(gitops, "update-ref", "refs/heads/innocent", commit)
            with contextlib.suppress(BotError):
                number = self.world.story.forge().open_pull_request("innocent", "Innocent", "")
                self.world.story.forge().close(number, "mallory")
            git(gitops, "update-ref", "-d", "refs/heads/innocent")

    # --- the bot

    @rule()
    def run_the_bot(self) -> None:
        self._run(None)

    @rule(at=st.integers(0, 25))
    def kill_the_bot(self, at: int) -> None:
        self._run(at)

    def _run(self, at: int | None) -> None:
        self.model.hear()
        edges, passed = self._edges(), 0

        def boundary(taking_back: bool) -> None:
            nonlocal passed
            if not taking_back:
                self._check()
            if passed == at:
                raise Killed
            passed += 1

        watched = edges._replace(git=Watched(edges.git, boundary), forge=Watched(edges.forge, boundary))
        with contextlib.suppress(Killed, BotError):
            handle(Reconcile(), watched)
            self._check()

    def _edges(self) -> Edges:
        edges = self.world.story.edges()
        if "state" in self.model.unreadable:
            return edges._replace(git=Blind(edges.git))
        return edges

    def _check(self) -> None:
        """Every commit that could be merged into prod now must be one that may be."""
        pull = self.world.open()
        if pull is not None:
            self.heads[pull.head] = pull.number
        remote = Path(self.world.place.alice.remote) if self.world.place else self.world.story.world.gitops
        merged = set(git(remote, "rev-list", "main").split())
        for commit, number in self.heads.items():
            if commit not in merged and self.world.succeeded(commit):
                Play.mergeable += 1
                why = list(self.model.objections(number, commit, pull.head if pull else ""))
                assert not why, (commit, number, why)


_LOCAL: list[World] = []


def _local_world() -> World:
    """The local world as it was at first: its files are brought back, at the same place."""
    if not _LOCAL:
        folder = Path(tempfile.mkdtemp(prefix="gitops-bot-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        _LOCAL.append(World("local", folder))
        shutil.copytree(folder / "world", folder / "kept", symlinks=True)
    (world,) = _LOCAL
    place = world.story.world.folder
    shutil.rmtree(place)
    shutil.copytree(place.parent / "kept", place, symlinks=True)
    world.releases = 3
    return world


def _of_prod(text: str, approvals: int) -> str:
    """gitops.yaml with so many approvals in prod."""
    head, prod, rest = text.partition("  prod:\n")
    before, _, after = rest.partition("approvals: ")
    return head + prod + before + f"approvals: {approvals}" + after[1:]


CHANGES = frozenset(
    name
    for port in (ports.Forge, ports.GitRepository)
    for name, method in vars(port).items()
    if callable(method) and not name.startswith("_") and not hasattr(method, "__reads__")
)
"""The ports' methods that change what others can see."""


class Watched:
    """An edge whose changes are boundaries."""

    def __init__(self, edge: Any, boundary: Callable[[bool], None]) -> None:
        self._edge, self._boundary = edge, boundary

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._edge, name)
        if name not in CHANGES:
            return found

        def watched(*arguments: Any, **more: Any) -> Any:
            back = name == "disable_auto_merge" or (name == "set_status" and arguments[1].state != "success")
            self._boundary(back)
            result = found(*arguments, **more)
            self._boundary(True)
            return result

        return watched


class Blind:
    """A repository whose state branch cannot be read."""

    def __init__(self, edge: Any) -> None:
        self._edge = edge

    def __getattr__(self, name: str) -> Any:
        return getattr(self._edge, name)

    def branches(self, prefix: str) -> Any:
        if prefix.startswith("gitops-bot/"):
            raise Unavailable("the state branch is away")
        return self._edge.branches(prefix)


@pytest.fixture(autouse=True)
def _nothing_is_rendered(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_program(*_: object) -> None:
        raise Refused("kubectl is not asked in this test")

    monkeypatch.setattr(LocalRenderer, "render", no_program)


@pytest.mark.parametrize(("kind", "plays", "steps"), [("local", 30, 50), ("github", 4, 40), ("gitlab", 4, 40)])
def test_nobody_can_merge_into_prod_what_must_not_be_merged(kind: str, plays: int, steps: int) -> None:
    Play.mergeable = 0
    machine = type(f"Play{kind}", (Play,), {"kind": kind})
    checks = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=PLAYS or plays,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=checks,
            derandomize=not PLAYS,
            phases=[Phase.generate],
        ),
    )
    assert Play.mergeable > 0
