"""`scan` tells people and scripts the same, of that part of a repository that was asked for."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.cli.main import main
from bot.core.discovery import discover
from tests.core.discovery.test_golden import GOLDEN, read


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Flux repository in a checkout; the current folder."""
    for name, content in read(GOLDEN / "fleet").items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_people_get_a_table(fleet: Path) -> None:
    (fleet / "broken.yaml").write_text("image: [\n")
    result = CliRunner().invoke(main, ["scan"])
    assert result.exit_code == 0
    lines = [" ".join(line.split()) for line in result.output.splitlines()]
    place = lines.index("apps/production/shop-values.yaml (production)")
    assert lines[place + 1] == "9 chart-version >=1.0.0 storefront of https://charts.example.com/shop"
    assert "8 versions found, 1 skipped" in lines
    broken = lines.index("broken.yaml")
    assert lines[broken + 1] == "2 skipped: not_parsable"
    assert lines[broken + 2].startswith("the file is not YAML")


@pytest.mark.parametrize("columns", [40, 80, 100, 200])
def test_file_and_line_are_whole_however_narrow_the_terminal_is(
    fleet: Path, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    deep = "/".join(f"a-rather-long-folder-{n}" for n in range(8))
    digest = "sha256:" + "a" * 64
    text = f"image:\n  repository: ghcr.io/example/{'x' * 60}\n  tag: v1\n  digest: {digest}\nother: {{tag: ''\n"
    (fleet / deep).mkdir(parents=True)
    (fleet / deep / "values.yaml").write_text(text.replace("other: {tag: ''\n", ""))
    (fleet / deep / "values-broken.yaml").write_text(text)
    lines = CliRunner().invoke(main, ["scan"]).output.splitlines()
    assert f"{deep}/values.yaml" in lines
    assert f"{deep}/values-broken.yaml" in lines
    below = lines[lines.index(f"{deep}/values.yaml") + 1 :]
    assert below[0].split()[:3] == ["3", "tag", "v1"]
    assert any(line.split()[:3] == ["4", "digest", digest] for line in below)
    whole = " ".join(" ".join(lines).split())
    assert f"ghcr.io/example/{'x' * 60}" in whole
    words = [line for line in lines if line.startswith(" " * 8) and " " in line.strip()]
    assert [line for line in words if len(line) > columns] == []


def test_scripts_get_json(fleet: Path) -> None:
    result = CliRunner().invoke(main, ["scan", "--json"])
    assert result.exit_code == 0
    found = discover(read(GOLDEN / "fleet"))
    assert json.loads(result.stdout) == {"findings": [one.as_json() for one in found.findings], "skipped": []}
    assert json.loads(result.stdout)["findings"][3] == {
        "file": "apps/staging/shop-values.yaml",
        "line": 14,
        "column": 12,
        "document": {
            "apiVersion": "helm.toolkit.fluxcd.io/v2",
            "kind": "HelmRelease",
            "namespace": "",
            "name": "shop",
        },
        "path": "/spec/values/image/tag",
        "what": "tag",
        "value": "2.1.0-rc.1",
        "image": "ghcr.io/example/storefront",
        "chart": None,
        "environment": "staging",
        "application": "shop",
        "found_by": "convention",
    }


@pytest.mark.parametrize("path", ["apps/production", "apps/production/shop-values.yaml"])
def test_a_part_of_a_repository_is_explained_by_the_rest(fleet: Path, path: str) -> None:
    (fleet / "broken.yaml").write_text("image: [\n")
    told = json.loads(CliRunner().invoke(main, ["scan", path, "--json"]).stdout)
    assert [(one["file"], one["chart"]["repository"]) for one in told["findings"]] == [
        ("apps/production/shop-values.yaml", "https://charts.example.com/shop")
    ]
    assert told["skipped"] == []


def test_the_configuration_of_the_repository_counts(fleet: Path) -> None:
    Path("gitops.yaml").write_text(
        "version: 1\nenvironments: {live: {path: apps/production}}\napplications: {store: {path: .}}\n"
    )
    told = json.loads(CliRunner().invoke(main, ["scan", "apps", "--json"]).stdout)
    assert {(one["environment"], one["application"]) for one in told["findings"]} == {(None, "shop"), ("live", "store")}


def test_a_configuration_that_is_not_valid_is_an_error(fleet: Path) -> None:
    Path("gitops.yaml").write_text("version: 1\n")
    result = CliRunner().invoke(main, ["scan"])
    assert result.exit_code == 1
    assert "gitops.yaml:" in result.stderr


def test_a_path_that_is_not_there_is_wrong_usage(fleet: Path) -> None:
    result = CliRunner().invoke(main, ["scan", "nothing"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "nothing does not exist" in result.stderr


def test_nothing_at_all_is_found_in_an_empty_folder(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["scan", str(tmp_path)])
    assert (result.exit_code, result.output) == (0, "0 versions found, 0 skipped\n")


def test_what_a_file_holds_does_not_steer_the_terminal(fleet: Path) -> None:
    file = fleet / "apps" / "production" / "shop-values.yaml"
    file.write_text(file.read_text().replace(">=1.0.0", "\\e[2J1.0.0"))
    result = CliRunner().invoke(main, ["scan"])
    assert result.exit_code == 0
    assert "�[2J1.0.0" in result.output
    assert "\x1b" not in result.output
