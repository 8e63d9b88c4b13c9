"""A story for each test, in a folder of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import pytest

from bot.core.errors import Refused
from bot.renderers.local import LocalRenderer
from tests.scenarios.story import Story

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _quick(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is rendered but where that is the story: it starts programs in every round."""
    if "test_review" in request.module.__name__:
        return

    def no_program(*_: object) -> NoReturn:
        raise Refused("kubectl is not asked in this test")

    monkeypatch.setattr(LocalRenderer, "render", no_program)


@pytest.fixture
def story(tmp_path: Path) -> Story:
    """A laid-out world in which the bot has not run yet."""
    return Story(tmp_path / "world")


@pytest.fixture
def in_dev(story: Story) -> Story:
    """The first release is in dev; staging has its pull request."""
    story.run()
    return story


@pytest.fixture
def in_staging(in_dev: Story) -> Story:
    """The first release is in staging too; prod has its pull request."""
    in_dev.approve("staging", "alice")
    in_dev.merge("staging", "alice")
    return in_dev
