"""The files of a folder are those that git would take, read without following a link or running anything."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from bot.core.errors import NotFound
from bot.worktree.content import MOST_BYTES, Unread
from bot.worktree.reading import read_worktree


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with files of all kinds, that is in no git checkout."""
    root = tmp_path / "tree"
    (root / "a" / "b").mkdir(parents=True)
    for name in ("top.yaml", "a/one.yml", "a/b/Kustomization", "a/readme.md", "ignored.yaml"):
        (root / name).write_text(f"# {name}\n")
    (root / ".gitignore").write_text("ignored.yaml\n")
    return root


def git(folder: Path, *arguments: str) -> None:
    """Run git in a folder."""
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


def test_a_folder_is_read_whole(folder: Path) -> None:
    tree = read_worktree(folder)
    assert (tree.root, tree.within) == (folder, "")
    assert set(tree.files) == {"top.yaml", "a/one.yml", "a/b/Kustomization", "ignored.yaml"}
    assert tree.files["a/one.yml"] == b"# a/one.yml\n"
    assert tree.unread == ()


def test_a_checkout_is_read_from_its_root_as_git_sees_it(folder: Path) -> None:
    git(folder, "init")
    git(folder, "add", "top.yaml")
    tree = read_worktree(folder / "a")
    assert (tree.root, tree.within) == (folder, "a")
    assert set(tree.files) == {"top.yaml", "a/one.yml", "a/b/Kustomization"}
    assert [file for file in tree.files if tree.covers(file)] == ["a/b/Kustomization", "a/one.yml"]


def test_a_file_that_was_deleted_is_not_there_any_more(folder: Path) -> None:
    git(folder, "init")
    git(folder, "add", "--all")
    (folder / "top.yaml").unlink()
    assert set(read_worktree(folder).files) == {"a/one.yml", "a/b/Kustomization"}


def test_one_file_is_read_alone(folder: Path) -> None:
    tree = read_worktree(folder / "a" / "one.yml")
    assert (tree.within, set(tree.files)) == ("one.yml", {"one.yml"})
    assert tree.covers("one.yml")


def test_a_path_that_is_not_there_is_an_error(folder: Path) -> None:
    with pytest.raises(NotFound, match="does not exist"):
        read_worktree(folder / "nothing")


@pytest.mark.parametrize("checkout", [True, False])
def test_what_is_no_file_is_named_and_not_read(folder: Path, checkout: bool) -> None:
    (folder / "secret").write_text("image: x\n")
    (folder / "link.yaml").symlink_to(folder / "secret")
    (folder / "outside").symlink_to("/")
    if checkout:
        git(folder, "init")
    else:
        os.mkfifo(folder / "pipe.yaml")
    tree = read_worktree(folder)
    assert {(one.file, one.reason_code) for one in tree.unread} == {
        ("link.yaml", "not_a_file"),
        *(() if checkout else [("pipe.yaml", "not_a_file")]),
    }
    assert not any(file.startswith("outside") for file in tree.files)


def test_a_large_file_is_named_and_not_read(folder: Path) -> None:
    with (folder / "large.yaml").open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    tree = read_worktree(folder)
    assert [(one.file, one.reason_code) for one in tree.unread] == [("large.yaml", "too_large")]


def test_a_submodule_is_named(folder: Path) -> None:
    git(folder, "init")
    inner = folder / "inner"
    inner.mkdir()
    git(inner, "init")
    git(inner, "-c", "user.name=x", "-c", "user.email=x@example.com", "commit", "--allow-empty", "-m", "First")
    git(folder, "add", "inner")
    assert [one[:2] for one in read_worktree(folder).unread] == [("inner", "submodule")]


def test_a_name_that_is_not_utf8_is_named(folder: Path) -> None:
    (folder / os.fsdecode(b"caf\xe9.yaml")).write_text("image: x\n")
    assert read_worktree(folder).unread == (
        Unread("caf�.yaml", "unreadable", "the file's name is not UTF-8; rename it"),
    )


def test_nothing_that_the_checkout_sets_is_run(folder: Path) -> None:
    git(folder, "init")
    git(folder, "config", "core.fsmonitor", f"touch {folder}/ran; false")
    read_worktree(folder)
    assert not (folder / "ran").exists()


def test_a_checkout_that_git_refuses_is_walked(folder: Path) -> None:
    (folder / ".git").write_text("gitdir: /nowhere\n")
    assert "ignored.yaml" in read_worktree(folder).files


def test_a_working_folder_that_was_deleted_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(NotFound, match="does not exist"):
        read_worktree(Path())
    (tmp_path / "circle").symlink_to("circle")
    with pytest.raises(NotFound, match="does not exist"):
        read_worktree(tmp_path / "circle")
