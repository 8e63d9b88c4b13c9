"""A folder for a while is gone afterwards, whatever a program made in it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from bot.builders.scratch import scratch
from tests.builders.source import order, source

if TYPE_CHECKING:
    from pathlib import Path

    from tests.builders.conftest import Workshop


@pytest.mark.parametrize("depth", [3, 1500])
def test_a_folder_is_gone_however_deep_it_is(tmp_path: Path, depth: int) -> None:
    (tmp_path / "kept").mkdir()
    with scratch("x-", tmp_path) as folder:
        place = os.open(folder, os.O_RDONLY)
        for _ in range(depth):
            os.mkdir("d", dir_fd=place)
            os.symlink(tmp_path / "kept", "link", dir_fd=place)
            below = os.open("d", os.O_RDONLY, dir_fd=place)
            os.close(place)
            place = below
        os.close(place)
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_a_folder_is_gone_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), scratch("x-", tmp_path) as folder:
        (folder / "a" / "file").touch()
    assert list(tmp_path.iterdir()) == []


def test_a_test_that_digs_deep_leaves_nothing_behind(workshop: Workshop, tmp_path: Path) -> None:
    handle = workshop.builder.build(order(workshop.base), source({"Dockerfile": "ARG BASE_IMAGE\nFROM $BASE_IMAGE\n"}))
    down = "i=0; while [ $i -lt 1200 ]; do mkdir d; cd d || exit 3; i=$((i+1)); done"
    dig = f'for place in "$HOME" "$IMAGE_ROOT"; do cd "$place"; {down}; done; echo "$HOME"'
    done = workshop.builder.test(handle, ["sh", "-c", dig], 60)
    assert done.exit_code == 0, done.output
    assert not os.path.lexists(done.output.strip())
    assert not list(workshop.builder._work.glob("test-*"))
