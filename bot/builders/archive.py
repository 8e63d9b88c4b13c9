"""A layer is written the same way each time: sorted paths, whole seconds, no names, one gzip header."""

from __future__ import annotations

import hashlib
import io
import struct
import tarfile
import zlib
from typing import IO, TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bot.builders.layers import Node

# Method deflate, no flags, no time, no extra flags, unknown system: RFC 1952, 2.3.1.
_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_TYPES = {"file": tarfile.REGTYPE, "dir": tarfile.DIRTYPE}


class Blob(NamedTuple):
    """A file on disk that is to become a blob: digest and size in bytes; `diff_id` is the unpacked tar's digest."""

    file: Path
    digest: str
    size: int
    diff_id: str


def write_layer(target: Path, nodes: Mapping[str, Node], origins: Mapping[str, str], context: tarfile.TarFile) -> Blob:
    """Write a gzipped layer of `nodes`; the content of each file is that of `origins[path]` in the context.

    Equal arguments give equal bytes wherever zlib compresses alike.
    """
    with target.open("wb") as file:
        stream = _Gzip(file)
        with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar:  # type: ignore[call-overload]  # only write() and tell() are used
            for path in sorted(nodes):
                info = _info(path, nodes[path])
                content = context.extractfile(origins[path]) if info.isreg() else None
                info.size = context.getmember(origins[path]).size if info.isreg() else 0
                tar.addfile(info, content)
        stream.finish()
    return Blob(
        target, f"sha256:{stream.packed.hexdigest()}", target.stat().st_size, f"sha256:{stream.plain.hexdigest()}"
    )


def pack(tar: bytes) -> bytes:
    """A tar in the same gzip form as a layer's."""
    out = io.BytesIO()
    stream = _Gzip(out)
    stream.write(tar)
    stream.finish()
    return out.getvalue()


def write_blob(target: Path, body: bytes) -> Blob:
    """Write bytes that are a blob as they are."""
    target.write_bytes(body)
    digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
    return Blob(target, digest, len(body), digest)


def _info(path: str, node: Node) -> tarfile.TarInfo:
    info = tarfile.TarInfo(path)
    info.type, info.mode, info.mtime = _TYPES[node.kind], node.mode, node.mtime
    info.uid, info.gid = node.uid, node.gid
    return info


class _Gzip:
    """Compresses what is written, and digests it before and after."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._deflate = file, zlib.compressobj(6, zlib.DEFLATED, -15)
        self._crc, self._size = 0, 0
        self.plain, self.packed = hashlib.sha256(), hashlib.sha256()
        self._out(_HEADER)

    def write(self, data: bytes) -> int:
        self.plain.update(data)
        self._crc, self._size = zlib.crc32(data, self._crc), self._size + len(data)
        self._out(self._deflate.compress(data))
        return len(data)

    def tell(self) -> int:
        return self._size

    def finish(self) -> None:
        self._out(self._deflate.flush() + struct.pack("<LL", self._crc, self._size & 0xFFFFFFFF))

    def _out(self, data: bytes) -> None:
        self.packed.update(data)
        self._file.write(data)
