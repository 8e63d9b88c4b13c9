"""What an image says of itself, read the same way from every registry."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bot.core.errors import Unavailable
from bot.core.models import ImageInfo
from bot.registries.content import INDEX_TYPES, MANIFEST_LIMIT, descriptors, parse_object
from bot.registries.kept import Kept

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bot.core.references import Reference
    from bot.ports import Manifest, Registry

_CONFIG_TYPES = frozenset(
    {"application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"}
)

# https://github.com/helm/community/blob/main/hips/hip-0006.md
_CHART_TYPE = "application/vnd.cncf.helm.config.v1+json"
_LONGEST = 100

_NOTHING = Kept(None)


def image_info(registry: Registry, reference: Reference, platform: str, kept: Kept = _NOTHING) -> ImageInfo | None:
    """`Registry.image` by the registry's other methods: digest, labels, creation time, platforms; None if absent.

    `kept` are the configurations of images that were read before.
    Labels are empty where there is no configuration of that platform (`os/architecture[/variant]`): an index
    without it. https://github.com/opencontainers/image-spec/blob/main/config.md
    What has no image's configuration, such as a chart, says it in its manifest's annotations.
    """
    named = registry.manifest(reference)
    if named is None:
        return None
    if named.media_type not in INDEX_TYPES:
        config, kind = _config(registry, reference, named, kept), _kind(named, f"the manifest of {reference}")
        return ImageInfo(named.digest, _labels(config), moment(config.get("created")), _platforms([config]), kind)
    what = f"the index of {reference}"
    entries = descriptors(parse_object(named.body, what), "manifests", what)
    manifest = _of_platform(registry, reference, entries, platform)
    config = _config(registry, reference, manifest, kept) if manifest else {}
    platforms = _platforms(entry.get("platform") for entry in entries)
    return ImageInfo(named.digest, _labels(config), moment(config.get("created")), platforms)


def _kind(manifest: Manifest, what: str) -> str:
    """What the manifest is of: https://github.com/opencontainers/image-spec/blob/main/manifest.md#guidelines-for-artifact-usage"""
    document = parse_object(manifest.body, what)
    config = document.get("config")
    media = config.get("mediaType") if isinstance(config, dict) else None
    if media in _CONFIG_TYPES:
        return "image"
    if media == _CHART_TYPE:
        return "chart"
    return str(document.get("artifactType") or media or "an artifact")[:_LONGEST]


def _platforms(found: Iterable[object]) -> frozenset[str]:
    """Of descriptors or configurations, which name it the same way; an attestation's is `unknown/unknown`."""
    parts = [[one.get(key) for key in ("os", "architecture", "variant")] for one in found if isinstance(one, dict)]
    return frozenset(
        "/".join(part for part in (system, architecture, variant) if isinstance(part, str) and part)
        for system, architecture, variant in parts
        if isinstance(system, str) and isinstance(architecture, str) and system != "unknown"
    )


def _of_platform(
    registry: Registry, reference: Reference, entries: Iterable[dict[str, Any]], platform: str
) -> Manifest | None:
    for entry in entries:
        if _runs_on(entry.get("platform"), platform):
            found = registry.manifest(reference.with_digest(entry["digest"]))
            if found is None:
                raise Unavailable(
                    f"the index of {reference} names a manifest that is not there", fix="push the image anew"
                )
            return found if found.media_type not in INDEX_TYPES else None
    return None


def _runs_on(entry: object, platform: str) -> bool:
    system, _, rest = platform.partition("/")
    architecture, _, variant = rest.partition("/")
    if not isinstance(entry, dict) or (entry.get("os"), entry.get("architecture")) != (system, architecture):
        return False
    return not variant or entry.get("variant") == variant


def _config(registry: Registry, reference: Reference, manifest: Manifest, kept: Kept) -> dict[str, Any]:
    what = f"the manifest of {reference}"
    document = parse_object(manifest.body, what)
    descriptor = descriptors({"config": [document.get("config")]}, "config", what)[0]
    if descriptor.get("mediaType") not in _CONFIG_TYPES:
        return _annotated(document.get("annotations"))
    body = kept.blob(descriptor["digest"])
    if body is None:
        body = _read(registry, reference, descriptor["digest"])
        kept.keep_blob(descriptor["digest"], body)
    return parse_object(body, f"the configuration of {reference}")


def _read(registry: Registry, reference: Reference, digest: str) -> bytes:
    with registry.open_blob(reference.repository, digest) as blob:
        body = blob.read(MANIFEST_LIMIT + 1)
    if len(body) > MANIFEST_LIMIT:
        raise Unavailable(
            f"the configuration of {reference} has more than {MANIFEST_LIMIT} bytes", fix="make it smaller"
        )
    return body


def _annotated(annotations: object) -> dict[str, Any]:
    """Annotations in the place where an image's configuration has labels."""
    if not isinstance(annotations, dict):
        return {}
    return {"config": {"Labels": annotations}, "created": annotations.get("org.opencontainers.image.created")}


def _labels(config: dict[str, Any]) -> Mapping[str, str]:
    inner = config.get("config")
    labels = inner.get("Labels") if isinstance(inner, dict) else None
    if not isinstance(labels, dict):
        return {}
    return {name: value for name, value in labels.items() if isinstance(value, str)}


def moment(text: object) -> datetime | None:
    """A text in the form of RFC 3339, in UTC; None for what names no moment."""
    try:
        found = datetime.fromisoformat(text) if isinstance(text, str) else None
        return found.astimezone(UTC) if found and found.tzinfo else None
    except (ValueError, OverflowError):
        return None
