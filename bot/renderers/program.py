"""Runs a renderer: with no credentials, no other programs and no cluster in reach, for a time and up to a size."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import threading
from typing import IO, TYPE_CHECKING

from bot import confine
from bot.core.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

MOST_OUTPUT = 4_000_000
# klog's header: https://pkg.go.dev/k8s.io/klog/v2. It has the time and a process's number.
_LOG_HEADER = re.compile(r'^[EWIF]\d{4} [\d:.]+ +\d+ \S+\] ("command failed" err=)?', re.MULTILINE)


def run(command: Sequence[str], root: Path, seconds: float) -> str:
    """Standard output of a program that reads files below `root`, and writes none.

    `Refused` if it is not on this machine (`program_missing`), fails, takes longer than `seconds`, or says more than
    4 MB; the reason is the same each time, it names no temporary folder.
    """
    name, *arguments = command
    program = shutil.which(name)
    if program is None:
        raise Refused(f"{name} is not on this machine", reason_code="program_missing")
    confine.show(root)
    try:
        # Its own session: one signal ends what it starts, too.
        process = subprocess.Popen(
            confine.arguments([program, *arguments], read=[root]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=root,
            env=_environment(root),
            start_new_session=True,
        )
    except OSError as error:
        raise Refused(f"{name} cannot be started: {error.strerror}", reason_code="program_missing") from error
    return _outcome(process, name, root, seconds)


def _environment(root: Path) -> dict[str, str]:
    """No PATH, so that git is not found; proxies that are not there, so that nothing else is reached either."""
    nowhere = "http://127.0.0.1:9"
    home = str(root / "home")
    return {"HOME": home, "PATH": home, "LC_ALL": "C", "HTTP_PROXY": nowhere, "HTTPS_PROXY": nowhere}


def _outcome(process: subprocess.Popen[bytes], name: str, root: Path, seconds: float) -> str:
    assert process.stdout is not None
    assert process.stderr is not None
    out, err = _Drain(process.stdout, lambda: _end(process)), _Drain(process.stderr, lambda: _end(process))
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired as error:
        raise Refused(f"{name} took longer than {seconds:g} s", reason_code="timeout") from error
    finally:
        _end(process)
        process.wait()
        stdout, stderr = out.finish(), err.finish()
    if out.full or err.full:
        raise Refused(f"{name} wrote more than {MOST_OUTPUT:,} bytes")
    if process.returncode:
        raise Refused(f"{name}: {_reason(stderr, root) or f'exit code {process.returncode}'}")
    return stdout


def _end(process: subprocess.Popen[bytes]) -> None:
    """End it and all that it started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _reason(stderr: str, root: Path) -> str:
    """The end of what it complained of, without what differs from run to run."""
    text = _LOG_HEADER.sub("", stderr).replace(f"{root}/tree/", "").replace(str(root), "")
    flat = " ".join(text.split())
    return flat if len(flat) <= 500 else "…" + flat[-500:]


class _Drain:
    """Reads a stream to its end in a thread, and keeps only so much; `full` is called once when it is more."""

    def __init__(self, stream: IO[bytes], full: Callable[[], None]) -> None:
        self.full = False
        self._kept = b""
        self._thread = threading.Thread(target=self._read, args=(stream, full), daemon=True)
        self._thread.start()

    def _read(self, stream: IO[bytes], full: Callable[[], None]) -> None:
        kept: list[bytes] = []
        size = 0
        with stream:
            while block := stream.read(65_536):
                size += len(block)
                if size > MOST_OUTPUT:
                    self.full = True
                    full()
                    break
                kept.append(block)
        self._kept = b"".join(kept)

    def finish(self) -> str:
        """Everything, once the stream is at its end."""
        self._thread.join()
        return self._kept.decode("utf-8", "replace")
