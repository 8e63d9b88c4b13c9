"""Images made and read by hand, so that a builder is compared with something that is not its own code."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.core.references import Reference
    from bot.ports import Registry

OCI = "application/vnd.oci.image.manifest.v1+json"
DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
_KINDS = {
    OCI: ("application/vnd.oci.image.config.v1+json", "application/vnd.oci.image.layer.v1.tar+gzip"),
    DOCKER: (
        "application/vnd.docker.container.image.v1+json",
        "application/vnd.docker.image.rootfs.diff.tar.gzip",
    ),
}
_TYPES = {"f": tarfile.REGTYPE, "d": tarfile.DIRTYPE, "l": tarfile.SYMTYPE, "h": tarfile.LNKTYPE}


class Seen(NamedTuple):
    """A path of an image: type (`f`, `d`, `l`), mode, uid, gid, and content or link target."""

    kind: str
    mode: int
    uid: int
    gid: int
    content: str = ""


def folder(path: str, mode: int = 0o755, uid: int = 0, gid: int = 0) -> tuple[str, Seen]:
    """A directory of a layer."""
    return path, Seen("d", mode, uid, gid)


def file(path: str, content: str = "", mode: int = 0o644, uid: int = 0, gid: int = 0) -> tuple[str, Seen]:
    """A file of a layer."""
    return path, Seen("f", mode, uid, gid, content)


def link(path: str, target: str) -> tuple[str, Seen]:
    """A symbolic link of a layer."""
    return path, Seen("l", 0o777, 0, 0, target)


def hard_link(path: str, target: str) -> tuple[str, Seen]:
    """A hard link of a layer."""
    return path, Seen("h", 0o644, 0, 0, target)


def layer(*members: tuple[str, Seen]) -> bytes:
    """A layer's tar, its members in the order given."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for path, seen in members:
            info = tarfile.TarInfo(path)
            info.type = _TYPES[seen.kind]
            info.mode, info.uid, info.gid, info.mtime = seen.mode, seen.uid, seen.gid, 1_600_000_000
            body = seen.content.encode("latin-1")
            if seen.kind in "lh":
                info.linkname = seen.content
            else:
                info.size = len(body)
            tar.addfile(info, io.BytesIO(body))
    return out.getvalue()


def publish(
    registry: Registry,
    name: Reference,
    layers: Sequence[bytes],
    settings: dict[str, Any],
    kind: str = OCI,
    **more: object,
) -> Reference:
    """Push an image of these layers; returns it by digest."""
    packed = [gzip.compress(one, mtime=0) for one in layers]
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": settings,
        "rootfs": {"type": "layers", "diff_ids": [digest(one) for one in layers]},
        "history": [{"created_by": "made by hand"} for _ in layers],
        **more,
    }
    body = json.dumps(config).encode()
    descriptors = [_put(registry, name, _KINDS[kind][1], blob) for blob in packed]
    manifest = {
        "schemaVersion": 2,
        "mediaType": kind,
        "config": _put(registry, name, _KINDS[kind][0], body),
        "layers": descriptors,
    }
    return name.repository.with_digest(registry.put_manifest(name, kind, json.dumps(manifest).encode()))


def digest(body: bytes) -> str:
    """The digest of bytes."""
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def _put(registry: Registry, name: Reference, media_type: str, body: bytes) -> dict[str, Any]:
    registry.put_blob(name.repository, digest(body), len(body), io.BytesIO(body))
    return {"mediaType": media_type, "digest": digest(body), "size": len(body)}


class Image(NamedTuple):
    """An image read back: its manifest and configuration (JSON) and its layers, lowest first."""

    manifest: dict[str, Any]
    config: dict[str, Any]
    layers: list[dict[str, Seen]]

    def files(self) -> dict[str, Seen]:
        """All files, whiteouts applied."""
        found: dict[str, Seen] = {}
        for one in self.layers:
            for path in [path for path in one if "/.wh." in f"/{path}"]:
                gone = path.replace(".wh.", "", 1)
                found = {at: seen for at, seen in found.items() if at != gone and not at.startswith(f"{gone}/")}
            found |= {path: seen for path, seen in one.items() if "/.wh." not in f"/{path}"}
        return found


def read_image(registry: Registry, reference: Reference) -> Image:
    """Pull an image apart, and check on the way that every digest in it is right."""
    found = registry.manifest(reference)
    assert found
    manifest = json.loads(found.body)
    config = json.loads(_blob(registry, reference, manifest["config"]))
    plain = [gzip.decompress(_blob(registry, reference, one)) for one in manifest["layers"]]
    assert [digest(one) for one in plain] == config["rootfs"]["diff_ids"]
    return Image(manifest, config, [_paths(one) for one in plain])


def _blob(registry: Registry, reference: Reference, descriptor: dict[str, Any]) -> bytes:
    with registry.open_blob(reference.repository, descriptor["digest"]) as stream:
        body = stream.read()
    assert (digest(body), len(body)) == (descriptor["digest"], descriptor["size"])
    return body


def paths(tar: tarfile.TarFile) -> dict[str, Seen]:
    """What a tar holds, by path."""
    return {member.name.removeprefix("./"): _seen(tar, member) for member in tar if member.name != "."}


def _paths(plain: bytes) -> dict[str, Seen]:
    with tarfile.open(fileobj=io.BytesIO(plain)) as tar:
        return paths(tar)


def _seen(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Seen:
    kind = "d" if member.isdir() else "l" if member.issym() else "f"
    content = tar.extractfile(member) if kind == "f" else None
    text = content.read().decode("latin-1") if content else member.linkname
    return Seen(kind, member.mode, member.uid, member.gid, text)
