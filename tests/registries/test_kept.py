"""What is kept of a registry's answers is asked about again, and never believed when it is damaged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.registries.oci import OciRegistry
from tests.registries.fake import FakeRegistry, Trouble
from tests.registries.images import push_image

if TYPE_CHECKING:
    from pathlib import Path

LABELS = {"config": {"Labels": {"org.opencontainers.image.revision": "a" * 40}}}


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A folder that is not there yet."""
    return tmp_path / "cache" / "registries"


def opened(cache: Path) -> OciRegistry:
    """The registry as the next process opens it."""
    return OciRegistry(sleep=lambda _: None, cache=cache)


def statuses_of(fake: FakeRegistry, cache: Path, text: str = "app:1") -> list[str]:
    """What a new process asks to read an image: methods, kinds, and `known` where it asks whether it still holds."""
    fake.seen.clear()
    reference = fake.reference(text)
    registry = opened(cache)
    assert registry.tags(reference.repository) == ("1",)
    found = registry.image(reference)
    assert found is not None
    assert found.labels == LABELS["config"]["Labels"]
    return [f"{seen.path.split('/')[-2]}{' known' if 'If-None-Match' in seen.headers else ''}" for seen in fake.seen]


def test_the_second_process_asks_only_whether_it_still_holds(fake: FakeRegistry, cache: Path) -> None:
    push_image(opened(cache), fake.reference("app:1"), {}, LABELS)
    assert statuses_of(fake, cache) == ["tags", "manifests", "blobs"]
    assert statuses_of(fake, cache) == ["tags known", "manifests known"]


def test_a_moved_tag_is_seen(fake: FakeRegistry, cache: Path) -> None:
    reference = fake.reference("app:1")
    old = push_image(opened(cache), reference, {}, LABELS)
    assert opened(cache).image(reference) is not None
    new = push_image(opened(cache), reference, {"new": (b"", 0o644, 0, 0)}, LABELS)
    found = opened(cache).image(reference)
    assert found is not None
    assert found.digest == new != old
    push_image(opened(cache), fake.reference("app:2"), {}, LABELS)
    assert opened(cache).tags(reference.repository) == ("1", "2")


def test_what_is_gone_is_gone(fake: FakeRegistry, cache: Path) -> None:
    push_image(opened(cache), fake.reference("app:1"), {}, LABELS)
    assert opened(cache).image(fake.reference("app:1")) is not None
    fake.repositories.clear()
    assert opened(cache).image(fake.reference("app:1")) is None


@pytest.mark.parametrize("damage", [b"", b"{", b"[]\n", b'{"headers": 1, "digest": ""}\n{}', b"\xff\n"])
def test_a_damaged_cache_is_read_anew_and_mended(fake: FakeRegistry, cache: Path, damage: bytes) -> None:
    push_image(opened(cache), fake.reference("app:1"), {}, LABELS)
    statuses_of(fake, cache)
    for file in cache.iterdir():
        file.write_bytes(damage)
    assert statuses_of(fake, cache) == ["tags", "manifests", "blobs"]
    assert statuses_of(fake, cache) == ["tags known", "manifests known"]


def test_a_body_that_was_changed_on_disk_is_not_believed(fake: FakeRegistry, cache: Path) -> None:
    push_image(opened(cache), fake.reference("app:1"), {}, LABELS)
    statuses_of(fake, cache)
    for file in cache.iterdir():
        file.write_bytes(file.read_bytes().replace(b"aaaa", b"bbbb").replace(b'"tags": ["1"]', b'"tags": ["9"]'))
    assert statuses_of(fake, cache) == ["tags", "manifests known", "blobs"]


def test_an_answer_that_is_not_what_it_says_is_not_kept(fake: FakeRegistry, cache: Path) -> None:
    push_image(opened(cache), fake.reference("app:1"), {}, LABELS)
    fake.troubles = [Trouble("GET", "/manifests/1", headers={"ETag": '"x"'}, body=b"{}")]
    with pytest.raises(Exception, match="another digest"):
        opened(cache).manifest(fake.reference("app:1"))
    assert statuses_of(fake, cache) == ["tags", "manifests", "blobs"]


def test_where_nothing_can_be_written_nothing_is_kept(fake: FakeRegistry, tmp_path: Path) -> None:
    blocked = tmp_path / "a file"
    blocked.write_bytes(b"")
    push_image(opened(blocked), fake.reference("app:1"), {}, LABELS)
    for _ in range(2):
        assert statuses_of(fake, blocked) == ["tags", "manifests", "blobs"]


@pytest.mark.registry
def test_a_real_registry_gives_the_same_again_until_the_tag_moves(registry_host: str, cache: Path) -> None:
    from bot.core.references import parse

    reference = parse(f"{registry_host}/kept/app:1")
    old = push_image(opened(cache), reference, {}, LABELS)
    first, second = opened(cache).image(reference), opened(cache).image(reference)
    assert first == second
    assert first is not None
    assert first.digest == old
    new = push_image(opened(cache), reference, {"new": (b"", 0o644, 0, 0)}, LABELS)
    found = opened(cache).image(reference)
    assert found is not None
    assert found.digest == new
