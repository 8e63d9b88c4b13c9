"""What an application's files in an environment say is deployed, and where they say so."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

from bot.core.config import application_folder
from bot.core.discovery.environment import Environment
from bot.core.discovery.own_place import own_place
from bot.core.discovery.remembered import Reading
from bot.core.discovery.sharing import Users, shared_charts, shared_images
from bot.core.errors import BotError
from bot.core.manifests import synced_commit
from bot.core.manifests.locate import pointer
from bot.core.models import Refusal, Release
from bot.core.promoted import promoted_values

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from bot.core.config import Config
    from bot.core.discovery.effective import Charts
    from bot.core.manifests import Chart, Found, Place
    from bot.core.models import Carried, ImageVersion


class Deployed(NamedTuple):
    """The release, the application's folder, where each image and the chart are, and what cannot be read.

    An image that is nowhere, or whose places do not agree, is not in the release. `files` are all that were read,
    path → bytes. `kept` are the values that are the environment's own, by `file#pointer`. `absent` says that there is
    no folder of the environment, or none of the application nor anything else of it.
    """

    release: Release
    folder: str
    files: Mapping[str, bytes]
    images: Mapping[str, Found]
    charts: Charts
    refusals: tuple[Refusal, ...]
    kept: Mapping[str, Carried]
    absent: Refusal | None = None


def deployed(config: Config, files: Mapping[str, bytes], environment: str, application: str) -> Deployed:
    """Read an application's release from the files of the GitOps repository (path → bytes).

    What several environments reach is not told apart: that needs all of them.
    """
    return _deployed(Environment(config, Reading(files), environment, application), application, {})


class Everywhere(NamedTuple):
    """Every application in every environment, by (environment, application); the files that each environment reaches,
    and the folders that Flux applies for it.
    """

    deployed: Mapping[tuple[str, str], Deployed]
    reached: Mapping[str, frozenset[str]]
    applied: Mapping[str, tuple[str, ...]]


def deployed_everywhere(config: Config, files: Mapping[str, bytes]) -> Everywhere:
    """What all environments say is deployed, from the files of the repository (path → bytes)."""
    reading = Reading(files)
    environments = {name: Environment(config, reading, name) for name in config.environments}
    users: dict[str, list[str]] = defaultdict(list)
    for name, environment in environments.items():
        for file in environment.reached:
            users[file].append(name)
    pairs = [(e, a) for a in config.applications for e in config.environments]
    found = {(e, a): _deployed(environments[e], a, users) for e, a in pairs}
    return Everywhere(
        found,
        {name: one.reached for name, one in environments.items()},
        {name: one.applied for name, one in environments.items()},
    )


def still_unread(config: Config, files: Mapping[str, bytes], names: Collection[str]) -> frozenset[str]:
    """Files that some environment reaches, and whose contents are not among `files`; ask again with those.

    `names` are all files of the repository.
    """
    reading = Reading(files, names)
    for environment in config.environments:
        Environment(config, reading, environment)
    return frozenset(reading.missing)


class OwnPlaces(NamedTuple):
    """Files with a place of its own for each environment that shares one, and what has to be written by hand."""

    contents: Mapping[str, bytes]
    refusals: tuple[Refusal, ...]


def own_places(config: Config, files: Mapping[str, bytes], environments: Collection[str] = ()) -> OwnPlaces:
    """What gives each of the environments (all, if none is named) places of its own, each saying what is so now."""
    contents: dict[str, bytes] = {}
    refusals: list[Refusal] = []
    everywhere = deployed_everywhere(config, files)
    before, count = everywhere.deployed, Counter(file for there in everywhere.reached.values() for file in there)
    for name in environments or config.environments:
        for application in config.applications:
            here = before[name, application]
            shared: list[Place | Chart] = [place for found in here.images.values() for place, _ in found.shared]
            shared += [chart for chart in here.charts.places if chart.shared]
            environment = Environment(config, Reading({**files, **contents}), name)
            for one in shared:
                own = own_place(environment, contents, one, count)
                if isinstance(own, Refusal):
                    refusals.append(own)
                else:
                    contents[own.file] = own.content
    after = deployed_everywhere(config, {**files, **contents}).deployed
    changed = [pair for pair in before if before[pair].release != after[pair].release]
    if changed:
        raise BotError(
            f"{', '.join('/'.join(pair) for pair in changed)} would change by a place of its own",
            fix="write it by hand, and report the files",
        )
    return OwnPlaces(contents, tuple(refusals))


def below(folder: str, name: str) -> str:
    """A path in a folder; the repository's root is the folder of no name."""
    return f"{folder}/{name}" if folder else name


def find_images(config: Config, files: Mapping[str, bytes], environment: str, application: str) -> dict[str, Found]:
    """The places of each of the application's images, by the image's name."""
    return Environment(config, Reading(files), environment, application).images(application)


def _deployed(environment: Environment, application: str, users: Users) -> Deployed:
    config, files = environment.config, environment.reading.files
    app = config.applications[application]
    folder = application_folder(config, environment.name, application)
    places = {n: shared_images(environment, f, users) for n, f in environment.images(application).items()}
    images: dict[str, ImageVersion] = {n: f.version for n, f in places.items() if f.version is not None}
    chart = shared_charts(environment, environment.charts(application), users)
    values = synced_commit(files.get(below(folder, app.values.target), b"")) if app.values else None
    taken = {(one.file, pointer(one.path)) for one in chart.places}
    carried = promoted_values(app, folder, files, places.values(), taken)
    release = Release(images, chart.version, values, carried.promoted)
    found = any(one.all or one.refusals for one in places.values()) or bool(chart.places)
    absent = environment.absent(application, found=found)
    refusals = (*(r for found in places.values() for r in found.refusals), *chart.refusals, *carried.refusals)
    return Deployed(release, folder, files, places, chart, (absent,) if absent else refusals, carried.kept, absent)
