"""What a release changes in an environment's files: the product of the bot, from which every text is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bot.core.deployed import below, find_images
from bot.core.manifests import Edit, Edited, Note, Wish, edit, set_chart, set_image, sync_values
from bot.core.manifests.hazards import Hazard
from bot.core.manifests.leaves import leaves
from bot.core.manifests.locate import pointer
from bot.core.models import Change, Refusal, Unknown
from bot.core.promoted import places, write_values
from bot.core.references import is_digest, parse_repository

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bot.core.config import Image
    from bot.core.deployed import Deployed
    from bot.core.manifests import Chart, Found, Place
    from bot.core.models import Carried, ImageVersion, Release
    from bot.core.snapshot import Snapshot


class Rendered(NamedTuple):
    """The files that differ (path → bytes), each value that changes, and what must not be edited.

    With any refusal there are no files: a release goes whole or not at all. `before` are the images until now;
    `notes` is what a reviewer should know of an edit; `kept` are the environment's own values that differ from those
    of the environment before it (`old`).
    """

    files: Mapping[str, bytes]
    changes: tuple[Change, ...]
    refusals: tuple[Refusal, ...]
    before: Mapping[str, ImageVersion]
    notes: tuple[Note, ...] = ()
    kept: tuple[Change, ...] = ()


class _Draft:
    """Files on their way to the release, with the changes made and the refusals met."""

    def __init__(self, here: Deployed) -> None:
        self.now = here.files
        self.files: dict[str, bytes] = {}
        self.changes: list[Change] = []
        self.refusals: list[Refusal] = []
        self.notes: list[Note] = []

    def take(self, path: str, edited: Edited) -> None:
        """Take over what came of editing one file."""
        self.refusals += edited.refusals
        self.changes += edited.changes
        self.notes += edited.notes
        self.files[path] = edited.content

    def content(self, path: str) -> bytes:
        """A file as it is by now."""
        return self.files[path] if path in self.files else self.now[path]

    @property
    def all(self) -> Mapping[str, bytes]:
        """Every file as it is by now."""
        return {**self.now, **self.files} if self.files else self.now


def render(snapshot: Snapshot, environment: str, application: str, release: Release) -> Rendered:
    """The environment's files with the release in them."""
    here = snapshot.deployed[environment, application]
    if release == here.release and not here.refusals and len(release.images) == len(_images(snapshot, application)):
        return Rendered({}, (), (), here.release.images)
    draft = _Draft(here)
    if release.values and release.values != here.release.values:
        _sync(draft, snapshot, environment, application, release, here)
    if not draft.refusals:
        _edit(draft, snapshot, environment, application, release)
    changed = {k: v for k, v in release.promoted.items() if here.release.promoted.get(k) != v}
    for path, edited in write_values(here.folder, draft.all, changed) if changed and not draft.refusals else ():
        draft.take(path, edited)
    files = {path: content for path, content in draft.files.items() if here.files.get(path) != content}
    refusals = tuple(dict.fromkeys(draft.refusals))
    kept = tuple(_kept(snapshot, environment, application, here))
    changes, notes = tuple(draft.changes), tuple(draft.notes)
    return Rendered({} if refusals else files, changes, refusals, here.release.images, notes, kept)


def _kept(snapshot: Snapshot, environment: str, application: str, here: Deployed) -> Iterator[Change]:
    after = snapshot.config.environments[environment].after
    before = snapshot.deployed[after, application].kept if after else {}
    for key, value in here.kept.items():
        if key in before and before[key] != value:
            file, _, at = key.partition("#")
            yield Change(below(here.folder, file), 1, at, before[key].text, value.text)


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
    keep = places(app.keep, here.folder)
    draft.refusals += [one for one in here.refusals if (one.file, one.path) in keep]
    own = {k: v for k, v in here.kept.items() if below(here.folder, k.partition("#")[0]) == target}
    draft.take(target, _with_own(edited, own, here, target))


def _with_own(edited: Edited, own: Mapping[str, Carried], here: Deployed, target: str) -> Edited:
    """A synced file with the environment's own values back in it; what the source does not have any more is gone."""
    if not own or edited.refusals:
        return edited
    there = {k: v for k, v in own.items() if k.partition("#")[2] in leaves(edited.content)}
    for _, kept in write_values(here.folder, {target: edited.content}, there):
        if kept.refusals:
            return kept
        at = {key.partition("#")[2] for key in there}
        changes = tuple(c for c in edited.changes if c.path not in at)
        return Edited(kept.content, changes, (), edited.notes)
    return edited


def _edit(draft: _Draft, snapshot: Snapshot, environment: str, application: str, release: Release) -> None:
    """The image fields and the chart's version, all edits of a file at once."""
    wanted: dict[str, list[Edit]] = {}
    here = snapshot.deployed[environment, application]
    config = snapshot.config
    # A synced file has its places elsewhere.
    found = find_images(config, draft.all, environment, application) if draft.files else here.images
    for name, image in config.applications[application].images.items():
        _want_image(draft, wanted, here, image, found[name], release.images.get(name))
    for chart in here.charts.places:
        if release.chart and release.chart != chart.version:
            draft.refusals += [why] if (why := chart.shared or _other_kind(chart, release.chart)) else []
            wanted.setdefault(chart.file, []).append(set_chart(release.chart, chart))
    for file, edits in wanted.items():
        draft.take(file, edit(file, draft.content(file), edits))


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
    if not found.all and not unreadable:
        reason = f"no file below it names the image {image.repository}; write it there once, or give `keys`"
        draft.refusals.append(Refusal(here.folder, 1, "", "image_field_missing", reason))
    there = found.version and version and found.version.tag == version.tag and not version.digest
    if version is None or there:
        return
    draft.refusals += [why for place, why in found.shared if not _is_there(place, version)]
    draft.notes += [_not_pinned(place) for place in found.places if image.pin and version.digest and _is_tag(place)]
    edits = set_image(found.places, version, pin=image.pin)
    draft.refusals += edits.refusals
    for file, some in edits.edits.items():
        wanted.setdefault(file, []).extend(some)


def _other_kind(chart: Chart, version: str) -> Refusal | None:
    """Why a chart's version cannot be written where a digest is, nor a digest where a version is."""
    if is_digest(version) == is_digest(chart.version):
        return None
    what = f"{version} is to be written where {chart.version} is: one is a digest, the other is not"
    return Hazard("bad_version", chart.line, what).refusal(chart.file, pointer(chart.path))


def _is_tag(place: Place) -> bool:
    """Whether the place can hold a tag alone."""
    return place.form == "tag" and not place.digest and not place.version.digest


def _not_pinned(place: Place) -> Note:
    reason = "the field holds a tag and no digest; add a digest beside it to pin the image"
    return Note(place.file, place.line, pointer(place.path), "not_pinned", reason)


def _is_there(place: Place, version: ImageVersion) -> bool:
    """Whether a place has the version already, as far as it says one."""
    return place.version.tag == version.tag and place.version.digest in (None, version.digest)
