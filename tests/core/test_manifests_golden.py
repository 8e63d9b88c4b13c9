"""Every edit of the golden directories gives exactly the expected bytes, and a second run changes nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from bot.core.config import Image
from bot.core.manifests import Edit, edit, set_image
from bot.core.manifests.document import parse
from bot.core.manifests.locate import from_pointer
from bot.core.models import ImageVersion
from tests.core.lookups import find_image

GOLDEN = Path(__file__).parent / "golden"
EDITS = sorted((GOLDEN / "edit").iterdir())
IMAGES = sorted((GOLDEN / "image").iterdir())


def named(folder: Path) -> str:
    return folder.name


@pytest.mark.parametrize("folder", EDITS, ids=named)
def test_an_edit_gives_the_golden_bytes_and_a_second_one_changes_nothing(folder: Path) -> None:
    before, after = (folder / "before.yaml").read_bytes(), (folder / "after.yaml").read_bytes()
    edits = [Edit(from_pointer(path), new) for path, new in json.loads((folder / "edits.json").read_text()).items()]
    first = edit("app.yaml", before, edits)
    assert first.refusals == ()
    assert first.content.decode() == after.decode()
    second = edit("app.yaml", after, edits)
    assert (second.content, second.changes, second.refusals) == (after, (), ())


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("folder", IMAGES, ids=named)
def test_setting_an_image_gives_the_golden_files_and_a_second_time_changes_nothing(folder: Path) -> None:
    case = json.loads((folder / "case.json").read_text())
    image = Image.model_validate_json(json.dumps(case["image"]))
    version = ImageVersion(case["tag"], case["digest"])
    files = files_of(folder / "before")
    for _ in range(2):
        found = find_image(files, image)
        assert found.refusals == ()
        wanted = set_image(found.places, version, pin=case["pin"])
        assert wanted.refusals == ()
        edited = {file: edit(file, files[file], edits) for file, edits in wanted.edits.items()}
        assert [one.refusals for one in edited.values() if one.refusals] == []
        files |= {file: one.content for file, one in edited.items()}
        assert {file: content.decode() for file, content in files.items()} == {
            file: content.decode() for file, content in files_of(folder / "after").items()
        }
    assert [one.changes for one in edited.values() if one.changes] == []


@pytest.mark.parametrize("folder", EDITS, ids=named)
def test_the_pure_loader_reads_the_same_as_libyaml(folder: Path) -> None:
    content = (folder / "before.yaml").read_bytes()
    pure, fast = parse(content, yaml.SafeLoader), parse(content)
    assert [repr(document.root) for document in pure.documents] == [repr(document.root) for document in fast.documents]
