"""Which release an environment should have: from the sources, or from the environment before it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bot.core import messages
from bot.core.actions import Skip
from bot.core.models import ImageVersion, Release, Unknown
from bot.core.plan.asks import ask_for
from bot.core.plan.builds import BuildState, build_state
from bot.core.plan.charts import newest_chart
from bot.core.plan.followed import by_digest, followed_version, promoted_reference
from bot.core.promoted import named
from bot.core.references import is_tag, parse_repository

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.core.config import Image
    from bot.core.deployed import Deployed
    from bot.core.models import Carried
    from bot.core.snapshot import Snapshot


def all_builds(snapshot: Snapshot) -> dict[tuple[str, str], BuildState]:
    """The state of every image that the bot builds, by (application, image)."""
    return {
        (application, name): build_state(snapshot, application, name)
        for application, config in snapshot.config.applications.items()
        for name, image in config.images.items()
        if image.build
    }


def wanted_release(
    snapshot: Snapshot, environment: str, application: str, builds: Mapping[tuple[str, str], BuildState]
) -> Release | Skip:
    """The newest release that may go to the environment, or why it cannot be told."""
    here = snapshot.deployed[environment, application]
    asked = ask_for(snapshot, environment, application)
    if asked and asked.rollback:
        return _earlier_release(snapshot, environment, application, here, asked.version)
    if asked and asked.version:
        return _asked_release(snapshot, environment, application, here, asked.version)
    after = snapshot.config.environments[environment].after
    if after is None:
        return _from_sources(snapshot, environment, application, here, builds)
    return _from_environment(snapshot, after, environment, application, here)


def _asked_release(
    snapshot: Snapshot, environment: str, application: str, here: Deployed, version: str
) -> Release | Skip:
    """The release that carries the asked tag: one that the environment before had, or for the first one any image."""
    after = snapshot.config.environments[environment].after
    if after is not None:
        past = snapshot.history.get((after, application), ())
        found = next((r for r in past if any(v.tag == version for v in r.images.values())), None)
        if found is None:
            return messages.version_not_found(environment, application, version, after, past)
        return promoted_release(snapshot, environment, application, found)
    images = dict(here.release.images)
    for name, image in snapshot.config.applications[application].images.items():
        info = snapshot.images.get(parse_repository(image.repository).with_tag(version)) if is_tag(version) else None
        if isinstance(info, Unknown):
            return Skip(environment, application, info.reason_code, info.reason)
        if info is not None:
            newest = ImageVersion(version, info.digest)
            moved = _moved(environment, application, image, here.release.images.get(name), newest)
            if moved:
                return moved
            images[name] = newest
    if images == here.release.images and not any(v.tag == version for v in images.values()):
        return messages.version_not_found(environment, application, version, None, ())
    return replace(here.release, images=images)


def _earlier_release(
    snapshot: Snapshot, environment: str, application: str, here: Deployed, version: str | None
) -> Release | Skip:
    """A release that the environment had before: the one with that tag, or the last with other images."""
    past = snapshot.history.get((environment, application), ())
    for release in past:
        tags = [v.tag for v in release.images.values()]
        if version in tags if version else release.images != here.release.images:
            return promoted_release(snapshot, environment, application, release)
    return messages.version_not_found(environment, application, version or "another release", environment, past)


def _from_sources(
    snapshot: Snapshot,
    environment: str,
    application: str,
    here: Deployed,
    builds: Mapping[tuple[str, str], BuildState],
) -> Release | Skip:
    """One part whose newest version is not known holds the release: nothing is closed or rewritten on a guess."""
    images: dict[str, ImageVersion] = dict(here.release.images)
    for name, image in snapshot.config.applications[application].images.items():
        state = builds.get((application, name))
        newest = (
            _built(environment, state) if state else followed_version(snapshot, environment, application, name, here)
        )
        if isinstance(newest, Skip):
            return newest
        moved = _moved(environment, application, image, here.release.images.get(name), newest)
        if moved:
            return moved
        images[name] = newest
    values = _newest_values(snapshot, environment, application)
    if isinstance(values, Skip):
        return values
    chart = newest_chart(snapshot, environment, application, here)
    if isinstance(chart, Skip):
        return chart
    return Release(images, chart, values or here.release.values, here.release.promoted)


def _built(environment: str, state: BuildState) -> ImageVersion | Skip:
    if state.action:
        return messages.building(environment, state.action)
    if state.skip:
        return state.skip._replace(environment=environment)
    assert state.version is not None
    return state.version


def _newest_values(snapshot: Snapshot, environment: str, application: str) -> str | Skip | None:
    if snapshot.config.applications[application].values is None:
        return None
    source = snapshot.values[application]
    if isinstance(source, Unknown):
        return Skip(environment, application, source.reason_code, source.reason)
    return source.head


def _from_environment(
    snapshot: Snapshot, after: str, environment: str, application: str, here: Deployed
) -> Release | Skip:
    config = snapshot.config
    before = snapshot.deployed[after, application]
    if before.refusals:
        first = before.refusals[0]
        return Skip(environment, application, first.reason_code, f"{after}: {first.file}:{first.line}: {first.reason}")
    nowhere = [image for name, image in config.applications[application].images.items() if not before.images[name].all]
    if nowhere or before.release == Release():
        return messages.no_release(environment, application, after, nowhere, before.charts.range)
    if before.release == here.release:
        return here.release
    return promoted_release(snapshot, environment, application, before.release)


def promoted_release(snapshot: Snapshot, environment: str, application: str, release: Release) -> Release | Skip:
    """The release with every digest filled in, if each tag still names the digest that was promoted.

    A tag that the environment has already, with another digest, was moved as well.
    """
    images: dict[str, ImageVersion] = {}
    here = snapshot.deployed[environment, application].release.images
    for name, version in release.images.items():
        image = snapshot.config.applications[application].images[name]
        reference = promoted_reference(image, version)
        info = snapshot.images.get(reference)
        if isinstance(info, Unknown):
            return Skip(environment, application, info.reason_code, info.reason)
        if info is None:
            return messages.image_missing(environment, application, reference)
        newest = ImageVersion(version.tag, info.digest)
        for old in (version, here.get(name)):
            moved = _moved(environment, application, image, old, newest)
            if moved:
                return moved
        images[name] = newest
    return Release(images, release.chart, release.values, _carried(snapshot, environment, application, release))


def _carried(snapshot: Snapshot, environment: str, application: str, release: Release) -> Mapping[str, Carried]:
    """The environment's values with the release's over them: those that it has too, or that are named one by one."""
    app, here = snapshot.config.applications[application], snapshot.deployed[environment, application].release.promoted
    return {**here, **{k: v for k, v in release.promoted.items() if k in here or named(app, k)}}


def _moved(
    environment: str, application: str, image: Image, old: ImageVersion | None, new: ImageVersion
) -> Skip | None:
    if not new.tag or by_digest(image, new):
        return None
    if old and old.tag == new.tag and old.digest and old.digest != new.digest:
        return messages.tag_moved(environment, application, image.repository, old, new)
    return None
