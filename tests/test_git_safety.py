"""Hostile URLs, names and servers get nowhere, and no secret leaves the place where it belongs."""

from __future__ import annotations

import os
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.core.errors import BotError, Conflict, NotFound, Refused, Unauthorised, Unavailable
from bot.git import Git
from tests.git_remote import Person, run
from tests.git_server import BASIC, TOKEN, Server, plain, secure

WHEN = datetime(2026, 3, 1, 12, tzinfo=UTC)
__all__ = ["plain", "secure"]  # fixtures, used by name


@pytest.fixture
def alice(tmp_path: Path) -> Person:
    return Person(tmp_path / "remote.git", tmp_path / "alice")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ext::sh -c touch% trap",
        "https::https://example.org/x",
        "git://example.org/x",
        "ftp://example.org/x",
        "http://example.org/x",
        "https://",
        "https:///x",
        "https://example.org:port/x",
        "ssh://-oProxyCommand=touch trap/x",
        "-oProxyCommand=touch trap:x",
        "git@host:-x",
        "git@-host:x",
        "file://host/path",
        "https://example.org/a\nb",
    ],
)
def test_only_known_forms_of_url_are_used(url: str, tmp_path: Path) -> None:
    with pytest.raises(Refused) as error:
        Git(url, tmp_path)
    assert error.value.reason_code == "bad_url"
    assert error.value.fix


@pytest.mark.parametrize(
    "url",
    [
        f"https://alice:{TOKEN}@example.org/x",
        f"https://{TOKEN}@example.org/x",
        f"ssh://git:{TOKEN}@example.org/x",
        f"https://example.org/x?private_token={TOKEN}",
        f"http://:{TOKEN}@127.0.0.1/x",
    ],
)
def test_a_url_with_credentials_is_refused_and_not_repeated(url: str, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="credentials in this URL") as error:
        Git(url, tmp_path)
    assert error.value.reason_code == "secret_in_url"
    assert TOKEN not in str(error.value) + repr(error.value) + repr(error.value.__cause__)


@pytest.mark.parametrize("url", ["git@example.org:team/x.git", "ssh://git@example.org:22/x", "https://example.org/x"])
def test_the_usual_urls_are_kept_as_they_are(url: str, tmp_path: Path) -> None:
    assert Git(url, tmp_path).url == url


def test_a_relative_path_becomes_absolute(alice: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sha = alice.push({"a": "1"})
    alice.remote.rename(tmp_path / "-u")
    monkeypatch.chdir(tmp_path)
    git = Git("./-u", Path("cache"))
    monkeypatch.chdir("/")
    assert (git.url, git.head().sha) == (f"{tmp_path}/-u", sha)


@pytest.mark.parametrize("branch", ["", "-x", "--upload-pack=x", "a..b", "a b", "a:b", "a^", ".a", "a/.b", "a.lock"])
def test_names_that_git_could_misread_are_no_branches(alice: Person, tmp_path: Path, branch: str) -> None:
    sha = alice.push({"a": "1"})
    git = Git(str(alice.remote), tmp_path / "cache")
    for attempt in (lambda: git.head(branch), lambda: git.push(branch, sha, None)):
        with pytest.raises(Refused) as error:
            attempt()
        assert error.value.reason_code == "bad_branch_name"


@pytest.mark.parametrize("path", ["", "/a", "../a", "a/../b", "a//b", "./a", ".git/config", "a/.GIT/hooks/x", "a\0b"])
def test_no_path_leads_out_of_the_repository(alice: Person, tmp_path: Path, path: str) -> None:
    sha = alice.push({"a": "1"})
    git = Git(str(alice.remote), tmp_path / "cache")
    with pytest.raises(Refused) as error:
        git.write([sha], {path: b"x"}, "m", WHEN)
    assert error.value.reason_code == "unsafe_path"


@pytest.mark.parametrize("sha", ["main", "HEAD", "--help", "", "-1", "0" * 39])
def test_only_full_shas_stand_for_commits(alice: Person, tmp_path: Path, sha: str) -> None:
    alice.push({"a": "1"})
    git = Git(str(alice.remote), tmp_path / "cache")
    for attempt in (
        lambda: git.entries(sha),
        lambda: git.log(None, sha),
        lambda: git.changed(sha, sha),
        lambda: git.push("main", sha or "x", None),
    ):
        with pytest.raises(Refused) as error:
            attempt()
        assert error.value.reason_code == "bad_sha"


def test_a_tree_that_names_something_outside_is_refused(alice: Person, tmp_path: Path) -> None:
    alice.push({"a": "1"})
    blob = run(alice.remote, "rev-parse", "main:a")
    tree = b"100644 ..\0" + bytes.fromhex(blob)
    command = ["git", "hash-object", "-t", "tree", "-w", "--literally", "--stdin"]
    evil = (
        subprocess.run(command, cwd=alice.remote, input=tree, check=True, capture_output=True).stdout.decode().strip()
    )
    commit = run(alice.remote, "commit-tree", "-m", "evil", evil)
    run(alice.remote, "update-ref", "refs/heads/evil", commit)
    git = Git(str(alice.remote), tmp_path / "cache")
    for attempt in (lambda: git.entries(commit), lambda: git.write([commit], {"b": b""}, "m", WHEN)):
        with pytest.raises(Refused) as error:
            attempt()
        assert error.value.reason_code == "unsafe_path"


def test_a_missing_repository_is_named_and_nothing_is_taken_for_empty(tmp_path: Path) -> None:
    git = Git(str(tmp_path / "nowhere"), tmp_path / "cache")
    for attempt in (git.fetch, git.head, git.default_branch, lambda: git.entries("1" * 40)):
        with pytest.raises(NotFound, match="there is no git repository at") as error:
            attempt()
        assert error.value.reason_code == "repository_not_found"


def test_a_remote_that_is_gone_later_is_an_error_and_not_an_empty_one(alice: Person, tmp_path: Path) -> None:
    sha = alice.push({"a": "1"})
    git = Git(str(alice.remote), tmp_path / "cache")
    git.fetch()
    shutil.rmtree(alice.remote)
    with pytest.raises(NotFound):
        git.fetch()
    assert git.head().sha == sha


def test_a_damaged_private_copy_says_which_folder_to_delete(alice: Person, tmp_path: Path) -> None:
    sha = alice.push({"a": "1"})
    cache = tmp_path / "cache"
    git = Git(str(alice.remote), cache)
    git.fetch()
    folder = next(cache.iterdir())
    shutil.rmtree(folder / "objects")
    with pytest.raises(Unavailable, match="private copy") as error:
        git.entries(sha)
    assert str(folder) in error.value.fix


def test_a_cache_folder_that_cannot_be_used_is_named(alice: Person, tmp_path: Path) -> None:
    sha = alice.push({"a": "1"})
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match=str(tmp_path / "file")):
        Git(str(alice.remote), tmp_path / "file" / "cache").fetch()
    git = Git(str(alice.remote), tmp_path / "cache")
    git.fetch()
    shutil.rmtree(tmp_path / "cache")
    for attempt in (lambda: git.entries(sha), lambda: git.write([], {"a": b""}, "m", WHEN)):
        with pytest.raises(BotError, match=str(tmp_path / "cache")):
            attempt()
    git.fetch()
    assert git.head().sha == sha


def test_a_program_that_hangs_is_ended_with_its_children(
    alice: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "git").write_text(
        f"#!/bin/sh\necho $$ >> {tmp_path}/pids\nsleep 600 &\necho $! >> {tmp_path}/pids\nwait\n"
    )
    (programs / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    with pytest.raises(Unavailable) as error:
        Git(str(alice.remote), tmp_path / "cache", seconds=1).fetch()
    assert error.value.reason_code == "timeout"
    for pid in (tmp_path / "pids").read_text().split():
        state = Path(f"/proc/{pid}/stat")
        assert not state.exists() or state.read_text().split()[2] == "Z"


def test_a_machine_without_git_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BotError) as error:
        Git(str(tmp_path), tmp_path / "cache").fetch()
    assert error.value.reason_code == "git_missing"


def _failure(git: Git) -> BotError:
    with pytest.raises(BotError) as error:
        git.fetch()
    texts = (str(error.value), repr(error.value), error.value.fix, str(vars(error.value)))
    assert not [text for text in texts if TOKEN in text or BASIC in text]
    return error.value


def test_a_token_opens_a_private_repository_over_https(alice: Person, secure: Server, tmp_path: Path) -> None:
    start = alice.push({"a": "1"})
    secure.repositories = tmp_path
    url = f"https://localhost:{secure.server_port}/remote.git"
    git = Git(url, tmp_path / "cache", token=TOKEN)
    new = git.write([git.head().sha], {"a": b"2"}, "m", WHEN)
    git.push("main", new, start)
    git.push("topic", new, None)
    git.push("topic", None, new)
    assert (alice.on("main"), alice.on("topic")) == (new, "")
    with pytest.raises(Conflict):
        git.push("main", start, start)
    assert isinstance(_failure(Git(url, tmp_path / "other cache")), Unauthorised)
    missing = Git(url.replace("remote", "missing"), tmp_path / "cache", token=TOKEN)
    assert isinstance(_failure(missing), NotFound)


def test_a_refused_token_is_reported_without_it(secure: Server, tmp_path: Path) -> None:
    git = Git(f"https://localhost:{secure.server_port}/x", tmp_path / "cache", token=TOKEN)
    error = _failure(git)
    assert isinstance(error, Unauthorised)
    assert "GITOPS_BOT_GIT_TOKEN" in error.fix
    assert secure.seen[0] == f"Basic {BASIC}"
    assert TOKEN not in repr(git)


def test_a_token_is_not_sent_where_a_redirect_leads(secure: Server, plain: Server, tmp_path: Path) -> None:
    for target in (f"https://127.0.0.1:{secure.server_port}", f"http://127.0.0.1:{plain.server_port}"):
        secure.status, secure.location = 302, target
        error = _failure(Git(f"https://localhost:{secure.server_port}/x", tmp_path / "cache", token=TOKEN))
        assert (type(error), error.reason_code) == (Unavailable, "redirected")
    assert secure.seen == [f"Basic {BASIC}"] * 2
    assert plain.seen == []


def test_a_token_is_never_sent_without_tls(plain: Server, tmp_path: Path) -> None:
    error = _failure(Git(f"http://127.0.0.1:{plain.server_port}/x", tmp_path / "cache", token=TOKEN))
    assert isinstance(error, Unauthorised)
    assert plain.seen == [None]


@pytest.mark.parametrize(
    ("status", "kind"),
    [(403, Unauthorised), (404, NotFound), (500, Unavailable), (429, Unavailable), (200, Unavailable)],
)
def test_answers_of_a_server_become_the_right_error(
    plain: Server, tmp_path: Path, status: int, kind: type[BotError]
) -> None:
    plain.status = status
    assert type(_failure(Git(f"http://127.0.0.1:{plain.server_port}/x", tmp_path / "cache"))) is kind


def test_a_server_that_does_not_answer_is_unavailable(plain: Server, tmp_path: Path) -> None:
    plain.shutdown()
    plain.server_close()
    error = _failure(Git(f"http://127.0.0.1:{plain.server_port}/x", tmp_path / "cache"))
    assert (type(error), error.reason_code) == (Unavailable, "unavailable")


def test_the_token_is_in_no_argument_and_only_with_commands_for_the_remote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs, log = tmp_path / "bin", tmp_path / "log"
    programs.mkdir()
    (programs / "git").write_text(
        f'#!/bin/sh\necho "$*" >> {log}\nenv >> "{log}.$(echo "$*" | grep -c ls-remote)"\nexit 0\n'
    )
    (programs / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("GITOPS_BOT_GIT_TOKEN", TOKEN)
    monkeypatch.setenv("GIT_TRACE_CURL", "1")
    Git("https://git.example/x", tmp_path / "cache", token=TOKEN).fetch()
    assert "ls-remote" in log.read_text()
    assert TOKEN not in log.read_text()
    assert BASIC not in log.read_text()
    local, remote = (Path(f"{log}.{kind}").read_text() for kind in (0, 1))
    assert BASIC not in local
    assert f"Authorization: Basic {BASIC}" in remote
    assert "http.https://git.example/.extraHeader" in remote
    assert "GIT_TERMINAL_PROMPT=0" in remote
    assert not [text for text in (local, remote) if "GIT_TRACE" in text or TOKEN in text]
