"""The folders: valid image layouts, whole after a crash, shared by several processes."""

from __future__ import annotations

import io
import json
import multiprocessing
import os
from typing import TYPE_CHECKING

import pytest

from bot.core.errors import NotFound, Unavailable
from bot.core.references import parse
from bot.registries.layout import LayoutRegistry
from tests.registries.images import MANIFEST, descriptor, digest, layer_tar, make_image, push, push_image, put_blobs

if TYPE_CHECKING:
    from multiprocessing.synchronize import Barrier
    from pathlib import Path

APP = parse("registry.example:5000/team/app:1.0")
IMAGE = make_image([layer_tar({"file": (b"content", 0o644, 0, 0)})])


@pytest.fixture
def registry(tmp_path: Path) -> LayoutRegistry:
    """A registry that holds `team/app:1.0`."""
    registry = LayoutRegistry(tmp_path)
    push(registry, APP, IMAGE)
    return registry


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where it holds it."""
    return tmp_path / "registry.example_5000" / "team" / "app"


@pytest.mark.usefixtures("registry")
def test_a_repository_is_an_oci_image_layout(folder: Path) -> None:
    assert json.loads((folder / "oci-layout").read_bytes()) == {"imageLayoutVersion": "1.0.0"}
    entry = descriptor(MANIFEST, IMAGE.manifest, annotations={"org.opencontainers.image.ref.name": "1.0"})
    index = json.loads((folder / "index.json").read_bytes())
    assert (index["schemaVersion"], index["manifests"]) == (2, [entry])
    held = {file.name: file.read_bytes() for file in (folder / "blobs" / "sha256").iterdir()}
    assert held == {digest(blob).removeprefix("sha256:"): blob for blob in (IMAGE.manifest, *IMAGE.blobs)}


def test_an_image_whose_tag_moved_stays_in_the_index(registry: LayoutRegistry, folder: Path) -> None:
    for content in (b"a", b"b", b"a"):
        push_image(registry, APP, {"file": (content, 0o644, 0, 0)})
    entries = json.loads((folder / "index.json").read_bytes())["manifests"]
    assert len(entries) == 3
    assert [entry["annotations"] for entry in entries if entry.get("annotations")] == [
        {"org.opencontainers.image.ref.name": "1.0"}
    ]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"manifests": 1}', '{"manifests": [{"digest": "../../x"}]}'])
def test_a_damaged_index_is_named_and_left_as_it_is(registry: LayoutRegistry, folder: Path, text: str) -> None:
    (folder / "index.json").write_text(text)
    for use in (registry.tags, registry.digest, registry.manifest, registry.image):
        with pytest.raises(Unavailable, match=r"app/index\.json is damaged") as caught:
            use(APP)
        assert caught.value.fix
    with pytest.raises(Unavailable):
        registry.put_manifest(APP, MANIFEST, IMAGE.manifest)
    assert (folder / "index.json").read_text() == text


@pytest.mark.parametrize("text", ['{"imageLayoutVersion": "2.0.0"}', "", "{}"])
def test_a_layout_of_another_version_is_not_read(registry: LayoutRegistry, folder: Path, text: str) -> None:
    (folder / "oci-layout").write_text(text)
    with pytest.raises(Unavailable, match="oci-layout is damaged"):
        registry.tags(APP)


@pytest.mark.parametrize("text", ["", "other"])
def test_a_damaged_blob_is_noticed(registry: LayoutRegistry, folder: Path, text: str) -> None:
    for content in (IMAGE.manifest, IMAGE.blobs[0]):
        (folder / "blobs" / "sha256" / digest(content).removeprefix("sha256:")).write_text(text)
    with pytest.raises(Unavailable, match="is damaged"):
        registry.manifest(APP)
    with registry.open_blob(APP.repository, digest(IMAGE.blobs[0])) as blob, pytest.raises(Unavailable, match="digest"):
        blob.read()


def test_a_manifest_that_the_index_names_and_nobody_has_is_not_absent(registry: LayoutRegistry, folder: Path) -> None:
    (folder / "blobs" / "sha256" / IMAGE.digest.removeprefix("sha256:")).unlink()
    with pytest.raises(Unavailable):
        registry.manifest(APP)


def test_a_folder_that_cannot_be_looked_into_is_not_empty(tmp_path: Path) -> None:
    (tmp_path / "registry.example_5000").write_text("a file")
    registry = LayoutRegistry(tmp_path)
    with pytest.raises(Unavailable):
        registry.tags(APP)
    with pytest.raises(Unavailable):
        registry.has_blob(APP.repository, IMAGE.digest)
    with pytest.raises(Unavailable):
        put_blobs(registry, APP, [b"blob"])


def test_nothing_is_there_before_the_first_push(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        LayoutRegistry(tmp_path / "absent").tags(APP)
    assert not (tmp_path / "absent").exists()


def test_an_upload_that_breaks_leaves_nothing_behind(registry: LayoutRegistry, folder: Path) -> None:
    before = sorted(folder.rglob("*"))

    class Breaking(io.BytesIO):
        def read(self, _: int | None = -1) -> bytes:
            raise Unavailable("the other registry went away")

    with pytest.raises(Unavailable, match="went away"):
        registry.put_blob(APP.repository, digest(b"blob"), 4, Breaking())
    assert sorted(folder.rglob("*")) == before


def test_a_mounted_blob_takes_no_space(registry: LayoutRegistry, tmp_path: Path) -> None:
    blob = digest(IMAGE.blobs[1])
    assert registry.mount_blob(parse("registry.example:5000/other"), blob, APP)
    files = list(tmp_path.rglob(blob.removeprefix("sha256:")))
    assert len(files) == 2
    assert files[0].samefile(files[1])


def test_where_a_file_cannot_have_two_names_a_mounted_blob_is_copied(
    registry: LayoutRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError("no hard links here")

    monkeypatch.setattr(os, "link", refuse)
    other = parse("registry.example:5000/other")
    assert registry.mount_blob(other, digest(IMAGE.blobs[1]), APP)
    with registry.open_blob(other, digest(IMAGE.blobs[1])) as blob:
        assert blob.read() == IMAGE.blobs[1]


@pytest.mark.parametrize("host", ["localhost", "localhost:5000", "127.0.0.1:5000", "[::1]:5000", "docker.io"])
def test_hosts_have_a_folder_each(tmp_path: Path, host: str) -> None:
    registry = LayoutRegistry(tmp_path)
    reference = parse(f"{host}/team/app:1.0")
    push(registry, reference, IMAGE)
    assert registry.tags(reference.repository) == ("1.0",)
    assert len(list(tmp_path.iterdir())) == 1


def test_two_processes_push_at_once_and_no_tag_is_lost(registry: LayoutRegistry, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    together = context.Barrier(2)
    processes = [context.Process(target=_push_many, args=(tmp_path, name, together)) for name in "ab"]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    expected = {f"{name}{number}" for name in "ab" for number in range(100)}
    assert set(registry.tags(APP.repository)) == {"1.0", *expected}


def _push_many(root: Path, name: str, together: Barrier) -> None:
    registry = LayoutRegistry(root)
    together.wait()
    for number in range(100):
        registry.put_manifest(APP.repository.with_tag(f"{name}{number}"), MANIFEST, IMAGE.manifest)
