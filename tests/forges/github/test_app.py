"""The bot as a GitHub App, on an Enterprise server too; and git with the tokens that it gets."""

from __future__ import annotations

import time
from base64 import b64encode
from subprocess import CalledProcessError
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from github import Consts

from bot.core.errors import Unauthorised
from bot.forges.github import GitHubForge
from bot.forges.github_auth import app_access, token_access
from tests.forges.github.fake import APP_ID, INSTALLATION, FakeGitHub, Fault, serve
from tests.forges.github.world import BOT, TOKEN
from tests.git_remote import Person, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def make_key() -> tuple[str, str]:
    """A private key and its public one, both in PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


@pytest.fixture(scope="module")
def keys() -> tuple[str, str]:
    """One pair for all tests: making it takes long."""
    return make_key()


@pytest.fixture(params=["", "/api/v3"], ids=["github.com", "Enterprise"])
def github(request: pytest.FixtureRequest, tmp_path: Path, keys: tuple[str, str]) -> Iterator[FakeGitHub]:
    """A fake GitHub that knows the App."""
    Person(tmp_path / "remote.git", tmp_path / "alice").push({"a": "1"})
    with serve(tmp_path / "remote.git", request.param) as fake:
        fake.app_key = keys[1]
        yield fake


def forge(github: FakeGitHub, key: str, app_id: str = APP_ID, installation: int | None = None) -> GitHubForge:
    """The forge as the App."""
    return GitHubForge("acme/gitops", app_access(app_id, key, installation), github.url, lambda _: None)


def test_an_app_finds_its_installation_and_works_with_its_tokens(github: FakeGitHub, keys: tuple[str, str]) -> None:
    github.world.run("update-ref", "refs/heads/bot/dev/shop", "main")
    github.world.open("alice", "bot/dev/shop", "Old", "").state = "CLOSED"
    bot = forge(github, keys[0].replace("\n", "\\n"))
    bot.comment(1, "status", "I am an App")
    assert [said.author for said in github.world.pulls[1].comments] == [BOT]
    assert bot.pull_requests()[0].comments == {"status": "I am an App"}
    assert len(github.asked("acme/gitops/installation")) == len(github.asked("access_tokens")) == 1


def test_a_known_installation_is_not_looked_for(github: FakeGitHub, keys: tuple[str, str]) -> None:
    forge(github, keys[0], installation=INSTALLATION).pull_requests()
    assert github.asked("acme/gitops/installation") == []
    assert len(github.asked("access_tokens")) == 1


def test_a_token_is_renewed_before_it_ends(github: FakeGitHub, keys: tuple[str, str]) -> None:
    bot = forge(github, keys[0])
    first = bot.token()
    assert bot.token() == first
    github.token_life = 10
    short = forge(github, keys[0])
    assert short.token() != short.token()
    github.world.tokens.pop(first)
    with pytest.raises(Unauthorised):
        bot.pull_requests()


def test_another_key_is_refused_and_never_shown(github: FakeGitHub) -> None:
    other = make_key()[0]
    for bot in (forge(github, other), forge(github, other, installation=INSTALLATION)):
        with pytest.raises(Unauthorised, match="JSON web token") as error:
            bot.pull_requests()
        assert "clock" in error.value.fix
        assert other.splitlines()[3] not in f"{error.value!r}{error.value}{error.value.__cause__!r}"


def test_an_app_id_that_does_not_fit_the_key_is_refused(github: FakeGitHub, keys: tuple[str, str]) -> None:
    with pytest.raises(Unauthorised, match="JSON web token"):
        forge(github, keys[0], app_id="1").token()


def test_a_clock_that_is_wrong_is_refused_and_one_that_is_a_little_fast_is_not(
    github: FakeGitHub, keys: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = time.time
    monkeypatch.setattr("github.Auth.time.time", lambda: real() + 30)
    assert forge(github, keys[0]).token()
    assert -Consts.DEFAULT_JWT_ISSUED_AT >= 60


def test_an_app_that_is_not_installed_says_so(github: FakeGitHub, keys: tuple[str, str]) -> None:
    github.faults = [Fault("/installation", 404, 9, {}, {"message": "Not Found"})]
    with pytest.raises(Unauthorised, match="not installed on acme/gitops"):
        forge(github, keys[0]).pull_requests()


@pytest.mark.parametrize(
    "fault", [{"status": 502}, {"cut": True}, {"short": True}, {}], ids=["502", "cut", "truncated JSON", "dropped"]
)
def test_a_token_that_does_not_come_at_once_is_asked_for_again(
    github: FakeGitHub, keys: tuple[str, str], fault: dict[str, Any]
) -> None:
    github.faults = [Fault("access_tokens", **fault)]
    assert forge(github, keys[0]).pull_requests() == ()


@pytest.mark.parametrize(
    "key", ["", "s3cret", "-----BEGIN RSA PRIVATE KEY-----\ns3cret\n-----END RSA PRIVATE KEY-----"]
)
def test_what_is_no_key_is_refused_at_once_and_never_shown(key: str) -> None:
    with pytest.raises(Unauthorised) as error:
        app_access(APP_ID, key)
    assert "s3cret" not in f"{error.value}{error.value.__cause__}"


def test_git_pushes_with_the_apps_token(github: FakeGitHub, keys: tuple[str, str], tmp_path: Path) -> None:
    url = f"http://{github.host}/acme/gitops.git"

    def push(token: str) -> None:
        basic = b64encode(f"x-access-token:{token}".encode()).decode()
        header = f"http.extraHeader=Authorization: Basic {basic}"
        run(tmp_path / "alice", "-c", header, "-c", "credential.helper=", "push", "-q", url, "HEAD:refs/heads/bot/x")

    push(forge(github, keys[0]).token())
    assert github.world.tip("bot/x") == github.world.tip("main")
    with pytest.raises(CalledProcessError):
        push("ghs_wrong")


def test_an_enterprise_server_has_its_own_addresses(tmp_path: Path) -> None:
    Person(tmp_path / "remote.git", tmp_path / "alice").push({"a": "1"})
    with serve(tmp_path / "remote.git", "/api/v3") as fake:
        bot = GitHubForge("acme/gitops", token_access(TOKEN), f"{fake.url}/", lambda _: None)
        assert bot.pull_requests() == ()
        bot.person("carol")
        paths = {seen.path for seen in fake.seen}
        assert paths == {"/api/graphql", "/api/v3/repos/acme/gitops/collaborators/carol/permission"}
