"""Where the version of an image lives in an application's files, and what it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bot.core.manifests.conventions import values
from bot.core.manifests.hazards import REASONS, Hazard
from bot.core.manifests.keys import file_of, from_keys
from bot.core.manifests.locate import pointer
from bot.core.manifests.places import Place, read_place
from bot.core.manifests.splice import readable
from bot.core.models import ImageVersion, Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from bot.core.config import Image, Key
    from bot.core.references import Reference


class Found(NamedTuple):
    """The usable places of an image, and why others are not usable or do not agree (`ambiguous_version`).

    `shared` are places that say which version it is, and must not be edited for one environment alone, with the reason.
    """

    places: tuple[Place, ...]
    refusals: tuple[Refusal, ...]
    shared: tuple[tuple[Place, Refusal], ...] = ()

    @property
    def all(self) -> tuple[Place, ...]:
        """Every place that says which version it is."""
        return (*self.places, *(place for place, _ in self.shared))

    @property
    def version(self) -> ImageVersion | None:
        """The version that all places agree on, None if they do not, or there are none."""
        tags = {place.version.tag for place in self.all if place.version.tag}
        digests = {place.version.digest for place in self.all if place.version.digest}
        if not self.all or len(tags) > 1 or len(digests) > 1:
            return None
        return ImageVersion("".join(tags), next(iter(digests), None))


def find_explicit(files: Mapping[str, bytes], image: Image, repository: Reference, folder: str) -> Found:
    """The places that the image's explicit keys name; their files are relative to the application's `folder`."""
    return agreed(_explicit(files, image.keys, repository, folder))


def find_in_values(file: str, content: bytes, image: Image, repository: Reference, folder: str = "") -> Found:
    """The places of an image in one file that is known to hold the values of a chart, whatever its name.

    `folder` is the application's, to which the files of explicit keys are relative; they replace the conventions.
    """
    if image.keys:
        keys = [key for key in image.keys if file_of(key, folder) == file]
        return agreed(_explicit({file: content}, keys, repository, folder))
    return agreed(_conventional(file, content, repository))


def _explicit(
    files: Mapping[str, bytes], keys: Iterable[Key], repository: Reference, folder: str
) -> Iterator[Place | Refusal]:
    for one in from_keys(files, keys, folder):
        if isinstance(one, Refusal):
            yield one
            continue
        file, document, candidate = one
        other = Hazard("other_image", document.root.line, f"the value names another image than {repository}")
        yield read_place(*one, repository) or other.refusal(file, pointer(candidate.image or ()))


def _conventional(file: str, content: bytes, repository: Reference) -> Iterator[Place | Refusal]:
    try:
        parsed = readable(content)
    except Hazard as hazard:
        yield hazard.refusal(file)
        return
    for document in parsed.documents:
        for candidate in values(document.root, ()):
            if candidate.name and candidate.paths and (one := read_place(file, document, candidate, repository)):
                yield one


def agreed(outcomes: Iterable[Place | Refusal]) -> Found:
    """All places of one image, and what is wrong if they name different versions."""
    ordered = list(dict.fromkeys(outcomes))
    found = Found(
        tuple(one for one in ordered if isinstance(one, Place)),
        tuple(one for one in ordered if isinstance(one, Refusal)),
    )
    if not found.places or found.version is not None:
        return found
    shown = ", ".join(f"{place.file}:{place.line} {place.version}" for place in found.places)
    reason = f"the places of one image name different versions ({shown}); {REASONS['ambiguous_version']}"
    first = found.places[0]
    refusal = Refusal(first.file, first.line, pointer(first.path), "ambiguous_version", reason)
    return found._replace(refusals=(*found.refusals, refusal))
