"""`make` says in one line what is missing, and sets up `.venv` once."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import missing

HERE = Path(__file__).parents[1]

# Stands in for an interpreter: makes a `.venv` whose pip notes what it is asked to install in the file `installs`.
PYTHON = """#!/bin/sh
case "$*" in
*version_info*) exit ${OLD:-0} ;;
*ensurepip*) exit ${BARE:-0} ;;
'-m venv --clear .venv')
    rm -rf .venv && mkdir -p .venv/bin
    cp "$0" .venv/bin/python
    printf '#!/bin/sh\\necho "bot: $*"\\n' >.venv/bin/gitops-bot
    printf '#!/bin/sh\\necho "pytest: $*"\\n' >.venv/bin/pytest
    chmod +x .venv/bin/* ;;
*'pip install'*) echo "$*" >>installs ;;
esac
"""


class Checkout:
    """A copy of what `make` reads, and a PATH with nothing on it but the tools that are named."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tools = folder / "tools"
        (folder / ".ci").mkdir()
        self.tools.mkdir()
        for name in ("Makefile", "pyproject.toml", ".ci/venv"):
            shutil.copy(HERE / name, folder / name)
        for name in ("sh", "cp", "rm", "mkdir", "chmod", "touch"):
            (self.tools / name).symlink_to(shutil.which(name) or missing(name))

    def has(self, *names: str) -> None:
        for name in names:
            (self.tools / name).write_text(PYTHON)
            (self.tools / name).chmod(0o755)

    def make(self, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        make = shutil.which("make") or missing("make")
        return subprocess.run(
            [make, *arguments],
            cwd=self.folder,
            env={"PATH": str(self.tools), "LC_ALL": "C.UTF-8", **settings},
            capture_output=True,
            text=True,
            check=False,
        )

    def installs(self) -> list[str]:
        file = self.folder / "installs"
        return [line.rpartition(" ")[2] for line in file.read_text().splitlines()] if file.exists() else []


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


@pytest.mark.parametrize(
    ("tools", "settings", "what", "advice"),
    [
        (["python3"], {}, "git is missing", "apt-get install git"),
        (["git"], {}, "python3 is missing", "apt-get install python3 python3-venv"),
        (["git", "python3"], {"OLD": "1"}, "python3 is older than 3.11", "make PYTHON="),
        (["git", "python3"], {"BARE": "1"}, "cannot make virtual environments", "apt-get install python3-venv"),
        (["git", "python3"], {"PYTHON": "python9"}, "python9 is missing", "Python 3.11 or newer"),
    ],
)
@pytest.mark.parametrize("target", ["demo", "test", "check"])
def test_what_is_missing_is_said_in_one_line(
    checkout: Checkout, target: str, tools: list[str], settings: dict[str, str], what: str, advice: str
) -> None:
    checkout.has(*tools)
    done = checkout.make(target, **settings)
    assert done.returncode != 0
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert what in line
    assert advice in line


def test_demo_sets_up_once_and_passes_its_arguments_on(checkout: Checkout) -> None:
    checkout.has("git", "python3")
    first = checkout.make("demo", "ARGS=--folder here")
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout.splitlines()[0].startswith("Setting up .venv (once")
    second = checkout.make("demo", "ARGS=--folder here")
    assert second.stdout == "bot: demo --folder here\n"
    assert checkout.installs() == ["."]


def test_the_tests_bring_what_they_need(checkout: Checkout) -> None:
    checkout.has("git", "python3")
    checkout.make("demo")
    assert checkout.make("test").stdout.splitlines()[-1] == "pytest: -n auto"
    assert checkout.make("test").stdout == "pytest: -n auto\n"
    assert checkout.make("demo").stdout == "bot: demo\n"
    assert checkout.installs() == [".", ".[dev]"]


def test_changed_dependencies_are_installed(checkout: Checkout) -> None:
    checkout.has("git", "python3")
    checkout.make("demo")
    stamp = (checkout.folder / ".venv/installed").stat().st_mtime
    os.utime(checkout.folder / "pyproject.toml", (stamp + 10, stamp + 10))
    done = checkout.make("demo")
    assert "Setting up" not in done.stdout
    assert checkout.installs() == [".", "."]


def test_a_broken_environment_is_made_anew(checkout: Checkout) -> None:
    checkout.has("git", "python3")
    (checkout.folder / ".venv/bin").mkdir(parents=True)
    (checkout.folder / ".venv/bin/python").symlink_to("/gone/python3")
    assert checkout.make("demo").stdout.splitlines()[0].startswith("Setting up")
    assert checkout.make("demo").stdout == "bot: demo\n"


def test_a_set_up_checkout_needs_no_other_interpreter(checkout: Checkout) -> None:
    checkout.has("git", "python3")
    checkout.make("demo")
    (checkout.tools / "python3").unlink()
    assert checkout.make("demo").stdout == "bot: demo\n"


def test_an_install_that_fails_is_tried_again(checkout: Checkout) -> None:
    checkout.has("git", "python3")
    (checkout.tools / "touch").unlink()
    assert checkout.make("demo").returncode != 0
    (checkout.tools / "touch").symlink_to(shutil.which("touch") or missing("touch"))
    assert checkout.make("demo").returncode == 0
    assert checkout.installs() == [".", "."]
