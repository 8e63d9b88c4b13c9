"""Read everything that the plan may need, at one moment; a read that failed is *unknown*, never *empty*."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bot.core.config import load_config, missing_config
from bot.core.deployed import deployed, deployed_everywhere, still_unread
from bot.core.errors import BotError
from bot.core.events import Promote
from bot.core.identity import BOT_EMAIL
from bot.core.models import Branch, Commit, Contribution, PullRequest, Release, Unknown
from bot.core.plan.asks import all_asks, history_of
from bot.core.snapshot import Snapshot
from bot.engine.brought import brought, contents, is_outdated, lands
from bot.engine.inspect import Inspector
from bot.engine.listen import Listener
from bot.engine.outside import Outside
from bot.engine.unforeseen import known, unforeseen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.core.config import Config
    from bot.core.events import Event
    from bot.ports import Edges, GitRepository

HISTORY = 100
"""How many commits back a version asked for by name is looked for."""


class Observer:
    """Takes the snapshots of one run.

    The GitOps repository and the forge are read anew each time; what lies outside (sources, bases, tags) is read
    once a run: a change in it is the next run's.
    """

    def __init__(self, edges: Edges, event: Event) -> None:
        self._edges = edges
        self._event = event
        self._outside = Outside(edges)
        self._listener = Listener(edges)
        self._inspector = Inspector(edges)
        self._at: Snapshot | None = None
        self._branches: dict[tuple[str, str, str], Branch] = {}
        self._landing: dict[tuple[str, str], frozenset[str] | Unknown] = {}

    def observe(self, failures: Mapping[str, str]) -> Snapshot:
        """One complete snapshot. Raises `BotError` when the default branch or its configuration cannot be read."""
        git = self._edges.git
        git.fetch()
        head = git.head()
        if self._at is None or self._at.head.sha != head.sha:
            self._at = self._default_branch(head)
        listed = self._pull_requests()
        snapshot = replace(
            self._at,
            now=self._edges.clock.now(),
            pull_requests=listed if isinstance(listed, Unknown) else tuple(p for p in listed if p.own),
            contributions=()
            if isinstance(listed, Unknown)
            else tuple(Contribution(p, self._lands(p.head, head.sha)) for p in listed if not p.own),
            branches={n: self._branch(n, sha, self._at) for n, sha in git.branches("bot/").items()},
            failures=failures,
        )
        snapshot = self._listener.hear(snapshot)
        snapshot = self._outside.read(replace(snapshot, history=self._history(snapshot)))
        return replace(snapshot, inspections=self._inspector.inspect(snapshot))

    def _default_branch(self, head: Commit) -> Snapshot:
        """What the default branch says at one commit; it is read again only when that moves."""
        config = self._config(head)
        files = _files(self._edges.git, head.sha, config)
        everywhere = deployed_everywhere(config, files)
        return Snapshot(
            now=self._edges.clock.now(),
            head=head,
            config=config,
            files=files,
            deployed=everywhere.deployed,
            reached=everywhere.reached,
            applied=everywhere.applied,
            pull_requests=(),
            branches={},
            event=self._event,
        )

    def _config(self, head: Commit) -> Config:
        git = self._edges.git
        content = git.read(head.sha, ["gitops.yaml"]).get("gitops.yaml")
        if content is None:
            raise missing_config(f"gitops.yaml on the default branch of {git.url}")
        config = load_config(content)
        if isinstance(self._event, Promote) and self._event.environment not in config.environments:
            raise _unknown("environment", self._event.environment, config.environments)
        for name in getattr(self._event, "applications", ()):
            if name not in config.applications:
                raise _unknown("application", name, config.applications)
        return config

    def _pull_requests(self) -> tuple[PullRequest, ...] | Unknown:
        return known(lambda: tuple(self._edges.forge.pull_requests()))

    def _branch(self, name: str, sha: str, at: Snapshot) -> Branch:
        """Read once a run against the same default branch, also what cannot be: that may have taken long."""
        key = (name, sha, at.head.sha)
        if key not in self._branches:
            self._branches[key] = _branch(self._edges.git, name, sha, at)
        return self._branches[key]

    def _lands(self, head: str, default: str) -> frozenset[str] | Unknown:
        """What a merge of somebody else's commit would change. A fork's commits are not in this repository."""
        key = (head, default)
        if key not in self._landing:
            self._landing[key] = known(lambda: lands(self._edges.git, default, head))
        return self._landing[key]

    def _states(self, snapshot: Snapshot, environment: str) -> list[Mapping[str, bytes]]:
        """The files of an environment as the default branch itself had them, newest first.

        What was only ever on a branch that was merged, the environment never had.
        """
        git, config = self._edges.git, snapshot.config
        folder = config.environments[environment].path
        outside = [file for file in snapshot.reached[environment] if not f"{file}/".startswith(f"{folder}/")]
        paths = [folder, *sorted(outside)] if folder != "." else ["."]
        commits = git.log(None, snapshot.head.sha, paths, HISTORY, first_parent=True)
        only = config.model_copy(update={"environments": {environment: config.environments[environment]}})
        read = [known(lambda sha=c.sha: _files(git, sha, only)) for c in commits]  # type: ignore[misc]
        return [files for files in read if not isinstance(files, Unknown)]

    def _history(self, snapshot: Snapshot) -> dict[tuple[str, str], tuple[Release, ...]]:
        """The releases that an environment has had, where somebody asks for one of them."""
        config = snapshot.config
        wanted = {history_of(config.environments[ask.environment].after, ask) for ask in all_asks(snapshot)}
        found: dict[tuple[str, str], tuple[Release, ...]] = {}
        for environment in sorted(filter(None, wanted)):
            past = self._states(snapshot, environment)
            for application in config.applications:
                releases = (deployed(config, files, environment, application).release for files in past)
                found[environment, application] = tuple(releases)
        return found


def _files(git: GitRepository, commit: str, config: Config) -> Mapping[str, bytes]:
    """Every file below the environments' folders, and whatever they reach elsewhere, round by round."""
    names = [e.path for e in git.entries(commit) if e.mode in ("100644", "100755")]
    folders = tuple("" if e.path == "." else f"{e.path}/" for e in config.environments.values())
    files = dict(git.read(commit, [name for name in names if name.startswith(folders)]))
    there = frozenset(names)
    while unread := still_unread(config, files, there):
        read = git.read(commit, sorted(unread))
        files |= {name: read.get(name, b"") for name in unread}
    return files


def _branch(git: GitRepository, name: str, sha: str, at: Snapshot) -> Branch:
    """What a branch of the bot has that the default branch had not when it was made.

    Whoever may push may push anything there: what cannot be read makes this branch unusable, and no other.
    """
    try:
        return _read_branch(git, name, sha, at)
    except Exception as error:  # noqa: BLE001 # whatever it is, it is of this branch
        why = error.message if isinstance(error, BotError) else unforeseen(error)
        return Branch(name, Commit(sha, "", at.now, ""), {}, unreadable=" ".join(why.split()))


def _read_branch(git: GitRepository, name: str, sha: str, at: Snapshot) -> Branch:
    default = at.head.sha
    base, paths = brought(git, default, sha)
    content = contents(git, sha, paths)
    commits = git.log(base, sha)
    foreign = next((c for c in reversed(commits) if c.committer != BOT_EMAIL), None)
    outdated = is_outdated(git, default, sha, at.files)
    return Branch(name, git.commit_of(sha), content, foreign, outdated, base)


def _unknown(kind: str, name: str, known: Mapping[str, object]) -> BotError:
    return BotError(
        f"gitops.yaml has no {kind} named {name!r}",
        fix=f"it has {', '.join(known)}",
        reason_code=f"unknown_{kind}",
    )
