"""What a snapshot must still look up before it can be planned on: tags of images and charts, commits of values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core import messages
from bot.core.deployed import deployed
from bot.core.models import Commit, Unknown
from bot.core.plan.asks import all_asks, history_of
from bot.core.plan.builds import again, targets
from bot.core.plan.charts import chart_references, target, versions
from bot.core.plan.followed import followed_references, promoted_reference
from bot.core.plan.pull_requests import branch_name
from bot.core.references import is_tag, parse_repository

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.core.models import Release
    from bot.core.references import Reference
    from bot.core.snapshot import Snapshot


def image_references(snapshot: Snapshot) -> set[Reference]:
    """Every tag whose image or chart the plan will ask for. Needs sources, bases and tags.

    What a policy asks for may depend on the images that are known: ask again with those, until nothing is missing.
    """
    return {
        *_build_targets(snapshot),
        *_packages(snapshot),
        *_followed(snapshot),
        *_promoted(snapshot),
        *_asked(snapshot),
    }


def values_commits(snapshot: Snapshot, application: str) -> set[str]:
    """The commits of the values source that some environment has, or is about to get."""
    return {r.values for r in _releases(snapshot, application) if r.values}


def _build_targets(snapshot: Snapshot) -> Iterator[Reference]:
    for (application, name), commit in snapshot.sources.items():
        image = snapshot.config.applications[application].images[name]
        base = snapshot.bases[image.build.base] if image.build else None
        if isinstance(commit, Commit) and isinstance(base, str):
            yield from targets(image, commit, base, again(snapshot, application, commit))


def _packages(snapshot: Snapshot) -> Iterator[Reference]:
    for application, source in snapshot.source_charts.items():
        chart = snapshot.config.applications[application].chart
        if chart and not isinstance(source, Unknown):
            yield from (target(chart, version) for version in versions(source))


def _followed(snapshot: Snapshot) -> Iterator[Reference]:
    for environment, config in snapshot.config.environments.items():
        if config.after is not None:
            continue
        for application, app in snapshot.config.applications.items():
            here = snapshot.deployed[environment, application]
            yield from chart_references(snapshot, environment, application)
            for name, image in app.images.items():
                if image.policy:
                    yield from followed_references(snapshot, application, name, here.release.images.get(name))


def _promoted(snapshot: Snapshot) -> Iterator[Reference]:
    """The images of each release that the environment behind does not have yet."""
    for environment, config in snapshot.config.environments.items():
        for application in snapshot.config.applications:
            if config.after is not None:
                before = snapshot.deployed[config.after, application].release
                here = snapshot.deployed[environment, application].release
                if before != here:
                    yield from _images(snapshot, application, before)
            kept = _kept(snapshot, environment, application)
            if kept:
                yield from _images(snapshot, application, kept)


def _asked(snapshot: Snapshot) -> Iterator[Reference]:
    for ask in all_asks(snapshot):
        for application, app in snapshot.config.applications.items():
            if not ask.covers(ask.environment, application):
                continue
            source = history_of(snapshot.config.environments[ask.environment].after, ask)
            past = snapshot.history.get((source, application), ()) if source else ()
            for release in past:
                if ask.version is None or any(v.tag == ask.version for v in release.images.values()):
                    yield from _images(snapshot, application, release)
            if ask.version and is_tag(ask.version):
                yield from (parse_repository(i.repository).with_tag(ask.version) for i in app.images.values())


def _images(snapshot: Snapshot, application: str, release: Release) -> Iterator[Reference]:
    images = snapshot.config.applications[application].images
    for name, version in release.images.items():
        yield promoted_reference(images[name], version)


def _kept(snapshot: Snapshot, environment: str, application: str) -> Release | None:
    """The release on a branch that a person asked for by version."""
    branch = snapshot.branches.get(branch_name(environment, application))
    asked = messages.asked_for(branch.head) if branch else None
    if branch is None or asked is None or not (asked.version or asked.rollback):
        return None
    files = {**snapshot.files, **{p: c for p, c in branch.files.items() if c is not None}}
    return deployed(snapshot.config, files, environment, application).release


def _releases(snapshot: Snapshot, application: str) -> Iterator[Release]:
    for environment in snapshot.config.environments:
        yield snapshot.deployed[environment, application].release
        kept = _kept(snapshot, environment, application)
        if kept:
            yield kept
    for (_, name), past in snapshot.history.items():
        if name == application:
            yield from past
