"""The real things that tests talk to: a Docker Engine and a container registry.

A machine without one skips those tests, by name and with the reason; where CI=true that is an error instead.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from typing import TYPE_CHECKING, NoReturn

import pytest
import requests

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from docker import DockerClient

REGISTRY = "docker-registry (Debian's package of that name)"


def missing(what: str) -> NoReturn:
    """Skip the test for want of `what`; fail it on CI, where everything must be there."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"CI must have {what}")
    pytest.skip(f"needs {what}")


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the settings, credentials or caches of the person who runs it."""
    home = tmp_path_factory.mktemp("home")
    for name in [n for n in os.environ if n.startswith(("GITOPS_BOT_", "GIT_"))]:
        if not name.startswith("GITOPS_BOT_TEST_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    monkeypatch.setenv("DOCKER_CONFIG", str(home / "docker"))
    # Not the null device: `git config --global` renames a new file over it, and root may.
    (home / "gitconfig").touch()
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(home / "gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@pytest.fixture(scope="session")
def engine() -> DockerClient:
    """A client of a running Docker Engine."""
    import docker

    try:
        client = docker.from_env(timeout=60)
        client.ping()
    except docker.errors.DockerException:
        missing("a Docker Engine (install docker.io, start dockerd, or set DOCKER_HOST)")
    return client


@pytest.fixture(scope="session")
def registry_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`host:port` of a real, empty registry without authentication on this machine."""
    given = os.environ.get("GITOPS_BOT_TEST_REGISTRY")
    if given:
        yield given
        return
    if not shutil.which("docker-registry"):
        missing(f"{REGISTRY}, or GITOPS_BOT_TEST_REGISTRY=host:port")
    yield from start_registry(tmp_path_factory.mktemp("registry"))


@pytest.fixture(scope="session")
def registry_program() -> str:
    """The program `docker-registry`, for tests that start a registry of their own."""
    return shutil.which("docker-registry") or missing(REGISTRY)


def start_registry(folder: Path, auth: str = "") -> Iterator[str]:
    """Start `docker-registry` on a free loopback port, give its `host:port`, stop it at the end.

    `auth` is the `auth:` part of its configuration (YAML), empty for none.
    """
    host = f"127.0.0.1:{_free_port()}"
    config = folder / "config.yml"
    config.write_text(
        f"version: 0.1\nlog: {{level: error}}\nstorage:\n  filesystem: {{rootdirectory: {folder}/data}}\n"
        f"  delete: {{enabled: true}}\nhttp: {{addr: '{host}'}}\n{auth}"
    )
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(["docker-registry", "serve", str(config)], stdout=log, stderr=log)
    try:
        _wait_until_it_answers(host)
        yield host
    finally:
        process.terminate()
        process.wait(10)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_it_answers(host: str) -> None:
    for _ in range(100):
        try:
            requests.get(f"http://{host}/v2/", timeout=1)
        except requests.ConnectionError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"the registry on {host} did not start")
