"""Where the version of an image lives in an application's files, and what it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bot.core.filenames import is_yaml
from bot.core.manifests.conventions import candidates, values
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
    """The usable places of an image, and why others are not usable or do not agree (`ambiguous_version`)."""

    places: tuple[Place, ...]
    refusals: tuple[Refusal, ...]

    @property
    def version(self) -> ImageVersion | None:
        """The version that all places agree on, None if they do not, or there are none."""
        tags = {place.version.tag for place in self.places if place.version.tag}
        digests = {place.version.digest for place in self.places if place.version.digest}
        if not self.places or len(tags) > 1 or len(digests) > 1:
            return None
        return ImageVersion("".join(tags), next(iter(digests), None))


def find_image(files: Mapping[str, bytes], image: Image, repository: Reference, folder: str = "") -> Found:
    """Find the places of the image `repository` among an application's files.

    `files` are paths (of the GitOps repository) and bytes; `folder` is the application's folder, to which the
    files of explicit keys are relative. Explicit keys, if there are any, replace the conventions. A file that
    cannot be read counts only if it mentions the image.
    """
    if image.keys:
        return _found(_explicit(files, image.keys, repository, folder))
    needle = repository.path.rpartition("/")[2].encode()
    names = sorted(file for file in files if is_yaml(file) and needle in files[file])
    return _found(one for file in names for one in _conventional(file, files[file], repository))


def find_in_values(file: str, content: bytes, image: Image, repository: Reference, folder: str = "") -> Found:
    """As `find_image`, in one file that is known to hold the values of a chart, whatever its name."""
    if image.keys:
        keys = [key for key in image.keys if file_of(key, folder) == file]
        return _found(_explicit({file: content}, keys, repository, folder))
    return _found(_conventional(file, content, repository, is_values=True))


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


def _conventional(
    file: str, content: bytes, repository: Reference, *, is_values: bool = False
) -> Iterator[Place | Refusal]:
    try:
        parsed = readable(content)
    except Hazard as hazard:
        yield hazard.refusal(file)
        return
    for document in parsed.documents:
        for candidate in values(document.root, ()) if is_values else candidates(file, document.root):
            if candidate.name and candidate.paths and (one := read_place(file, document, candidate, repository)):
                yield one


def _found(outcomes: Iterable[Place | Refusal]) -> Found:
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
