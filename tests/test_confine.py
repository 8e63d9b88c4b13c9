"""What a program may do that works on strangers' files: nothing but that, shown by real processes that try."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bot import confine
from bot.confine import launch

if TYPE_CHECKING:
    from collections.abc import Iterator

needs_landlock = pytest.mark.skipif(not launch.abi(), reason="needs Landlock (Linux 5.13 or newer, switched on)")


@pytest.fixture
def own() -> Iterator[Path]:
    """A folder of the program's own."""
    with tempfile.TemporaryDirectory(prefix="gitops-bot-") as name:
        yield Path(name).resolve()


def run(script: str, own: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """A shell script, confined to its folder."""
    confine.lend(own)
    command = confine.arguments(["/bin/sh", "-c", script], write=[own])
    given = {"PATH": os.environ["PATH"], **environ}
    return subprocess.run(command, cwd=own, env=given, capture_output=True, text=True, check=False, timeout=30)


def test_it_reads_and_writes_its_own_folder(own: Path) -> None:
    (own / "given").write_text("given\n")
    done = run("cat given > made && cat made && ls /usr > /dev/null && head -c 4 /dev/urandom > /dev/null", own)
    assert (done.returncode, done.stdout, done.stderr) == (0, "given\n", "")


@needs_landlock
@pytest.mark.parametrize("where", ["secret", "folder/secret"])
def test_no_other_file_is_read_or_written(own: Path, tmp_path: Path, where: str) -> None:
    secret = tmp_path / where
    secret.parent.mkdir(exist_ok=True)
    secret.write_text("secret\n")
    for place in (tmp_path, secret.parent, secret):
        place.chmod(0o777)
    done = run(f"cat {secret}; ls {secret.parent}; echo x > {secret}; echo x > {secret.parent}/new; rm {secret}", own)
    assert "secret\n" not in done.stdout
    assert secret.read_text() == "secret\n"
    assert not (secret.parent / "new").exists()


@needs_landlock
@pytest.mark.parametrize(
    "place",
    ["/root", "/home", "/var", "/tmp", "/proc", "/sys", "/run", "/etc/shadow", "/etc/hosts", "$HOME/.docker"],
)
def test_nothing_of_the_machine_is_listed_but_its_programs(own: Path, place: str) -> None:
    done = run(f"ls -A {place}/ || cat {place}", own, HOME=str(Path.home()))
    assert (done.returncode != 0, done.stdout) == (True, "")


@needs_landlock
def test_the_bots_process_is_neither_read_nor_signalled(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITOPS_BOT_GIT_TOKEN", "very-secret")
    got: list[int] = []
    before = signal.signal(signal.SIGUSR1, lambda number, _: got.append(number))
    try:
        done = run(f"cat /proc/{os.getpid()}/environ; kill -USR1 {os.getpid()}", own)
        time.sleep(0.1)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert done.stdout == ""
    assert got == []


@needs_landlock
def test_no_connection_is_made(own: Path) -> None:
    if launch.abi() < launch.NETWORK_SINCE:
        pytest.skip("this Linux's Landlock does not know of the network")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        tries = f"import socket; socket.create_connection(('127.0.0.1', {port}), 5)"
        confine.lend(own)
        python = os.path.realpath("/usr/bin/python3") if Path("/usr/bin/python3").exists() else sys.executable
        command = confine.arguments([python, "-I", "-S", "-c", tries], write=[own])
        done = subprocess.run(command, cwd=own, env={}, capture_output=True, text=True, check=False, timeout=30)
    assert "PermissionError" in done.stderr


def test_root_becomes_a_user_of_no_rights(own: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    (own / "private").write_text("mine\n")
    (own / "private").chmod(0o600)
    done = run("id -u; id -G; cat private", own)
    assert done.stdout == "65534\n65534\nmine\n"


def test_a_link_in_the_folder_is_not_followed_when_it_is_lent(own: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("")
    (own / "link").symlink_to(tmp_path / "outside")
    confine.lend(own)
    assert (tmp_path / "outside").stat().st_uid == os.geteuid()


def test_a_program_is_started_by_a_link_in_a_folder_that_is_closed_to_it(own: Path, tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o700)
    link = tmp_path / "closed" / "shell"
    link.symlink_to("/bin/sh")
    confine.lend(own)
    command = confine.arguments([str(link), "-c", "echo $0"], write=[own])
    done = subprocess.run(command, cwd=own, env={}, capture_output=True, text=True, check=False, timeout=30)
    assert (done.returncode, done.stdout) == (0, f"{link}\n")


def test_a_program_that_is_not_there_says_so(own: Path) -> None:
    confine.lend(own)
    command = confine.arguments([str(own / "gone")], write=[own])
    done = subprocess.run(command, cwd=own, env={}, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 1
    assert done.stderr.endswith("gone cannot be started: No such file or directory\n")


FORGETFUL = """
import os, subprocess, sys
from bot.confine import forget
forget(["GITOPS_BOT_GIT_TOKEN", "GITOPS_BOT_WEBHOOK_SECRETS"])
print(sorted(name for name in os.environ if name.startswith("GITOPS_BOT_")), flush=True)
print(subprocess.run(["env"], capture_output=True, text=True).stdout.count("very-secret"), flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows a process's environment in /proc")
def test_secrets_are_gone_from_the_environment_and_from_what_the_machine_shows_of_it() -> None:
    given = os.environ | {"GITOPS_BOT_GIT_TOKEN": "very-secret", "GITOPS_BOT_USER": "dana"}
    process = subprocess.Popen(
        [sys.executable, "-c", FORGETFUL], env=given, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        assert process.stdout.readline() == "['GITOPS_BOT_USER']\n"
        assert process.stdout.readline() == "0\n"
        assert_hidden(Path(f"/proc/{process.pid}/environ"))
    finally:
        process.stdin.close()
        process.wait(10)
        process.stdout.close()


def assert_hidden(environ: Path) -> None:
    """Root sees it without the secrets, the bot's own user not at all."""
    if os.geteuid():
        with pytest.raises(PermissionError):
            environ.read_bytes()
        return
    shown = environ.read_bytes()
    assert b"GITOPS_BOT_USER=dana" in shown
    assert b"GITOPS_BOT_GIT_TOKEN=***********\0" in shown
    assert b"very-secret" not in shown
