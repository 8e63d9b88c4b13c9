"""The git program: how it is started, what it sees, how long it may take."""

from __future__ import annotations

import fcntl
import math
import os
import resource
import signal
import subprocess
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple

from bot.core.errors import BotError, Refused, Unavailable
from bot.git.failures import redact
from bot.git.remote import Remote, encoded

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

MOST_BYTES = 1 << 30
"""Of one answer of git, which is held in memory."""
MOST_MEMORY = 1 << 30
"""Bytes that a local command of git may take."""
MOST_NAMES = 64 << 20
"""Bytes of a list of paths."""
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
    # Nor is anything of it trusted: one strange object on one branch must not stop the others from being fetched.
    "fetch.fsckObjects=false",
    "transfer.fsckObjects=false",
    # What a tree says of its files (here: the empty one) is not asked; git 2.43 took that of HEAD.
    "attr.tree=4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    "diff.ignoreSubmodules=none",
    "log.showSignature=false",
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
    """Runs git in one bare repository. `seconds` is the time limit of each command, `until` that of all together."""

    def __init__(
        self, folder: Path, remote: Remote, token: str | None, seconds: float, until: float = math.inf
    ) -> None:
        self.folder = folder
        self._remote = remote
        self._token = token
        self._seconds = seconds
        self._until = until

    def within(self, seconds: float) -> Program:
        """The same, whose commands must all be done in `seconds` from now."""
        return Program(self.folder, self._remote, self._token, seconds, time.monotonic() + seconds)

    def local(
        self, *arguments: str, stdin: bytes = b"", extra: Mapping[str, str] | None = None, most: int = MOST_BYTES
    ) -> Finished:
        """Run a command that needs neither network nor token.

        `Refused` (`too_large`) if it says more than `most` bytes.
        """
        return self._run(arguments, stdin, self._environment() | dict(extra or {}), most)

    def network(self, *arguments: str) -> Finished:
        """Run a command that talks to the remote; the token goes along in the environment.

        Settings by environment need git 2.31 (https://git-scm.com/docs/git-config, `GIT_CONFIG_COUNT`); an older
        git connects without the token.
        """
        settings = self._remote.token_settings(self._token)
        environment = self._environment() | {"GIT_CONFIG_COUNT": str(len(settings))}
        for number, (key, value) in enumerate(settings.items()):
            environment |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
        return self._run(arguments, b"", environment, math.inf)

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

    def _run(self, arguments: tuple[str, ...], stdin: bytes, environment: dict[str, str], most: float) -> Finished:
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
        if most < math.inf:
            _bound(process.pid)
        verb = next(word for word in arguments if word != "-c" and "=" not in word)
        stdout, stderr = self._wait(process, verb, stdin, most)
        secrets = (self._token, encoded(self._token)) if self._token else ()
        return Finished(process.returncode, stdout, redact(stderr.decode("utf-8", "replace"), secrets))

    def _wait(self, process: subprocess.Popen[bytes], verb: str, stdin: bytes, most: float) -> tuple[bytes, bytes]:
        said, process.stdout = _Output(process, most), None
        try:
            _, stderr = process.communicate(stdin, timeout=max(0, min(self._seconds, self._until - time.monotonic())))
        except BaseException as error:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            if isinstance(error, subprocess.TimeoutExpired):
                message = f"git {verb} of {self._remote.url} took longer than {self._seconds:g} s and was ended"
                raise Unavailable(message, fix="try again", reason_code="timeout") from error
            raise
        return said.all(f"git {verb} of {self._remote.url}"), stderr


def _bound(process: int) -> None:
    """Bound a process' memory, where the system can: git lists all files of a tree before it says the first."""
    if hasattr(resource, "prlimit"):
        # It may have ended already.
        with suppress(OSError):
            resource.prlimit(process, resource.RLIMIT_DATA, (MOST_MEMORY, MOST_MEMORY))


class _Output:
    """Reads what a process says, and listens no longer to one that says too much, which ends it.

    Whoever may push can make a tree without end.
    """

    def __init__(self, process: subprocess.Popen[bytes], most: float) -> None:
        self._pipe, self._most = process.stdout, most
        self._read = bytearray()
        self._thread = threading.Thread(target=self._fill, daemon=True)
        self._thread.start()

    def _fill(self) -> None:
        assert self._pipe
        with self._pipe:
            while len(self._read) <= self._most and (part := self._pipe.read(1 << 16)):
                self._read += part

    def all(self, what: str) -> bytes:
        """All of it, once the process has ended."""
        self._thread.join()
        if len(self._read) > self._most:
            message = f"{what} says more than {int(self._most) >> 20} MiB"
            raise Refused(message, fix="take what is so large out of it", reason_code="too_large")
        return bytes(self._read)


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
