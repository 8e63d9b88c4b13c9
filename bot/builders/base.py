"""The base image as its registry describes it; what is not plainly understood is refused.

Formats: https://github.com/opencontainers/image-spec/blob/main/manifest.md and
https://github.com/distribution/distribution/blob/v2.8.3/docs/spec/manifest-v2-2.md
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, NamedTuple

from bot.builders.dockerfile import printable
from bot.core.errors import NotFound, Refused, Unavailable
from bot.core.references import is_digest

if TYPE_CHECKING:
    from bot.core.models import BuildOrder
    from bot.core.references import Reference
    from bot.ports import Manifest, Registry

OCI = "application/vnd.oci.image.manifest.v1+json"
DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
_INDEXES = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")
_LAYERS = (
    "application/vnd.oci.image.layer.v1.tar",
    "application/vnd.oci.image.layer.v1.tar+gzip",
    "application/vnd.docker.image.rootfs.diff.tar.gzip",
)
_SETTINGS: dict[str, type[object]] = {
    "Env": list, "Labels": dict, "ExposedPorts": dict, "WorkingDir": str, "User": str, "Shell": list, "Cmd": list,
    "Entrypoint": list, "Volumes": dict,
}  # fmt: skip
_MAX_CONFIG = 8 << 20
MAX_SETTINGS = 1 << 20
"""Characters of a container's settings; a system starts no program with more."""
MAX_LAYERS = 120  # engines stack 125 to 127; nobody should meet that limit in production


class Base(NamedTuple):
    """A base image: its reference by digest, manifest media type, layer descriptors and configuration (JSON)."""

    reference: Reference
    media_type: str
    layers: tuple[dict[str, Any], ...]
    config: dict[str, Any]


def read_base(registry: Registry, order: BuildOrder) -> Base:
    """The order's base for the order's platform.

    `NotFound` (`base_not_found`), or `Refused` (`base_unsupported`) naming what is not understood.
    """
    reference = order.base.repository.with_digest(order.base.digest or "")
    found = _manifest(registry, reference)
    try:
        if found.media_type in _INDEXES:
            reference = reference.with_digest(_choose(reference, _object(found.body), order.platform))
            found = _manifest(registry, reference)
        return _base(registry, reference, found, order.platform)
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise refuse(reference, f"its description is malformed ({type(error).__name__})") from error


def refuse(reference: Reference, why: str) -> Refused:
    """The base cannot be built on without an engine, and why."""
    fix = "use another base image, or set GITOPS_BOT_BUILDER=docker, which leaves the base to an engine"
    return Refused(printable(f"the base {reference}: {why[:500]}"), fix=fix, reason_code="base_unsupported")


def _object(body: bytes) -> dict[str, Any]:
    """JSON as a registry, and every reader of the image, has to understand it. `ValueError` for anything else."""
    found = json.loads(body, parse_constant=_no_number)
    if not isinstance(found, dict):
        raise ValueError("not an object")
    # No number may be too large, and no text hold half of a character.
    json.dumps(found, ensure_ascii=False, allow_nan=False).encode()
    return found


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is not JSON")


def _manifest(registry: Registry, reference: Reference) -> Manifest:
    found = registry.manifest(reference)
    if found is None:
        fix = "check `base` of this image in gitops.yaml; was the image deleted from its registry?"
        raise NotFound(f"the base {reference} is not there", fix=fix, reason_code="base_not_found")
    return found


def _choose(reference: Reference, index: dict[str, Any], platform: str) -> str:
    wanted = platform.split("/")
    fitting = [entry for entry in index["manifests"] if _platform(entry.get("platform") or {})[: len(wanted)] == wanted]
    if len(fitting) != 1:
        raise refuse(reference, f"{len(fitting)} of its images are for {platform}, not one")
    if not is_digest(fitting[0]["digest"]):
        raise refuse(reference, "one of its images has no digest")
    return str(fitting[0]["digest"])


def _platform(fields: dict[str, Any]) -> list[str]:
    return [str(fields.get(key, "")) for key in ("os", "architecture", "variant")]


def _base(registry: Registry, reference: Reference, found: Manifest, platform: str) -> Base:
    if found.media_type not in (OCI, DOCKER):
        raise refuse(reference, f"manifests of type {found.media_type!r} are not supported")
    manifest = _object(found.body)
    layers = tuple(manifest["layers"])
    if len(layers) > MAX_LAYERS:
        raise refuse(reference, f"it has more than {MAX_LAYERS} layers")
    for layer in layers:
        if layer["mediaType"] not in _LAYERS or layer.get("urls"):
            raise refuse(reference, f"layers of type {layer['mediaType']!r} are not supported")
        if not is_digest(layer["digest"]) or type(layer["size"]) is not int or layer["size"] < 0:
            raise refuse(reference, "a layer has no digest or size")
    if not is_digest(manifest["config"]["digest"]):
        raise refuse(reference, "its configuration has no digest")
    config = _config(registry, reference, manifest["config"]["digest"])
    _check(reference, config, len(layers), platform)
    return Base(reference, found.media_type, layers, config)


def _config(registry: Registry, reference: Reference, digest: str) -> dict[str, Any]:
    with registry.open_blob(reference.repository, digest) as blob:
        body = blob.read(_MAX_CONFIG + 1)
    if len(body) > _MAX_CONFIG:
        raise refuse(reference, "its configuration is larger than 8 MiB")
    if f"sha256:{hashlib.sha256(body).hexdigest()}" != digest:
        raise Unavailable(f"the configuration of {reference} was not read whole")
    return _object(body)


def _check(reference: Reference, config: dict[str, Any], layers: int, platform: str) -> None:
    wanted = platform.split("/")
    if _platform(config)[: min(len(wanted), 2)] != wanted[:2]:
        raise refuse(reference, f"it is for {'/'.join(_platform(config)[:2])}, not {platform}")
    if len(config["rootfs"]["diff_ids"]) != layers:
        raise refuse(reference, f"its {layers} layers do not fit its configuration")
    history = config.get("history") or []
    if history and sum(not entry.get("empty_layer") for entry in history) != layers:
        raise refuse(reference, "its history does not fit its layers")
    settings = config.get("config") or {}
    if settings.get("OnBuild"):
        raise refuse(reference, "it has ONBUILD instructions")
    for name, kind in _SETTINGS.items():
        if not _is_setting(settings.get(name), kind):
            raise refuse(reference, f"its {name} is malformed")
    if not all("=" in pair for pair in settings.get("Env") or []):
        raise refuse(reference, "its Env is malformed")
    if len(json.dumps(settings)) > MAX_SETTINGS:
        raise refuse(reference, f"its settings are larger than {MAX_SETTINGS >> 20} MiB")


def _is_setting(value: object, kind: type[object]) -> bool:
    """Whether a setting is empty, or of its kind with texts in it that a program can be given."""
    if value in (None, "", [], {}):
        return True
    texts: list[object] = [value]
    if isinstance(value, dict):
        texts = [*value, *(one for one in value.values() if one != {})]  # ports have empty mappings
    elif isinstance(value, list):
        texts = value
    return isinstance(value, kind) and all(isinstance(text, str) and "\0" not in text for text in texts)
