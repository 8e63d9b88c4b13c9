"""A chart's dependencies: those in its folder are taken as they are, others are fetched by helm as Chart.lock says.

Helm gets a chart of the bot's own that says no more than which dependencies these are: of Chart.lock it would package
any folder of this machine that is named there, whatever Chart.yaml says, and of one file after the other the last.
https://helm.sh/docs/helm/helm_dependency_build/
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from bot.builders.dockerfile import printable
from bot.core.chart_metadata import locked
from bot.core.chart_urls import chart_url
from bot.core.errors import BotError, Refused, Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SECONDS = 120
_MOST = 500
_MOST_BYTES = 64 << 20
_LOOPBACK = re.compile(r"^oci://(localhost|127\.|\[::1\])")
_URL = re.compile(r"\S+://\S+")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
# https://pkg.go.dev/helm.sh/helm/v3/pkg/chart#Dependency; all of it is in the lock's digest.
_FIELDS = ("name", "version", "repository", "condition", "tags", "enabled", "import-values", "alias")


def vendored(files: Mapping[str, bytes], fields: Mapping[str, Any]) -> dict[str, bytes]:
    """The chart's files with every dependency in `charts/`; `fields` are those of its Chart.yaml.

    `Refused` (`chart_dependencies`) where one is missing and helm cannot fetch it, `Unavailable` where helm failed.
    """
    declared = _dependencies(fields)
    missing = [one for one in declared if not _is_there(files, one["name"])]
    if not missing:
        return dict(files)
    needed = {one["name"] for one in missing}
    _check(declared, needed)
    if "Chart.lock" not in files:
        raise _refused(missing, "there is no Chart.lock that says which versions")
    lock = locked(files["Chart.lock"])
    entries = _dependencies(lock)
    _check(entries, needed)
    helm = shutil.which("helm")
    if helm is None:
        raise _refused(missing, "helm, which would fetch them, is not on this machine")
    chart = {"apiVersion": "v2", "name": "chart", "version": "0.0.0", "dependencies": declared}
    given = {path: content for path, content in files.items() if path.startswith("charts/")}
    given["Chart.yaml"] = json.dumps(chart).encode()
    given["Chart.lock"] = json.dumps({**_only(lock, ("digest", "generated")), "dependencies": entries}).encode()
    repositories = {str(one["repository"]) for one in (*declared, *entries) if one.get("repository")}
    return {**files, **_fetched(helm, given, sorted(repositories))}


def _dependencies(fields: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What Helm knows of each; the names are good ones."""
    found = fields.get("dependencies") or []
    if not isinstance(found, list) or not all(isinstance(d, dict) and isinstance(d.get("name"), str) for d in found):
        raise _refused([], "`dependencies` is not a list of mappings with a name")
    if len(found) > _MOST:
        raise _refused(found, f"there are more than {_MOST}")
    if any(not _NAME.fullmatch(one["name"]) for one in found):
        raise _refused(found, "a name is none of a chart")
    return [_only(one, _FIELDS) for one in found]


def _only(fields: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: fields[name] for name in names if name in fields}


def _is_there(files: Mapping[str, bytes], name: str) -> bool:
    package = re.compile(rf"charts/{re.escape(name)}-[0-9v][^/]*\.tgz")
    return f"charts/{name}/Chart.yaml" in files or any(package.fullmatch(path) for path in files)


def _check(dependencies: list[dict[str, Any]], needed: set[str]) -> None:
    """Helm fetches all that have a repository: a folder of this machine, or a name that some machines know, is none."""
    for one in dependencies:
        url = one.get("repository")
        if not url and one["name"] not in needed:
            continue
        try:
            chart_url(url if isinstance(url, str) else "", one["name"])
        except BotError as error:
            raise _refused([one], f"its `repository` cannot be fetched from: {error.message}") from None


def _fetched(helm: str, files: Mapping[str, bytes], repositories: list[str]) -> dict[str, bytes]:
    """What helm puts into `charts/`."""
    with tempfile.TemporaryDirectory(prefix="gitops-bot-") as name:
        root = Path(name)
        for path, content in files.items():
            _write(root / "chart" / PurePosixPath(path), path, content)
        indexes = sorted({url for url in repositories if not url.startswith("oci://")})
        for number, url in enumerate(indexes):
            _run([helm, "repo", "add", f"r{number}", url], root)
        oci = [url for url in repositories if url.startswith("oci://")]
        plain = ["--plain-http"] if oci and all(map(_LOOPBACK.match, oci)) else []
        _run([helm, "dependency", "build", str(root / "chart"), *plain], root)
        fetched = sorted((root / "chart" / "charts").glob("*.tgz"))
        if sum(file.stat().st_size for file in fetched) > _MOST_BYTES:
            raise Refused("the chart's dependencies are too large", fix="use smaller ones", reason_code="bad_chart")
        return {f"charts/{file.name}": file.read_bytes() for file in fetched}


def _write(file: Path, path: str, content: bytes) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", "") or type(error).__name__
        raise Unavailable(printable(f"the chart's file {path[:200]} cannot be written here: {why}")) from error


def _run(command: list[str], root: Path) -> None:
    """Run helm with a configuration of its own, but for the credentials of the Docker config."""
    docker = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker") / "config.json"
    homes = {f"HELM_{kind}_HOME": str(root / kind.lower()) for kind in ("CACHE", "CONFIG", "DATA")}
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("HELM_", "GITOPS_BOT_"))}
    try:
        done = subprocess.run(
            command,
            env=environ | homes | {"HELM_REGISTRY_CONFIG": str(docker)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Unavailable(f"helm took longer than {_SECONDS} s to fetch a chart's dependencies") from None
    except OSError as error:
        raise Unavailable(f"helm cannot be started: {error.strerror}") from None
    if done.returncode:
        # An address that helm was redirected to may hold a signature.
        said = _URL.sub("…", " ".join(done.stderr.decode("utf-8", "replace").split()))[-500:]
        raise Unavailable(f"helm could not fetch the chart's dependencies: {said}", fix="try `helm dependency build`")


def _refused(dependencies: list[Any], why: str) -> Refused:
    names = ", ".join(str(one["name"])[:60] for one in dependencies[:10])
    return Refused(
        printable(f"the chart's dependencies {names} are not in its folder `charts`: {why}".replace("  ", " ")),
        fix="commit them there (`helm dependency build`)",
        reason_code="chart_dependencies",
    )
