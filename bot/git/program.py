"""The git program: how it is started, what it sees, how long it may take."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from bot.core.errors import BotError, Unavailable
from bot.git.failures import redact
from bot.git.remote import Remote, encoded

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_KEPT = ("GIT_ASKPASS", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM", "GIT_EXEC_PATH", "GIT_SSH", "GIT_SSH_COMMAND")
# The user's own settings stay in force for how to connect (helpers, proxies, ssh), not for what is read and written.
_SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.autocrlf=false",
    "core.attributesFile=/dev/null",
    "core.fsmonitor=false",
    # Nothing is ever checked out, so any name that a tree can hold is a good name.
    "core.protectNTFS=false",
    "core.protectHFS=false",
    "core.logAllRefUpdates=false",
    "i18n.commitEncoding=UTF-8",
    "gc.autoDetach=false",
    "maintenance.autoDetach=false",
    "push.gpgSign=false",
    "push.pushOption=",
)


class Finished(NamedTuple):
    """What a git command left behind: exit code, standard output, redacted error output."""

    code: int
    stdout: bytes
    stderr: str


class Program:
    """Runs git in one bare repository. `seconds` is the time limit of each command."""

    def __init__(self, folder: Path, remote: Remote, token: str | None, seconds: float) -> None:
        self.folder = folder
        self._remote = remote
        self._token = token
        self._seconds = seconds

    def local(self, *arguments: str, stdin: bytes = b"", extra: Mapping[str, str] | None = None) -> Finished:
        """Run a command that needs neither network nor token."""
        return self._run(arguments, stdin, self._environment() | dict(extra or {}))

    def network(self, *arguments: str) -> Finished:
        """Run a command that talks to the remote; the token goes along in the environment.

        Settings by environment need git 2.31 (https://git-scm.com/docs/git-config, `GIT_CONFIG_COUNT`); an older
        git connects without the token.
        """
        settings = self._remote.token_settings(self._token)
        environment = self._environment() | {"GIT_CONFIG_COUNT": str(len(settings))}
        for number, (key, value) in enumerate(settings.items()):
            environment |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
        return self._run(arguments, b"", environment)

    def _environment(self) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if name in _KEPT or not name.startswith(("GIT_", "GITOPS_BOT_")) or name.startswith("GIT_SSL_")
        }
        schemes = "https:ssh:file:http" if self._remote.scheme == "http" else "https:ssh:file"
        kept.setdefault("GIT_ASKPASS", "")
        return kept | {
            "GIT_DIR": str(self.folder),
            "GIT_ALLOW_PROTOCOL": schemes,
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_LITERAL_PATHSPECS": "1",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "SSH_ASKPASS_REQUIRE": "never",
            "LC_ALL": "C",
        }

    def _run(self, arguments: tuple[str, ...], stdin: bytes, environment: dict[str, str]) -> Finished:
        command = ["git", *(part for setting in _SETTINGS for part in ("-c", setting)), *arguments]
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=self.folder,
                env=environment,
                # Its own session: no terminal to ask questions on, and one signal ends git's helpers too.
                start_new_session=True,
            )
        except OSError as error:
            raise BotError(
                f"git cannot be started: {error}",
                fix="install git 2.30 or newer; keep the cache folder while it is in use",
                reason_code="git_missing",
            ) from error
        stdout, stderr = self._wait(process, arguments[0], stdin)
        secrets = (self._token, encoded(self._token)) if self._token else ()
        return Finished(process.returncode, stdout, redact(stderr.decode("utf-8", "replace"), secrets))

    def _wait(self, process: subprocess.Popen[bytes], verb: str, stdin: bytes) -> tuple[bytes, bytes]:
        try:
            return process.communicate(stdin, timeout=self._seconds)
        except BaseException as error:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            if isinstance(error, subprocess.TimeoutExpired):
                message = f"git {verb} of {self._remote.url} took longer than {self._seconds:g} s and was ended"
                raise Unavailable(message, fix="try again", reason_code="timeout") from error
            raise


@contextmanager
def alone(lock: Path, seconds: float) -> Iterator[None]:
    """Hold the lock file against other processes and threads; `Unavailable` if it is not free within `seconds`."""
    deadline = time.monotonic() + seconds
    try:
        lock.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = lock.open("ab")
    except OSError as error:
        message = f"the cache folder {lock.parent} cannot be used: {error.strerror}"
        raise Unavailable(message, fix="make it writable, or choose another cache folder") from error
    with file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() > deadline:
                    message = f"another process has been using {lock.parent} for {seconds:g} s"
                    raise Unavailable(message, fix="try again when it is done", reason_code="busy") from error
                time.sleep(0.05)
        yield
