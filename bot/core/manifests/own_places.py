"""The places by which an environment's file of values names an image, to be kept in whatever takes the file's place."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bot.core.manifests.conventions import at
from bot.core.manifests.hazards import Hazard
from bot.core.manifests.images import find_in_values
from bot.core.manifests.locate import pointer, trail
from bot.core.manifests.nodes import Mapping, text
from bot.core.manifests.setting import set_image
from bot.core.manifests.splice import Edit, readable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.core.config import Image
    from bot.core.manifests.nodes import Node
    from bot.core.manifests.places import Place
    from bot.core.models import ImageVersion, Path, Refusal
    from bot.core.references import Reference

_NAMES = ("registry", "dockerRegistry", "repository", "imageName", "name", "image")


class Wish(NamedTuple):
    """The version that an image of the synced file shall have."""

    image: Image
    repository: Reference
    version: ImageVersion


class Kept(NamedTuple):
    """Edits of the source's file; keys that it has not, each with its value; and what must not be done."""

    edits: tuple[Edit, ...] = ()
    missing: tuple[tuple[Path, str], ...] = ()
    refusals: tuple[Refusal, ...] = ()


def own_places(file: str, body: bytes, current: bytes | None, wish: Wish, folder: str) -> Kept:
    """What keeps an image of the environment's file, as `current` names it, in the source's file `body`."""
    before = find_in_values(file, current, wish.image, wish.repository, folder).places if current else ()
    after = find_in_values(file, body, wish.image, wish.repository, folder)
    # A list's items are known by their places alone: what is there now may be something else.
    kept = [place for place in before if not any(isinstance(part, int) for part in place.path)]
    own = {place.path for place in kept}
    others = [place for place in after.places if place.path not in own]
    keyed = {pointer(place.path) for place in kept}
    # Different versions in the source do not matter: all are set. Nor does what is wrong where the file has its own.
    refusals = [r for r in after.refusals if r.reason_code != "ambiguous_version" and not _is_covered(r.path, keyed)]
    if before and not kept and not others:
        what = f"the source of {file} has no place for the image {wish.repository}"
        refusals.append(Hazard("image_field_missing", before[0].line, what).refusal(file, pointer(before[0].path)))
    wanted = set_image(others, wish.version, pin=wish.image.pin)
    edits, missing = list(wanted.edits.get(file, ())), list[tuple["Path", str]]()
    refusals += wanted.refusals
    for place in kept:
        found = _kept(file, body, current or b"", place, wish)
        edits, missing, refusals = [*edits, *found.edits], [*missing, *found.missing], [*refusals, *found.refusals]
    return Kept(tuple(edits), tuple(missing), tuple(refusals))


def _is_covered(path: str, keyed: set[str]) -> bool:
    """Whether it is about a mapping in which the environment's file has the image too."""
    return path.rpartition("/")[0] in {one.rpartition("/")[0] for one in keyed}


def _kept(file: str, body: bytes, current: bytes, place: Place, wish: Wish) -> Kept:
    """One place of the environment's file in the source's: its names as they are, with the release's version."""
    wanted = set_image([place], wish.version, pin=wish.image.pin)
    above = place.path[:-1]
    try:
        mapping = _mapping(body, above)
    except Hazard as hazard:
        what = f"the source of {file} has nothing at {pointer(above) or '/'}, where the image {wish.repository} is"
        return Kept(refusals=(Hazard("image_field_missing", hazard.line, what).refusal(file, pointer(place.path)),))
    names = [] if wish.image.keys or place.image else list(_names(_mapping(current, above), mapping, above))
    edits = [*names, *(one._replace(fill=True, document=0) for one in wanted.edits.get(place.file, ()))]
    missing = [(one.path, one.new) for one in edits if at(mapping, one.path[len(above) :]) is None]
    there = {path for path, _ in missing}
    return Kept(tuple(one for one in edits if one.path not in there), tuple(missing), wanted.refusals)


def _mapping(content: bytes, path: Path) -> Mapping:
    found: Node = trail(readable(content).documents[0].root, path)[-1]
    if not isinstance(found, Mapping):
        raise Hazard("not_a_mapping", found.line, "there is no mapping")
    return found


def _names(own: Mapping, source: Mapping, above: Path) -> Iterator[Edit]:
    """The names beside a version, as the environment's file has them; one that only the source has is made empty."""
    for key in _NAMES:
        mine, theirs = text(own.get(key)), text(source.get(key))
        if mine is not None and (mine or theirs) and mine != theirs:
            yield Edit((*above, key), mine, fill=True)
        elif mine is None and theirs and key in ("registry", "dockerRegistry"):
            yield Edit((*above, key), "", fill=True)
