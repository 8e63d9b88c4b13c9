"""A place of each kind, for the contract that every forge keeps."""

from __future__ import annotations

from pkgutil import resolve_name
from typing import TYPE_CHECKING

import pytest

from tests.forges.local_place import LocalPlace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.forges.place import Place

PLACES = {
    "local": "tests.forges.local_place.LocalPlace",
    "github": "tests.forges.github.place.GitHubPlace",
    "gitlab": "tests.forges.gitlab.place.GitLabPlace",
}
"""The class of each kind's place; it is made from an empty folder."""


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A place with a forge of the kind that the parameter names."""
    made: Place = resolve_name(PLACES[request.param])(tmp_path)
    yield made
    made.stop()


@pytest.fixture(params=["github", "gitlab"])
def hosted(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A place with a forge that can merge by itself."""
    made: Place = resolve_name(PLACES[request.param])(tmp_path)
    yield made
    made.stop()


@pytest.fixture
def local(tmp_path: Path) -> LocalPlace:
    """A place with the local forge."""
    return LocalPlace(tmp_path)
