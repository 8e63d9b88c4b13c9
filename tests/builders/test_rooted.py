"""Whatever links and deletions layers hold, in whatever order: nothing leads, writes or deletes outside the root."""

from __future__ import annotations

import contextlib
import io
import os
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.builders.layers import Unclear, read_layer
from bot.builders.rooted import Rooted
from bot.builders.unpack import _extract, _unpack_layer
from bot.core.errors import BotError, Refused
from bot.core.references import parse
from tests.builders.conftest import SETTINGS
from tests.builders.images import Seen, file, folder, hard_link, layer, link, publish
from tests.builders.source import order, source

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.builders.conftest import Workshop

PLAIN = {"Dockerfile": "ARG BASE_IMAGE\nFROM $BASE_IMAGE\n"}
NAMES = st.sampled_from(["a", "b", "c", "d"])
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)
TARGETS = st.lists(st.sampled_from(["a", "b", "c", "..", ".", "", "/"]), min_size=1, max_size=7).map("/".join)
MEMBERS = st.one_of(
    PATHS.map(lambda path: file(path, "content")),
    PATHS.map(folder),
    st.tuples(PATHS, TARGETS).map(lambda pair: link(*pair)),
    st.tuples(PATHS, PATHS).map(lambda pair: hard_link(*pair)),
    st.tuples(PATHS, NAMES).map(lambda pair: file(f"{pair[0]}/.wh.{pair[1]}")),
    PATHS.map(lambda path: file(f"{path}/.wh..wh..opq")),
    NAMES.map(lambda name: file(f".wh.{name}")),
)
LAYERS = st.lists(st.lists(MEMBERS, max_size=8), min_size=1, max_size=4)
MOST = int(os.environ.get("GITOPS_BOT_TEST_EXAMPLES", "300"))


def unpacked(root: Path, layers: Sequence[Sequence[tuple[str, Seen]]]) -> None:
    """The layers, one on the other, as far as they can be."""
    there = Rooted(root)
    for members in layers:
        content = layer(*members)
        with tarfile.open(fileobj=io.BytesIO(content)) as tar:
            index = read_layer(tar)
        with tarfile.open(fileobj=io.BytesIO(content), mode="r|") as tar:
            _unpack_layer(tar, index, there)


def leads_out(root: Path) -> list[str]:
    """Every path of the root that resolves to somewhere else."""
    found = []
    for place, folders, files in os.walk(root):
        for name in (*folders, *files):
            real = os.path.realpath(os.path.join(place, name))
            if real != str(root) and not real.startswith(f"{root}/"):
                found.append(os.path.join(place, name))
    return found


@given(LAYERS)
@settings(deadline=None, max_examples=MOST)
def test_links_of_every_kind_in_every_order_stay_inside(layers: list[list[tuple[str, Seen]]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        outer = Path(name).resolve()
        (outer / "kept").mkdir()
        (outer / "kept" / "file").write_text("kept")
        root = outer / "a" / "root"
        root.mkdir(parents=True)
        (outer / "b").write_text("kept")
        with contextlib.suppress(Unclear, OSError):
            unpacked(root, layers)
        assert leads_out(root) == []
        assert sorted(p.name for p in outer.iterdir()) == ["a", "b", "kept"]
        assert [p.name for p in (outer / "a").iterdir()] == ["root"]
        assert (outer / "kept" / "file").read_text() == "kept"


def test_a_hard_link_to_a_link_is_written_for_its_own_place(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    unpacked(root, [[folder("deep/er/still"), link("deep/er/still/up", "/"), hard_link("out", "deep/er/still/up")]])
    assert (root / "out").resolve() == root
    assert leads_out(root) == []
    with tarfile.open(fileobj=io.BytesIO(layer(link("a", "/x"), hard_link("b", "a")))) as tar:
        assert read_layer(tar).nodes["b"].kind == "link"


@pytest.mark.parametrize("name", ["", ".", ".."])
@pytest.mark.parametrize("where", ["", "a/", "a/b/"])
def test_a_whiteout_that_names_nothing_in_its_folder_refuses_the_base_by_name(
    workshop: Workshop, name: str, where: str
) -> None:
    base = publish(workshop.registry, parse("registry.example/odd:6"), [layer(file(f"{where}.wh.{name}"))], SETTINGS)
    with pytest.raises(Refused) as caught:
        workshop.builder.build(order(base), source(PLAIN))
    assert caught.value.reason_code == "base_unsupported"
    assert f"{where}.wh.{name}" in str(caught.value)
    assert "registry.example/odd" in str(caught.value)


def test_whatever_is_asked_of_the_root_nothing_outside_is_deleted(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("kept")
    (tmp_path / "root").mkdir()
    root = Rooted(tmp_path / "root")
    for path in (
        "..",
        "../kept",
        "a/../../kept",
        ".",
        "/",
        "//",
        "a//b",
        "a/./b",
        "x\0y",
        "n" * 300,
        "n/" * 2500 + "n",
    ):
        for ask in (root.remove, root.empty, root.make_folder, root.existing_folder, lambda p: root.link(p, "x")):
            with pytest.raises(Unclear):
                ask(path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["kept", "root"]


def test_a_path_with_a_header_that_lies_is_refused(workshop: Workshop) -> None:
    codes: list[str] = []
    for headers in ({"path": "a\0b"}, {"mtime": "nan"}, {"size": "-5"}, {"path": "n" * 300}, {"uid": "9" * 400}):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
            info = tarfile.TarInfo("x")
            info.pax_headers = headers
            tar.addfile(info)
        base = publish(workshop.registry, parse("registry.example/odd:7"), [out.getvalue()], SETTINGS)
        try:
            handle = workshop.builder.build(order(base), source(PLAIN))
            workshop.builder.test(handle, ["true"], 30)
        except BotError as error:  # another than that would be an error of this test
            codes.append(error.reason_code)
    assert set(codes) <= {"base_unsupported", "build_failed"}
    assert codes


def test_a_header_larger_than_memory_should_hold_is_not_read(workshop: Workshop) -> None:
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.XHDTYPE, 1 << 40
    bomb = info.tobuf(tarfile.GNU_FORMAT)
    base = publish(workshop.registry, parse("registry.example/odd:8"), [bomb], SETTINGS)
    with pytest.raises(Refused) as caught:
        workshop.builder.build(order(base), source(PLAIN))
    assert caught.value.reason_code == "base_unsupported"


def test_a_working_folder_that_is_a_link_is_never_followed(workshop: Workshop, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secrets.json").write_text("secret")
    members = [folder("d/e/f/g"), link("d/e/f/g/l", "/"), hard_link("out", "d/e/f/g/l")]
    workdir = {"WorkingDir": f"/out{outside}/new"}
    base = publish(workshop.registry, parse("registry.example/odd:9"), [layer(*members)], SETTINGS | workdir)
    handle = workshop.builder.build(order(base), source(PLAIN))
    done = workshop.builder.test(handle, ["sh", "-c", 'pwd; cat ../*.json; cat /*.json; ls -A "$IMAGE_ROOT"'], 30)
    assert "secret" not in done.output
    assert str(outside).split("/")[1] in done.output, "it starts below its own root"
    assert [p.name for p in outside.iterdir()] == ["secrets.json"]


LONG = "n/" * 2500 + "n"
HOSTILE = {
    "a NUL byte": "ENV x=a\0\n",
    "half a character": 'COPY ["\\ud800", "/x"]\n',
    "a long name": f"COPY a /{'n' * 300}\n",
    "a long path": f"WORKDIR /{'n/' * 2500}\n",
    "deep expansion": "ENV x=" + "${a:-" * 3000 + "}" * 3000 + "\n",
    "deep JSON": "CMD " + "[" * 5000 + "]" * 5000 + "\n",
    "a huge port": "EXPOSE 99999999999999999999\n",
    "a huge owner": f"COPY --chown={'9' * 5000} a /x\n",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_dockerfile_is_a_failure_that_names_the_line(workshop: Workshop, text: str) -> None:
    files = {"Dockerfile": PLAIN["Dockerfile"] + text, "a": "A"}
    with pytest.raises(BotError, match=r"^Dockerfile(:3)?: "):
        workshop.builder.build(order(workshop.base), source(files))


@given(st.text(max_size=200))
@settings(deadline=None, max_examples=MOST)
def test_no_text_behind_from_raises_anything_but_a_failure(text: str) -> None:
    from bot.builders.dockerfile import parse as parse_dockerfile

    with contextlib.suppress(BotError):
        parse_dockerfile("Dockerfile", f"FROM x\n{text}\n".encode("utf-8", "surrogatepass"))


def test_nothing_is_left_behind_by_a_build_that_fails(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    from bot.builders import assemble

    def fails(*_: object) -> None:
        raise ValueError("no")

    monkeypatch.setattr(assemble, "configuration", fails)
    with pytest.raises(Refused):
        workshop.builder.build(order(workshop.base), source(PLAIN | {"a": "A"}))
    assert not list(workshop.builder._work.glob("image-*"))


def test_extracting_ignores_devices(tmp_path: Path) -> None:
    info = tarfile.TarInfo("null")
    info.type, info.devmajor, info.devminor = tarfile.CHRTYPE, 1, 3
    with tarfile.open(fileobj=io.BytesIO(layer()), mode="r|") as tar:
        _extract(tar, info, Rooted(tmp_path))
    assert list(tmp_path.iterdir()) == []
