"""`gitops-bot init`: a GitOps repository for one application, written from `bot/scaffold`, never over what is there."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias, get_args

import click

from bot import __version__
from bot.cli.common import say, settings
from bot.core.errors import BotError
from bot.core.git_urls import check_git_url
from bot.core.references import parse, parse_repository

if TYPE_CHECKING:
    from collections.abc import Mapping

Forge: TypeAlias = Literal["github", "gitlab", "local"]

_PIPELINES: Mapping[Forge, Mapping[str, str]] = {
    "github": {f".github/workflows/{name}.yml": f"github-{name}.yaml" for name in ("check", "gitops-bot", "announce")},
    "gitlab": {".gitlab-ci.yml": "gitlab-ci.yaml"},
    "local": {},
}
_FORGE_STEPS: Mapping[Forge, tuple[str, ...]] = {
    "github": (
        "Set the variables REGISTRY_USERNAME and GITOPS_BOT_APP_ID and the secrets REGISTRY_PASSWORD and\n"
        "     GITOPS_BOT_APP_KEY of the repository; without the App's two, the workflows' own token is used.",
        "Run what `gitops-bot init --protect` prints: it makes the approval binding.",
    ),
    "gitlab": (
        "Set the protected, masked variables GITOPS_BOT_FORGE_TOKEN and DOCKER_AUTH_CONFIG of the project, and make\n"
        "     a pipeline schedule for the default branch.",
        "Run what `gitops-bot init --forge gitlab --protect` prints: it makes the approval binding.",
    ),
    "local": (),
}
_TEMPLATES = Path(__file__).parents[1] / "scaffold"
_APPLICATION = re.compile(r"[a-z]([a-z0-9-]{0,51}[a-z0-9])?")
_PLAIN = re.compile(r"[A-Za-z/](?:[A-Za-z0-9._/:@+~-]*[A-Za-z0-9._/@+~-])?")
_NOT_TEXT = frozenset({"true", "false", "yes", "no", "on", "off", "y", "n", "null"})


class Sample(NamedTuple):
    """What `init` asks for: the application's name, its image, and where artifacts, values and base come from.

    `charts` is where the vendor publishes the chart.
    """

    application: str = "micro-integrator"
    repository: str = "registry.example.com/wso2/micro-integrator"
    artifacts: str = "https://github.com/example/mi-artifacts.git"
    values: str = "https://github.com/example/mi-values.git"
    base: str = "docker.io/wso2/wso2mi:4.2.0"
    charts: str = "https://helm.wso2.com"


class _Size(NamedTuple):
    """What an environment gets: replicas, and requests and limits in Kubernetes' quantities."""

    replicas: int
    memory_request: str = "512Mi"
    memory_limit: str = "1Gi"
    cpu_request: str = "500m"
    cpu_limit: str = "1000m"


_SIZES = {
    "dev": _Size(1),
    "staging": _Size(2),
    "prod": _Size(3, memory_request="1Gi", memory_limit="2Gi", cpu_request="1000m", cpu_limit="2000m"),
}


def render(sample: Sample, forge: Forge = "github") -> dict[str, str]:
    """The files of the GitOps repository: path with `/` from its root → text, sorted by path.

    `BotError` says which value cannot be used; with all others the configuration is valid.
    """
    words = _words(sample)
    found = {"gitops.yaml": _fill("gitops.yaml", words)}
    found |= {path: _fill(template, words) for path, template in _PIPELINES[forge].items()}
    for environment, size in _SIZES.items():
        host = f"{sample.application}.{environment}.example.com"
        here = words | {"environment": environment, "host": host} | {k: str(v) for k, v in size._asdict().items()}
        for path in sorted((_TEMPLATES / "environment").rglob("*.yaml")):
            target = path.relative_to(_TEMPLATES / "environment").as_posix()
            target = target.replace("application/", f"{sample.application}/")
            found[f"envs/{environment}/{target}"] = _fill(path.relative_to(_TEMPLATES).as_posix(), here)
    return dict(sorted(found.items()))


def write(folder: Path, files: Mapping[str, str]) -> list[str]:
    """Write the files below `folder` and return the paths that are new; those there with the same text are left.

    `BotError` (`exists`), with nothing written, if anything else is in the way, be it a link.
    """
    try:
        taken = [path for path, text in files.items() if _in_the_way(folder, path, text.encode())]
        if taken:
            shown = "\n  ".join(taken)
            raise BotError(
                f"{len(taken)} files are there already and differ from what would be written:\n  {shown}",
                fix="move them away, or name another folder: nothing was written",
                reason_code="exists",
            )
        new = [path for path in files if not (folder / path).exists()]
        for path in new:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            with (folder / path).open("xb") as file:
                file.write(files[path].encode())
    except OSError as error:
        raise BotError(f"cannot write {error.filename}: {error.strerror}", fix="make the folder writable") from error
    return new


@click.command()
@click.argument("folder", default=".", type=click.Path(file_okay=False, path_type=Path))
@click.option("--application", default=Sample().application, show_default=True, help="Name of the application.")
@click.option("--repository", default=Sample().repository, show_default=True, help="Image to build, without a tag.")
@click.option(
    "--artifacts", default=Sample().artifacts, show_default=True, help="Git URL of the Dockerfile's repository."
)
@click.option(
    "--values", default=Sample().values, show_default=True, help="Git URL of the values-ENVIRONMENT.yaml files."
)
@click.option("--base", default=Sample().base, show_default=True, help="Base image with its tag.")
@click.option(
    "--forge", type=click.Choice(get_args(Forge)), default="github", show_default=True, help="Where pull requests live."
)
@click.option("--protect", is_flag=True, help="Write no files: print what makes the approval binding on the forge.")
@click.option("--apply", is_flag=True, help="With --protect: do it, with GITOPS_BOT_FORGE_TOKEN.")
@click.option("--app-id", type=click.IntRange(min=1), metavar="ID", help="With --protect: the bot's own GitHub App.")
def init(folder: Path, *, forge: Forge, protect: bool, apply: bool, app_id: int | None, **sample: str) -> None:
    """Write a GitOps repository for one application into FOLDER (default: here).

    Nothing that is there is overwritten; a second run with the same options changes nothing.
    """
    if protect:
        _protect(forge, app_id, apply=apply)
        return
    if apply or app_id:
        raise click.UsageError("--apply and --app-id go with --protect.")
    files = render(Sample(**sample), forge)
    new = write(folder, files)
    for path in new:
        click.echo(f"wrote {folder / path}")
    if not new:
        click.echo(f"all {len(files)} files are there already")
    click.echo(_next_steps(sample["application"], forge))


def _protect(forge: Forge, app_id: int | None, *, apply: bool) -> None:
    from bot.cli import protect

    if not apply:
        click.echo(protect.as_text(forge, app_id))
        return
    if forge == "local":
        raise click.UsageError("--apply is for GitHub and GitLab; the local forge needs no rules.")
    for line in protect.apply(settings(), forge, app_id):
        say(line)


def _words(sample: Sample) -> dict[str, str]:
    if not _APPLICATION.fullmatch(sample.application) or sample.application in _NOT_TEXT:
        raise _bad(
            "application", "it names namespaces and Helm releases", "lower-case letters, digits and `-`, at most 53"
        )
    repository, base = parse_repository(sample.repository), parse(sample.base)
    if not base.tag or base.digest:
        raise _bad("base", "the base's digest is followed, so it is named by tag", "host/path:tag")
    return {
        "application": sample.application,
        "repository": _scalar(str(repository)),
        "registry": _scalar(repository.registry),
        "image": _scalar(repository.path),
        "artifacts": _scalar(_git_url("artifacts", sample.artifacts)),
        "values": _scalar(_git_url("values", sample.values)),
        "base": _scalar(sample.base),
        "charts": _scalar(sample.charts),
        "tag": base.tag,
        "version": __version__,
    }


def _git_url(option: str, url: str) -> str:
    try:
        check_git_url(url)
    except BotError as error:
        raise BotError(f"--{option}: {error.message}", fix=error.fix, reason_code="invalid_option") from error
    return url


def _bad(option: str, why: str, form: str) -> BotError:
    return BotError(f"--{option} cannot be used: {why}", fix=f"give it as {form}", reason_code="invalid_option")


def _scalar(text: str) -> str:
    """The text as a YAML scalar that every parser reads as text: plain where that is sure, else in double quotes."""
    plain = _PLAIN.fullmatch(text) and text.lower() not in _NOT_TEXT
    return text if plain else json.dumps(text, ensure_ascii=False)


def _fill(template: str, words: Mapping[str, str]) -> str:
    return Template((_TEMPLATES / template).read_text("utf-8")).substitute(words)


def _in_the_way(folder: Path, path: str, content: bytes) -> bool:
    for parent in reversed(Path(path).parents[:-1]):
        if os.path.lexists(folder / parent) and ((folder / parent).is_symlink() or not (folder / parent).is_dir()):
            return True
    target = folder / path
    if not os.path.lexists(target):
        return False
    return target.is_symlink() or not target.is_file() or target.read_bytes() != content


def _next_steps(application: str, forge: Forge) -> str:
    namespaces = ", ".join(f"{application}-{environment}" for environment in _SIZES)
    steps = [
        "Read gitops.yaml, then run `gitops-bot validate`.",
        "Commit, and push to the repository that Flux watches.",
        "Apply envs/ENVIRONMENT/flux.yaml to each environment's cluster with kubectl.",
        f"Make the image pull secret `registry-credentials` in the namespaces {namespaces}.",
        *_FORGE_STEPS[forge],
    ]
    return "\nNext:\n" + "\n".join(f"  {number}. {step}" for number, step in enumerate(steps, 1))
