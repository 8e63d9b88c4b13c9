"""What every registry does, whatever it is made of."""

from __future__ import annotations

import gzip
import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from bot.core.errors import BotError, NotFound, Unavailable
from bot.core.references import Reference
from tests.registries.images import (
    MANIFEST,
    descriptor,
    digest,
    encoded,
    layer_tar,
    make_image,
    push,
    push_image,
    push_index,
    put_blobs,
)

if TYPE_CHECKING:
    from tests.registries.conftest import Place

FILES = {"app/": (b"", 0o755, 0, 0), "app/run.sh": (b"echo hi\n", 0o755, 1000, 1000)}
AMD64 = frozenset({"linux/amd64"})
LABELS = {"org.opencontainers.image.revision": "a" * 40, "org.opencontainers.image.base.name": "wso2/wso2mi:4.2.0"}


def test_tags_are_complete_and_sorted(place: Place) -> None:
    repository = place.repository()
    for tag in ("2.0", "1.0", "latest", "1.0-rc.1"):
        push_image(place.registry, repository.with_tag(tag), FILES)
    assert place.registry.tags(repository) == ("1.0", "1.0-rc.1", "2.0", "latest")


def test_a_repository_that_is_not_there_has_no_tags_to_list(place: Place) -> None:
    with pytest.raises(NotFound, match="is not there"):
        place.registry.tags(place.repository())


def test_a_repository_with_nothing_but_blobs_is_not_there_yet(place: Place) -> None:
    put_blobs(place.registry, place.repository(), [b"blob"])
    with pytest.raises(NotFound):
        place.registry.tags(place.repository())


def test_a_pushed_manifest_is_read_back_byte_for_byte_by_tag_and_by_digest(place: Place) -> None:
    image = make_image([layer_tar(FILES)])
    tagged = place.repository().with_tag("1.0")
    assert push(place.registry, tagged, image) == image.digest
    assert place.registry.digest(tagged) == image.digest
    for reference in (tagged, place.repository().with_digest(image.digest)):
        assert place.registry.manifest(reference) == (MANIFEST, image.digest, image.manifest)


def test_what_is_absent_is_none(place: Place) -> None:
    push_image(place.registry, place.repository().with_tag("1.0"), FILES)
    absent = place.repository().with_digest(digest(b"absent"))
    for reference in (place.repository().with_tag("2.0"), absent, place.repository("other").with_tag("1.0")):
        assert place.registry.digest(reference) is None
        assert place.registry.manifest(reference) is None
        assert place.registry.image(reference) is None


def test_a_tag_that_moved_leaves_the_old_image_reachable_by_digest(place: Place) -> None:
    tagged = place.repository().with_tag("latest")
    old = push_image(place.registry, tagged, FILES)
    new = push_image(place.registry, tagged, {"app/new": (b"new", 0o644, 0, 0)})
    assert old != new
    assert place.registry.digest(tagged) == new
    assert place.registry.digest(place.repository().with_digest(old)) == old
    assert place.registry.tags(place.repository()) == ("latest",)


def test_a_manifest_pushed_twice_changes_nothing(place: Place) -> None:
    image = make_image([layer_tar(FILES)])
    for tag in ("1.0", "1.0", "stable"):
        assert push(place.registry, place.repository().with_tag(tag), image) == image.digest
    assert place.registry.tags(place.repository()) == ("1.0", "stable")


def test_a_manifest_is_not_pushed_under_the_digest_of_another(place: Place) -> None:
    image = make_image([layer_tar(FILES)])
    with pytest.raises(BotError, match="has the digest"):
        push(place.registry, place.repository().with_digest(digest(b"other")), image)


def test_a_manifest_whose_layers_are_missing_is_refused(place: Place) -> None:
    image = make_image([layer_tar(FILES)])
    put_blobs(place.registry, place.repository(), image.blobs[:1])
    with pytest.raises(Unavailable, match="cannot push"):
        place.registry.put_manifest(place.repository().with_tag("1.0"), MANIFEST, image.manifest)
    assert place.registry.digest(place.repository().with_tag("1.0")) is None


def test_labels_and_creation_time_come_from_the_configuration(place: Place) -> None:
    config = {"created": "2024-05-06T07:08:09.123456789Z", "config": {"Labels": LABELS}}
    named = push_image(place.registry, place.repository().with_tag("1.0"), FILES, config)
    moment = datetime(2024, 5, 6, 7, 8, 9, 123456, UTC)
    assert place.registry.image(place.repository().with_tag("1.0")) == (named, LABELS, moment, AMD64, "image")


@pytest.mark.parametrize("config", [{}, {"config": None}, {"config": {"Labels": None}}, {"created": "yesterday"}])
def test_an_image_without_labels_has_none(place: Place, config: dict[str, object]) -> None:
    named = push_image(place.registry, place.repository().with_tag("1.0"), FILES, config)
    assert place.registry.image(place.repository().with_tag("1.0")) == (named, {}, None, AMD64, "image")


def test_an_index_gives_the_labels_of_the_asked_platform_and_its_own_digest(place: Place) -> None:
    images = {
        platform: make_image([layer_tar(FILES)], {"config": {"Labels": {"for": platform}}})
        for platform in ("linux/arm/v6", "linux/arm/v7", "linux/amd64")
    }
    reference = place.repository().with_tag("1.0")
    named = push_index(place.registry, reference, images)
    assert place.registry.digest(reference) == named
    platforms = frozenset(images)
    assert place.registry.image(reference) == (named, {"for": "linux/amd64"}, None, platforms, "image")
    assert place.registry.image(reference, "linux/arm/v7") == (named, {"for": "linux/arm/v7"}, None, platforms, "image")
    assert place.registry.image(reference, "linux/s390x") == (named, {}, None, platforms, "image")


@pytest.mark.parametrize(
    ("config", "platforms"),
    [
        ({"os": "linux", "architecture": "arm", "variant": "v7"}, {"linux/arm/v7"}),
        ({"os": "unknown", "architecture": "unknown"}, set()),
        ({"os": ["linux"]}, set()),
        ({"variant": 7}, {"linux/amd64"}),
    ],
)
def test_an_image_without_an_index_has_the_platform_of_its_configuration(
    place: Place, config: dict[str, object], platforms: set[str]
) -> None:
    push_image(place.registry, place.repository().with_tag("1.0"), FILES, config)
    found = place.registry.image(place.repository().with_tag("1.0"))
    assert found
    assert found.platforms == platforms


def test_an_attestation_in_an_index_is_no_platform(place: Place) -> None:
    images = {"linux/amd64": make_image([layer_tar(FILES)]), "unknown/unknown": make_image([])}
    push_index(place.registry, place.repository().with_tag("1.0"), images)
    found = place.registry.image(place.repository().with_tag("1.0"))
    assert found
    assert found.platforms == {"linux/amd64"}


def test_an_artifact_that_is_no_image_has_a_digest_and_no_labels(place: Place) -> None:
    config, chart = b'{"name":"chart"}', b"tgz"
    manifest = encoded(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": descriptor("application/vnd.cncf.helm.config.v1+json", config),
            "layers": [descriptor("application/vnd.cncf.helm.chart.content.v1.tar+gzip", chart)],
        }
    )
    put_blobs(place.registry, place.repository(), [config, chart])
    place.registry.put_manifest(place.repository().with_tag("1.0"), MANIFEST, manifest)
    assert place.registry.image(place.repository().with_tag("1.0")) == (
        digest(manifest),
        {},
        None,
        frozenset(),
        "chart",
    )


@pytest.mark.parametrize("blob", [b"", b"x", bytes(range(256)) * 12_345], ids=["empty", "one byte", "3 MB"])
def test_a_blob_is_read_back_as_it_was_written(place: Place, blob: bytes) -> None:
    assert not place.registry.has_blob(place.repository(), digest(blob))
    place.registry.put_blob(place.repository(), digest(blob), len(blob), io.BytesIO(blob))
    assert place.registry.has_blob(place.repository(), digest(blob))
    with place.registry.open_blob(place.repository(), digest(blob)) as stream:
        assert stream.read() == blob


def test_a_blob_can_be_read_in_pieces_and_left_in_the_middle(place: Place) -> None:
    tar = layer_tar(FILES)
    layer = gzip.compress(tar, mtime=0)
    put_blobs(place.registry, place.repository(), [layer])
    with place.registry.open_blob(place.repository(), digest(layer)) as stream:
        assert gzip.GzipFile(fileobj=stream).read() == tar
    with place.registry.open_blob(place.repository(), digest(layer)) as stream:
        assert stream.read(10) == layer[:10]


def test_a_blob_that_is_not_there_cannot_be_opened(place: Place) -> None:
    with pytest.raises(NotFound), place.registry.open_blob(place.repository(), digest(b"absent")):
        pass


@pytest.mark.parametrize("content", [b"short", b"as long", b"longer than said"])
def test_a_blob_that_is_not_what_its_digest_says_is_not_kept(place: Place, content: bytes) -> None:
    said = b"as said"
    with pytest.raises(Unavailable):
        place.registry.put_blob(place.repository(), digest(said), len(said), io.BytesIO(content))
    assert not place.registry.has_blob(place.repository(), digest(said))


def test_a_blob_streams_from_one_repository_to_another(place: Place) -> None:
    blob = b"layer" * 1000
    put_blobs(place.registry, place.repository("base"), [blob])
    with place.registry.open_blob(place.repository("base"), digest(blob)) as stream:
        place.registry.put_blob(place.repository("app"), digest(blob), len(blob), stream)
    with place.registry.open_blob(place.repository("app"), digest(blob)) as stream:
        assert stream.read() == blob


def test_a_blob_is_mounted_from_another_repository(place: Place) -> None:
    blob = b"a layer of the base"
    put_blobs(place.registry, place.repository("base"), [blob])
    assert place.registry.mount_blob(place.repository("app"), digest(blob), place.repository("base"))
    assert place.registry.mount_blob(place.repository("app"), digest(blob), place.repository("base"))
    with place.registry.open_blob(place.repository("app"), digest(blob)) as stream:
        assert stream.read() == blob


def test_a_blob_that_the_source_has_not_is_not_mounted(place: Place) -> None:
    assert not place.registry.mount_blob(place.repository("app"), digest(b"absent"), place.repository("base"))
    assert not place.registry.has_blob(place.repository("app"), digest(b"absent"))


@pytest.mark.parametrize("path", ["../../etc/passwd", "a/../b", "/etc", "a?b=c", "a#b", "A", "a//b", "a b", ""])
def test_a_path_that_is_none_becomes_neither_a_file_name_nor_an_address(place: Place, path: str) -> None:
    with pytest.raises(BotError):
        place.registry.tags(Reference(place.host, path))
    with pytest.raises(BotError):
        place.registry.has_blob(Reference(place.host, path), digest(b""))


@pytest.mark.parametrize("wrong", ["../index.json", "sha256:../../x", "sha256:abc", "md5:" + "0" * 32, ""])
def test_a_digest_that_is_none_is_refused(place: Place, wrong: str) -> None:
    with pytest.raises(BotError):
        place.registry.has_blob(place.repository(), wrong)
    with pytest.raises(BotError):
        place.registry.put_blob(place.repository(), wrong, 0, io.BytesIO())


def test_repositories_inside_one_another_do_not_meet(place: Place) -> None:
    names = ("app", "app/blobs", "app/blobs/sha256", "app/index.json", "app/oci-layout")
    for name in names:
        push_image(place.registry, place.repository(name).with_tag(name.replace("/", ".")), FILES)
    assert [place.registry.tags(place.repository(name)) for name in names] == [(n.replace("/", "."),) for n in names]
