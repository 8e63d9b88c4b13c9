"""Every command says what it did, in words and as JSON, and ends with the exit code that scripts rely on."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from bot.cli.demo.world import APPLICATION, git
from bot.cli.main import main
from tests.scenarios.story import Story
from tests.scenarios.test_pipeline import without_values

if TYPE_CHECKING:
    from pathlib import Path

TOKEN = "a-token-that-nobody-may-see"
KINDS = [
    "build_image",
    "open_pull_request",
    "write_state",
    "set_status",
    "merge_pull_request",
    "open_pull_request",
    "record_deployment",
    "set_status",
    "comment",
]


@pytest.fixture
def story(tmp_path: Path) -> Story:
    """A laid-out world in which the bot has not run yet."""
    return Story(tmp_path / "world")


def call(story: Story | None, *arguments: str, **environ: str) -> Result:
    """`gitops-bot ARGUMENTS` with the world's settings."""
    given = (story.world.environ() if story else {}) | {"GITOPS_BOT_USER": "dana"} | environ
    result = CliRunner().invoke(main, arguments, env=given)
    assert "Traceback" not in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def answer(story: Story, *arguments: str) -> Any:
    """The JSON that a command prints, which must be all that is on standard output."""
    result = call(story, *arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_run_says_what_it_does_and_then_that_there_is_nothing_to_do(story: Story) -> None:
    planned = call(story, "plan")
    assert planned.exit_code == 0
    assert planned.stdout.startswith("would   Build registry.example.com/wso2/micro-integrator:4.2.0-")
    assert call(story, "plan", "--exit-code").exit_code == 0
    assert story.pulls() == []

    done = call(story, "run", "--exit-code")
    assert done.exit_code == 0
    tag = story.running("dev").tag
    lines = done.stdout.splitlines()
    assert lines[0].startswith("done    Build ")
    assert f"done    Open a pull request: dev: {APPLICATION} {tag}" in lines
    assert "done    Merge #1: dev: micro-integrator " + tag in lines
    assert any(f"envs/dev/{APPLICATION}/values.yaml:" in line and f" → {tag}@sha256:" in line for line in lines)
    assert "1 more approval of #2" in done.stdout
    assert f"· Open a pull request: dev: {APPLICATION} {tag}" in done.stderr.splitlines()

    again = call(story, "run", "--exit-code")
    assert (again.exit_code, again.stdout.splitlines()[0]) == (3, "nothing to do")
    assert call(story, "run").exit_code == 0
    assert call(story, "plan", "--exit-code").exit_code == 3
    assert call(story, "build", "--exit-code").exit_code == 3
    assert call(story, "promote", "staging", "--exit-code").exit_code == 3


def test_scripts_get_all_of_it_as_json(story: Story) -> None:
    planned = answer(story, "plan")
    assert [a["kind"] for a in planned["actions"]] == ["build_image"]
    assert {s["environment"]: s["reason_code"] for s in planned["skips"]}["dev"] == "building"

    done = answer(story, "run")
    assert [a["kind"] for a in done["done"]] == KINDS
    assert done["failed"] == []
    assert {s["environment"]: s["reason_code"] for s in done["skips"]} == {
        "dev": "up_to_date",
        "staging": "needs_approval",
        "prod": "up_to_date",
    }
    assert answer(story, "run")["done"] == []
    assert answer(story, "build") == {"done": [], "failed": [], "skips": []}

    rows = {row["environment"]: row for row in answer(story, "status")}
    version = story.running("dev")
    assert rows["dev"]["images"] == [{"name": APPLICATION, "tag": version.tag, "digest": version.digest}]
    assert rows["dev"]["commit"] in git(story.world.gitops, "log", "--format=%H", "main").split()
    assert (rows["staging"]["pull_request"], rows["staging"]["waits_for"]) == (2, "1 more approval of #2")
    table = call(story, "status").stdout
    assert version.tag in table
    assert "#2" in table


def test_a_build_opens_no_pull_request(story: Story) -> None:
    result = call(story, "build", APPLICATION, "--exit-code")
    assert result.exit_code == 0
    assert result.stdout.startswith("done    Build ")
    assert (len(story.tags()), story.pulls()) == (1, [])


def test_a_failed_action_ends_in_exit_code_1_with_the_reason_and_the_fix(story: Story) -> None:
    story.commit({"Dockerfile": "ARG BASE_IMAGE\nFROM ${BASE_IMAGE}\nRUN true\n"})
    result = call(story, "run")
    assert result.exit_code == 1
    assert "failed  Build " in result.stdout
    assert "Dockerfile:3" in result.stdout
    assert "GITOPS_BOT_BUILDER=docker" in result.stdout
    told = json.loads(call(story, "build", "--json").stdout)
    assert told["done"] == []
    assert told["failed"][0]["kind"] == "build_image"
    assert "Dockerfile:3" in told["failed"][0]["reason"]


def test_a_promotion_that_is_refused_ends_in_exit_code_1(story: Story) -> None:
    result = call(story, "promote", "staging", "--app", APPLICATION, "--version", "9.9.9")
    assert result.exit_code == 1
    assert "dev never had micro-integrator 9.9.9; it had 4.2.0" in result.stdout
    assert story.pulls() == []


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("promote", "qa"), 2, "error: gitops.yaml has no environment named 'qa'\n  → it has dev, staging, prod\n"),
        (("promote", "dev", "--app", "desk"), 2, "has no application named 'desk'"),
        (("build", "desk"), 2, "has no application named 'desk'"),
        (("promote",), 2, "Missing argument 'ENVIRONMENT'"),
        (("deploy",), 2, "No such command 'deploy'"),
        (("run", "--fast"), 2, "No such option"),
        (("plan", "extra"), 2, "unexpected extra argument"),
    ],
)
def test_a_wrong_call_ends_in_exit_code_2_and_says_what_is_right(
    story: Story, arguments: tuple[str, ...], code: int, words: str
) -> None:
    result = call(story, *arguments)
    assert (result.exit_code, result.stdout) == (code, "")
    assert words in result.stderr


def test_a_folder_without_a_repository_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    for arguments in (["run"], ["plan"], ["status"], ["build"], ["promote", "dev"], ["pr", "list"]):
        result = call(None, *arguments)
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr == (
            "error: this folder is in no git repository\n"
            "  → change to the GitOps repository's folder, or set GITOPS_BOT_REPOSITORY\n"
        )


def test_the_repository_of_the_current_folder_is_taken(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(story.world.checkout / "envs")
    result = call(story, "plan", GITOPS_BOT_REPOSITORY="")
    assert result.exit_code == 0
    assert result.stdout.startswith("would   Build ")


def test_a_setting_that_nobody_knows_is_told(story: Story) -> None:
    result = call(story, "run", GITOPS_BOT_REGISTRI="oci")
    assert result.exit_code == 2
    assert "there is no setting GITOPS_BOT_REGISTRI\n  → did you mean GITOPS_BOT_REGISTRY?" in result.stderr


def test_a_repository_that_is_not_there_is_told(tmp_path: Path) -> None:
    for arguments in (["run"], ["plan"], ["status"], ["pr", "list"]):
        result = call(None, *arguments, GITOPS_BOT_REPOSITORY=str(tmp_path / "none.git"))
        assert result.exit_code in (1, 2)
        assert result.stdout == ""
        assert str(tmp_path / "none.git") in result.stderr
        assert "→ " in result.stderr


def test_no_command_shows_the_token(story: Story) -> None:
    calls = [["plan"], ["run"], ["status"], ["build"], ["promote", "staging"], ["pr", "list"], ["pr", "show", "2"]]
    for arguments in (*calls, ["pr", "approve", "2", "--as", "alice"], ["schema"], ["--help"], ["promote", "qa"]):
        assert TOKEN not in call(story, *arguments, GITOPS_BOT_GIT_TOKEN=TOKEN).output
    database = str(story.world.folder / "forge.sqlite")
    for url in ("https://127.0.0.1:1/shop.git", f"https://bot:{TOKEN}@127.0.0.1:1/shop.git"):
        settings = {"GITOPS_BOT_GIT_TOKEN": TOKEN, "GITOPS_BOT_FORGE_DATABASE": database, "GITOPS_BOT_REPOSITORY": url}
        for arguments in (["run"], ["plan"], ["status"], ["pr", "list"]):
            result = call(story, *arguments, **settings)
            assert result.exit_code in (1, 2)
            assert "error: " in result.stderr
            assert TOKEN not in result.output


def test_the_token_is_in_no_file_that_a_run_leaves(story: Story) -> None:
    call(story, "run", GITOPS_BOT_GIT_TOKEN=TOKEN)
    files = [f for f in story.world.folder.rglob("*") if f.is_file()]
    assert files
    assert not [f for f in files if TOKEN.encode() in f.read_bytes()]


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["pr", "--help"], ["--version"]])
def test_help_is_there_at_once_since_nothing_heavy_is_loaded(arguments: list[str]) -> None:
    heavy = "{'requests', 'docker', 'pydantic', 'rich', 'yaml', 'ruamel', 'sqlite3', 'semver'}"
    code = (
        "import sys\nfrom bot.cli.main import main\n"
        f"main({arguments!r}, prog_name='gitops-bot', standalone_mode=False)\n"
        f"print('loaded:', *sorted({heavy} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "loaded:"
    assert len(done.stdout.splitlines()) > 1


def test_an_error_for_people_is_no_trace_in_a_real_process_either(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bot", "run"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr


def test_what_a_file_holds_does_not_steer_the_terminal(story: Story) -> None:
    path = f"envs/dev/{APPLICATION}/values.yaml"
    hostile = '"\\e[2J\\u202e\\u009b":\n  repository: registry.example.com/wso2/micro-integrator\n  tag: "4.2.0"\n'
    story.rewrite_config(without_values)
    story.commit_gitops({path: story.file(path) + hostile})
    story.commit_gitops({f"envs/staging/{APPLICATION}/values-\x1b[2J.yaml": hostile.replace("4.2.0", "${X}")})
    for arguments in (("run",), ("pr", "list"), ("pr", "show", "1"), ("status",), ("plan",)):
        result = call(story, *arguments)
        assert result.exit_code == 0
        assert not set("\x1b\u202e\x9b") & set(result.output), arguments
    assert "�[2J" in call(story, "plan").output, "a path in a reason"
