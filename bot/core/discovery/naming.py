"""Which image a block is about, by itself or by the objects that it is a patch of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core.discovery.states import Named
from bot.core.errors import BotError
from bot.core.manifests import Place
from bot.core.manifests.hazards import Hazard
from bot.core.manifests.places import image_version, split_image, whole_digest
from bot.core.manifests.splice import check_words
from bot.core.models import ImageVersion
from bot.core.references import parse, parse_repository

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.core.discovery.facts import Block
    from bot.core.discovery.sources import Sources
    from bot.core.discovery.states import State
    from bot.core.manifests import Identity


def name_of(block: Block, bases: Sequence[State], sources: Sources) -> str:
    """The repository of the block's image as it is written. `Hazard` if no one image is named, or not well."""
    line = block.values[0].line
    if block.image is not None:
        name = split_image(block.image.text)[0]
    else:
        if block.tag and not block.digest and any(_is_pinned(base.images.get(block.at, Named())) for base in bases):
            raise Hazard("digest_elsewhere", line, "the digest that pins this image is written elsewhere")
        name = _one(_names(block, bases) or _marked(block, sources), line)
    check_words(name, line)
    try:
        reference = parse(block.image.text if block.image else name)
        parse_repository(name)
    except BotError as error:
        raise Hazard("not_an_image", line, error.message) from error
    if block.image and reference == reference.repository:
        raise Hazard("untagged", line, f"the image {name} has neither tag nor digest")
    return name


def place_of(file: str, document: Identity | int, block: Block, name: str) -> Place:
    """The block as a place that `set_image` takes. `Hazard` if what is written is no version."""
    tag, digest = block.tag, block.digest
    line = block.values[0].line
    if block.image is not None:
        _, written, pinned = split_image(block.image.text)
        version = image_version(written, pinned, block.image.line)
    else:
        written, _, behind = (tag.text if tag else "").partition("@")
        beside = whole_digest(digest.text) if digest else ""
        # Where only the name is marked, there is no version here.
        version = image_version(written, beside or behind, line) if tag or digest else ImageVersion("")
    return Place(
        file,
        document,
        line,
        block.form,
        version,
        name,
        tag.path if tag and version.tag else None,
        digest.path if digest else None,
        block.image.path if block.image else None,
        bare=bool(digest) and beside != digest.text if block.image is None and digest else False,
    )


def _names(block: Block, bases: Sequence[State]) -> set[str]:
    if block.repository and block.registry:
        return {_joined(block.registry, block.repository)}
    found = {
        _joined(block.registry or named.registry, block.repository or named.repository)
        for named in (base.images.get(block.at, Named()) for base in bases)
        if block.repository or named.repository
    }
    return found or ({block.repository} if block.repository else set())


def _is_pinned(named: Named) -> bool:
    return named.digest is not None and bool(named.digest.value.text)


def _joined(registry: str, repository: str) -> str:
    return f"{registry.rstrip('/')}/{repository}" if registry else repository


def _marked(block: Block, sources: Sources) -> set[str]:
    found = {sources.image(value.marker) for value in block.values if value.marker}
    if block.name is not None:
        found = {block.name.text}
    return {name for name in found if name}


def _one(names: set[str], line: int) -> str:
    if not names:
        raise Hazard("repository_unknown", line, "no image is named beside the version, nor where it is patched")
    if len(names) > 1:
        raise Hazard("ambiguous_base", line, f"it is a version of several images ({', '.join(sorted(names))})")
    return next(iter(names))
