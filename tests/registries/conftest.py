"""The registries that one contract holds for."""

from __future__ import annotations

import base64
import json
import os
import shutil
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from bot.core.references import Reference, parse
from bot.registries.layout import LayoutRegistry
from bot.registries.oci import OciRegistry
from tests.conftest import missing, start_registry
from tests.registries.fake import FakeRegistry, serve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.ports import Registry

# robot / s3cret, as `htpasswd -nbB -C 5` writes it
HTPASSWD = "robot:$2y$05$uRMjdhjyQn63fvs6Q6rzLeLdI5DluRrQ/aMLTNFNuYFYo2V6n7h9u\n"
KINDS = ("layout", "docker-registry", "docker-registry with passwords", "fake", "fake with tokens")


class Place(NamedTuple):
    """A registry, and a host in it that is the test's own."""

    registry: Registry
    host: str
    prefix: str

    def repository(self, name: str = "app") -> Reference:
        """A repository that no other test uses."""
        return parse(f"{self.host}/{self.prefix}/{name}")


def impatient() -> OciRegistry:
    """The registry over HTTP, that tries again at once."""
    return OciRegistry(sleep=lambda _: None)


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """Each registry in turn."""
    prefix = f"t{uuid.uuid4().hex}"
    if request.param == "layout":
        yield Place(LayoutRegistry(tmp_path / "registries"), "registry.example:5000", prefix)
    elif request.param == "docker-registry":
        yield Place(impatient(), request.getfixturevalue("registry_host"), prefix)
    elif request.param == "docker-registry with passwords":
        host = request.getfixturevalue("registry_with_passwords")
        log_in(host, "robot", "s3cret")
        yield Place(impatient(), host, prefix)
    else:
        fake = request.getfixturevalue("fake")
        if request.param == "fake with tokens":
            fake.auth = "token"
            docker_config().write_bytes(fake.docker_config())
        yield Place(impatient(), fake.host, prefix)


@pytest.fixture
def fake() -> Iterator[FakeRegistry]:
    """An empty fake registry."""
    with serve() as registry:
        yield registry


@pytest.fixture(scope="session")
def registry_with_passwords(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`host:port` of a real registry that wants a password (Basic)."""
    if not shutil.which("docker-registry"):
        missing("docker-registry (Debian's package of that name)")
    folder = tmp_path_factory.mktemp("registry-with-passwords")
    (folder / "htpasswd").write_text(HTPASSWD)
    yield from start_registry(folder, f"auth: {{htpasswd: {{realm: test, path: {folder}/htpasswd}}}}\n")


def docker_config() -> Path:
    """The Docker configuration of this test."""
    folder = Path(os.environ["DOCKER_CONFIG"])
    folder.mkdir(exist_ok=True)
    return folder / "config.json"


def log_in(host: str, username: str, password: str) -> None:
    """Do what `docker login` does."""
    auth = base64.b64encode(f"{username}:{password}".encode()).decode()
    docker_config().write_text(json.dumps({"auths": {host: {"auth": auth}}}))
