"""Credentials come from the Docker config, as `docker login` left them, and are shown to nobody.

https://docs.docker.com/reference/cli/docker/login/#credential-stores
"""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.core.errors import Unavailable

_HUB = "https://index.docker.io/v1/"
_HELPER = re.compile(r"[A-Za-z0-9._-]+")
_HELPER_SECONDS = 60
_HELPER_FIX = "try the helper by hand, install it, or take it out of the file"


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user's name and password, or an identity token that stands for both (OAuth 2 refresh token)."""

    username: str
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)

    @property
    def basic(self) -> str:
        """The value of a Basic `Authorization` header (https://www.rfc-editor.org/rfc/rfc7617)."""
        pair = f"{self.username}:{self.password}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"


class DockerConfig:
    """The folder with Docker's `config.json`; without one, `$DOCKER_CONFIG` or `~/.docker`."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder

    @property
    def file(self) -> Path:
        """Where the credentials are looked for."""
        return (self._folder or Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")) / "config.json"

    def credentials(self, host: str) -> Credentials | None:
        """What to log in to the registry `host` with: from its helper or the store, else from the file itself.

        None if there is nothing; `Unavailable` if the file or the helper does not work.
        """
        config = self._read()
        server = _HUB if host == "docker.io" else host
        helpers = _table(config.get("credHelpers"))
        helper = helpers.get(host) or helpers.get(server) or config.get("credsStore")
        return (self._ask(str(helper), server) if helper else None) or self._stored(config, host)

    def _read(self) -> dict[str, Any]:
        try:
            config = json.loads(self.file.read_bytes())
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise self._broken(f"it cannot be read ({error.strerror})") from error
        except (ValueError, RecursionError):
            # Without the cause: that one carries the file's text.
            raise self._broken("it is not JSON") from None
        if not isinstance(config, dict):
            raise self._broken("it is not a JSON object")
        return config

    def _stored(self, config: dict[str, Any], host: str) -> Credentials | None:
        for key, entry in _table(config.get("auths")).items():
            if _host(key) == host and isinstance(entry, dict):
                username, password = self._decoded(entry, key)
                identity = str(entry.get("identitytoken") or "")
                return Credentials(username, password, identity) if identity or username else None
        return None

    def _decoded(self, entry: dict[str, Any], key: str) -> tuple[str, str]:
        if not entry.get("auth"):
            return str(entry.get("username") or ""), str(entry.get("password") or "")
        try:
            text = base64.b64decode(str(entry["auth"]), validate=True).decode()
        except ValueError:
            raise self._broken(f"`auth` of {key!r} is not base64") from None
        username, colon, password = text.partition(":")
        if not colon:
            raise self._broken(f"`auth` of {key!r} is not a name and a password")
        return username, password.rstrip("\0")

    def _ask(self, name: str, server: str) -> Credentials | None:
        """Run a credential helper (https://github.com/docker/docker-credential-helpers#development)."""
        if not _HELPER.fullmatch(name):
            raise self._broken("a credential helper has a name that is none")
        program = f"docker-credential-{name}"
        try:
            run = subprocess.run([program, "get"], input=server.encode(), capture_output=True, timeout=_HELPER_SECONDS)
        except (OSError, subprocess.TimeoutExpired):
            raise self._broken(f"its credential helper {program} does not run", _HELPER_FIX) from None
        if run.returncode:
            if b"credentials not found" in run.stdout + run.stderr:
                return None
            raise self._broken(f"its credential helper {program} failed for {server}", _HELPER_FIX)
        return self._helped(run.stdout, program)

    def _helped(self, output: bytes, program: str) -> Credentials:
        try:
            found = json.loads(output)
            username, secret = str(found["Username"]), str(found["Secret"])
        except (ValueError, KeyError, TypeError, RecursionError):
            raise self._broken(
                f"its credential helper {program} did not answer with credentials", _HELPER_FIX
            ) from None
        if username == "<token>":
            return Credentials(username, identity_token=secret)
        return Credentials(username, secret)

    def _broken(self, why: str, fix: str = "repair the file, or remove it and run `docker login`") -> Unavailable:
        return Unavailable(f"cannot use the credentials of {self.file}: {why}", fix=fix)


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _host(key: str) -> str:
    """The host that a key of `auths` speaks of: older clients wrote `https://host/v1/`."""
    host = re.sub(r"^https?://", "", key).partition("/")[0]
    return "docker.io" if host in ("index.docker.io", "registry-1.docker.io") else host
