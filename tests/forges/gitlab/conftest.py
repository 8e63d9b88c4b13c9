"""A place with a GitLab."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.forges.gitlab.place import GitLabPlace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def place(tmp_path: Path) -> Iterator[GitLabPlace]:
    """A place with a GitLab."""
    made = GitLabPlace(tmp_path)
    yield made
    made.stop()
