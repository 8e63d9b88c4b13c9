"""Credentials are found where `docker login` leaves them."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest

from bot.core.errors import Unavailable
from bot.registries.auth import Credentials, DockerConfig

if TYPE_CHECKING:
    from pathlib import Path


def encoded(pair: str) -> str:
    return base64.b64encode(pair.encode()).decode()


def write(folder: Path, config: object) -> DockerConfig:
    (folder / "config.json").write_text(json.dumps(config))
    return DockerConfig(folder)


@pytest.mark.parametrize(
    ("host", "key"),
    [
        ("ghcr.io", "ghcr.io"),
        ("localhost:5000", "localhost:5000"),
        ("registry.example", "https://registry.example/v1/"),
        ("docker.io", "https://index.docker.io/v1/"),
        ("docker.io", "docker.io"),
    ],
)
def test_a_login_is_found_by_the_registrys_host(tmp_path: Path, host: str, key: str) -> None:
    config = write(tmp_path, {"auths": {"other.example": {"auth": encoded("x:y")}, key: {"auth": encoded("me:a:b")}}})
    assert config.credentials(host) == Credentials("me", "a:b")
    assert config.credentials("elsewhere.example") is None


def test_a_name_and_a_password_may_stand_in_the_clear(tmp_path: Path) -> None:
    config = write(tmp_path, {"auths": {"ghcr.io": {"username": "me", "password": "pw"}}})
    assert config.credentials("ghcr.io") == Credentials("me", "pw")


def test_an_identity_token_is_found(tmp_path: Path) -> None:
    config = write(tmp_path, {"auths": {"ghcr.io": {"auth": encoded("<token>:"), "identitytoken": "abc"}}})
    assert config.credentials("ghcr.io") == Credentials("<token>", identity_token="abc")


@pytest.mark.parametrize(
    "config", [{}, {"auths": None}, {"auths": []}, {"auths": {"ghcr.io": None}}, {"auths": {"ghcr.io": {}}}]
)
def test_without_a_login_there_are_no_credentials(tmp_path: Path, config: object) -> None:
    assert write(tmp_path, config).credentials("ghcr.io") is None


def test_without_a_file_there_are_no_credentials() -> None:
    assert DockerConfig().credentials("ghcr.io") is None


def test_the_folder_is_the_one_that_docker_uses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"auths": {"ghcr.io": {"auth": encoded("me:pw")}}})
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    assert DockerConfig().credentials("ghcr.io") == Credentials("me", "pw")


@pytest.mark.parametrize(
    "text",
    [
        '{"auths": {"ghcr.io": {"auth": "s3cret',
        "[]",
        '{"auths": {"ghcr.io": {"auth": "s3cret!"}}}',
        '{"auths": {"ghcr.io": {"auth": "czNjcmV0"}}}',
        '{"credsStore": "../s3cret"}',
    ],
)
def test_a_damaged_file_is_named_and_not_quoted(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(Unavailable, match=r"config\.json") as caught:
        DockerConfig(tmp_path).credentials("ghcr.io")
    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert "docker login" in caught.value.fix


def test_a_password_is_not_shown() -> None:
    assert "s3cret" not in repr(Credentials("me", "s3cret", "s3cret"))


# --- helpers


@pytest.fixture
def helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A credential helper `docker-credential-vault` that knows two registries."""
    program = tmp_path / "bin" / "docker-credential-vault"
    program.parent.mkdir()
    program.write_text(
        "#!/bin/sh\nread -r server\n"
        'case "$1 $server" in\n'
        '"get ghcr.io") echo \'{"ServerURL": "ghcr.io", "Username": "me", "Secret": "pw"}\' ;;\n'
        '"get https://index.docker.io/v1/") echo \'{"Username": "<token>", "Secret": "abc"}\' ;;\n'
        '"get mute.example") echo "{}" ;;\n'
        '"get broken.example") echo "the vault is s3aled" >&2; exit 2 ;;\n'
        "*) echo 'credentials not found in native keychain'; exit 1 ;;\nesac\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    return program


@pytest.mark.parametrize("key", ["credsStore", "credHelpers"])
@pytest.mark.usefixtures("helper")
def test_a_helper_is_asked(tmp_path: Path, key: str) -> None:
    hosts = ("ghcr.io", "docker.io", "elsewhere.example")
    config = write(tmp_path, {key: "vault" if key == "credsStore" else dict.fromkeys(hosts, "vault")})
    found = [config.credentials(host) for host in hosts]
    assert found == [Credentials("me", "pw"), Credentials("<token>", identity_token="abc"), None]


@pytest.mark.usefixtures("helper")
def test_what_the_helper_does_not_know_may_stand_in_the_file(tmp_path: Path) -> None:
    config = write(tmp_path, {"credsStore": "vault", "auths": {"quay.io": {"auth": encoded("you:pw")}}})
    assert config.credentials("quay.io") == Credentials("you", "pw")


@pytest.mark.parametrize(("host", "why"), [("broken.example", "failed for broken.example"), ("mute.example", "answer")])
@pytest.mark.usefixtures("helper")
def test_a_helper_that_fails_is_named_and_not_quoted(tmp_path: Path, host: str, why: str) -> None:
    with pytest.raises(Unavailable, match=f"docker-credential-vault .*{why}") as caught:
        write(tmp_path, {"credsStore": "vault"}).credentials(host)
    assert "s3aled" not in str(caught.value)


def test_a_helper_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="docker-credential-absent does not run"):
        write(tmp_path, {"credsStore": "absent"}).credentials("ghcr.io")
