"""Images for tests, small and deterministic, pushed through any `Registry`."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bot.core.references import Reference
    from bot.ports import Registry

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"

File = tuple[bytes, int, int, int]
"""Content, mode, uid and gid. A path that ends in `/` is a directory."""


class Image(NamedTuple):
    """A manifest and the blobs that it names."""

    manifest: bytes
    blobs: tuple[bytes, ...]

    @property
    def digest(self) -> str:
        return digest(self.manifest)


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def encoded(document: object) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def layer_tar(files: Mapping[str, File], links: Mapping[str, str] | None = None) -> bytes:
    """A tar of the files, in the given order, and of symbolic links behind them."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path, (content, mode, uid, gid) in files.items():
            entry = tarfile.TarInfo(path.rstrip("/"))
            entry.type = tarfile.DIRTYPE if path.endswith("/") else tarfile.REGTYPE
            entry.size, entry.mode, entry.uid, entry.gid = len(content), mode, uid, gid
            tar.addfile(entry, io.BytesIO(content))
        for path, target in (links or {}).items():
            entry = tarfile.TarInfo(path)
            entry.type, entry.linkname, entry.mode = tarfile.SYMTYPE, target, 0o777
            tar.addfile(entry)
    return out.getvalue()


def make_image(tars: Sequence[bytes], config: Mapping[str, Any] | None = None) -> Image:
    """An OCI image of these layers; `config` is laid over the image configuration (config.md)."""
    document = {
        "architecture": "amd64",
        "os": "linux",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [digest(tar) for tar in tars]},
        "history": [{"created_by": f"layer {number}"} for number, _ in enumerate(tars)],
        **(config or {}),
    }
    layers = [gzip.compress(tar, mtime=0) for tar in tars]
    head = encoded(document)
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": descriptor(CONFIG, head),
        "layers": [descriptor(LAYER, layer) for layer in layers],
    }
    return Image(encoded(manifest), (head, *layers))


def descriptor(media_type: str, content: bytes, **more: object) -> dict[str, object]:
    return {"mediaType": media_type, "digest": digest(content), "size": len(content), **more}


def push(registry: Registry, reference: Reference, image: Image) -> str:
    """Push blobs, then the manifest under the reference's tag (or digest). Returns the manifest's digest."""
    put_blobs(registry, reference, image.blobs)
    return registry.put_manifest(reference, MANIFEST, image.manifest)


def put_blobs(registry: Registry, reference: Reference, blobs: Sequence[bytes]) -> None:
    for blob in blobs:
        if not registry.has_blob(reference.repository, digest(blob)):
            registry.put_blob(reference.repository, digest(blob), len(blob), io.BytesIO(blob))


def push_image(
    registry: Registry,
    reference: Reference,
    files: Mapping[str, File],
    config: Mapping[str, Any] | None = None,
    links: Mapping[str, str] | None = None,
) -> str:
    """Push an image with one layer. Returns its digest."""
    return push(registry, reference, make_image([layer_tar(files, links)], config))


def push_index(registry: Registry, reference: Reference, images: Mapping[str, Image]) -> str:
    """Push the images by digest and an index of them by platform (`os/architecture[/variant]`). Returns its digest."""
    entries = []
    for platform, image in images.items():
        push(registry, reference.repository.with_digest(image.digest), image)
        names = dict(zip(("os", "architecture", "variant"), platform.split("/"), strict=False))
        entries.append(descriptor(MANIFEST, image.manifest, platform=names))
    body = encoded({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries})
    return registry.put_manifest(reference, INDEX, body)
