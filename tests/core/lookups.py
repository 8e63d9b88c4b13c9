"""Where an image or a chart is in some files, as the bot finds it for an application of an environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core.config import Application, Config, Environment
from bot.core.deployed import deployed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.core.config import Image
    from bot.core.deployed import Deployed
    from bot.core.discovery.effective import Charts
    from bot.core.manifests import Found


def find_image(files: Mapping[str, bytes], image: Image, folder: str = ".") -> Found:
    """The places of the image, where the application's folder is all there is, or the given one."""
    return _deployed(files, Application(path=folder, images={"it": image}), "it").images["it"]


def find_charts(files: Mapping[str, bytes], application: str) -> Charts:
    """The places of the application's chart."""
    return _deployed(files, Application(path="."), application).charts


def _deployed(files: Mapping[str, bytes], application: Application, name: str) -> Deployed:
    config = Config(version=1, environments={"env": Environment(path=".")}, applications={name: application})
    return deployed(config, files, "env", name)
