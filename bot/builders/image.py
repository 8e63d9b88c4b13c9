"""Configuration and manifest of an assembled image: the base's own, with the new layers and settings put in.

https://github.com/opencontainers/image-spec/blob/main/config.md
"""

from __future__ import annotations

import json
from datetime import UTC
from typing import TYPE_CHECKING, Any

from bot.builders.base import DOCKER

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from bot.builders.archive import Blob
    from bot.builders.base import Base
    from bot.builders.evaluate import Step

_OF_A_CONTAINER = ("container", "container_config", "docker_version", "id", "parent", "throwaway")
_OF_A_RUN = ("Hostname", "Domainname", "Image")


def configuration(
    base: Base, settings: dict[str, Any], steps: Sequence[tuple[Step, Blob | None]], created: datetime
) -> bytes:
    """The image's configuration: the base's with unknown fields kept, and one line of history for each step."""
    kept = {key: value for key, value in base.config.items() if key not in _OF_A_CONTAINER}
    when = created.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    blobs = [blob for _, blob in steps if blob]
    kept["created"] = when
    kept["config"] = {key: value for key, value in settings.items() if key not in _OF_A_RUN}
    kept["rootfs"] = {**base.config["rootfs"], "diff_ids": [*base.config["rootfs"]["diff_ids"], *_diffs(blobs)]}
    if base.config.get("history") or not base.layers:
        new = [_line(step, blob, when) for step, blob in steps]
        kept["history"] = [*(base.config.get("history") or []), *new]
    return compact(kept)


def manifest(base: Base, config: Blob, layers: Sequence[Blob]) -> bytes:
    """The image's manifest, of the base's family (OCI or Docker)."""
    kind = "application/vnd.oci.image.config.v1+json", "application/vnd.oci.image.layer.v1.tar+gzip"
    if base.media_type == DOCKER:
        kind = "application/vnd.docker.container.image.v1+json", "application/vnd.docker.image.rootfs.diff.tar.gzip"
    return compact(
        {
            "schemaVersion": 2,
            "mediaType": base.media_type,
            "config": _descriptor(kind[0], config),
            "layers": [*base.layers, *(_descriptor(kind[1], layer) for layer in layers)],
        }
    )


def compact(value: object) -> bytes:
    """JSON in one fixed form: sorted keys, no white space, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _diffs(blobs: Sequence[Blob]) -> list[str]:
    return [blob.diff_id for blob in blobs]


def _descriptor(media_type: str, blob: Blob) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": blob.digest, "size": blob.size}


def _line(step: Step, blob: Blob | None, when: str) -> dict[str, Any]:
    line: dict[str, Any] = {"created": when, "created_by": step.text, "comment": "gitops-bot"}
    return line if blob else {**line, "empty_layer": True}
