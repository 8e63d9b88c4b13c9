"""No program that the bot starts is given the bot's own secrets, whatever the command."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from bot.settings import SECRETS
from tests.cli.test_demo import shell

if TYPE_CHECKING:
    from pathlib import Path

PROGRAMS = ("git", "ssh", "kubectl", "helm", "ldd", "docker-credential-store")
SPY = """\
#!/bin/sh
echo "{name} $*" >> {log}
env >> {log}
exec {program} "$@"
"""


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a demo that has been played."""
    folder = tmp_path_factory.mktemp("demo")
    assert shell("gitops-bot demo", folder).returncode == 0
    return folder / "demo"


def spied(folder: Path) -> tuple[Path, Path]:
    """A folder of programs, each of which notes what it was given, and where it does."""
    log, programs = folder / "log", folder / "spies"
    programs.mkdir()
    for name in PROGRAMS:
        program = programs / name
        program.write_text(SPY.format(name=name, log=log, program=shutil.which(name) or "false"))
        program.chmod(0o755)
    return programs, log


COMMANDS = {
    "run": "git",
    "plan": "git",
    "status": "git",
    "build": "git",
    "pr list": "git",
    "scan gitops": "git",
    "set gitops --image example.com/none=1": "git",
    "set gitops/gitops.yaml --at /version --to 1": "git",
    "diff gitops": "",
    "validate gitops/gitops.yaml": "",
    "init new": "",
    "demo another": "git",
}


@pytest.mark.parametrize(("command", "program"), COMMANDS.items(), ids=COMMANDS)
def test_no_program_gets_a_secret(played: Path, tmp_path: Path, command: str, program: str) -> None:
    programs, log = spied(tmp_path)
    secrets = {name: f"whsec-{name.lower()}" for name in SECRETS if name != "GITOPS_BOT_GITHUB_APP_KEY"}
    script = f'. ./env.sh\nPATH="$SPIES:$PATH" exec "$PYTHON" -m bot {command}'
    environ = os.environ | secrets | {"SPIES": str(programs), "PYTHON": sys.executable}
    subprocess.run(["sh", "-c", script], cwd=played, env=environ, capture_output=True, check=False, timeout=120)
    seen = log.read_text() if log.exists() else ""
    assert program in seen
    assert not [secret for secret in secrets.values() if secret in seen]
