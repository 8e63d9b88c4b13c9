"""`gitops-bot init --protect` prints rules that make the approval binding, and on request makes them on GitHub."""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from bot.cli.main import main
from bot.cli.protect import rulesets

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN = "ghp_of-an-administrator"


class GitHub:
    """The rulesets of one repository, as GitHub's REST API shows and takes them."""

    def __init__(self) -> None:
        self.rulesets: dict[int, dict[str, Any]] = {}
        self.refuse: int | None = None
        self.body: str | None = None
        self.paths: list[str] = []

    def answer(self, method: str, path: str, token: str | None, body: Any) -> tuple[int, Any]:
        self.paths.append(path)
        if self.refuse:
            return self.refuse, {"message": f"no, not with {token}"}
        if token != f"Bearer {TOKEN}":
            return 401, {"message": "Bad credentials"}
        place = re.fullmatch(r"/api/v3/repos/shop/gitops/rulesets(?:/(\d+)|\?.*)?", path)
        if not place:
            return 404, {"message": "Not Found"}
        if method == "GET":
            return 200, [{"id": number, "name": each["name"]} for number, each in self.rulesets.items()]
        if method == "POST" and body["name"] in {each["name"] for each in self.rulesets.values()}:
            return 422, {"message": "Name must be unique"}
        number = int(place[1]) if method == "PUT" else len(self.rulesets) + 1
        self.rulesets[number] = body
        return 200 if method == "PUT" else 201, {"id": number, **body}


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHub]:
    """GitHub Enterprise on this machine, and settings that lead to it."""
    github = GitHub()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            status, answer = github.answer(self.command, self.path, self.headers.get("Authorization"), body)
            text = (github.body or json.dumps(answer)).encode()
            self.send_response(status)
            self.send_header("Location", "https://elsewhere.example.com/")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_POST = do_PUT = do_GET  # noqa: N815 -- the names that http.server looks for

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        monkeypatch.setenv("GITOPS_BOT_FORGE_URL", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("GITOPS_BOT_FORGE_TOKEN", TOKEN)
        monkeypatch.setenv("GITOPS_BOT_REPOSITORY", "https://github.example.com/shop/gitops.git")
        yield github
        server.shutdown()


def protect(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["init", "--protect", *arguments])


def rule(ruleset: dict[str, Any], kind: str) -> dict[str, Any]:
    (found,) = [each for each in ruleset["rules"] if each["type"] == kind]
    parameters: dict[str, Any] = found.get("parameters", {})
    return parameters


def typed(folder: Path, program: str, script: str) -> list[tuple[list[str], Any]]:
    """What a program is called with, and given on standard input, when a shell runs what was printed."""
    tools = folder / "tools"
    tools.mkdir()
    tool = tools / program
    tool.write_text('#!/bin/sh\nset -e\nn=$(ls calls | wc -l)\nprintf "%s\\n" "$@" >"calls/$n"\ncat >"bodies/$n"\n')
    tool.chmod(0o755)
    (folder / "calls").mkdir()
    (folder / "bodies").mkdir()
    path = f"{tools}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-e"], cwd=folder, input=script, env={"PATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    names = sorted(path.name for path in (folder / "calls").iterdir())
    bodies = [(folder / "bodies" / name).read_text() for name in names]
    return [
        ((folder / "calls" / n).read_text().splitlines(), json.loads(b or "{}"))
        for n, b in zip(names, bodies, strict=True)
    ]


def test_the_status_that_is_required_is_the_one_that_the_bot_sets() -> None:
    checks = rule(rulesets(7)[0], "required_status_checks")["required_status_checks"]
    assert checks == [{"context": "gitops-bot/approval", "integration_id": 7}]


def test_nobody_passes_by_the_default_branchs_rules_not_even_administrators() -> None:
    ruleset = rulesets(None)[0]
    assert (ruleset["enforcement"], ruleset["bypass_actors"]) == ("active", [])
    assert ruleset["conditions"]["ref_name"] == {"include": ["~DEFAULT_BRANCH"], "exclude": []}
    review = rule(ruleset, "pull_request")
    assert review["dismiss_stale_reviews_on_push"]
    assert review["require_code_owner_review"]
    assert rule(ruleset, "non_fast_forward") == rule(ruleset, "deletion") == {}


def test_without_an_app_the_status_must_come_from_a_workflow() -> None:
    (ruleset,) = rulesets(None)
    assert rule(ruleset, "required_status_checks")["required_status_checks"][0]["integration_id"] == 15368
    assert "--app-id" in protect().output
    assert "--app-id" not in protect("--app-id", "7").output


def test_with_an_app_the_bots_state_is_the_apps_alone() -> None:
    state = rulesets(7)[1]
    assert state["conditions"]["ref_name"]["include"] == ["refs/heads/gitops-bot/state"]
    assert state["bypass_actors"] == [{"actor_id": 7, "actor_type": "Integration", "bypass_mode": "always"}]
    assert {each["type"] for each in state["rules"]} >= {"creation", "update", "deletion"}


def test_with_an_app_nobody_else_writes_what_a_promotion_says_of_itself() -> None:
    branches = rulesets(7)[2]
    assert branches["conditions"]["ref_name"]["include"] == ["refs/heads/bot/**/*"]
    assert branches["bypass_actors"] == [{"actor_id": 7, "actor_type": "Integration", "bypass_mode": "always"}]
    assert [each["type"] for each in branches["rules"]] == ["creation", "update"], "anybody may delete one"


@pytest.mark.parametrize("app", [[], ["--app-id", "7"]])
def test_what_is_printed_for_github_can_be_run_as_it_is(tmp_path: Path, app: list[str]) -> None:
    calls = typed(tmp_path, "gh", protect(*app).output)
    assert [body for _, body in calls] == rulesets(7 if app else None)
    for arguments, _ in calls:
        assert arguments == ["api", "--method", "POST", "repos/{owner}/{repo}/rulesets", "--input", "-"]


def test_the_local_forge_needs_no_rules() -> None:
    result = protect("--forge", "local")
    assert result.exit_code == 0
    assert "needs no more" in result.output


def test_protect_writes_no_files(tmp_path: Path) -> None:
    assert protect(str(tmp_path)).exit_code == 0
    assert list(tmp_path.iterdir()) == []


def test_apply_makes_the_rules_and_a_second_time_brings_them_up_to_date(github: GitHub) -> None:
    github.rulesets[1] = {"name": "somebody's own"}
    result = protect("--apply", "--app-id", "6")
    assert result.exit_code == 0, result.output
    assert result.output.splitlines() == [
        "made the ruleset `gitops-bot` of shop/gitops",
        "made the ruleset `gitops-bot state` of shop/gitops",
        "made the ruleset `gitops-bot branches` of shop/gitops",
    ]
    github.rulesets[2]["bypass_actors"] = [{"actor_id": 5, "actor_type": "RepositoryRole", "bypass_mode": "always"}]
    again = protect("--apply", "--app-id", "7")
    assert "updated the ruleset `gitops-bot` of shop/gitops" in again.output
    assert list(github.rulesets.values()) == [{"name": "somebody's own"}, *rulesets(7)]


@pytest.mark.parametrize(
    ("refuse", "message"),
    [
        (401, "refuses the token (401)"),
        (403, "refuses the token (403)"),
        (404, "no such repository"),
        (422, "answered GET with 422"),
        (500, "answered GET with 500"),
        (302, "answered GET with 302"),
    ],
)
def test_a_refusal_says_what_to_do_and_shows_no_token(github: GitHub, refuse: int, message: str) -> None:
    github.refuse = refuse
    result = protect("--apply")
    assert result.exit_code == 1
    assert message in result.output
    assert "→" in result.output
    assert TOKEN not in result.output
    assert github.rulesets == {}


@pytest.mark.parametrize("body", ["<html>", "{}", '[{"id": "x", "name": "gitops-bot"}]', "[1]", "null"])
def test_an_answer_that_is_no_list_of_rulesets_changes_nothing(github: GitHub, body: str) -> None:
    github.body = body
    result = protect("--apply")
    assert result.exit_code == 1
    assert "error: 127.0.0.1:" in result.output
    assert github.rulesets == {}


def test_a_server_that_is_not_there_is_named(github: GitHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITOPS_BOT_FORGE_URL", "http://127.0.0.1:9")
    result = protect("--apply")
    assert result.exit_code == 1
    assert "127.0.0.1:9 does not answer" in result.output


@pytest.mark.parametrize("name", ["GITOPS_BOT_REPOSITORY", "GITOPS_BOT_FORGE_TOKEN"])
def test_a_setting_that_is_missing_is_named_before_anything_is_asked(
    github: GitHub, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.delenv(name)
    result = protect("--apply")
    assert result.exit_code == 2
    assert f"{name} is not set" in result.output
    assert github.paths == []


@pytest.mark.parametrize("url", ["git@github.example.com:shop/gitops.git", "ssh://git@github.example.com/shop/gitops"])
def test_any_url_of_the_repository_will_do(github: GitHub, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("GITOPS_BOT_REPOSITORY", url)
    assert protect("--apply").exit_code == 0
    assert [each["name"] for each in github.rulesets.values()] == ["gitops-bot"]


@pytest.mark.parametrize(
    "arguments",
    [["init", "--apply"], ["init", "--app-id", "7"], ["init", "--protect", "--apply", "--forge", "local"]],
)
def test_options_that_would_do_nothing_are_wrong_usage(tmp_path: Path, arguments: list[str]) -> None:
    result = CliRunner().invoke(main, [*arguments, str(tmp_path)])
    assert result.exit_code == 2
    assert list(tmp_path.iterdir()) == []
