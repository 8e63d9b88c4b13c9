"""A candidate of the conventions or of the configuration becomes a place with the version that is read there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.core.errors import BotError
from bot.core.manifests.hazards import Hazard
from bot.core.manifests.locate import pointer, scalar, trail
from bot.core.manifests.nodes import Alias, Document, Identity, Scalar
from bot.core.manifests.splice import check_text, is_empty
from bot.core.models import ImageVersion, Path, Refusal
from bot.core.references import is_digest, is_tag, parse_repository

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bot.core.manifests.conventions import Candidate, Form
    from bot.core.references import Reference

_WORDS = re.compile("[a-z]+")
_OF_VERSIONS = frozenset(("v", "rc", "alpha", "beta", "a", "b", "pre", "dev", "snapshot"))
_BARE = re.compile(r"[0-9a-f]{64}")
_VARIABLE = re.compile(r"\$\{[^{}]*\}")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a version lives: the scalars of tag and digest, or the one (`image`) that holds `name:tag@digest`.

    `line` is 1-based; `version.tag` is empty where only a digest is written; `version.digest` is None where
    nothing is pinned, even if a `digest` key is there, empty. `around` is what stands before and behind the version in
    its scalar, where Flux fills in the rest; where it stands `alone` Flux reads it again as YAML.
    `bare` says that the digest is written without `sha256:`.
    """

    file: str
    document: Identity | int
    line: int
    form: Form
    version: ImageVersion
    name: str
    tag: Path | None = None
    digest: Path | None = None
    image: Path | None = None
    around: tuple[str, str] | None = None
    alone: bool = False
    bare: bool = False

    @property
    def path(self) -> Path:
        """The one path to show for this place."""
        return self.image or self.tag or self.digest or ()


def read_place(file: str, document: Document, candidate: Candidate, repository: Reference) -> Place | Refusal | None:
    """The place, if it is one of `repository` (None if not), or why its version cannot be read."""
    name = split_image(candidate.name)[0] if candidate.image else candidate.name
    # A key of the configuration for tag and digest names no image: it stands for the configured one.
    if name and not _is_repository(name, repository):
        return None
    try:
        return _place(file, document, candidate, name)
    except Hazard as hazard:
        path = candidate.image or candidate.tag or candidate.digest or ()
        return hazard.refusal(file, pointer(path))


def _place(file: str, document: Document, candidate: Candidate, name: str) -> Place:
    tag_path, digest_path = candidate.tag, candidate.digest
    if candidate.image:
        node = _scalar(document, candidate.image)
        version = image_version(*split_image(node.value)[1:], node.line)
    else:
        tag, digest = (_scalar(document, path) if path else None for path in (tag_path, digest_path))
        node, version = _fields(tag, digest)
        # An empty tag means the chart's own; where a digest decides, it is left alone.
        tag_path = tag_path if version.tag else None
    address = document.identity or document.number
    return Place(file, address, node.line, candidate.form, version, name, tag_path, digest_path, candidate.image)


def _scalar(document: Document, path: Path) -> Scalar:
    found = scalar(trail(document.root, path))
    node = found.target if isinstance(found, Alias) else found
    if not isinstance(node, Scalar):
        raise Hazard("not_a_scalar", found.line, "the value is a mapping or a list")
    check_text(node)
    return node


def _fields(tag: Scalar | None, digest: Scalar | None) -> tuple[Scalar, ImageVersion]:
    text, _, behind = ("", "", "") if tag is None or is_empty(tag) else tag.value.partition("@")
    beside = "" if digest is None or is_empty(digest) else whole_digest(digest.value)
    node = (tag if text else digest) or tag
    if node is None:
        raise Hazard("path_missing", 1, "there is neither tag nor digest")
    return node, image_version(text, beside or behind, node.line)


def image_version(tag: str, digest: str, line: int) -> ImageVersion:
    """Tag and digest as written on that line, empty where not → the version. `Hazard` for what is no version."""
    if not tag and not digest:
        raise Hazard("empty_value", line, "neither tag nor digest is written")
    if (tag and not is_tag(tag)) or (digest and not is_digest(digest)):
        raise Hazard("bad_version", line, "the value is not a tag, a digest or both")
    return ImageVersion(tag, digest or None)


def split_image(image: str) -> tuple[str, str, str]:
    """`name:tag@digest` → its three parts, unchecked; missing ones are empty.

    A variable of Flux may hold what divides them in its default: it is a part of one of them, whole.
    """
    shown = _VARIABLE.sub(lambda found: "x" * len(found[0]), image) if "${" in image else image
    rest = shown.partition("@")[0]
    at = len(rest)
    colon = rest.find(":", rest.rfind("/") + 1)
    end = at if colon < 0 else colon
    return image[:end], image[end + 1 : at], image[at + 1 :]


def variants(tags: Iterable[str]) -> list[str]:
    """Tags that are not versions of one thing (`agent-1.0`, `client-1.0`), in order; none where only numbers differ."""
    told = sorted(set(tags) - {""})
    words = {frozenset(_WORDS.findall(tag.lower())) - _OF_VERSIONS for tag in told}
    return told if len(words) > 1 else []


def whole_digest(text: str) -> str:
    """A digest that may be written without its algorithm, as 64 digits."""
    return f"sha256:{text}" if _BARE.fullmatch(text) else text


def _is_repository(name: str, repository: Reference) -> bool:
    try:
        return parse_repository(name) == repository.repository
    except BotError:
        return False
