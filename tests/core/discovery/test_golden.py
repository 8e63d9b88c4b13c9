"""Repositories as people lay them out, and all that is found in each: one line a finding, one line a skip."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.core.discovery import Discovery, discover
from bot.core.manifests.locate import pointer

GOLDEN = Path(__file__).parent / "golden"
CASES = sorted(folder for folder in GOLDEN.iterdir() if folder.is_dir())


def read(folder: Path) -> dict[str, bytes]:
    """The files of a folder, by their paths in it."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path != folder / "expected.txt"
    }


def shown(found: Discovery) -> str:
    """What was found, as the golden files have it."""
    lines = [
        f"{one.file}:{one.line}:{one.column} {pointer(one.path)} {one.what} {one.value}"
        f" <- {one.image or (one.chart and ' of '.join(map(str, one.chart)))}"
        f" | {one.environment} {one.application} {one.found_by}"
        for one in found.findings
    ]
    lines += [f"{one.file}:{one.line} {one.path} {one.value} !! {one.reason_code}" for one in found.skipped]
    return "".join(f"{line}\n" for line in lines)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_all_that_is_there_is_found(case: Path) -> None:
    assert shown(discover(read(case))) == (case / "expected.txt").read_text()
