"""`set` changes what was asked for in the files of a folder, says so, and says what it did not change."""

from __future__ import annotations

import json
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from bot.cli.common import patience
from bot.cli.main import main
from bot.worktree import writing

if TYPE_CHECKING:
    from pathlib import Path

VALUES = (
    "image:\r\n  repository: ghcr.io/example/web\r\n  tag: v1 # ☕\r\nother:\n  image: ghcr.io/example/api:v1".encode()
)
PROD = "image: {repository: ghcr.io/example/web, tag: '${TAG}'}\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dev").mkdir()
    (tmp_path / "prod").mkdir()
    (tmp_path / "dev" / "values.yaml").write_bytes(VALUES)
    (tmp_path / "prod" / "values.yaml").write_text(PROD)
    return tmp_path


def ask(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["set", *arguments])


def answer(*arguments: str) -> tuple[int, Any]:
    result = ask(*arguments, "--json")
    return result.exit_code, json.loads(result.stdout)


def test_all_places_are_set_and_a_second_time_there_is_nothing_to_do(folder: Path) -> None:
    result = ask("dev", "--image", "ghcr.io/example/web=v2", "--image", "ghcr.io/example/api=v3")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == (
        "values.yaml:3 /image/tag: v1 → v2\n"
        "values.yaml:5 /other/image: ghcr.io/example/api:v1 → ghcr.io/example/api:v3\n"
        "2 values in 1 file changed\n"
    )
    assert (folder / "dev" / "values.yaml").read_bytes() == VALUES.replace(b"tag: v1", b"tag: v2").replace(
        b"api:v1", b"api:v3"
    )
    again = ask("dev", "--image", "ghcr.io/example/web=v2", "--image", "ghcr.io/example/api=v3")
    assert (again.exit_code, again.stdout) == (0, "nothing to change: it is so already\n")


def test_what_is_refused_is_named_and_the_rest_is_done(folder: Path) -> None:
    code, found = answer(".", "--image", "ghcr.io/example/web=v2")
    assert code == 1
    assert found["changes"] == [{"file": "dev/values.yaml", "line": 3, "path": "/image/tag", "old": "v1", "new": "v2"}]
    (refused,) = found["refused"]
    assert (refused["file"], refused["line"], refused["path"], refused["reason_code"]) == (
        "prod/values.yaml",
        1,
        "/image/tag",
        "substituted",
    )
    assert "the variable TAG" in refused["reason"]
    assert (folder / "prod" / "values.yaml").read_text() == PROD
    assert b"tag: v2" in (folder / "dev" / "values.yaml").read_bytes()


def test_the_diff_is_one_that_git_applies(folder: Path) -> None:
    subprocess.run(["git", "init", "--quiet"], check=True)
    before = (folder / "dev" / "values.yaml").read_bytes()
    result = ask("dev", "--image", "ghcr.io/example/api=v3", "--diff")
    assert result.exit_code == 0
    after = (folder / "dev" / "values.yaml").read_bytes()
    (folder / "dev" / "values.yaml").write_bytes(before)
    subprocess.run(["git", "apply", "-"], input=result.stdout_bytes, check=True)
    assert (folder / "dev" / "values.yaml").read_bytes() == after


def test_a_dry_run_says_what_would_change_and_writes_nothing(folder: Path) -> None:
    result = ask("dev", "--image", "ghcr.io/example/web=v2", "--dry-run")
    assert (result.exit_code, result.stdout) == (
        0,
        "values.yaml:3 /image/tag: v1 → v2\n1 value in 1 file would change\n",
    )
    assert (folder / "dev" / "values.yaml").read_bytes() == VALUES
    assert "+  tag: v2" in ask("dev", "--image", "ghcr.io/example/web=v2", "--dry-run", "--diff").stdout
    assert answer("dev", "--image", "ghcr.io/example/web=v2", "--dry-run")[1]["changes"]
    assert (folder / "dev" / "values.yaml").read_bytes() == VALUES


def test_single_values_of_one_file_are_set_in_order(folder: Path) -> None:
    result = ask("dev/values.yaml", "--at", "/image/tag", "--to", "1.10", "--at", "/image/repository", "--to", "a: b")
    assert result.exit_code == 0
    assert (folder / "dev" / "values.yaml").read_bytes() == VALUES.replace(b"tag: v1", b'tag: "1.10"').replace(
        b"repository: ghcr.io/example/web", b'repository: "a: b"'
    )


def test_what_is_nowhere_ends_in_2_with_names_that_come_near(folder: Path) -> None:
    result = ask("dev", "--image", "ghcr.io/example/wep=v2")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "ghcr.io/example/wep is nowhere there; near it are ghcr.io/example/web" in result.stderr
    code, found = answer("dev/values.yaml", "--at", "/image/tga", "--to", "v2")
    assert code == 2
    assert [(one["reason_code"], one["path"]) for one in found["refused"]] == [("not_found", "/image/tga")]


def test_what_is_nowhere_beside_what_is_done_ends_in_1(folder: Path) -> None:
    code, found = answer("dev", "--image", "ghcr.io/example/web=v2", "--chart", "shop=1.0.0")
    assert code == 1
    assert len(found["changes"]) == 1
    assert [(one["reason_code"], one["file"], one["line"]) for one in found["refused"]] == [("not_found", "dev", 0)]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["dev"], "nothing was asked for"),
        (["dev", "--at", "/image/tag", "--to", "v2"], "PATH is a folder"),
        (["dev/values.yaml", "--at", "/image/tag"], "pairs"),
        (["dev/values.yaml", "--at", "image", "--to", "x"], "JSON Pointer"),
        (["dev", "--image", "web"], "--image web"),
        (["dev", "--chart", "web"], "--chart web"),
        (["dev", "--image", "web=1", "--json", "--diff"], "--json"),
        (["nowhere", "--image", "web=1"], "nowhere does not exist"),
    ],
)
def test_wrong_usage_ends_in_2_and_names_what_is_wrong(folder: Path, arguments: list[str], named: str) -> None:
    result = ask(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert named in result.stderr


def test_a_path_within_a_repository_is_explained_by_the_rest_of_it(folder: Path) -> None:
    subprocess.run(["git", "init", "--quiet"], check=True)
    (folder / "gitops.yaml").write_text("not: valid\n")
    refused = ask("dev", "--image", "ghcr.io/example/web=v2")
    assert (refused.exit_code, b"tag: v1" in (folder / "dev" / "values.yaml").read_bytes()) == (1, True)
    # One value of one file is asked for by its place: no configuration has a say in it.
    assert ask("dev/values.yaml", "--at", "/image/tag", "--to", "v2").exit_code == 0


def test_a_link_out_of_the_folder_is_not_followed(folder: Path) -> None:
    (folder / "dev" / "linked.yaml").symlink_to(folder / "prod" / "values.yaml")
    code, found = answer("dev", "--image", "ghcr.io/example/web=v2")
    assert (code, [one["file"] for one in found["changes"]]) == (0, ["values.yaml"])
    assert (folder / "prod" / "values.yaml").read_text() == PROD


def test_a_file_that_is_named_by_a_link_is_edited_where_it_is(folder: Path) -> None:
    link = folder / "link.yaml"
    link.symlink_to(folder / "dev" / "values.yaml")
    assert ask("link.yaml", "--at", "/image/tag", "--to", "v2").exit_code == 0
    assert link.is_symlink()
    assert b"tag: v2" in (folder / "dev" / "values.yaml").read_bytes()


def test_a_file_that_changes_meanwhile_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = writing.write_files

    def later(*arguments: Any) -> Any:
        (folder / "dev" / "values.yaml").write_bytes(VALUES + b" # by somebody else")
        return write(*arguments)

    monkeypatch.setattr(writing, "write_files", later)
    code, found = answer("dev", "--image", "ghcr.io/example/web=v2")
    assert (code, found["changes"]) == (1, [])
    assert [(one["reason_code"], one["path"]) for one in found["refused"]] == [("file_changed", "/image/tag")]
    assert (folder / "dev" / "values.yaml").read_bytes().endswith(b"somebody else")


def test_an_anchored_value_is_noted_on_standard_error(folder: Path) -> None:
    (folder / "dev" / "values.yaml").write_text("a: &a v1\nb: *a\n")
    result = ask("dev/values.yaml", "--at", "/a", "--to", "v2", "--json")
    assert "&a has 1 alias, which changes with it" in result.stderr
    assert len(json.loads(result.stdout)["changes"]) == 1


def test_what_takes_longer_than_two_seconds_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    with patience("reading"):
        time.sleep(2.2)
    with patience("nothing"):
        pass
    assert capsys.readouterr().err == "· reading\n"


def test_a_file_too_large_to_be_read_is_noted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.worktree.content.MOST_BYTES", 70)
    result = ask(".", "--image", "ghcr.io/example/web=v2", "--dry-run")
    assert result.exit_code == 1
    assert "note: dev/values.yaml:1: the file has more than 70 bytes" in result.stderr
