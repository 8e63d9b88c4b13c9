"""Nothing that somebody else's checkout says is run when its files are listed or set."""

from __future__ import annotations

import contextlib
import os
import subprocess
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from bot.cli.main import main
from bot.worktree.blobs import blob_sha, list_blobs

if TYPE_CHECKING:
    from pathlib import Path

VALUES = "image: {repository: registry.example.com/shop, tag: 1.0.0}\n"


class Checkout:
    """A repository of somebody's, with a program in it that leaves a mark wherever it is run."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "checkout"
        self.mark = folder / "mark"
        self.program = folder / "evil"
        self.program.write_text(f"#!/bin/sh\necho run >> {self.mark}\ncat\n")
        self.program.chmod(0o755)
        self.root.mkdir()
        self.git("init", "-q", "-b", "main")
        self.write("values.yaml", VALUES)
        self.write(".gitattributes", "*.yaml filter=evil diff=evil merge=evil\n")

    def git(self, *arguments: str) -> None:
        author = ("-c", "user.name=m", "-c", "user.email=m@example.com")
        subprocess.run(["git", *author, *arguments], cwd=self.root, check=True, capture_output=True)

    def write(self, name: str, text: str) -> None:
        (self.root / name).write_text(text)

    def commit(self) -> None:
        self.git("add", "-A")
        self.git("commit", "-qm", "All of it")

    def age(self) -> None:
        """Files and index get one age, at which git compares what they hold."""
        for place in (self.root / "values.yaml", self.root / ".gitattributes", self.root / ".git" / "index"):
            os.utime(place, (1_600_000_000, 1_600_000_000))
        self.git("update-index", "--refresh")
        for place in (self.root / "values.yaml", self.root / ".git" / "index"):
            os.utime(place, (1_600_000_000, 1_600_000_000))


SETTINGS = [
    ("filter.evil.clean", "{program}"),
    ("filter.evil.smudge", "{program}"),
    ("filter.evil.process", "{program}"),
    ("filter.EvIl.clean", "{program}"),
    ("diff.evil.textconv", "{program}"),
    ("diff.evil.command", "{program}"),
    ("diff.external", "{program}"),
    ("merge.evil.driver", "{program}"),
    ("core.fsmonitor", "{program}"),
    ("core.hooksPath", "{folder}"),
    ("core.sshCommand", "{program}"),
    ("core.gitProxy", "{program}"),
    ("core.askPass", "{program}"),
    ("core.pager", "{program}"),
    ("core.editor", "{program}"),
    ("core.alternateRefsCommand", "{program}"),
    ("uploadpack.packObjectsHook", "{program}"),
    ("credential.helper", "!{program}"),
    ("alias.ls-files", "!{program}"),
    ("alias.config", "!{program}"),
    ("pager.ls-files", "{program}"),
    ("pager.config", "{program}"),
    ("gpg.program", "{program}"),
]


@pytest.mark.parametrize(("key", "value"), SETTINGS, ids=[key for key, _ in SETTINGS])
@pytest.mark.parametrize("included", [False, True])
def test_no_setting_runs_a_program(tmp_path: Path, key: str, value: str, included: bool) -> None:
    here = Checkout(tmp_path)
    here.commit()
    for hook in ("post-index-change", "fsmonitor-watchman"):
        (tmp_path / hook).write_text(here.program.read_text())
        (tmp_path / hook).chmod(0o755)
    told = value.format(program=here.program, folder=tmp_path)
    if included:
        here.git("config", "-f", str(tmp_path / "more"), key, told)
        here.git("config", "include.path", str(tmp_path / "more"))
    else:
        here.git("config", key, told)
    with contextlib.suppress(subprocess.CalledProcessError):
        here.age()
    here.mark.unlink(missing_ok=True)
    found = list_blobs(here.root)
    assert found
    assert found["values.yaml"] == blob_sha(VALUES.encode())
    runner = CliRunner()
    os.utime(here.root / "values.yaml", (1_600_000_000, 1_600_000_000))
    os.utime(here.root / ".git" / "index", (1_600_000_000, 1_600_000_000))
    assert runner.invoke(main, ["scan", str(here.root)]).exit_code == 0
    set_ = ["set", str(here.root), "--image", "registry.example.com/shop=1.1.0"]
    done = runner.invoke(main, set_)
    assert done.exit_code == 0, done.output
    assert not here.mark.exists()


def test_a_filter_would_have_run_without_that(tmp_path: Path) -> None:
    """The table above can fail: git itself runs the filter on this very checkout."""
    here = Checkout(tmp_path)
    here.commit()
    here.git("config", "filter.evil.clean", str(here.program))
    here.age()
    here.mark.unlink(missing_ok=True)
    here.git("diff-files", "--name-only")
    assert here.mark.exists()


@pytest.mark.parametrize("url", ["ext::{program} %S", "ssh://host.invalid/x", "file:///nowhere"])
def test_a_missing_object_is_fetched_from_nowhere(tmp_path: Path, url: str) -> None:
    here = Checkout(tmp_path)
    here.commit()
    here.git("config", "core.sshCommand", str(here.program))
    here.git("config", "remote.origin.url", url.format(program=here.program))
    here.git("config", "remote.origin.promisor", "true")
    here.git("config", "protocol.allow", "always")
    here.git("config", "extensions.partialClone", "origin")
    here.git("config", "core.repositoryFormatVersion", "1")
    for folder in (here.root / ".git" / "objects").iterdir():
        if len(folder.name) == 2:
            for each in folder.iterdir():
                each.unlink()
    (here.root / ".gitattributes").unlink()
    list_blobs(here.root)
    assert not here.mark.exists()


def test_a_working_tree_that_the_settings_name_is_not_listed_in_place_of_this_one(tmp_path: Path) -> None:
    here = Checkout(tmp_path)
    here.commit()
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "secret.yaml").write_text("a: secret\n")
    here.git("config", "core.worktree", str(tmp_path / "private"))
    found = list_blobs(here.root)
    assert found is not None
    assert "secret.yaml" not in found
    assert found["values.yaml"] == blob_sha(VALUES.encode())
