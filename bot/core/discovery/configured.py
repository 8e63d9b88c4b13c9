"""What the configuration's explicit keys name, beside what is found without them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core.config import application_folder
from bot.core.discovery.models import Discovery, Finding, Skipped
from bot.core.discovery.reading import Here, open_file
from bot.core.manifests.hazards import Hazard
from bot.core.manifests.images import find_explicit
from bot.core.manifests.locate import addresses, document, pointer
from bot.core.manifests.splice import readable
from bot.core.references import parse_repository

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bot.core.config import Config, Image
    from bot.core.discovery.models import What
    from bot.core.manifests import Place
    from bot.core.models import Path, Refusal
    from bot.core.references import Reference


def configured(files: Mapping[str, bytes], config: Config) -> Discovery:
    """The places of the images whose keys the configuration names, in every environment."""
    findings: list[Finding] = []
    skipped: list[Skipped] = []
    for environment, application, image in _with_keys(config):
        repository = parse_repository(image.repository)
        found = find_explicit(files, image, repository, application_folder(config, environment, application))
        skipped += (_skipped(one) for one in found.refusals if one.reason_code != "ambiguous_version")
        for place in found.places:
            try:
                findings += _findings(files, place, repository, environment, application)
            except Hazard as hazard:
                skipped.append(_skipped(hazard.refusal(place.file, pointer(place.path))))
    return Discovery(tuple(findings), tuple(skipped))


def _with_keys(config: Config) -> Iterator[tuple[str, str, Image]]:
    for environment in config.environments:
        for name, application in config.applications.items():
            yield from ((environment, name, image) for image in application.images.values() if image.keys)


def united(found: Discovery, configured: Discovery) -> Discovery:
    """Both together; of a value that both have, what the configuration says stays."""
    places = {_place(one) for one in configured.findings}
    named = {(file, line, path) for file, line, _, path in places}
    findings = (*configured.findings, *(one for one in found.findings if _place(one) not in places))
    skipped = (
        one
        for one in dict.fromkeys((*found.skipped, *configured.skipped))
        if (one.file, one.line, one.path) not in named
    )
    return Discovery(
        tuple(sorted(findings, key=lambda one: (one.file, one.line, one.column))),
        tuple(sorted(skipped, key=lambda one: (one.file, one.line, one.path))),
    )


def _place(one: Finding) -> tuple[str, int, int, str]:
    return one.file, one.line, one.column, pointer(one.path)


def _findings(
    files: Mapping[str, bytes], place: Place, repository: Reference, environment: str, application: str
) -> Iterator[Finding]:
    content = files[place.file]
    parsed = readable(content)
    here = Here(open_file(content, parsed), document(addresses(parsed), place.document))
    identity = here.document.identity
    parts: tuple[tuple[What, Path | None], ...] = (("image", place.image), ("tag", place.tag), ("digest", place.digest))
    for what, path in parts:
        value = here.value(path) if path is not None else None
        if value is not None and not value.code:
            yield Finding(
                place.file,
                value.line,
                value.column,
                place.document,
                identity,
                value.path,
                what,
                value.text,
                repository,
                None,
                environment,
                application,
                "configuration",
                place,
            )


def _skipped(one: Refusal) -> Skipped:
    return Skipped(one.file, one.line, one.path, None, one.reason_code, one.reason)
