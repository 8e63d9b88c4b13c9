"""A chart in git becomes the same package each time, and Helm takes it."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from bot.builders.charts import ChartPackager
from bot.builders.helmignore import ignored
from bot.core.errors import BotError, NotFound, Refused, Unavailable
from bot.core.models import ChartOrder
from bot.core.references import Reference, parse
from bot.registries.layout import LayoutRegistry
from bot.registries.oci import OciRegistry
from tests.builders.source import COMMIT, WHEN, source
from tests.registries.chart_server import ChartServer, serve_charts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from bot.ports import Package

REVISION = "org.opencontainers.image.revision"
CHART = (
    "apiVersion: v2\nname: shop # the shop\nversion: 1.2.3\nappVersion: 1.10\ndescription: Sells\ndeprecated: false\n"
)
FILES = {
    "Chart.yaml": CHART,
    "values.yaml": "replicas: 1\n",
    "templates/config.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shop}\n",
    "templates/.hidden": "x",
}
DEPENDENT = CHART + "dependencies: [{{name: common, version: 1.x.x, repository: '{}'}}]\n"


def order(target: Reference | None = None, **changes: Any) -> ChartOrder:
    """An order for the chart of these tests."""
    made = ChartOrder(
        target=target or parse("registry.example.com/charts/shop:1.2.3"),
        source="https://git.example/app.git",
        commit=COMMIT,
        folder=".",
        name="shop",
        version="1.2.3",
        annotations={REVISION: COMMIT},
        created=WHEN,
    )
    return made._replace(**changes)


def packaged(files: Mapping[str, str | tuple[str, bytes]], **changes: Any) -> Package:
    """The package of a chart with these files."""
    return ChartPackager(LayoutRegistry(None)).package(order(**changes), source(files))  # type: ignore[arg-type]  # not used


def unpacked(content: bytes) -> dict[str, bytes]:
    """The files of a package by path, in its order."""
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as tar:
        return {one.name: tar.extractfile(one).read() for one in tar}  # type: ignore[union-attr]  # files only


def test_a_package_is_laid_out_as_helm_lays_it_out() -> None:
    package = packaged(FILES)
    files = unpacked(package.content)
    assert list(files) == ["shop/Chart.yaml", "shop/templates/config.yaml", "shop/values.yaml"]
    assert files["shop/Chart.yaml"] == CHART.encode()
    assert json.loads(package.config) == {
        "apiVersion": "v2",
        "appVersion": "1.10",
        "deprecated": False,
        "description": "Sells",
        "name": "shop",
        "version": "1.2.3",
    }
    assert package.annotations == {REVISION: COMMIT, "org.opencontainers.image.description": "Sells"}


def test_the_same_order_gives_the_same_bytes() -> None:
    package = packaged(FILES)
    assert package == packaged(dict(reversed(FILES.items())))
    tar = hashlib.sha256(gzip.decompress(package.content)).hexdigest()
    assert tar == "95570b6f5113de293d6287cefb8f69e9201e3890acd6670b50c5f631ac4600e6", (
        "packages of a commit that were pushed before would differ"
    )


def test_another_version_is_written_into_the_package_and_nothing_else_differs() -> None:
    package = packaged(FILES, version="1.2.4-0.20260102030405-0123456789ab")
    inside = unpacked(package.content)["shop/Chart.yaml"].decode()
    assert inside == CHART.replace("1.2.3", "1.2.4-0.20260102030405-0123456789ab")
    assert json.loads(package.config)["version"] == "1.2.4-0.20260102030405-0123456789ab"


def test_only_the_charts_folder_is_packaged() -> None:
    files = {f"deploy/chart/{path}": text for path, text in FILES.items()} | {"deploy/other": "x", "Chart.yaml": "x"}
    assert unpacked(packaged(files, folder="deploy/chart").content) == unpacked(packaged(FILES).content)


@pytest.mark.parametrize(
    ("rules", "path", "gone"),
    [
        ("*.md", "README.md", True),
        ("*.md", "docs/README.md", True),
        ("/*.md", "docs/README.md", False),
        ("docs/", "docs/a/b", True),
        ("docs/", "docs", False),
        ("docs/*.txt", "docs/a.txt", True),
        ("docs/*.txt", "docs/a/b.txt", False),
        ("# *.md", "README.md", False),
        ("!*.md", "values.yaml", True),
        ("!*.md", "README.md", False),
        ("[^a].txt", "b.txt", True),
        ("[^a].txt", "a.txt", False),
        ("  *.bak  ", "x.bak", True),
        ("", "templates/.swp", True),
        ("", "templates/a.yaml", False),
        ("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", "a" * 200, False),
    ],
)
def test_helmignore_leaves_out_what_helm_leaves_out(rules: str, path: str, gone: bool) -> None:
    assert ignored(path, rules.encode()) is gone


@pytest.mark.parametrize("rules", [b"**/x", b"\xff", b"x\n" * 2000, b"x" * 400])
def test_a_helmignore_that_helm_does_not_read_is_refused(rules: bytes) -> None:
    with pytest.raises(Refused, match="helmignore") as refused:
        ignored("x", rules)
    assert refused.value.reason_code == "bad_chart"


def test_what_helmignore_names_is_not_packaged_and_may_be_a_link() -> None:
    files: dict[str, str | tuple[str, bytes]] = {**FILES, ".helmignore": "link\nREADME.md\n", "README.md": "x"}
    files["link"] = ("120000", b"/etc/passwd")
    assert sorted(unpacked(packaged(files).content)) == [
        "shop/.helmignore",
        "shop/Chart.yaml",
        "shop/templates/config.yaml",
        "shop/values.yaml",
    ]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"link": ("120000", b"/etc/passwd")}, "link or a submodule"),
        ({"../../x": "y"}, "leads out"),
        (dict.fromkeys(map(str, range(10_001)), ""), "more than 10,000 files"),
        ({"big": "x" * (21 << 20)}, "more than 20 MiB"),
        ({"Chart.yaml": "name: shop\nversion: 1.2.3\n"}, "apiVersion"),
        ({"Chart.yaml": CHART.replace("shop", "desk")}, "`name` is not shop"),
        ({"Chart.yaml": CHART.replace("1.2.3", "1.2")}, "semantic version"),
        ({"Chart.yaml": CHART.replace("1.2.3", "1." + "2" * 80 + ".3")}, "semantic version"),
        ({"Chart.yaml": CHART + "name: shop\n"}, "twice"),
        ({"Chart.yaml": CHART + "a: &a [x]\nkeywords: [*a, *a]\n"}, "alias"),
        ({"Chart.yaml": "[1"}, "not YAML"),
        ({"Chart.yaml": "- 1"}, "not one mapping"),
        ({"Chart.yaml": CHART + "---\na: 1\n"}, "not one mapping"),
        ({"Chart.yaml": CHART + "#" * (1 << 20)}, "more than"),
    ],
)
def test_a_chart_that_cannot_be_one_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(Refused, match=reason) as refused:
        packaged({**FILES, **changes})
    assert refused.value.reason_code == "bad_chart"


def test_a_folder_without_a_chart_is_not_found() -> None:
    with pytest.raises(NotFound, match=r"no other/Chart.yaml"):
        packaged(FILES, folder="other")


def test_dependencies_in_the_charts_folder_are_packaged_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    files = {**FILES, "Chart.yaml": DEPENDENT.format("https://charts.example.com")}
    for path in ("charts/common/Chart.yaml", "charts/common-1.0.0.tgz"):
        assert f"shop/{path}" in unpacked(packaged({**files, path: "x"}).content)


@pytest.mark.parametrize(
    ("repository", "lock", "reason"),
    [
        ("https://charts.example.com", True, "not on this machine"),
        ("https://charts.example.com", False, "no Chart.lock"),
        ("file://../common", True, "cannot be fetched from"),
        ("@stable", True, "cannot be fetched from"),
        ("http://charts.example.com", True, "not encrypted"),
    ],
)
def test_dependencies_that_cannot_be_had_are_refused(
    monkeypatch: pytest.MonkeyPatch, repository: str, lock: bool, reason: str
) -> None:
    monkeypatch.setenv("PATH", "")
    files = {
        **FILES,
        "Chart.yaml": DEPENDENT.format(repository),
        **({"Chart.lock": "dependencies: []"} if lock else {}),
    }
    with pytest.raises(Refused, match=reason) as refused:
        packaged(files)
    assert refused.value.reason_code == "chart_dependencies"
    assert "common" in str(refused.value)


COMMON = "{name: common, version: 1.0.0, repository: 'https://charts.example.com'}"


@pytest.mark.parametrize(
    ("declared", "locked"),
    [
        (COMMON, "{name: common, version: 1.0.0, repository: 'file:///etc/private'}"),
        (COMMON, COMMON + ", {name: more, version: 1.0.0, repository: 'file:///etc/private'}"),
        (COMMON + ", {name: here, version: 1.0.0, repository: 'file:///etc/private'}", COMMON),
        (COMMON, "{name: common, version: 1.0.0, repository: 'http://internal.example.com'}"),
        (COMMON, "{name: ../common, version: 1.0.0, repository: 'https://charts.example.com'}"),
        (COMMON, "{name: common, version: 1.0.0}"),
    ],
)
def test_helm_fetches_from_nowhere_but_repositories_whatever_the_lock_says(declared: str, locked: str) -> None:
    files = {
        **FILES,
        "charts/here/Chart.yaml": "apiVersion: v2\nname: here\nversion: 1.0.0\n",
        "Chart.yaml": f"{CHART}dependencies: [{declared}]\n",
        "Chart.lock": f"dependencies: [{locked}]\ndigest: sha256:{'0' * 64}\n",
    }
    with pytest.raises(Refused, match=r"cannot be fetched from|a name is none") as refused:
        packaged(files)
    assert refused.value.reason_code == "chart_dependencies"


@pytest.mark.parametrize("lock", ["x", "dependencies: [&a {name: common}, *a]", "digest: a\ndigest: b", "\t"])
def test_a_lock_that_is_none_is_refused(lock: str) -> None:
    files = {**FILES, "Chart.yaml": f"{CHART}dependencies: [{COMMON}]\n", "Chart.lock": lock}
    with pytest.raises(Refused, match=r"Chart\.lock cannot be used") as refused:
        packaged(files)
    assert refused.value.reason_code == "bad_chart"


def test_a_package_is_pushed_with_helms_media_types(tmp_path: Path) -> None:
    registry = LayoutRegistry(tmp_path)
    packager, target = ChartPackager(registry), order().target
    digest = packager.push(packager.package(order(), source(FILES)), target)
    assert packager.push(packager.package(order(), source(FILES)), target) == digest
    manifest = registry.manifest(target)
    assert manifest is not None
    document = json.loads(manifest.body)
    assert document["config"]["mediaType"] == "application/vnd.cncf.helm.config.v1+json"
    assert [layer["mediaType"] for layer in document["layers"]] == [
        "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
    ]
    info = registry.image(target)
    assert info is not None
    assert (info.digest, info.labels[REVISION]) == (digest, COMMIT)


@pytest.fixture
def helm() -> str:
    """The program helm; where it is not installed, its tests are skipped."""
    return shutil.which("helm") or pytest.skip("needs helm")


def run(helm: str, folder: Path, *arguments: str) -> str:
    """Run helm in a folder, with nothing of the person who runs the test."""
    environ = os.environ | {f"HELM_{kind}_HOME": str(folder / kind) for kind in ("CACHE", "CONFIG", "DATA")}
    return subprocess.run(
        [helm, *arguments], cwd=folder, env=environ, capture_output=True, text=True, check=True
    ).stdout


def test_helm_pulls_what_was_pushed_and_renders_it(helm: str, registry_host: str, tmp_path: Path) -> None:
    version = "1.2.4-0.20260102030405-0123456789ab"
    target = parse(f"{registry_host}/{tmp_path.name.replace('_', '-').lower()}/shop").with_tag(version)
    packager = ChartPackager(OciRegistry())
    package = packager.package(order(target, version=version), source(FILES))
    packager.push(package, target)
    run(helm, tmp_path, "pull", f"oci://{target.repository}", "--version", version, "--plain-http")
    assert (tmp_path / f"shop-{version}.tgz").read_bytes() == package.content
    assert "kind: ConfigMap" in run(helm, tmp_path, "template", "x", f"shop-{version}.tgz")
    shown = run(helm, tmp_path, "show", "chart", f"oci://{target.repository}", "--version", version, "--plain-http")
    assert f"version: {version}" in shown


IGNORED = "*.md\n/docs/\n[^a].txt\nfiles/*.bak\n# a comment\n"


@pytest.mark.parametrize("rules", [IGNORED, "", "!*.yaml\n", "templates/\n"])
def test_the_package_holds_what_helms_own_would(helm: str, tmp_path: Path, rules: str) -> None:
    files = {
        **FILES,
        ".helmignore": rules,
        "README.md": "x",
        "docs/a": "x",
        "files/docs/a": "x",
        "files/x.bak": "x",
        "x.bak": "x",
        "a.txt": "x",
        "b.txt": "x",
        "crds/a.yaml": "a: 1\n",
        "charts/sub/Chart.yaml": "apiVersion: v2\nname: sub\nversion: 1.0.0\n",
        "values.schema.json": "{}",
    }
    for path, text in files.items():
        (tmp_path / "chart" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "chart" / path).write_text(text)
    run(helm, tmp_path, "package", "chart")
    theirs, ours = unpacked((tmp_path / "shop-1.2.3.tgz").read_bytes()), unpacked(packaged(files).content)
    rewritten = {path for path in theirs if path.endswith("Chart.yaml")}
    assert {p: c for p, c in ours.items() if p not in rewritten} == {
        p: c for p, c in theirs.items() if p not in rewritten
    }
    assert set(ours) == set(theirs)


@pytest.fixture
def dependency(helm: str, tmp_path: Path) -> Iterator[tuple[ChartServer, str]]:
    """A Helm repository with the chart `common`, and a Chart.lock that names it."""
    folder = tmp_path / "dependency"
    (folder / "common").mkdir(parents=True)
    (folder / "common" / "Chart.yaml").write_text("apiVersion: v2\nname: common\nversion: 1.0.0\ntype: library\n")
    run(helm, folder, "package", "common")
    with serve_charts() as server:
        run(helm, folder, "repo", "index", ".")
        server.index = (folder / "index.yaml").read_bytes()
        server.files["/charts/common-1.0.0.tgz"] = (folder / "common-1.0.0.tgz").read_bytes()
        (folder / "shop").mkdir()
        (folder / "shop" / "Chart.yaml").write_text(DEPENDENT.format(server.url))
        run(helm, folder, "dependency", "update", "shop")
        yield server, (folder / "shop" / "Chart.lock").read_text()


def test_missing_dependencies_are_fetched_by_helm_as_the_lock_says(dependency: tuple[ChartServer, str]) -> None:
    server, lock = dependency
    files = {**FILES, "Chart.yaml": DEPENDENT.format(server.url), "Chart.lock": lock}
    package = packaged(files)
    assert unpacked(package.content)["shop/charts/common-1.0.0.tgz"] == server.files["/charts/common-1.0.0.tgz"]
    assert packaged(files) == package
    # What else a chart's own files say of dependencies is not what helm goes by.
    elsewhere = "dependencies: [{name: common, version: 1.0.0, repository: 'file:///etc/private'}]\n"
    other = {**files, "requirements.yaml": elsewhere, "requirements.lock": elsewhere}
    assert "shop/charts/common-1.0.0.tgz" in unpacked(packaged(other).content)
    server.status = 500
    with pytest.raises(Unavailable, match="helm could not fetch") as error:
        packaged(files)
    assert isinstance(error.value, BotError)
    assert server.host not in str(error.value)
