"""The demo's folder: a GitOps repository, an artifact and a values repository, a registry with a base image."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bot.cli.demo.base import push_base, push_chart
from bot.cli.scaffold import Sample, render, write
from bot.core.errors import BotError
from bot.core.references import parse

if TYPE_CHECKING:
    from bot.ports import Registry

APPLICATION = "micro-integrator"
CHART = "4.2.0-1"
HOME = "/home/wso2carbon/wso2mi-4.2.0"

DOCKERFILE = """\
ARG BASE_IMAGE
FROM ${BASE_IMAGE}

LABEL org.opencontainers.image.title="Micro Integrator with the demo's integrations"
COPY *.car ${WSO2_SERVER_HOME}/repository/deployment/server/carbonapps/
COPY --chown=wso2carbon:wso2 conf/ ${WSO2_SERVER_HOME}/conf/
"""


class World(NamedTuple):
    """Where everything of a demo is. `host` is None for images in an OCI layout, else a registry's `host:port`."""

    folder: Path
    host: str | None = None

    @property
    def gitops(self) -> Path:
        """The bare GitOps repository: what the bot writes and Flux would watch."""
        return self.folder / "gitops.git"

    @property
    def checkout(self) -> Path:
        """A person's checkout of it."""
        return self.folder / "gitops"

    @property
    def artifacts(self) -> Path:
        """The artifact repository, with its files checked out."""
        return self.folder / "artifacts"

    @property
    def values(self) -> Path:
        """The values repository, with its files checked out."""
        return self.folder / "values"

    @property
    def registry(self) -> Path:
        """The OCI layouts, where no registry is named."""
        return self.folder / "registry"

    @property
    def base(self) -> str:
        """The base image."""
        return f"{self.host}/wso2/wso2mi:4.2.0" if self.host else "docker.io/wso2/wso2mi:4.2.0"

    @property
    def repository(self) -> str:
        """The image that is built."""
        return f"{self.host or 'registry.example.com'}/wso2/{APPLICATION}"

    @property
    def charts(self) -> str:
        """Where the vendor's chart is published: in the same registry, so that the demo needs no network."""
        return f"oci://{self.host or 'registry.example.com'}/wso2/charts"

    def environ(self) -> dict[str, str]:
        """The settings under which the commands work on this demo."""
        images = {"GITOPS_BOT_BUILDER": "docker"} if self.host else {"GITOPS_BOT_REGISTRY": f"layout:{self.registry}"}
        return {
            "GITOPS_BOT_REPOSITORY": str(self.gitops),
            "GITOPS_BOT_CACHE": str(self.folder / "cache"),
            **images,
        }


def lay_out(world: World, registry: Registry) -> None:
    """Create all of it. `BotError` if the folder is there already and not empty."""
    if world.folder.exists() and any(world.folder.iterdir()):
        raise BotError(f"{world.folder} is there already", fix="name another folder, or remove that one")
    world.folder.mkdir(parents=True, exist_ok=True)
    _repository(world.artifacts, artifact_files(), "Say hello")
    _repository(world.values, values_files(world), "Values of three environments")
    _repository(world.checkout, gitops_files(world), "Micro Integrator in dev, staging and prod")
    git(world.folder, "clone", "-q", "--bare", str(world.checkout), str(world.gitops))
    git(world.checkout, "remote", "add", "origin", str(world.gitops))
    git(world.checkout, "fetch", "-q", "origin")
    git(world.checkout, "branch", "-q", "--set-upstream-to=origin/main")
    lines = [f"export {name}={shlex.quote(value)}" for name, value in world.environ().items()]
    lines.append(f"export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH")
    (world.folder / "env.sh").write_text("# The settings of this demo: `. ./env.sh`\n" + "\n".join(lines) + "\n")
    push_base(registry, parse(world.base), "1", userland=world.host is not None)
    push_chart(registry, parse(f"{world.charts.removeprefix('oci://')}/{APPLICATION}:{CHART}"))


def artifact_files() -> dict[str, str]:
    """The first content of the artifact repository: path → text."""
    return {
        "Dockerfile": DOCKERFILE,
        "hello.car": "A carbon application that says hello.\n",
        "conf/deployment.toml": '[server]\nhostname = "localhost"\n',
        ".dockerignore": "README.md\n",
        "README.md": "Commit here, then run `gitops-bot run`.\n",
    }


def values_files(world: World) -> dict[str, str]:
    """The first content of the values repository: the same values that the environments begin with."""
    files = gitops_files(world)
    environments = ("dev", "staging", "prod")
    return {f"values-{e}.yaml": files[f"envs/{e}/{APPLICATION}/values.yaml"] for e in environments}


def gitops_files(world: World) -> dict[str, str]:
    """What `gitops-bot init` writes, for this world's repositories."""
    sample = Sample(APPLICATION, world.repository, str(world.artifacts), str(world.values), world.base, world.charts)
    return render(sample)


def commit(repository: Path, files: dict[str, str], message: str, who: str = "dana") -> str:
    """Write files and commit them as a person would; returns the commit's SHA."""
    write_over(repository, files)
    git(repository, "add", "--all")
    person = ["-c", f"user.name={who}", "-c", f"user.email={who}@example.com"]
    git(repository, *person, "commit", "-q", "-m", message)
    return git(repository, "rev-parse", "HEAD").strip()


def write_over(folder: Path, files: dict[str, str]) -> None:
    """Write files, over what is there."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


def _repository(folder: Path, files: dict[str, str], message: str) -> None:
    folder.mkdir()
    write(folder, files)
    git(folder, "init", "-q")
    git(folder, "symbolic-ref", "HEAD", "refs/heads/main")
    # Who goes on by hand may have told git no name yet.
    git(folder, "config", "user.name", "dana")
    git(folder, "config", "user.email", "dana@example.com")
    git(folder, "config", "commit.gpgsign", "false")
    commit(folder, {}, message)


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder and return what it printed. `BotError` with its words if it failed."""
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BotError(f"git {arguments[0]} in {folder} failed: {done.stderr.strip()}")
    return done.stdout
