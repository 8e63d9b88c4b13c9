"""What a release changes in an environment's files: the product of the bot, from which every text is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bot.core.deployed import below, find_images
from bot.core.manifests import Edit, Wish, edit, set_chart, set_image, sync_values
from bot.core.models import Change, Refusal, Unknown
from bot.core.references import parse_repository

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.core.config import Image
    from bot.core.deployed import Deployed
    from bot.core.manifests import Found, Note
    from bot.core.models import ImageVersion, Release
    from bot.core.snapshot import Snapshot


class Rendered(NamedTuple):
    """The files that differ (path → bytes), each value that changes, and what must not be edited.

    With any refusal there are no files: a release goes whole or not at all. `before` are the images until now;
    `notes` is what a reviewer should know of an edit.
    """

    files: Mapping[str, bytes]
    changes: tuple[Change, ...]
    refusals: tuple[Refusal, ...]
    before: Mapping[str, ImageVersion]
    notes: tuple[Note, ...] = ()


class _Draft:
    """Files on their way to the release, with the changes made and the refusals met."""

    def __init__(self, here: Deployed) -> None:
        self.files = dict(here.files)
        self.changes: list[Change] = []
        self.refusals: list[Refusal] = []
        self.notes: list[Note] = []


def render(snapshot: Snapshot, environment: str, application: str, release: Release) -> Rendered:
    """The environment's files with the release in them."""
    here = snapshot.deployed[environment, application]
    if release == here.release and not here.refusals and len(release.images) == len(_images(snapshot, application)):
        return Rendered({}, (), (), here.release.images)
    draft = _Draft(here)
    if release.values and release.values != here.release.values:
        _sync(draft, snapshot, environment, application, release, here)
    if not draft.refusals:
        _edit(draft, snapshot, application, release, here)
    files = {path: content for path, content in draft.files.items() if here.files.get(path) != content}
    refusals = tuple(dict.fromkeys(draft.refusals))
    return Rendered({} if refusals else files, tuple(draft.changes), refusals, here.release.images, tuple(draft.notes))


def _images(snapshot: Snapshot, application: str) -> Mapping[str, Image]:
    return snapshot.config.applications[application].images


def _sync(
    draft: _Draft, snapshot: Snapshot, environment: str, application: str, release: Release, here: Deployed
) -> None:
    """The values source's file of this environment, with the image fields kept."""
    app, source = snapshot.config.applications[application], snapshot.values.get(application)
    assert app.values is not None
    assert release.values is not None
    target, name = below(here.folder, app.values.target), app.values.file.replace("{environment}", environment)
    if isinstance(source, Unknown):
        draft.refusals.append(Refusal(target, 1, "", source.reason_code, source.reason))
        return
    content = source.files.get(release.values, {}).get(environment) if source else None
    if content is None:
        reason = f"{app.values.git} has no file {name} at commit {release.values[:12]}; add it there"
        draft.refusals.append(Refusal(target, 1, "", "values_missing", reason))
        return
    wishes = [
        Wish(image, parse_repository(image.repository), release.images[n])
        for n, image in app.images.items()
        if n in release.images and release.images[n].digest
    ]
    origin = f"{app.values.git} {name}"
    edited = sync_values(target, content, here.files.get(target), wishes, origin, release.values, here.folder)
    draft.refusals += edited.refusals
    draft.changes += edited.changes
    draft.notes += edited.notes
    draft.files[target] = edited.content


def _edit(draft: _Draft, snapshot: Snapshot, application: str, release: Release, here: Deployed) -> None:
    """The image fields and the chart's version, all edits of a file at once."""
    wanted: dict[str, list[Edit]] = {}
    images = snapshot.config.applications[application].images
    for name, found in find_images(snapshot.config, draft.files, application, here.folder).items():
        _want_image(draft, wanted, here, images[name], found, release.images.get(name))
    if here.chart and release.chart and release.chart != here.chart.version:
        wanted.setdefault(here.chart.file, []).append(set_chart(release.chart, here.chart))
    for file, edits in wanted.items():
        edited = edit(file, draft.files[file], edits)
        draft.refusals += edited.refusals
        draft.changes += edited.changes
        draft.notes += edited.notes
        draft.files[file] = edited.content


def _want_image(
    draft: _Draft,
    wanted: dict[str, list[Edit]],
    here: Deployed,
    image: Image,
    found: Found,
    version: ImageVersion | None,
) -> None:
    """The edits that bring one image to its version; nothing where it is there already."""
    unreadable = [r for r in found.refusals if r.reason_code != "ambiguous_version"]
    draft.refusals += unreadable
    if not found.places and not unreadable:
        reason = f"no file below it names the image {image.repository}; write it there once, or give `keys`"
        draft.refusals.append(Refusal(here.folder, 1, "", "image_field_missing", reason))
    there = found.version and version and found.version.tag == version.tag and not version.digest
    if version is None or there:
        return
    edits = set_image(found.places, version, pin=image.pin)
    draft.refusals += edits.refusals
    for file, some in edits.edits.items():
        wanted.setdefault(file, []).extend(some)
