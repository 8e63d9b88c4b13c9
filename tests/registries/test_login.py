"""Who may read and write: passwords, tokens, and who never gets to see them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.core.errors import Unauthorised, Unavailable
from bot.registries.hosts import origin
from bot.registries.http import Request
from bot.registries.tokens import Challenge, parse_challenge
from tests.registries.conftest import docker_config, impatient, log_in
from tests.registries.fake import USER, FakeRegistry, Trouble
from tests.registries.images import digest, push_image, put_blobs


@pytest.fixture
def guarded(fake: FakeRegistry) -> FakeRegistry:
    """A registry that wants tokens, and somebody who has the password."""
    fake.auth = "token"
    docker_config().write_bytes(fake.docker_config())
    return fake


def test_one_token_serves_all_requests_of_its_scope(guarded: FakeRegistry) -> None:
    registry = impatient()
    push_image(registry, guarded.reference("app:1"), {})
    guarded.issued.clear()
    for _ in range(3):
        assert registry.digest(guarded.reference("app:1"))
    assert list(guarded.issued.values()) == [["repository:app:pull"]]


def test_a_mount_asks_for_both_repositories_in_one_token(guarded: FakeRegistry) -> None:
    registry = impatient()
    put_blobs(registry, guarded.reference("base"), [b"layer"])
    assert registry.mount_blob(guarded.reference("app"), digest(b"layer"), guarded.reference("base"))
    assert ["repository:app:pull,push", "repository:base:pull"] in guarded.issued.values()


def test_a_token_that_the_registry_no_longer_takes_is_replaced(guarded: FakeRegistry) -> None:
    registry = impatient()
    named = push_image(registry, guarded.reference("app:1"), {})
    guarded.issued = {token: [] for token in guarded.issued}
    assert registry.digest(guarded.reference("app:1")) == named


def test_a_token_at_its_end_is_not_used_again(guarded: FakeRegistry) -> None:
    registry = impatient()
    push_image(registry, guarded.reference("app:1"), {})
    guarded.token_life = 0
    guarded.issued.clear()
    fresh = impatient()
    for _ in range(3):
        assert fresh.digest(guarded.reference("app:1"))
    assert len(guarded.issued) == 3


def test_an_identity_token_is_exchanged_for_a_token(guarded: FakeRegistry) -> None:
    guarded.identity = "identity-s3cret"
    auths = {guarded.host: {"auth": "", "identitytoken": "identity-s3cret"}}
    docker_config().write_text(json.dumps({"auths": auths}))
    push_image(impatient(), guarded.reference("app:1"), {})
    assert "identity-s3cret" not in "".join(seen.path for seen in guarded.seen)


@pytest.mark.parametrize("auth", ["token", "basic"])
def test_a_wrong_password_is_told_with_the_fix_and_without_the_password(fake: FakeRegistry, auth: str) -> None:
    fake.auth = auth
    log_in(fake.host, USER, "wr0ng")
    with pytest.raises(Unauthorised, match=f"docker login {fake.host}") as caught:
        impatient().tags(fake.reference("app"))
    assert "wr0ng" not in str(caught.value)


@pytest.mark.parametrize("auth", ["token", "basic"])
def test_who_is_not_logged_in_is_told_to(fake: FakeRegistry, auth: str) -> None:
    fake.auth = auth
    with pytest.raises(Unauthorised, match=f"docker login {fake.host}"):
        impatient().digest(fake.reference("app:1"))


def test_a_refusal_is_never_an_absence(guarded: FakeRegistry) -> None:
    guarded.denied = {"app"}
    registry = impatient()
    reference = guarded.reference("app:1")
    for read in (registry.digest, registry.manifest, registry.image, registry.tags):
        with pytest.raises(Unauthorised, match="refuses"):
            read(reference)
    with pytest.raises(Unauthorised):
        registry.has_blob(reference.repository, digest(b""))


def test_a_403_is_a_refusal(fake: FakeRegistry) -> None:
    fake.troubles = [Trouble("HEAD", "/manifests/", 403)]
    with pytest.raises(Unauthorised, match="refuses access without credentials"):
        impatient().digest(fake.reference("app:1"))


def test_a_401_that_asks_for_nothing_is_a_refusal(fake: FakeRegistry) -> None:
    fake.troubles = [Trouble("HEAD", "/manifests/", 401, headers={"WWW-Authenticate": "Negotiate"})]
    with pytest.raises(Unauthorised, match="does not say how"):
        impatient().digest(fake.reference("app:1"))


def test_the_password_goes_to_the_token_server_only(guarded: FakeRegistry) -> None:
    push_image(impatient(), guarded.reference("app:1"), {})
    carried = {seen.path.partition("?")[0] for seen in guarded.seen if "Basic" in seen.headers.get("Authorization", "")}
    assert carried == {"/token"}


@pytest.mark.parametrize(
    "realm",
    ["http://tokens.example/token", "ftp://127.0.0.1/token", "https://me:pw@127.0.0.1/", "/token", "http://[::1"],
)
def test_a_token_server_without_tls_gets_nothing(guarded: FakeRegistry, realm: str) -> None:
    guarded.realm = realm
    with pytest.raises(Unavailable, match="names a token server"):
        impatient().digest(guarded.reference("app:1"))
    assert len(guarded.seen) == 1


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"token": 7}', b'{"token": ""}', b'{"token": "a\\r\\nX: y"}', b'{"token": "\\u00e9"}']
)
def test_an_answer_without_a_token_is_no_login(guarded: FakeRegistry, body: bytes) -> None:
    guarded.troubles = [Trouble("GET", "/token", 200, body=body)]
    with pytest.raises(Unavailable, match="token server"):
        impatient().digest(guarded.reference("app:1"))


def test_passwords_in_netrc_are_not_sent(fake: FakeRegistry) -> None:
    (Path.home() / ".netrc").write_text("machine 127.0.0.1 login me password s3cret\n")
    (Path.home() / ".netrc").chmod(0o600)
    assert impatient().digest(fake.reference("app:1")) is None
    assert "Authorization" not in fake.seen[0].headers


def test_a_proxy_is_not_asked_for_this_machine(fake: FakeRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert impatient().digest(fake.reference("app:1")) is None


def test_a_token_server_whose_tls_cannot_be_trusted_gets_nothing(guarded: FakeRegistry) -> None:
    guarded.realm = f"https://{guarded.host}/token"
    with pytest.raises(Unavailable, match="its TLS cannot be trusted"):
        impatient().digest(guarded.reference("app:1"))
    assert guarded.requests("GET", "/token") == []


def test_a_request_does_not_show_what_it_carries() -> None:
    request = Request("POST", "https://t/?s=s3cret", "get a token", {"A": "s3cret"}, b"s3cret", "Bearer s3cret")
    assert "s3cret" not in repr(request)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("docker.io", "https://registry-1.docker.io"),
        ("ghcr.io", "https://ghcr.io"),
        ("registry.example:5000", "https://registry.example:5000"),
        ("localhost:5000", "http://localhost:5000"),
        ("127.1.2.3", "http://127.1.2.3"),
        ("[::1]:5000", "http://[::1]:5000"),
        ("10.0.0.1:5000", "https://10.0.0.1:5000"),
        ("localhost.example", "https://localhost.example"),
        ("127.0.0.1.example", "https://127.0.0.1.example"),
    ],
)
def test_only_this_machine_is_spoken_to_without_tls(host: str, url: str) -> None:
    assert origin(host) == url


@pytest.mark.parametrize(
    ("header", "challenge"),
    [
        (
            'Bearer realm="https://auth.example/token",service="registry",scope="repository:a:pull,push"',
            Challenge("bearer", "https://auth.example/token", "registry", "repository:a:pull,push"),
        ),
        ('Basic realm="x", Bearer realm="https://t"', Challenge("bearer", "https://t", "", "")),
        ("bearer REALM=https://t , service=s", Challenge("bearer", "https://t", "s", "")),
        (r'Bearer realm="https://t",service="a \"b\""', Challenge("bearer", "https://t", 'a "b"', "")),
        ('Basic realm="Sonatype, Bearer realm=x"', Challenge("basic", "Sonatype, Bearer realm=x", "", "")),
        ("Negotiate", None),
        ("", None),
        ('realm="x"', None),
        ("a" * 100_000, None),
    ],
)
def test_a_challenge_is_read(header: str, challenge: Challenge | None) -> None:
    assert parse_challenge(header) == challenge
