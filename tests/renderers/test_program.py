"""A renderer runs for a time and up to a size, and sees no secret of the person who runs the bot."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest

from bot.core.errors import Refused
from bot.renderers import program
from bot.renderers.program import run


def test_a_program_that_does_not_end_is_ended(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"sleep took longer than 0\.2 s"):
        run(["sleep", "600"], tmp_path, 0.2)


def test_what_a_program_started_is_ended_with_it() -> None:
    # Where root runs this the program is another user's, who cannot come into root's folders.
    with tempfile.TemporaryDirectory() as name:
        with pytest.raises(Refused, match="took longer"):
            run(["sh", "-c", f"{shutil.which('sleep')} 600 & echo $! > {name}/pid; wait"], Path(name), 1)
        assert state_of((Path(name) / "pid").read_text().strip()) in ("gone", "Z")


def state_of(process: str) -> str:
    """The state letter of a process; `gone` if there is none. One that is ended stays as Z until it is reaped."""
    try:
        return Path(f"/proc/{process}/stat").read_text().split()[2]
    except OSError:
        return "gone"


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
