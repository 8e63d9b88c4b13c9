"""Files of a folder are replaced whole, with their mode, and only if they are as they were read."""

from __future__ import annotations

import os
import stat
import subprocess
from typing import TYPE_CHECKING

import pytest

from bot.worktree.reading import read_worktree
from bot.worktree.writing import write_files

if TYPE_CHECKING:
    from pathlib import Path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_replaced_with_its_mode_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "values.yaml"
    file.write_bytes(b"a: 1\r\n")
    file.chmod(0o751)
    tree = read_worktree(tmp_path)
    assert write_files(tree, {"values.yaml": b"a: 2\r\n"}) == []
    assert file.read_bytes() == b"a: 2\r\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o751
    assert names(tmp_path) == ["values.yaml"]


def test_a_file_that_changed_or_went_since_is_left_alone(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml", "c.yaml"):
        (tmp_path / name).write_bytes(b"a: 1\n")
    tree = read_worktree(tmp_path)
    (tmp_path / "a.yaml").write_bytes(b"a: 1 # by somebody else\n")
    (tmp_path / "b.yaml").unlink()
    failed = write_files(tree, dict.fromkeys(tree.files, b"a: 2\n"))
    assert [(one.file, one.reason_code) for one in failed] == [("a.yaml", "file_changed"), ("b.yaml", "file_changed")]
    assert (tmp_path / "a.yaml").read_bytes() == b"a: 1 # by somebody else\n"
    assert (tmp_path / "c.yaml").read_bytes() == b"a: 2\n"
    assert names(tmp_path) == ["a.yaml", "c.yaml"]


def test_a_file_that_became_a_link_is_left_alone(tmp_path: Path) -> None:
    outside = tmp_path / "outside.yaml"
    outside.write_bytes(b"a: 1\n")
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.yaml").write_bytes(b"a: 1\n")
    tree = read_worktree(folder)
    (folder / "a.yaml").unlink()
    (folder / "a.yaml").symlink_to(outside)
    assert [one.reason_code for one in write_files(tree, {"a.yaml": b"a: 2\n"})] == ["file_changed"]
    assert outside.read_bytes() == b"a: 1\n"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_a_file_that_may_not_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"a: 1\n")
    (tmp_path / "a.yaml").chmod(0o444)
    tree = read_worktree(tmp_path)
    assert [one.reason_code for one in write_files(tree, {"a.yaml": b"a: 2\n"})] == ["not_writable"]
    assert names(tmp_path) == ["a.yaml"]


def test_a_folder_that_cannot_be_written_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.yaml").write_bytes(b"a: 1\n")
    tree = read_worktree(tmp_path)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    (failed,) = write_files(tree, {"a.yaml": b"a: 2\n"})
    assert (failed.reason_code, "No space left" in failed.reason) == ("not_writable", True)
    assert (tmp_path / "a.yaml").read_bytes() == b"a: 1\n"
    assert names(tmp_path) == ["a.yaml"]


def test_a_file_that_is_named_is_read_whatever_its_name_and_though_git_ignores_it(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    (tmp_path / ".gitignore").write_text("*.tpl\n")
    (tmp_path / "values.tpl").write_bytes(b"a: 1\n")
    assert read_worktree(tmp_path).files == {}
    assert read_worktree(tmp_path / "values.tpl").files == {"values.tpl": b"a: 1\n"}
