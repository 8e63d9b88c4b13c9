"""A confined program tries for the bot's files, its process and the network, whether that is root or not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bot.confine import launch
from tests import confined_bot
from tests.conftest import missing

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux confines programs")
LEFT = [["config.json", "socket"], confined_bot.SECRET]


@pytest.fixture(params=["root", "user"])
def who(request: pytest.FixtureRequest) -> dict[str, Any]:
    """How to start the bot as that user, with a Python that this user can read."""
    if request.param == "user" and launch.abi() < launch.SCOPES_SINCE:
        pytest.skip("needs Landlock with scopes (Linux 6.12 or newer, switched on); root does without")
    if os.geteuid():
        if request.param == "root":
            pytest.skip("only root can be root")
        return {"python": sys.executable}
    if request.param == "root" and not Path(sys.executable).resolve().is_relative_to("/root"):
        return {"python": sys.executable}
    python = "/usr/bin/python3"
    found = subprocess.run(
        [python, "-c", "import sys; print(sys.version_info >= (3, 11))"], capture_output=True, check=False
    )
    if found.stdout.strip() != b"True":
        missing("a Python 3.11 of the system, which every user can run")
    return {"python": python} | ({"user": 1000, "group": 1000, "extra_groups": []} if request.param == "user" else {})


@pytest.mark.parametrize("attempt", confined_bot.ATTEMPTS)
def test_a_confined_program_gets_nothing_of_the_bots(who: dict[str, Any], attempt: str) -> None:
    python = who.pop("python")
    given = {"PATH": "/usr/bin:/bin", "GITOPS_BOT_GIT_TOKEN": confined_bot.SECRET, "HOME": "/nonexistent"}
    command = [python, "-B", confined_bot.__file__, attempt]
    done = subprocess.run(command, env=given, capture_output=True, text=True, check=False, timeout=60, **who)
    assert done.returncode == 0, done.stderr
    printed, complained, left = json.loads(done.stdout)
    assert printed.startswith("denied"), (printed, complained)
    assert left == LEFT
