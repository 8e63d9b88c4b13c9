"""The only place that picks concrete edges from the settings."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bot.core.errors import BotError
from bot.ports import Edges, reads

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.forges.github import GitHubForge
    from bot.forges.github_kept import KeptAnswers
    from bot.forges.gitlab import GitLabForge
    from bot.forges.local import LocalForge
    from bot.ports import Builder, GitRepository, Registry
    from bot.settings import Settings
    from bot.worktree.reading import Worktree


class SystemClock:
    """`ports.Clock` by this machine's clock."""

    @reads
    def now(self) -> datetime:
        """The present time, UTC, in whole seconds as git keeps it."""
        return datetime.now(UTC).replace(microsecond=0)


def open_edges(settings: Settings, progress: Callable[[str], None], kept: KeptAnswers | None = None) -> Edges:
    """The edges for one run. `BotError` if a setting names something that cannot be used.

    `kept`: answers of GitHub that a process with several runs keeps between them.
    """
    from bot.builders.charts import ChartPackager
    from bot.git import Git
    from bot.registries.charts import ChartRepositories
    from bot.renderers.local import LocalRenderer

    url = settings.repository or _here()
    hosted = _hosted(settings, url, kept)
    token = settings.git_token.reveal() if settings.git_token else hosted.token() if hosted else None
    sources: dict[str, GitRepository] = {}

    def source(wanted: str) -> GitRepository:
        if wanted not in sources:
            # The token goes only where the GitOps repository is.
            same_place = urlsplit(wanted)[:2] == urlsplit(url)[:2]
            sources[wanted] = Git(wanted, settings.cache / "git", token=token if same_place else None)
        return sources[wanted]

    git, registry = source(url), open_registry(settings)
    forge, builder = hosted or _local(settings, git), _builder(settings, registry)
    charts = ChartRepositories(registry, settings.cache / "charts")
    packager = ChartPackager(registry)
    return Edges(git, forge, registry, charts, builder, packager, SystemClock(), source, progress, LocalRenderer())


def open_local_forge(settings: Settings) -> LocalForge:
    """The local forge alone, with what people do on it."""
    from bot.git import Git

    if settings.forge != "local":
        fix = f"use {settings.forge}'s own pages; `gitops-bot pr` is for GITOPS_BOT_FORGE=local"
        raise BotError(f"pull requests are on {settings.forge}", fix=fix, reason_code="invalid_setting")
    return _local(settings, Git(settings.repository or _here(), settings.cache / "git"))


def _hosted(settings: Settings, url: str, kept: KeptAnswers | None) -> GitHubForge | GitLabForge | None:
    """GitHub or GitLab, where the settings name one: the repository's path there is that of its URL."""
    if settings.forge == "local":
        return None
    path = path_on(settings.forge_url or "", url)
    if settings.forge == "gitlab":
        return _gitlab(settings, path)
    from bot.forges.github import PUBLIC_API, GitHubForge
    from bot.forges.github_auth import app_access, token_access

    address = settings.forge_url or ""
    api = PUBLIC_API if address in ("", "https://github.com") else f"{address}/api/v3"
    if settings.github_app:
        app = settings.github_app
        access = app_access(str(app.id), app.key.reveal(), app.installation)
    elif settings.forge_token:
        access = token_access(settings.forge_token.reveal())
    else:
        raise _no_credentials("GITOPS_BOT_FORGE_TOKEN, or GITOPS_BOT_GITHUB_APP_ID and GITOPS_BOT_GITHUB_APP_KEY")
    return GitHubForge(path, access, api, own_workflow=settings.own_workflow, kept=kept)


def path_on(address: str, url: str) -> str:
    """`owner/name` in a repository's URL; what the forge's own address has of a path is not part of it."""
    path = url.partition("://")[2].partition("/")[2] if "://" in url else url.partition(":")[2]
    prefix = address.partition("://")[2].partition("/")[2]
    return path.strip("/").removesuffix(".git").removeprefix(f"{prefix}/" if prefix else "")


def _gitlab(settings: Settings, path: str) -> GitLabForge:
    from bot.forges.gitlab import GitLabForge

    if settings.forge_token is None:
        raise _no_credentials("GITOPS_BOT_FORGE_TOKEN")
    return GitLabForge(path, settings.forge_token.reveal(), settings.forge_url or "https://gitlab.com")


def _no_credentials(names: str) -> BotError:
    return BotError("the forge needs credentials, and none are set", fix=f"set {names}", reason_code="invalid_setting")


def _local(settings: Settings, git: GitRepository) -> LocalForge:
    from bot.forges.local import LocalForge

    database = settings.forge_database
    if database is None:
        folder = Path(git.url.removeprefix("file://"))
        if not folder.is_absolute() or not folder.is_dir():
            raise BotError(
                f"the local forge needs to know where to keep the pull requests of {git.url}",
                fix="set GITOPS_BOT_FORGE_DATABASE to a file, or use a repository on this machine",
                reason_code="invalid_setting",
            )
        database = (folder / ".git" if (folder / ".git").is_dir() else folder) / "gitops-bot.sqlite"
    return LocalForge(git, database, SystemClock())


def open_scan(path: Path, settings: Settings) -> bytes:
    """What is found at a path on this machine, as JSON."""
    from bot.worktree.scanning import scan

    return scan(path, scan_cache(settings))


def scan_cache(settings: Settings) -> Path:
    """The folder for what was found in worktrees."""
    return settings.cache / "scan"


def open_worktree(path: Path) -> Worktree:
    """The files of the repository on this machine that the path is in."""
    from bot.worktree.reading import read_worktree

    return read_worktree(path)


def open_registry(settings: Settings) -> Registry:
    """The registries alone: real ones, or OCI layouts in a folder."""
    if settings.layout:
        from bot.registries.layout import LayoutRegistry

        return LayoutRegistry(settings.layout.absolute())
    from bot.registries.oci import OciRegistry

    return OciRegistry(cache=settings.cache / "registries")


def _builder(settings: Settings, registry: Registry) -> Builder:
    if settings.builder == "docker":
        from bot.builders.docker import DockerBuilder

        return DockerBuilder(registry)
    from bot.builders.assemble import AssembleBuilder

    return AssembleBuilder(registry, settings.cache / "assemble")


def _here() -> str:
    """The GitOps repository of the current folder: its `origin`, or the repository itself."""
    for question in (["remote", "get-url", "origin"], ["rev-parse", "--absolute-git-dir"]):
        answer = subprocess.run(["git", *question], capture_output=True, text=True, check=False)
        if answer.returncode == 0 and answer.stdout.strip():
            return answer.stdout.strip()
    raise BotError(
        "this folder is in no git repository",
        fix="change to the GitOps repository's folder, or set GITOPS_BOT_REPOSITORY",
        reason_code="invalid_setting",
    )
