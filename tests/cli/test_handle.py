"""`handle` takes a workflow's event file, `serve` listens: both end in the same run as any other event."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import requests

from bot.cli.demo.world import APPLICATION
from tests.cli.test_commands import call
from tests.forges.deliveries import SECRET, github, gitlab, issue_comment, note
from tests.forges.github.fake import serve as fake_github
from tests.forges.github.world import TOKEN as GITHUB_TOKEN
from tests.forges.gitlab.fake import PROJECT, TOKEN
from tests.forges.gitlab.place import GitLabPlace
from tests.forges.gitlab.world import BOT
from tests.scenarios.story import Story

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from click.testing import Result


@pytest.fixture
def story(tmp_path: Path) -> Story:
    """A laid-out world in which the bot has not run yet."""
    return Story(tmp_path / "world")


def handle(story: Story, payload: Any, *arguments: str, **environ: str) -> Result:
    """`gitops-bot handle` with a file that holds the payload."""
    file = story.world.folder / "event.json"
    file.write_bytes(payload if isinstance(payload, bytes) else json.dumps(payload).encode())
    return call(story, "handle", "--event-path", str(file), *arguments, **environ)


def said(story: Story, number: int, text: str, by: str) -> dict[str, Any]:
    """A comment that somebody writes on a pull request, as GitHub's event of it."""
    payload = issue_comment(text, by, node_id=story.forge().add_comment(number, by, text))
    payload["issue"]["number"] = number
    payload["repository"] = {"full_name": "shop/gitops", "clone_url": str(story.world.gitops)}
    return payload


def test_a_push_is_handled_as_a_run(story: Story) -> None:
    result = handle(story, {"ref": "refs/heads/main"}, "--event-name", "push")
    assert result.exit_code == 0
    assert result.stdout.startswith("done    Build ")
    assert [row.branch for row in story.pulls()] == [f"bot/dev/{APPLICATION}", f"bot/staging/{APPLICATION}"]
    again = handle(story, {}, "--event-name", "schedule")
    assert (again.exit_code, again.stdout.splitlines()[0]) == (0, "nothing to do")


def test_an_event_of_gitlab_says_its_name_itself(story: Story) -> None:
    result = handle(story, {"object_kind": "push"}, "--forge", "gitlab")
    assert result.exit_code == 0
    assert result.stdout.startswith("done    Build ")


def test_a_command_is_carried_out_once_however_often_its_event_comes(story: Story) -> None:
    story.run()
    payload = said(story, 2, "/hold until the audit is done", "alice")
    first = handle(story, payload, "--event-name", "issue_comment")
    assert first.exit_code == 0, first.output
    assert "done    " in first.stdout
    assert "rocket" in story.reactions(payload["comment"]["node_id"])
    assert "until the audit is done" in story.skip("staging").reason
    again = handle(story, payload, "--event-name", "issue_comment")
    assert again.stdout.splitlines()[0] == "nothing to do"


@pytest.mark.parametrize(("token", "code"), [(TOKEN, "own_comment"), ("refused", "by_bot")])
def test_a_comment_of_the_bots_own_account_is_ignored_whatever_that_is_called(
    story: Story, tmp_path: Path, token: str, code: str
) -> None:
    (tmp_path / "place").mkdir()
    place = GitLabPlace(tmp_path / "place")
    payload = note(by=BOT) | {"project": {"path_with_namespace": PROJECT}}
    where = {
        "GITOPS_BOT_FORGE": "gitlab",
        "GITOPS_BOT_FORGE_URL": place.server.url,
        "GITOPS_BOT_FORGE_TOKEN": token,
        "GITOPS_BOT_REPOSITORY": f"{place.server.url}/{PROJECT}.git",
    }
    result = handle(story, payload, **where)
    place.stop()
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(f"ignored {code}: "), "who the bot is, is only asked where that can be told"
    assert token not in result.output


@pytest.mark.parametrize(
    ("payload", "arguments", "code"),
    [
        ({"zen": "Design for failure."}, ["--event-name", "ping"], "ping"),
        (issue_comment(), ["--event-name", "issue_comment"], "other_repository"),
        (issue_comment() | {"action": "edited"}, ["--event-name", "issue_comment"], "edited"),
        (note(), ["--forge", "gitlab"], "other_repository"),
        (note(action="update"), ["--forge", "gitlab"], "edited"),
        ({}, ["--event-name", "star"], "unknown_event"),
    ],
)
def test_an_ignored_event_says_why_and_changes_nothing(
    story: Story, payload: dict[str, Any], arguments: list[str], code: str
) -> None:
    result = handle(story, payload, *arguments)
    assert result.exit_code == 0
    assert result.stdout.startswith(f"ignored {code}: ")
    told = json.loads(handle(story, payload, *arguments, "--json").stdout)
    assert told.pop("reason")
    assert told == {"done": [], "failed": [], "skips": [], "ignored": code}
    assert story.pulls() == []


def test_a_failed_action_ends_in_exit_code_1(story: Story) -> None:
    story.commit({"Dockerfile": "ARG BASE_IMAGE\nFROM ${BASE_IMAGE}\nRUN true\n"})
    result = handle(story, {}, "--event-name", "push", "--json")
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert "Dockerfile:3" in told["failed"][0]["reason"]
    assert (told["ignored"], told["reason"]) == (None, None)


@pytest.mark.parametrize(
    ("payload", "arguments", "code", "words"),
    [
        ({}, [], 2, "add --event-name, or --forge gitlab"),
        ({}, ["--forge", "gitea"], 2, "'github', 'gitlab'"),
        (b"not json", ["--event-name", "push"], 1, "event.json: the event is not JSON\n  → give the file"),
        (b"[]", ["--event-name", "push"], 1, "the event's payload is no JSON object"),
        ({"action": "created"}, ["--event-name", "issue_comment"], 1, "the event's comment is no JSON object"),
    ],
)
def test_what_is_no_event_is_told(story: Story, payload: Any, arguments: list[str], code: int, words: str) -> None:
    result = handle(story, payload, *arguments)
    assert (result.exit_code, result.stdout) == (code, "")
    assert words in result.stderr


def test_a_file_that_is_not_there_is_told(story: Story) -> None:
    result = call(story, "handle", "--event-path", "/nowhere/event.json", "--event-name", "push")
    assert result.exit_code == 2
    assert "/nowhere/event.json: No such file or directory" in result.stderr


class Server:
    """`gitops-bot serve` in a process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[dict[str, Any]] = []
        self.url = f"http://127.0.0.1:{self.read('port')['port']}"

    def read(self, key: str, value: object = None) -> dict[str, Any]:
        """The next line of the log that has the key (with that value)."""
        assert self.process.stdout is not None
        for text in self.process.stdout:
            self.lines.append(json.loads(text))
            if key in self.lines[-1] and value in (None, self.lines[-1][key]):
                return self.lines[-1]
        raise AssertionError(f"the server ended: {self.lines}")

    def post(self, path: str, headers: dict[str, str], body: bytes) -> requests.Response:
        """A delivery over the network."""
        return requests.post(f"{self.url}/webhooks/{path}", headers=headers, data=body, timeout=60)


@contextmanager
def serving(story: Story, **settings: str) -> Iterator[Server]:
    """A server on a free port, until the end."""
    environ = os.environ | story.world.environ() | {"GITOPS_BOT_WEBHOOK_SECRETS": SECRET} | settings
    command = [sys.executable, "-m", "bot", "serve", "--port", "0"]
    with subprocess.Popen(
        command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            yield Server(process)
        finally:
            process.terminate()


def test_a_webhook_sets_off_a_run(story: Story) -> None:
    with serving(story) as server:
        assert requests.get(f"{server.url}/healthz", timeout=60).json() == {"status": "ok"}
        answer = server.post("github", *github("push", {"ref": "refs/heads/main"}))
        assert (answer.status_code, answer.json()) == (202, {"outcome": "queued"})
        assert "Server" not in answer.headers
        assert server.read("run") | {"time": ""} == {"time": "", "run": "Reconcile", "outcome": "done"}
        assert any(line.get("done", "").startswith("Open a pull request: dev: ") for line in server.lines)
        assert [row.branch for row in story.pulls()] == [f"bot/dev/{APPLICATION}", f"bot/staging/{APPLICATION}"]

        assert server.post("github", *github("push", {}, "another")).status_code == 401
        assert server.post("gitlab", *gitlab(note())).json() == {"outcome": "ignored"}
        assert server.post("github", *github("push", b"{" + b" " * 9_000_000)).status_code == 413
        server.read("reason_code", "other_repository")
        assert SECRET not in json.dumps(server.lines)


def test_a_run_that_fails_is_told_and_the_server_goes_on(story: Story) -> None:
    good = (story.world.checkout / "gitops.yaml").read_text()
    with serving(story) as server:
        story.rewrite_config(lambda _: "version: 7\n")
        server.post("github", *github("push", {}, X_GitHub_Delivery="1"))
        assert server.read("run")["outcome"] == "failed"
        assert "gitops.yaml" in server.lines[-1]["reason"]
        story.rewrite_config(lambda _: good)
        server.post("github", *github("push", {}, X_GitHub_Delivery="2"))
        assert server.read("run")["outcome"] == "done"


def test_a_later_run_of_a_server_asks_github_only_whether_an_answer_still_holds(story: Story, tmp_path: Path) -> None:
    with fake_github(story.world.gitops, "/api/v3") as fake:
        fake.world.begin(datetime.now(UTC))
        fake.world.people["carol"] = "write"
        fake.world.issue("carol")
        settings = {
            "GITOPS_BOT_FORGE": "github",
            "GITOPS_BOT_FORGE_URL": f"http://{fake.host}",
            "GITOPS_BOT_FORGE_TOKEN": GITHUB_TOKEN,
            "GITOPS_BOT_REPOSITORY": f"http://{fake.host}/acme/gitops.git",
        }
        # The bot gives git a token over https alone, which the fake does not speak.
        helper = f"!f() {{ echo username=x-access-token; echo password={GITHUB_TOKEN}; }}; f"
        (tmp_path / "gitconfig").write_text(f'[credential]\n\thelper = "{helper}"\n')
        settings["GIT_CONFIG_GLOBAL"] = str(tmp_path / "gitconfig")
        with serving(story, **settings) as server:
            for delivery in ("1", "2"):
                fake.world.say(1, "carol", "/help")
                server.post("github", *github("push", {}, X_GitHub_Delivery=delivery))
                assert server.read("run")["outcome"] == "done"
        assert [seen.status for seen in fake.asked("/carol/permission")] == [200, 304]


def test_it_does_not_start_without_a_secret(story: Story) -> None:
    result = call(story, "serve", "--port", "0")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "set GITOPS_BOT_WEBHOOK_SECRETS to the secret of the webhook" in result.stderr


def test_a_port_that_is_taken_is_told(story: Story) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = call(story, "serve", "--port", port, GITOPS_BOT_WEBHOOK_SECRETS=SECRET)
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"cannot listen on 127.0.0.1:{port}: " in result.stderr
    assert "choose another --host or --port" in result.stderr
