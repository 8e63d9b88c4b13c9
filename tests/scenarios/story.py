"""A world with people in it: what they do, and what they then see."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from bot.bootstrap import open_edges, open_local_forge, open_registry
from bot.cli.demo.base import push_base, push_chart
from bot.cli.demo.world import APPLICATION, World, commit, git, lay_out
from bot.core.errors import NotFound
from bot.core.events import Event, Promote, Reconcile
from bot.core.references import parse
from bot.engine import handle, look
from bot.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bot.core.actions import Plan, Skip
    from bot.core.models import ImageVersion, PullRequest
    from bot.core.references import Reference
    from bot.engine import Report
    from bot.forges.local import LocalForge
    from bot.ports import Edges


class Row(NamedTuple):
    """A pull request as people see it in a list."""

    number: int
    branch: str
    state: str
    title: str


class Story:
    """One GitOps repository with its sources and registry, the bot, and people who name themselves."""

    def __init__(self, folder: Path, host: str | None = None) -> None:
        self.world = World(folder, host)
        self.settings = read_settings(self.world.environ() | {"GITOPS_BOT_USER": "dana"})
        lay_out(self.world, open_registry(self.settings))

    def edges(self) -> Edges:
        """New edges, as a new process would open them."""
        return open_edges(self.settings, lambda _: None)

    def run(self, event: Event | None = None) -> Report:
        """`gitops-bot run`: everything must succeed."""
        report = self.try_run(event)
        assert not report.failed, report.failed
        return report

    def try_run(self, event: Event | None = None) -> Report:
        """`gitops-bot run`, whatever comes of it."""
        return handle(event or Reconcile(), self.edges())

    def plan(self) -> Plan:
        """`gitops-bot plan`."""
        return look(Reconcile(), self.edges())[1]

    def promote(self, environment: str, version: str | None = None, by: str = "dana") -> Report:
        """`gitops-bot promote`."""
        return handle(Promote(environment, (), version, by), self.edges())

    def skip(self, environment: str) -> Skip:
        """Why nothing more is done for an environment."""
        return next(s for s in self.plan().skips if s.environment == environment)

    def commit(self, files: dict[str, str], message: str = "Change it") -> str:
        """A commit in the artifact repository."""
        return commit(self.world.artifacts, files, message)

    def commit_values(self, files: dict[str, str]) -> str:
        """A commit in the values repository."""
        return commit(self.world.values, files, "Change values")

    def commit_gitops(self, files: dict[str, str], message: str = "By hand") -> str:
        """A person's commit on the GitOps repository's default branch."""
        git(self.world.checkout, "pull", "-q", "--ff-only")
        sha = commit(self.world.checkout, files, message)
        git(self.world.checkout, "push", "-q", "origin", "HEAD:main")
        return sha

    def rewrite_config(self, change: Callable[[str], str]) -> None:
        """A person changes gitops.yaml."""
        git(self.world.checkout, "pull", "-q", "--ff-only")
        path = self.world.checkout / "gitops.yaml"
        self.commit_gitops({"gitops.yaml": change(path.read_text())})

    def update_base(self, build: str) -> str:
        """The base image's tag gets a new digest upstream."""
        return push_base(self.edges().registry, parse(self.world.base), build, userland=bool(self.world.host))

    def push(self, tag: str) -> str:
        """Somebody else pushes an image to the application's repository."""
        return push_base(self.edges().registry, parse(f"{self.world.repository}:{tag}"), f"pushed as {tag}")

    def push_chart(self, version: str) -> str:
        """The vendor publishes a version of the chart."""
        return push_chart(self.edges().registry, self.chart_repository().with_tag(version))

    def own_chart(self, version: str) -> str:
        """A commit that has the application's chart in it, and a configuration that packages it from there."""
        sha = self.commit_chart(version)
        self.package_from(self.world.values, "chart")
        return sha

    def package_from(self, repository: Path, path: str) -> None:
        """A configuration that packages the application's chart from a folder of a repository."""
        source = f"source: {{git: '{repository}', path: {path}}}"
        self.rewrite_config(lambda text: text.replace("policy: {semver: '>=4.2.0-0 <4.3.0-0'}", source))

    def commit_chart(self, version: str, values: str = "replicas: 1\n") -> str:
        """A commit of that chart."""
        made = f"apiVersion: v2\nname: {APPLICATION}\nversion: {version}\n"
        return self.commit_values({"chart/Chart.yaml": made, "chart/values.yaml": values})

    def chart_repository(self) -> Reference:
        """Where the chart is."""
        return parse(f"{self.world.charts.removeprefix('oci://')}/{APPLICATION}")

    def chart(self, environment: str) -> str | None:
        """The version of the chart that the environment has."""
        snapshot, _ = look(Reconcile(), self.edges())
        return snapshot.deployed[environment, APPLICATION].release.chart

    def comment(self, environment: str, text: str, by: str) -> str:
        """A person writes on the environment's pull request; the bot hears of it; its answer, empty if none."""
        number = self.number(environment)
        comment = self.forge().add_comment(number, by, text)
        self.run()
        return self.answer(number, comment)

    def answer(self, number: int, comment: str) -> str:
        """What the bot answered to a comment."""
        found = [c.body for c in self.forge().comments(number) if c.key == f"reply-{comment}"]
        return found[0] if found else ""

    def reactions(self, comment: str) -> set[str]:
        """The bot's reactions to a comment."""
        said = self.forge().comments_since(datetime(2000, 1, 1, tzinfo=UTC))
        return set(next(c.reactions for c in said if c.id == comment))

    def approve(self, environment: str, by: str) -> None:
        """A person approves the environment's open pull request, and the bot hears of it."""
        self.forge().approve(self.number(environment), by)
        self.run()

    def merge(self, environment: str, by: str) -> None:
        """A person merges the environment's open pull request, and the bot hears of it."""
        number = self.number(environment)
        self.forge().merge(number, by, self.pull(environment).head)
        self.run()

    def forge(self) -> LocalForge:
        """The local forge, with what people do on it."""
        return open_local_forge(self.settings)

    def pull(self, environment: str) -> PullRequest:
        """The environment's open pull request."""
        branch = f"bot/{environment}/{APPLICATION}"
        return next(p for p in self.forge().pull_requests() if p.branch == branch and p.state == "open")

    def number(self, environment: str) -> int:
        """Its number."""
        return self.pull(environment).number

    def pulls(self) -> list[Row]:
        """All pull requests, oldest first."""
        return sorted(
            Row(p.request.number, p.request.branch, p.state, p.request.title) for p in self.forge().all_pull_requests()
        )

    def running(self, environment: str) -> ImageVersion:
        """What the environment has of the image."""
        snapshot, _ = look(Reconcile(), self.edges())
        return snapshot.deployed[environment, APPLICATION].release.images[APPLICATION]

    def file(self, path: str, revision: str = "main") -> str:
        """A file of the GitOps repository."""
        return git(self.world.gitops, "show", f"{revision}:{path}")

    def has_images(self) -> bool:
        """Whether the application's repository is in the registry at all."""
        try:
            return bool(self.tags())
        except NotFound:
            return False

    def tags(self) -> tuple[str, ...]:
        """The tags in the registry."""
        return self.edges().registry.tags(parse(self.world.repository))
