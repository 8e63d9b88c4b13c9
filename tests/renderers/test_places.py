"""What the bot takes for the place that decides is what kustomize builds by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.core.config import load_config
from bot.core.deployed import own_places
from tests.core.test_places import LAYOUTS, Layout, config, promoted, shared_base, written

if TYPE_CHECKING:
    from bot.renderers.local import LocalRenderer

NEEDS = {
    name: layout
    for name, layout in LAYOUTS.items()
    if "helmCharts" not in str(layout.files) and any("kustomization.yaml" in file for file in layout.files)
}


@pytest.mark.parametrize("layout", NEEDS.values(), ids=NEEDS)
def test_the_edit_reaches_what_is_built(layout: Layout, renderer: LocalRenderer) -> None:
    files = written(layout.files, dev=("1.1.0", "1.5.0"), prod=("1.0.0", "1.4.0"))
    folder = load_config(layout.config.encode()).environments["prod"].path
    if f"{folder}/kustomization.yaml" not in files:
        folder = "apps/prod"
    before = built(renderer, files, folder)
    assert "1.0.0" in before
    after = built(renderer, {**files, **promoted(layout, files).files}, folder)
    assert after == before.replace("1.0.0", "1.1.0").replace("1.4.0", "1.5.0")


def test_a_place_of_its_own_changes_nothing_that_is_built(renderer: LocalRenderer) -> None:
    files = shared_base()
    own = own_places(load_config(config("apps/ENV", chart=True).encode()), files)
    assert set(own.contents) == {"apps/dev/kustomization.yaml", "apps/prod/kustomization.yaml"}
    for folder in ("apps/dev", "apps/prod"):
        assert built(renderer, files | dict(own.contents), folder) == built(renderer, files, folder)


def built(renderer: LocalRenderer, files: dict[str, bytes], folder: str) -> str:
    """What kustomize makes of a folder, without the hashes in the names of what it generates."""
    text = renderer.render(files, folder).objects
    # And without a ConfigMap of which only what is put elsewhere counts.
    objects = [one for one in text.split("---\n") if "name: versions" not in one]
    return "\n".join(line for one in objects for line in one.splitlines() if "web-values-" not in line)
