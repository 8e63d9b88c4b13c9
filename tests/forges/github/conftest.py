"""The place that the tests of the GitHub forge share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.forges.github.place import GitHubPlace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def github(tmp_path: Path) -> Iterator[GitHubPlace]:
    """A place with a fake GitHub."""
    place = GitHubPlace(tmp_path)
    yield place
    place.stop()
