"""The demo plays the whole pipeline, and what it prints at the end works as it is printed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from bot.cli.main import main

if TYPE_CHECKING:
    from pathlib import Path


def shell(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a script with `sh -e`, where `gitops-bot` is this program and the person's name is dana."""
    programs = folder / "programs"
    programs.mkdir(exist_ok=True)
    program = programs / "gitops-bot"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m bot "$@"\n')
    program.chmod(0o755)
    environ = os.environ | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "GITOPS_BOT_USER": "dana"}
    return subprocess.run(
        ["sh", "-e"], input=script, cwd=folder, env=environ, capture_output=True, text=True, check=False
    )


def test_the_demo_plays_to_its_end_and_can_be_gone_on_with_by_hand(tmp_path: Path) -> None:
    played = shell("gitops-bot demo", tmp_path)
    assert played.returncode == 0, played.stdout + played.stderr
    acts = re.findall(r"^▶ (.*)", played.stdout, re.MULTILINE)
    assert len(acts) == 8
    assert acts[-1].startswith("That was the pipeline, in ")
    assert "mallory tries to merge #2: refused:" in played.stdout
    assert "Traceback" not in played.stderr

    commands = played.stdout[played.stdout.index("  cd ") :]
    first, last = commands.split("  gitops-bot pr show NUMBER")
    begun = shell(first, tmp_path)
    assert begun.returncode == 0, begun.stdout + begun.stderr
    assert "done    Build " in begun.stdout
    numbers = re.findall(r"^ *#(\d+) +open +(staging: .*?) {2,}", begun.stdout, re.MULTILINE)
    number, title = numbers[-1]

    enter = commands.split("#")[0]
    ended = shell(f"{enter}\ngitops-bot pr show NUMBER{last}".replace("NUMBER", number), tmp_path)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert f"#{number} {title}" in ended.stdout
    assert ended.stdout.endswith(f"#{number} is approved by alice\n#{number} is merged\n")


def test_the_next_demo_gets_the_next_free_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from bot.cli.demo import story, world

    played: list[world.World] = []

    def play(there: world.World, *, step: bool) -> None:
        assert not step
        played.append(there)

    monkeypatch.setattr(story, "play", play)
    monkeypatch.chdir(tmp_path)
    for name in ("demo", "demo-2"):
        (tmp_path / name).mkdir()
    assert CliRunner().invoke(main, ["demo"]).exit_code == 0
    assert [there.folder for there in played] == [tmp_path / "demo-3"]


def test_a_folder_in_which_something_is_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine\n")
    result = CliRunner().invoke(main, ["demo", str(tmp_path)])
    assert result.exit_code == 1
    assert f"error: {tmp_path} is there already\n  → name another folder, or remove that one\n" in result.stderr
    assert [f.name for f in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("arguments", [["--docker"], ["--registry", "localhost:5000"]])
def test_an_engine_and_a_registry_go_together(arguments: list[str], tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["demo", str(tmp_path / "new"), *arguments])
    assert result.exit_code == 2
    assert "--docker and --registry go together: the Engine pushes to a registry" in result.stderr
    assert not (tmp_path / "new").exists()


def test_a_file_is_no_folder_for_a_demo(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = CliRunner().invoke(main, ["demo", str(tmp_path / "file")])
    assert result.exit_code == 2
    assert "is a file" in result.stderr
