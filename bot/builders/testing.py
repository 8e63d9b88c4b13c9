"""A test of an assembled image runs on this machine, beside the image's files: it checks files, it is no container.

It is a program of this machine that works on what strangers wrote: it gets nothing of the bot's own environment, of
the image's only the variables that it names, and, where this machine can see to that, no files but these.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from typing import TYPE_CHECKING, Any, NamedTuple

from bot import confine
from bot.builders.dockerfile import printable
from bot.builders.layers import Unclear
from bot.builders.rooted import Rooted
from bot.builders.scratch import scratch
from bot.core.errors import BotError
from bot.core.models import TestRun

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from bot.builders.layers import Files

TAIL = 4000
TIMED_OUT = 124  # what timeout(1) exits with


class Test(NamedTuple):
    """A command with its time limit, and which of the image's variables it gets."""

    command: Sequence[str]
    seconds: float
    variables: Sequence[str] = ()


def run_in_files(folder: Path, files: Files, settings: Mapping[str, Any], test: Test) -> TestRun:
    """Run a test on this machine with the image's unpacked files; `IMAGE_ROOT` is their folder.

    The program is looked up on this machine's PATH, never in the image. It starts in the image's WORKDIR, with an empty
    HOME and no standard input. At the time limit it and its children are killed, and the exit code is 124. `BotError`
    if there is no such program, or it cannot be started.
    """
    program, start = _program(test.command), _start(folder, files, str(settings.get("WorkingDir") or ""))
    with scratch("gitops-bot-") as home, tempfile.TemporaryFile() as output:
        for each in (folder, home):
            confine.lend(each)
        environment = _environment(folder, home, settings, test.variables)
        try:
            process = subprocess.Popen(
                confine.arguments([program, *test.command[1:]], write=[folder, home]), cwd=start, env=environment,
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        except (OSError, ValueError) as error:
            raise _not_runnable(f"the test command cannot be started: {error}") from error
        try:
            code, note = process.wait(test.seconds), ""
        except subprocess.TimeoutExpired:
            code, note = TIMED_OUT, f"\n(killed after {test.seconds:g} seconds)"
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        output.seek(max(0, output.seek(0, os.SEEK_END) - 4 * TAIL))
        return TestRun(code, tail(output.read()) + note)


def _start(folder: Path, files: Files, workdir: str) -> Path:
    """The image's WORKDIR among the files, made if it is not there."""
    try:
        return Rooted(folder).existing_folder(files.resolve(workdir.strip("/")))
    except (Unclear, OSError, ValueError) as error:
        raise _not_runnable(f"the image's WORKDIR {workdir[:200]!r}: {error}") from error


def tail(output: bytes) -> str:
    """The last 4,000 characters of what a program printed, without what would steer a terminal."""
    return printable(output.decode("utf-8", "replace")[-TAIL:])


def _program(command: Sequence[str]) -> str:
    path = os.pathsep.join(part for part in _path().split(os.pathsep) if part.startswith("/"))
    name = command[0] if command else ""
    found = shutil.which(name, path=path) if name and ("/" not in name or name.startswith("/")) else None
    if not found:
        raise _not_runnable(f"the test command {name!r} is not a program of this machine")
    return found


def _not_runnable(message: str) -> BotError:
    fix = "name one that is on PATH here, for example [sh, -c, …]; GITOPS_BOT_BUILDER=docker uses the image's"
    return BotError(message, fix=fix, reason_code="test_not_runnable")


def _path() -> str:
    return os.environ.get("PATH") or os.defpath


def _environment(folder: Path, home: Path, settings: Mapping[str, Any], names: Sequence[str]) -> dict[str, str]:
    """A variable makes many a program run what it says: none of the image's is given unless the test names it."""
    image = dict(str(pair).partition("=")[::2] for pair in settings.get("Env") or [])
    named = {name: image[name] for name in names if name in image}
    return {**named, "PATH": _path(), "HOME": str(home), "TMPDIR": str(home), "IMAGE_ROOT": str(folder)}
