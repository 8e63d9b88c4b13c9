"""`validate` tells people and scripts the same problems; `schema` prints what is published."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.cli.validate import schema, validate
from bot.core.config import json_schema

GOOD = """\
version: 1
environments:
  dev: {path: envs/dev}
  prod: {path: envs/prod, after: dev}
applications: {shop: {}}
"""
BAD = GOOD.replace("after: dev", "after: test").replace("version: 1", "version: 1\nversoin: 1")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_valid_file_is_summed_up(folder: Path) -> None:
    Path("gitops.yaml").write_text(GOOD)
    result = CliRunner().invoke(validate)
    assert (result.exit_code, result.output) == (0, "gitops.yaml: valid — 2 environments, 1 application\n")


def test_in_a_checkout_the_folders_must_be_there(folder: Path) -> None:
    (folder / ".git").mkdir()
    for name in ("envs/dev/shop", "envs/production/shops"):
        (folder / name).mkdir(parents=True)
    Path("gitops.yaml").write_text(GOOD.replace("{shop: {}}", "{shop: {path: shp}, any: {}, desk: {path: shops}}"))
    result = CliRunner().invoke(validate)
    assert result.exit_code == 1
    assert result.stderr == (
        "gitops.yaml:4:16: environments.prod.path: there is no folder envs/prod\n"
        "  → did you mean envs/production?\n"
        "gitops.yaml:5:29: applications.shop.path: there is no folder envs/dev/shp\n"
        "  → did you mean envs/dev/shop?\n"
        "gitops.yaml:5:57: applications.desk.path: there is no folder envs/dev/shops\n"
        "  → did you mean envs/dev/shop?\n"
    )


def test_problems_go_to_standard_error_with_exit_code_1(folder: Path) -> None:
    Path("other.yaml").write_text(BAD)
    result = CliRunner().invoke(validate, ["other.yaml"])
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr == (
        "other.yaml:2:1: versoin: unknown key `versoin`\n"
        "  → did you mean `version`?\n"
        "other.yaml:5:34: environments.prod.after: there is no environment `test`\n"
        "  → name one of: `dev`\n"
    )


def test_scripts_get_the_same_as_json(folder: Path) -> None:
    Path("gitops.yaml").write_text(BAD)
    result = CliRunner().invoke(validate, ["--json"])
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert told["valid"] is False
    assert told["problems"][1] == {
        "file": "gitops.yaml",
        "line": 5,
        "column": 34,
        "path": "environments.prod.after",
        "message": "there is no environment `test`",
        "fix": "name one of: `dev`",
    }
    Path("gitops.yaml").write_text(GOOD)
    result = CliRunner().invoke(validate, ["--json"])
    assert (result.exit_code, json.loads(result.stdout)) == (0, {"valid": True, "problems": []})


def test_a_missing_file_says_how_to_get_one(folder: Path) -> None:
    result = CliRunner().invoke(validate)
    assert result.exit_code == 1
    assert result.stderr.startswith("gitops.yaml: there is no configuration\n  → write one with `gitops-bot init`")


def test_what_cannot_be_read_says_why(folder: Path) -> None:
    result = CliRunner().invoke(validate, [os.fspath(folder), "--json"])
    assert result.exit_code == 1
    assert json.loads(result.stdout)["problems"][0]["message"] == "the file cannot be read: Is a directory"


def test_a_file_without_end_is_refused(folder: Path) -> None:
    result = CliRunner().invoke(validate, ["/dev/zero"])
    assert result.exit_code == 1
    assert "/dev/zero:1:1: the file is larger than 1 MiB" in result.stderr


def test_a_wrong_call_exits_with_2(folder: Path) -> None:
    assert CliRunner().invoke(validate, ["a", "b"]).exit_code == 2
    assert CliRunner().invoke(validate, ["--yaml"]).exit_code == 2


def test_the_schema_is_printed_as_json() -> None:
    result = CliRunner().invoke(schema)
    assert result.exit_code == 0
    assert json.loads(result.stdout) == json_schema()


def test_the_commands_load_nothing_heavy_before_they_run() -> None:
    code = "import sys, bot.cli.validate; print(*{'pydantic', 'yaml', 'requests', 'rich', 'docker'} & set(sys.modules))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == ""
