"""The demo's acts, one after the other, each through the same engine as the commands."""

from __future__ import annotations

import shlex
import sys
import time
from typing import TYPE_CHECKING

import click

from bot.bootstrap import open_edges, open_local_forge, open_registry
from bot.cli.demo.base import push_base
from bot.cli.demo.world import APPLICATION, World, commit, git, lay_out
from bot.cli.diff import pull_request_diff
from bot.core.errors import BotError, Refused
from bot.core.events import Reconcile
from bot.core.references import parse
from bot.engine import handle
from bot.settings import read_settings

if TYPE_CHECKING:
    from bot.engine import Report
    from bot.forges.local import LocalForge
    from bot.ports import Edges


def play(world: World, *, step: bool) -> None:
    """Play everything in a new folder; with `step`, wait for Enter before each approval."""
    started = time.monotonic()
    stage = Stage(world, step=step)
    stage.open()
    stage.first_release()
    stage.to_staging()
    stage.to_production()
    stage.rewritten_in_place()
    stage.obsolete()
    stage.somebody_elses_commit()
    stage.close(time.monotonic() - started)


class Stage:
    """The world, its edges, and what is said while the acts go by."""

    def __init__(self, world: World, *, step: bool) -> None:
        self.world = world
        self.step = step
        self.settings = read_settings(world.environ() | {"GITOPS_BOT_USER": "dana"})
        self.edges: Edges
        self.forge: LocalForge

    def open(self) -> None:
        """Act 0: the repositories, and a base image."""
        _act("A GitOps repository with dev, staging and prod, an artifact repository, and a base image")
        lay_out(self.world, open_registry(self.settings))
        self.edges = open_edges(self.settings, _say)
        self.forge = open_local_forge(self.settings)
        _say(f"everything is below {self.world.folder}")

    def first_release(self) -> None:
        """Act 1: the first commit is built and goes to dev by itself."""
        _act("A developer has committed to the artifact repository: build, test, push, and into dev")
        self.run()

    def to_staging(self) -> None:
        """Act 2: the same digest, proposed for staging, approved and merged by people."""
        _act("staging gets the same digest, never a rebuild; a person approves and merges")
        number = self.waiting("staging")
        self.show(number)
        self.refuse_merge(number)
        self.approve(number, "alice")
        self.merge(number, "alice")

    def to_production(self) -> None:
        """Act 3: prod wants two approvals."""
        _act("prod gets what staging has; it needs two approvals")
        number = self.waiting("prod")
        self.approve(number, "alice")
        self.refuse_merge(number)
        self.approve(number, "bob")
        self.merge(number, "bob")

    def rewritten_in_place(self) -> None:
        """Act 4: a newer release takes an open pull request over."""
        _act("Two commits one after the other: the newer release rewrites staging's open pull request in place")
        self.edit("A second integration", {"second.car": "A second carbon application.\n"})
        self.run()
        self.edit("A third integration", {"third.car": "A third carbon application.\n"})
        self.run()
        self.show(self.waiting("staging"))

    def obsolete(self) -> None:
        """Act 5: what staging gets by another way needs no pull request any more."""
        _act("The source goes back to its first commit: staging has that already, so its pull request is closed")
        git(self.world.artifacts, "reset", "-q", "--hard", "HEAD~2")
        number = self.waiting("staging")
        self.run()
        _say(f"#{number}: {self.forge.comments(number)[-1].body}")

    def somebody_elses_commit(self) -> None:
        """Act 6: a person's commit on the bot's branch is theirs."""
        _act(
            "A base image update opens new pull requests; a person commits to the bot's branch, and the bot lets it be"
        )
        push_base(self.edges.registry, parse(self.world.base), "2", userland=self.world.host is not None)
        self.run()
        branch = f"bot/staging/{APPLICATION}"
        git(self.world.checkout, "fetch", "-q", "origin")
        git(self.world.checkout, "checkout", "-q", "-b", branch, f"origin/{branch}")
        commit(self.world.checkout, {"NOTES.md": "Please wait for Monday.\n"}, "Wait for Monday", who="erin")
        git(self.world.checkout, "push", "-q", "origin", branch)
        git(self.world.checkout, "checkout", "-q", "main")
        git(self.world.checkout, "branch", "-q", "-D", branch)
        _say("erin commits to that branch: Wait for Monday")
        self.run()
        _say(f"#{self.waiting('staging')}: {self.forge.comments(self.waiting('staging'))[-1].body}")

    def close(self, seconds: float) -> None:
        """The end: where things are, and how to go on by hand."""
        git(self.world.checkout, "pull", "-q", "--ff-only")
        _act(f"That was the pipeline, in {seconds:.1f} s. Now it is yours")
        click.echo(_commands(self.world, self.waiting("staging")))

    def run(self) -> Report:
        """`gitops-bot run`."""
        report = handle(Reconcile(), self.edges)
        if report.failed:
            raise BotError("\n".join(reason for _, reason in report.failed))
        return report

    def edit(self, message: str, files: dict[str, str]) -> None:
        """A developer's commit in the artifact repository."""
        _say(f"dana commits to artifacts: {message}")
        commit(self.world.artifacts, files, message)

    def waiting(self, environment: str) -> int:
        """The number of the environment's open pull request."""
        branch = f"bot/{environment}/{APPLICATION}"
        found = [p.number for p in self.forge.pull_requests() if p.branch == branch and p.state == "open"]
        if not found:
            raise BotError(f"{environment} has no open pull request")
        return found[0]

    def show(self, number: int) -> None:
        """The pull request's diff."""
        pull = self.forge.pull_request(number).request
        _say(f"#{number} {pull.title}")
        text = pull_request_diff(self.edges.git, pull.head, context=0)
        for line in text.splitlines():
            if line[:1] in "+-" and line[:3] != "---":
                click.secho(f"    {line}", fg={"+": "green", "-": "red"}[line[0]], bold=line.startswith("+++"))

    def approve(self, number: int, who: str) -> None:
        """`gitops-bot pr approve NUMBER --as WHO`."""
        self._pause(f"Approve #{number} as {who}?")
        _say(f"{who} approves #{number}")
        self.forge.approve(number, who)
        self.run()

    def refuse_merge(self, number: int) -> None:
        """A merge that comes too early."""
        try:
            self.forge.merge(number, "mallory", self.forge.pull_request(number).request.head)
        except Refused as refused:
            _say(f"mallory tries to merge #{number}: refused: {refused.message}")
        else:
            raise BotError(f"#{number} could be merged without its approvals")

    def merge(self, number: int, who: str) -> None:
        """`gitops-bot pr merge NUMBER --as WHO`."""
        self._pause(f"Merge #{number} as {who}?")
        _say(f"{who} merges #{number}")
        self.forge.merge(number, who, self.forge.pull_request(number).request.head)
        self.run()

    def _pause(self, question: str) -> None:
        if self.step and sys.stdin.isatty():
            click.prompt(f"  {question} Press Enter", default="", show_default=False)


def _act(title: str) -> None:
    click.secho(f"\n▶ {title}", bold=True)


def _say(text: str) -> None:
    click.echo(f"  {text}")


def _commands(world: World, number: int) -> str:
    folder = shlex.quote(str(world.folder))
    return f"""
  cd {folder} && . ./env.sh          # the settings of this demo
  gitops-bot status                  # what runs where, and what waits for what
  gitops-bot pr list

  echo 'A new one.' > artifacts/new.car    # change the source, commit it, and let the bot see it
  git -C artifacts add --all && git -C artifacts commit -m 'A new integration'
  gitops-bot run

  git -C gitops push origin --delete bot/staging/{APPLICATION}    # let the bot have that branch (#{number}) again
  gitops-bot run && gitops-bot pr list
  gitops-bot pr show NUMBER          # then, with the number of staging's pull request:
  gitops-bot pr approve NUMBER --as alice
  gitops-bot pr merge NUMBER --as alice
"""
