"""What a scan keeps is never believed where the files, the rules or the kept text itself are others than before."""

from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING

import pytest

from bot.core.discovery import discover, extract, packed, unpacked
from bot.core.discovery.files import readable_files
from bot.worktree import facts, scanning
from bot.worktree.reading import read_worktree
from bot.worktree.scanning import scan
from tests.core.discovery.test_golden import GOLDEN, read
from tests.git_remote import run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FLEET = read(GOLDEN / "fleet")
CONTENTS = len({(kind, FLEET[file]) for file, kind in readable_files(FLEET).items()})
VALUES = "apps/production/shop-values.yaml"
EXPECTED = "d5f33ce2"
"""What the facts of all golden files come to. If this changes, so must the number in `scanning.RULES`."""


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    """A committed Flux repository."""
    folder = tmp_path / "fleet"
    for name, content in FLEET.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    run(tmp_path, "init", "-q", "-b", "main", str(folder))
    commit(folder)
    return folder


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A folder that is not there yet."""
    return tmp_path / "cache" / "scan"


@pytest.fixture
def extracted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many files were looked into, each time that any were."""
    counts: list[int] = []
    real = facts._texts

    def counted(work: list[facts.Work]) -> list[str]:
        counts.append(len(work))
        return real(work)

    monkeypatch.setattr(facts, "_texts", counted)
    return counts


def commit(folder: Path) -> None:
    run(folder, "add", "-A")
    run(folder, "commit", "-qm", "All of it")


def fresh(folder: Path) -> bytes:
    """What a scan without a cache says."""
    return scan(folder, None)


def looked_into(counts: list[int], folder: Path, cache: Path) -> int:
    """How many files a scan looks into; what it says must be what one without a cache says."""
    expected = fresh(folder)
    counts.clear()
    assert scan(folder, cache) == expected
    return sum(counts)


def test_it_says_what_discovery_finds(fleet: Path, cache: Path) -> None:
    found = discover(FLEET)
    for _ in range(2):
        told = json.loads(scan(fleet, cache))
        assert told == {
            "findings": [one.as_json() for one in found.findings],
            "skipped": [one.as_json() for one in found.skipped],
        }


def test_only_what_changed_is_looked_into(fleet: Path, cache: Path, extracted: list[int]) -> None:
    assert looked_into(extracted, fleet, cache) == CONTENTS
    assert looked_into(extracted, fleet, cache) == 0
    (fleet / VALUES).write_bytes(FLEET[VALUES].replace(b">=1.0.0", b">=1.2.0"))
    assert looked_into(extracted, fleet, cache) == 1
    commit(fleet)
    assert looked_into(extracted, fleet, cache) == 0
    (fleet / VALUES).write_bytes(FLEET[VALUES])
    assert looked_into(extracted, fleet, cache) == 1, "only the contents of the last scan are kept"
    run(fleet, "checkout", "-q", "--", VALUES)
    (fleet / "values-new.yaml").write_text("image: registry.example.com/shop/new:1.0.0\n")
    assert looked_into(extracted, fleet, cache) == 2


def test_the_same_content_under_another_kind_of_name_is_something_else(
    fleet: Path, cache: Path, extracted: list[int]
) -> None:
    text = "image: {repository: registry.example.com/shop/web, tag: 1.0.0}\n"
    (fleet / "some.yaml").write_text(text)
    looked_into(extracted, fleet, cache)
    (fleet / "some.yaml").rename(fleet / "values-some.yaml")
    assert looked_into(extracted, fleet, cache) == 1


def link(folder: Path) -> None:
    (folder / VALUES).unlink()
    (folder / VALUES).symlink_to("kustomization.yaml")


def overlooked(folder: Path) -> None:
    run(folder, "update-index", "--assume-unchanged", VALUES)
    (folder / VALUES).write_bytes(FLEET[VALUES].replace(b">=1.0.0", b">=1.3.0"))


def left_out(folder: Path) -> None:
    run(folder, "update-index", "--skip-worktree", VALUES)
    (folder / VALUES).unlink()


def configuration(folder: Path) -> None:
    environments = "environments: {live: {path: apps/production}}"
    (folder / "gitops.yaml").write_text(f"version: 1\n{environments}\napplications: {{store: {{path: .}}}}\n")


def submodule(folder: Path) -> None:
    run(folder, "init", "-q", str(folder / "other"))
    run(folder / "other", "commit", "-q", "--allow-empty", "-m", "First")
    run(folder, "add", "other")


DEEDS: dict[str, Callable[[Path], object]] = {
    "moved": lambda folder: (folder / VALUES).rename(folder / "moved.yaml"),
    "deleted": lambda folder: (folder / VALUES).unlink(),
    "a link": link,
    "ignored": lambda folder: (folder / ".gitignore").write_text("values-new.yaml\n"),
    "a change that git was told to overlook": overlooked,
    "left out of the checkout": left_out,
    "a configuration": configuration,
    "a submodule": submodule,
}


@pytest.mark.parametrize("deed", DEEDS.values(), ids=DEEDS)
def test_every_change_is_seen(fleet: Path, cache: Path, extracted: list[int], deed: Callable[[Path], object]) -> None:
    (fleet / "values-new.yaml").write_text("image: registry.example.com/shop/new:1.0.0\n")
    before = scan(fleet, cache)
    deed(fleet)
    for _ in range(2):
        looked_into(extracted, fleet, cache)
    assert scan(fleet, cache) != before


def test_what_a_filter_of_git_makes_of_a_file_is_what_counts(fleet: Path, cache: Path) -> None:
    run(fleet, "config", "filter.upper.smudge", "sed s/1.0.0/7.7.7/")
    run(fleet, "config", "filter.upper.clean", "sed s/7.7.7/1.0.0/")
    (fleet / ".gitattributes").write_text("*.yaml filter=upper\n")
    commit(fleet)
    (fleet / VALUES).unlink()
    run(fleet, "checkout", "-q", "--", VALUES)
    for _ in range(2):
        assert b">=7.7.7" in scan(fleet, cache)


def test_each_part_of_a_repository_is_kept_apart(fleet: Path, cache: Path) -> None:
    whole, part = scan(fleet, cache), scan(fleet / "apps/production", cache)
    assert whole != part
    assert (scan(fleet, cache), scan(fleet / "apps/production", cache)) == (whole, part)


def test_another_version_looks_again(
    fleet: Path, cache: Path, extracted: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_into(extracted, fleet, cache)
    monkeypatch.setattr(scanning, "RULES", "another")
    assert looked_into(extracted, fleet, cache) == CONTENTS


@pytest.mark.parametrize(
    "damage", [lambda _: b"", lambda body: body[:-1], lambda body: body.replace(b"1.0.0", b"9.9.9")]
)
def test_a_damaged_cache_is_rebuilt(
    fleet: Path, cache: Path, extracted: list[int], damage: Callable[[bytes], bytes]
) -> None:
    looked_into(extracted, fleet, cache)
    assert len(list(cache.iterdir())) == 2
    for file in cache.iterdir():
        file.write_bytes(damage(file.read_bytes()))
    assert looked_into(extracted, fleet, cache) == CONTENTS
    assert looked_into(extracted, fleet, cache) == 0


def test_where_nothing_can_be_written_nothing_is_kept(fleet: Path, tmp_path: Path, extracted: list[int]) -> None:
    (tmp_path / "a file").write_text("")
    for _ in range(2):
        assert looked_into(extracted, fleet, tmp_path / "a file") == CONTENTS


def test_a_folder_without_git_is_read_each_time(tmp_path: Path, cache: Path, extracted: list[int]) -> None:
    (tmp_path / "values.yaml").write_text("image: {repository: registry.example.com/a, tag: 1.0.0}\n")
    looked_into(extracted, tmp_path, cache)
    assert looked_into(extracted, tmp_path, cache) == 0, "the facts of the same content are kept all the same"
    (tmp_path / "values.yaml").write_text("image: {repository: registry.example.com/a, tag: 1.0.1}\n")
    assert looked_into(extracted, tmp_path, cache) == 1


def test_many_files_are_read_by_several_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts, "_MANY", 10)
    monkeypatch.setattr(facts, "_CHUNK", 3)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    for number in range(25):
        text = f"image: {{repository: registry.example.com/a, tag: 1.0.{number}}}\n"
        (tmp_path / f"values-{number:02}.yaml").write_text(text)
    found = json.loads(scan(tmp_path, None))["findings"]
    assert [one["value"] for one in found] == [f"1.0.{number}" for number in range(25)]


def golden_facts() -> list[str]:
    """The packed facts of all golden files, in order."""
    texts = []
    for folder in sorted(path for path in GOLDEN.iterdir() if path.is_dir()):
        files = read(folder)
        for file, kind in readable_files(files).items():
            one = extract(kind, files[file])
            texts.append(json.dumps(packed(one)))
            assert unpacked(json.loads(texts[-1])) == one
    return texts


def test_kept_facts_are_those_of_the_present_rules() -> None:
    assert len(golden_facts()) > 50
    assert hashlib.sha256("\n".join(golden_facts()).encode()).hexdigest()[:8] == EXPECTED


@pytest.mark.parametrize("value", [[], ["x"], [99], [-1], [True], [1, *range(20)], [4]])
def test_what_was_not_packed_is_not_unpacked(value: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        unpacked(value)


def test_reading_a_worktree_needs_no_cache(fleet: Path) -> None:
    assert read_worktree(fleet).files == FLEET
