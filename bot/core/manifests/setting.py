"""The edits that make places of an image name another version: the tag, and the digest with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bot.core.manifests.hazards import Hazard
from bot.core.manifests.locate import pointer
from bot.core.manifests.scalars import is_string
from bot.core.manifests.splice import Edit
from bot.core.models import ImageVersion

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from bot.core.manifests.places import Place
    from bot.core.models import Refusal


class Wanted(NamedTuple):
    """The edits by file, for `edit`; with any refusal there are none."""

    edits: Mapping[str, tuple[Edit, ...]]
    refusals: tuple[Refusal, ...]


def set_image(places: Iterable[Place], version: ImageVersion, *, pin: bool) -> Wanted:
    """The edits that make every place name `version`.

    With `pin` the digest goes into the place's `digest` key, else behind the tag (`tag@sha256:…`), except in a field
    that holds nothing but tags, as an OCIRepository's. Without `pin` only the tag is set; a digest that is there is
    always set with it. A version without a tag is set where none is written.
    """
    edits: dict[str, tuple[Edit, ...]] = {}
    refusals: list[Refusal] = []
    for place in places:
        if version.digest is None and (pin or place.version.digest):
            what = f"no digest is known for {version.tag}, and the place is pinned"
            refusals.append(Hazard("digest_unknown", place.line, what).refusal(place.file, pointer(place.path)))
        elif not version.tag and (place.tag or not (place.image or place.digest)):
            what = f"only the digest {version.digest} is known, and a tag is written here"
            refusals.append(Hazard("tag_unknown", place.line, what).refusal(place.file, pointer(place.path)))
        elif place.alone and not is_string(version.tag):
            what = f"Flux would read {version.tag} again as a number or a date, since the variable stands there alone"
            refusals.append(Hazard("variable_retyped", place.line, what).refusal(place.file, pointer(place.path)))
        else:
            edits[place.file] = (*edits.get(place.file, ()), *_edits(place, version, pin=pin))
    return Wanted({} if refusals else edits, tuple(refusals))


def _edits(place: Place, version: ImageVersion, *, pin: bool) -> Iterator[Edit]:
    pinned = ImageVersion(version.tag, version.digest if pin or place.version.digest else None)
    if place.image:
        text = f"{place.name}:{pinned}" if version.tag else f"{place.name}@{version.digest}"
        before, behind = place.around or ("", "")
        yield Edit(place.image, f"{before}{text}{behind}", place.document, part=place.around is not None)
        return
    if place.tag:
        # The digest has its own key, or the field holds a tag alone.
        alone = place.digest or (place.form == "tag" and not place.version.digest)
        before, behind = place.around or ("", "")
        text = version.tag if alone else str(pinned)
        yield Edit(place.tag, f"{before}{text}{behind}", place.document, part=place.around is not None)
    if place.digest and pinned.digest:
        digest = pinned.digest.removeprefix("sha256:") if place.bare else pinned.digest
        yield Edit(place.digest, digest, place.document, fill=True)
