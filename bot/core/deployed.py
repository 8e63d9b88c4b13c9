"""What an application's folder in an environment says is deployed, and where it says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bot.core.config import application_folder
from bot.core.manifests import find_chart, find_image, synced_commit
from bot.core.manifests.locate import pointer
from bot.core.models import Release
from bot.core.promoted import promoted_values
from bot.core.references import parse_repository

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.core.config import Config
    from bot.core.manifests import Chart, Found
    from bot.core.models import Carried, ImageVersion, Refusal


class Deployed(NamedTuple):
    """The release, the folder with its files (path → bytes), the places of each image, and what cannot be read.

    An image that is nowhere in the folder, or whose places do not agree, is not in the release. `kept` are the values
    that are the environment's own, by `file#pointer`.
    """

    release: Release
    folder: str
    files: Mapping[str, bytes]
    chart: Chart | None
    refusals: tuple[Refusal, ...]
    kept: Mapping[str, Carried]


def deployed(config: Config, files: Mapping[str, bytes], environment: str, application: str) -> Deployed:
    """Read an application's release from the files of the GitOps repository (path → bytes)."""
    app = config.applications[application]
    folder = application_folder(config, environment, application)
    own = {path: content for path, content in files.items() if path.startswith(below(folder, ""))}
    images: dict[str, ImageVersion] = {}
    refusals: list[Refusal] = []
    places = find_images(config, own, application, folder)
    for name, found in places.items():
        refusals += found.refusals
        if found.version is not None:
            images[name] = found.version
    chart = find_chart(own, application)
    values = synced_commit(own.get(below(folder, app.values.target), b"")) if app.values else None
    at = (chart.chart.file, pointer(chart.chart.path)) if chart.chart else None
    carried = promoted_values(app, folder, own, places.values(), at)
    release = Release(images, chart.chart.version if chart.chart else None, values, carried.promoted)
    return Deployed(release, folder, own, chart.chart, (*refusals, *chart.refusals, *carried.refusals), carried.kept)


def below(folder: str, name: str) -> str:
    """A path in a folder; the repository's root is the folder of no name."""
    return f"{folder}/{name}" if folder else name


def deployed_everywhere(config: Config, files: Mapping[str, bytes]) -> dict[tuple[str, str], Deployed]:
    """Every application in every environment, by (environment, application)."""
    pairs = [(e, a) for a in config.applications for e in config.environments]
    return {(e, a): deployed(config, files, e, a) for e, a in pairs}


def find_images(config: Config, files: Mapping[str, bytes], application: str, folder: str) -> dict[str, Found]:
    """The places of each of the application's images, by the image's name."""
    images = config.applications[application].images
    return {n: find_image(files, image, parse_repository(image.repository), folder) for n, image in images.items()}
