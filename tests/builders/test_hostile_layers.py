"""What a layer says is unpacked as it is understood, or the base is refused by name, whatever its bytes are."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bot.builders import layers as layers_module
from bot.builders.context import parents
from bot.builders.index import open_layer
from bot.builders.layers import Files, Unclear, check_path, read_layer
from bot.builders.rooted import Rooted
from bot.core.errors import BotError, Refused, Unavailable
from bot.core.references import parse
from tests.builders.conftest import SETTINGS
from tests.builders.images import Seen, file, folder, hard_link, layer, link, publish
from tests.builders.source import order, source
from tests.builders.test_rooted import LAYERS, MOST, PLAIN, unpacked

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bot.builders.layers import Layer
    from bot.ports import Registry
    from tests.builders.conftest import Workshop


def indexed(layers: Sequence[Sequence[tuple[str, Seen]]]) -> Files:
    found = []
    for members in layers:
        with tarfile.open(fileobj=io.BytesIO(layer(*members))) as tar:
            found.append(read_layer(tar))
    return Files(found)


def contradicts(one: Layer) -> bool:
    """Whether a layer has something below what it has as a file or a link; engines differ on that."""
    return any(one.nodes[above].kind not in ("dir", "implied") for path in one.nodes for above in parents(path))


def sound(members: list[tuple[str, Seen]]) -> list[tuple[str, Seen]]:
    """The members without hard links to what the layer itself does not have yet; engines differ on those too."""
    return [
        (path, seen)
        for number, (path, seen) in enumerate(members)
        if seen.kind != "h" or any(p == seen.content != path and s.kind in "fl" for p, s in members[:number])
    ]


def kind(place: Path) -> str:
    return "link" if place.is_symlink() else "dir" if place.is_dir() else "file"


@given(LAYERS)
@settings(deadline=None, max_examples=MOST)
def test_what_is_unpacked_is_what_the_index_says(layers: list[list[tuple[str, Seen]]]) -> None:
    with tempfile.TemporaryDirectory() as name, contextlib.suppress(Unclear):
        root = Path(name).resolve()
        layers = [sound(one) for one in layers]
        files = indexed(layers)
        assume(not any(contradicts(one) for one in files.layers))
        unpacked(root, layers)
        for place, folders, names in os.walk(root):
            for each in (*folders, *names):
                path = Path(place, each)
                node = files.lookup(str(path.relative_to(root)))
                assert node is not None
                assert node.kind in (kind(path), kind(path).replace("dir", "implied"))


def test_a_directory_that_a_layer_implies_takes_the_place_of_a_link(tmp_path: Path) -> None:
    layers = [[link("a", "b"), folder("b")], [file("a/x", "new")]]
    files = indexed(layers)
    unpacked(tmp_path, layers)
    assert files.resolve("a/x") == "a/x"
    assert (tmp_path / "a" / "x").read_text() == "new"
    assert list((tmp_path / "b").iterdir()) == []


def member(name: str = "x", **fields: object) -> bytes:
    """A tar of one member with odd fields, which only the extended headers can hold."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        info = tarfile.TarInfo(name)
        for key, value in fields.items():
            setattr(info, key, value)
        tar.addfile(info)
    return out.getvalue()


ODD = {
    "an owner of 400 digits": member(pax_headers={"uid": "9" * 400}),
    "a group below nothing": member(pax_headers={"gid": "-7"}),
    "a time without end": member(pax_headers={"mtime": "inf"}),
    "a time of 400 digits": member(pax_headers={"mtime": "9" * 400}),
    "a size below nothing": member(pax_headers={"size": "-5"}),
    "a sparse file": member(pax_headers={"GNU.sparse.map": "0,0", "GNU.sparse.size": "1152921504606846976"}),
    "a long name": member("n" * 256),
    "a long name of few letters": member("ä" * 128),
    "a long path": member("/".join(["n" * 200] * 21)),
    "a deep path": member("d/" * 200 + "x"),
    "a way out": member("a/../../x"),
    "a way out by a hard link": member("a", type=tarfile.LNKTYPE, linkname="../x"),
    "a whiteout below a way out": member("../.wh.x"),
    "headers upon headers": b"".join(
        member(type=tarfile.XGLTYPE, pax_headers={f"k{n}": "v"})[:1536] for n in range(2000)
    ),
    "no tar": b"x" * 5000,
}


@pytest.mark.parametrize("tar", ODD.values(), ids=ODD.keys())
def test_an_odd_layer_refuses_the_base_by_name(workshop: Workshop, tar: bytes) -> None:
    base = publish(workshop.registry, parse("registry.example/odd:1"), [tar], SETTINGS)
    with pytest.raises(Refused, match=r"registry\.example/odd") as caught:
        workshop.builder.build(order(base), source(PLAIN))
    assert caught.value.reason_code == "base_unsupported"
    assert str(caught.value).isprintable() or "\n" in str(caught.value)
    assert [path.name for path in workshop.builder._work.rglob("*") if path.is_file()] == []


def test_more_paths_than_memory_holds_refuse_the_base(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers_module, "MOST_PATHS", 20)
    for members in (
        [file(f"a{n}") for n in range(21)],
        [file(f".wh.a{n}") for n in range(21)],
        [file(f"a{n}/.wh..wh..opq") for n in range(21)],
        [file("d/" * 30 + "x")],
    ):
        base = publish(workshop.registry, parse("registry.example/odd:2"), [layer(*members)], SETTINGS)
        with pytest.raises(Refused, match="more than 20 paths"):
            workshop.builder.build(order(base), source(PLAIN))


def test_what_a_device_takes_the_place_of_is_gone(tmp_path: Path, workshop: Workshop) -> None:
    device = member("a", type=tarfile.CHRTYPE, devmajor=1, devminor=3)
    stack = [layer(file("a", "old"), file("b")), device]
    base = publish(workshop.registry, parse("registry.example/odd:3"), stack, SETTINGS)
    handle = workshop.builder.build(order(base), source(PLAIN))
    done = workshop.builder.test(handle, ["sh", "-c", 'ls "$IMAGE_ROOT"'], 30)
    assert "a" not in done.output.split()
    assert "b" in done.output.split()


def test_deletions_below_a_link_reach_nothing(tmp_path: Path) -> None:
    lower = [folder("real"), file("real/kept", "kept"), link("to", "/real")]
    unpacked(tmp_path, [lower, [file("to/.wh.kept")], [file("to/.wh..wh..opq")], [file("to/sub/.wh.kept")]])
    assert (tmp_path / "real" / "kept").read_text() == "kept"


def test_everything_of_the_root_can_be_hidden_at_once(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "kept").write_text("kept")
    lower = [folder("a"), file("a/b"), link("up", "/.."), hard_link("c", "a/b")]
    unpacked(tmp_path / "root", [lower, [file(".wh..wh..opq"), file("new")]])
    assert [path.name for path in (tmp_path / "root").iterdir()] == ["new"]
    assert (tmp_path / "kept").read_text() == "kept"


def test_files_that_would_fill_the_disk_are_not_written(tmp_path: Path) -> None:
    info = tarfile.TarInfo("x")
    info.size = 1 << 60
    with (
        tarfile.open(fileobj=io.BytesIO(layer()), mode="r|") as tar,
        pytest.raises(OSError, match="more than half of the space"),
    ):
        Rooted(tmp_path).write("x", info, tar)


@pytest.mark.parametrize("path", ["\ud800", "a/\udfff/b", "\0", "a//b", "/a", "a/", "./a", "a/.."])
def test_what_is_no_path_is_unclear(path: str) -> None:
    with pytest.raises(Unclear):
        check_path(path)


class One:
    """A registry of one blob, as far as a layer is read from it."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    @contextlib.contextmanager
    def open_blob(self, *_: object) -> Iterator[io.BytesIO]:
        yield io.BytesIO(self._body)


GOOD = gzip.compress(layer(folder("d"), file("d/f", "text"), link("l", "d"), hard_link("h", "d/f"), file("d/.wh.x")))
PLAIN_TAR = member("n" * 120, pax_headers={"SCHILY.xattr.a": "b", "uid": "70000", "mtime": "1.5"}) + gzip.decompress(
    GOOD
)


def damaged(good: bytes) -> st.SearchStrategy[bytes]:
    """The bytes with some of them changed, taken out, or written twice."""

    def change(changes: list[tuple[int, int, bytes]]) -> bytes:
        body = good
        for at, length, new in changes:
            body = body[:at] + new + body[at + length :]
        return body

    places = st.one_of(st.integers(0, 600), st.integers(0, len(good)))
    return st.lists(st.tuples(places, st.integers(0, 8), st.binary(max_size=8)), min_size=1, max_size=4).map(change)


@given(st.one_of(damaged(GOOD).map(lambda body: (body, "+gzip")), damaged(PLAIN_TAR).map(lambda body: (body, ""))))
@settings(deadline=None, max_examples=MOST)
def test_damaged_bytes_are_a_refused_base_or_a_layer(case: tuple[bytes, str]) -> None:
    body, form = case
    descriptor = {"digest": f"sha256:{'0' * 64}", "mediaType": f"application/vnd.oci.image.layer.v1.tar{form}"}
    registry: Registry = One(body)  # type: ignore[assignment]  # as much of one as is read
    with contextlib.suppress(BotError, Unclear), open_layer(registry, parse("registry.example/odd"), descriptor) as tar:
        read_layer(tar)


def test_a_disk_without_room_is_no_fault_of_the_base(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    handle = workshop.builder.build(order(workshop.base), source(PLAIN))
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 2})())
    with pytest.raises(Unavailable, match="half of the space") as caught:
        workshop.builder.test(handle, ["true"], 30)
    assert "registry.example/wso2/mi" in str(caught.value)
