"""Servers that are busy, broken or hostile: tried again while that helps, and never believed."""

from __future__ import annotations

import io
import json
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bot.core.errors import Unavailable
from bot.core.references import parse
from bot.registries.oci import OciRegistry
from tests.registries.conftest import impatient
from tests.registries.fake import FakeRegistry, Trouble, serve
from tests.registries.images import MANIFEST, digest, layer_tar, make_image, push_image, put_blobs

if TYPE_CHECKING:
    from collections.abc import Iterator

FOREVER = 1000


class Pipe(io.BytesIO):
    """A stream that cannot seek."""

    def seekable(self) -> bool:
        return False


@pytest.fixture
def storage() -> Iterator[FakeRegistry]:
    """Another server, which downloads may be redirected to."""
    with serve() as other:
        yield other


# --- busy and broken


def test_a_busy_registry_is_asked_again_when_it_says(fake: FakeRegistry) -> None:
    pauses: list[float] = []
    registry = OciRegistry(sleep=pauses.append)
    named = push_image(registry, fake.reference("app:1"), {})
    fake.troubles = [Trouble("HEAD", "/manifests/", 429, headers={"Retry-After": "7"})]
    assert registry.digest(fake.reference("app:1")) == named
    assert pauses == [7.0]


def test_a_registry_that_wants_to_be_left_alone_for_an_hour_is(fake: FakeRegistry) -> None:
    fake.troubles = [Trouble("HEAD", "/manifests/", 429, times=FOREVER, headers={"Retry-After": "3600"})]
    with pytest.raises(Unavailable, match="try again in 3600 seconds"):
        impatient().digest(fake.reference("app:1"))
    assert len(fake.seen) == 1


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_registry_that_recovers_is_read(fake: FakeRegistry, status: int) -> None:
    registry = impatient()
    named = push_image(registry, fake.reference("app:1"), {})
    fake.troubles = [Trouble("GET", "/manifests/", status, times=3)]
    manifest = registry.manifest(fake.reference("app:1"))
    assert manifest is not None
    assert manifest.digest == named


def test_a_registry_that_stays_busy_is_given_up(fake: FakeRegistry) -> None:
    fake.troubles = [Trouble("GET", "/manifests/", 503, times=FOREVER)]
    with pytest.raises(Unavailable, match=r"cannot read the manifest of .*/app:1: the server answered 503"):
        impatient().manifest(fake.reference("app:1"))
    assert len(fake.seen) == 4


def test_an_error_that_will_stay_is_not_tried_again(fake: FakeRegistry) -> None:
    body = b'{"errors": [{"code": "UNSUPPORTED", "message": "password=hunter2"}, {"code": "<script>"}]}'
    fake.troubles = [Trouble("GET", "/manifests/", 400, times=FOREVER, body=body)]
    with pytest.raises(Unavailable, match="the registry answered 400 UNSUPPORTED\n") as caught:
        impatient().manifest(fake.reference("app:1"))
    assert "hunter2" not in str(caught.value)
    assert len(fake.seen) == 1


def test_a_registry_that_is_not_there_is_unavailable() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{closed.getsockname()[1]}"
        with pytest.raises(Unavailable, match="the connection failed"):
            impatient().digest(parse(f"{host}/app:1"))


def test_an_upload_that_breaks_is_begun_anew(fake: FakeRegistry) -> None:
    blob = b"layer"
    fake.troubles = [Trouble("PUT", "/blobs/uploads/", 503)]
    impatient().put_blob(fake.reference("app"), digest(blob), len(blob), io.BytesIO(blob))
    assert fake.repositories["app"].blobs == {digest(blob): blob}
    assert len(fake.requests("POST", "/blobs/uploads/")) == 2


def test_an_upload_from_a_stream_that_cannot_be_sent_again_fails(fake: FakeRegistry) -> None:
    blob = b"layer"
    fake.troubles = [Trouble("PUT", "/blobs/uploads/", 503)]
    with pytest.raises(Unavailable):
        impatient().put_blob(fake.reference("app"), digest(blob), len(blob), Pipe(blob))
    assert not impatient().has_blob(fake.reference("app"), digest(blob))


def test_a_manifest_is_pushed_again_while_the_registry_does_not_see_its_blobs_yet(fake: FakeRegistry) -> None:
    unseen = b'{"errors": [{"code": "MANIFEST_BLOB_UNKNOWN"}]}'
    fake.troubles = [Trouble("PUT", "/manifests/", 404, times=2, body=unseen)]
    named = push_image(impatient(), fake.reference("app:1"), {})
    assert fake.repositories["app"].tags == {"1": named}


def test_one_connection_carries_many_requests(fake: FakeRegistry) -> None:
    registry = impatient()
    push_image(registry, fake.reference("app:1"), {"file": (b"content", 0o644, 0, 0)})
    assert registry.image(fake.reference("app:1"))
    assert registry.digest(fake.reference("app:2")) is None
    assert registry.tags(fake.reference("app")) == ("1",)
    assert len(fake.seen) > 10
    assert fake.connections == 1


# --- what comes is not what was promised


def test_without_a_digest_in_the_header_the_manifest_itself_is_hashed(fake: FakeRegistry) -> None:
    registry = impatient()
    named = push_image(registry, fake.reference("app:1"), {})
    fake.troubles = [Trouble(method, "", headers={"Docker-Content-Digest": ""}, times=9) for method in ("GET", "HEAD")]
    assert registry.digest(fake.reference("app:1")) == named
    assert registry.digest(fake.reference("app:2")) is None


def test_a_manifest_with_another_digest_than_asked_is_not_believed(fake: FakeRegistry) -> None:
    registry = impatient()
    named = push_image(registry, fake.reference("app:1"), {})
    asked = fake.reference(f"app@{named}")
    other = make_image([layer_tar({"other": (b"", 0o644, 0, 0)})])
    fake.repositories["app"].manifests[named] = (MANIFEST, other.manifest)
    for reference in (asked, fake.reference("app:1")):
        with pytest.raises(Unavailable, match="another digest"):
            registry.manifest(reference)
    fake.troubles = [Trouble("HEAD", "", headers={"Docker-Content-Digest": other.digest})]
    with pytest.raises(Unavailable, match="another digest"):
        registry.digest(asked)


def test_a_registry_that_stores_another_manifest_than_was_pushed_is_noticed(fake: FakeRegistry) -> None:
    fake.troubles = [Trouble("PUT", "/manifests/", headers={"Docker-Content-Digest": digest(b"other")})]
    with pytest.raises(Unavailable, match="another digest"):
        push_image(impatient(), fake.reference("app:1"), {})


@pytest.mark.parametrize(
    ("named", "inner"),
    [
        ("application/vnd.docker.distribution.manifest.v1+prettyjws", None),
        ("application/vnd.oci.image.index.v1+json", MANIFEST),
        ("text/plain", None),
        (MANIFEST, 7),
    ],
)
def test_a_manifest_of_another_or_an_ambiguous_kind_is_refused(fake: FakeRegistry, named: str, inner: object) -> None:
    body = json.dumps({"schemaVersion": 2} | ({"mediaType": inner} if inner else {})).encode()
    fake.troubles = [Trouble("GET", "/manifests/", 200, headers={"Content-Type": named}, body=body)]
    with pytest.raises(Unavailable, match="of another kind"):
        impatient().manifest(fake.reference("app:1"))


def test_a_manifest_of_more_than_4_mib_is_not_read(fake: FakeRegistry) -> None:
    fake.troubles = [
        Trouble("GET", "/manifests/", 200, headers={"Content-Type": MANIFEST}, body=b" " * (4 << 20) + b"{}")
    ]
    with pytest.raises(Unavailable, match="more than 4194304 bytes"):
        impatient().manifest(fake.reference("app:1"))


@pytest.mark.parametrize("size", [-1, 5], ids=["all at once", "who knows the size never reads past it"])
@pytest.mark.parametrize("how", [Trouble("GET", "/blobs/", body=b"lAyer"), Trouble("GET", "/blobs/", cut=True)])
def test_a_blob_that_is_cut_short_or_changed_is_noticed(fake: FakeRegistry, how: Trouble, size: int) -> None:
    registry = impatient()
    blob = b"layer"
    put_blobs(registry, fake.reference("app"), [blob])
    fake.troubles = [Trouble(how.method, how.part, body=how.body, cut=how.cut)]
    with registry.open_blob(fake.reference("app"), digest(blob)) as stream, pytest.raises(Unavailable):
        stream.read(size)


def test_an_image_whose_configuration_is_lost_is_not_taken_for_one_without_labels(fake: FakeRegistry) -> None:
    registry = impatient()
    push_image(registry, fake.reference("app:1"), {})
    fake.troubles = [Trouble("GET", "/blobs/", 500)]
    with pytest.raises(Unavailable):
        registry.image(fake.reference("app:1"))


# --- redirections


def test_a_download_is_redirected_without_the_credentials(fake: FakeRegistry, storage: FakeRegistry) -> None:
    blob = b"layer"
    registry = logged_in(fake)
    put_blobs(registry, fake.reference("app"), [blob])
    fake.elsewhere = storage
    storage.repositories = fake.repositories
    with registry.open_blob(fake.reference("app"), digest(blob)) as stream:
        assert stream.read() == blob
    assert "Authorization" in fake.seen[-1].headers
    assert [set(seen.headers) & {"Authorization", "Cookie"} for seen in storage.seen] == [set()]


@pytest.mark.parametrize("status", [401, 403, 500, 503])
def test_a_redirections_signed_address_is_not_told(fake: FakeRegistry, storage: FakeRegistry, status: int) -> None:
    blob = b"layer"
    registry = logged_in(fake)
    put_blobs(registry, fake.reference("app"), [blob])
    fake.elsewhere = storage
    storage.troubles = [Trouble("GET", "/storage/", status, times=FOREVER)]
    with pytest.raises(Unavailable) as caught, registry.open_blob(fake.reference("app"), digest(blob)):
        pass
    assert caught.value.reason_code == "unavailable"
    assert "s1gned" not in str(caught.value)


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/", "http://[::1"])
def test_a_redirection_to_anything_but_a_web_address_is_not_followed(fake: FakeRegistry, target: str) -> None:
    fake.troubles = [Trouble("GET", "/blobs/", 307, headers={"Location": target})]
    with pytest.raises(Unavailable), impatient().open_blob(fake.reference("app"), digest(b"layer")):
        pass


def test_redirections_that_go_in_a_circle_end(fake: FakeRegistry) -> None:
    home = {"Location": f"http://{fake.host}/v2/app/blobs/{digest(b'')}"}
    fake.troubles = [Trouble("GET", "/blobs/", 307, headers=home, times=FOREVER)]
    with pytest.raises(Unavailable, match="again and again"), impatient().open_blob(fake.reference("app"), digest(b"")):
        pass


def test_an_upload_is_not_sent_to_another_server_without_tls(fake: FakeRegistry, storage: FakeRegistry) -> None:
    fake.troubles = [Trouble("POST", "/uploads/", 202, headers={"Location": f"http://{storage.host}/upload"})]
    with pytest.raises(Unavailable, match="where to upload"):
        logged_in(fake).put_blob(fake.reference("app"), digest(b"x"), 1, io.BytesIO(b"x"))
    assert storage.seen == []


# --- mounts


def test_a_registry_that_does_not_mount_is_left_without_an_open_upload(fake: FakeRegistry) -> None:
    registry = impatient()
    put_blobs(registry, fake.reference("base"), [b"layer"])
    fake.mounts = False
    assert not registry.mount_blob(fake.reference("app"), digest(b"layer"), fake.reference("base"))
    assert fake.uploads == {}


def test_a_blob_is_not_mounted_from_another_registry(fake: FakeRegistry, storage: FakeRegistry) -> None:
    assert not impatient().mount_blob(fake.reference("app"), digest(b"layer"), storage.reference("base"))
    assert fake.seen == storage.seen == []


def test_a_source_that_may_not_be_read_is_not_mounted(fake: FakeRegistry) -> None:
    registry = logged_in(fake)
    put_blobs(registry, fake.reference("secret"), [b"layer"])
    fake.denied = {"secret"}
    assert not registry.mount_blob(fake.reference("app"), digest(b"layer"), fake.reference("secret"))


def test_a_source_that_no_token_is_given_for_is_not_mounted(fake: FakeRegistry) -> None:
    registry = logged_in(fake)
    put_blobs(registry, fake.reference("secret"), [b"layer"])
    fake.troubles = [Trouble("GET", "/token", 403)]
    assert not registry.mount_blob(fake.reference("app"), digest(b"layer"), fake.reference("secret"))


def logged_in(fake: FakeRegistry) -> OciRegistry:
    """A registry that wants tokens, and somebody who has the password."""
    folder = Path.home() / "logged-in"
    folder.mkdir()
    (folder / "config.json").write_bytes(fake.docker_config())
    fake.auth = "token"
    return OciRegistry(folder, sleep=lambda _: None)
