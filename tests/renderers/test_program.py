"""A renderer runs for a time and up to a size, and sees no secret of the person who runs the bot."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from bot import confine
from bot.core.errors import Refused
from bot.renderers import program
from bot.renderers.program import run


def test_a_program_that_does_not_end_is_ended(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"sleep took longer than 0\.2 s"):
        run(["sleep", "600"], tmp_path, 0.2)


def test_what_a_program_started_is_ended_with_it(tmp_path: Path) -> None:
    sleep = f"{shutil.which('sleep')} 600.{os.getpid()}"
    with pytest.raises(Refused, match="took longer"):
        run(["sh", "-c", f"{sleep} & exec {sleep}"], tmp_path, 1)
    assert not [one for one in Path("/proc").glob("[0-9]*") if f"600.{os.getpid()}" in command_of(one)]


def command_of(process: Path) -> str:
    """The command line of a process; the empty text for one that has ended."""
    try:
        return (process / "cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def test_a_program_writes_nothing_where_it_reads(tmp_path: Path) -> None:
    if os.geteuid() and not confine.how():
        pytest.skip("needs Landlock (Linux 5.13 or newer, switched on), or root")
    with pytest.raises(Refused, match="Permission denied"):
        run(["sh", "-c", ": > there"], tmp_path, 60)
    assert not (tmp_path / "there").exists()


def test_a_program_that_says_too_much_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "MOST_OUTPUT", 1_000)
    with pytest.raises(Refused, match="sh wrote more than 1,000 bytes"):
        run(["sh", "-c", "while :; do echo more; done"], tmp_path, 60)


def test_a_program_sees_neither_settings_nor_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITOPS_BOT_FORGE_TOKEN", "made-up-token")
    monkeypatch.setenv("KUBECONFIG", "/made/up")
    seen = run([shutil.which("env") or "env"], tmp_path, 60)
    assert {line.partition("=")[0] for line in seen.splitlines()} <= {
        "HOME",
        "PATH",
        "LC_ALL",
        "HTTP_PROXY",
        "HTTPS_PROXY",
    }
    assert "made-up" not in seen


def test_a_program_finds_no_other(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="git"):
        run(["sh", "-c", "git --version"], tmp_path, 60)
