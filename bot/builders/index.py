"""The index of a base layer is read once and kept for ever under the blob's digest; a damaged copy is read anew."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import os
import tarfile
import tempfile
import zlib
from typing import TYPE_CHECKING, Any

from bot.builders.dockerfile import printable
from bot.builders.layers import Layer, Node, Unclear, read_layer
from bot.core.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from bot.core.references import Reference
    from bot.ports import Registry

_CHUNK = 1 << 20
_FORM = b"2"  # of an index; one that was written by other rules is read anew
_MAX_HEADER = 1 << 20
_HEADERS = (
    tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK,
)  # fmt: skip
_MALFORMED = (
    tarfile.TarError, zlib.error, gzip.BadGzipFile, EOFError, ArithmeticError, LookupError, RecursionError, ValueError,
)  # fmt: skip


def layer_index(registry: Registry, repository: Reference, descriptor: Mapping[str, Any], cache: Path) -> Layer:
    """The index of the layer that `descriptor` (JSON) names, from the folder `cache` or by streaming it once.

    `Refused` (`base_unsupported`) if the blob is not a layer that can be understood.
    """
    digest = str(descriptor["digest"])
    file = cache / f"{digest.replace(':', '-')}.2.index"  # 2: a hard link to a link is one
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        return _load(file.read_bytes())
    with open_layer(registry, repository, descriptor) as tar:
        try:
            layer = read_layer(tar)
        except Unclear as error:
            raise _not_a_layer(repository, digest, error) from error
    _store(file, layer)
    return layer


class _Member(tarfile.TarInfo):
    """A member whose extended headers, which are read as a whole, have a size that fits into memory."""

    def _proc_member(self, tar: tarfile.TarFile) -> tarfile.TarInfo:
        if self.type in _HEADERS and self.size > _MAX_HEADER:
            raise tarfile.ReadError(f"a header of {self.size:,} bytes")
        return super()._proc_member(tar)  # type: ignore[misc,no-any-return]  # not in the stubs


@contextlib.contextmanager
def open_layer(registry: Registry, repository: Reference, descriptor: Mapping[str, Any]) -> Iterator[tarfile.TarFile]:
    """A layer's tar as a stream, gzip or plain; on leaving, the blob is read to its end and so verified."""
    digest = str(descriptor["digest"])
    with registry.open_blob(repository, digest) as blob:
        try:
            plain = blob if descriptor["mediaType"].endswith(".tar") else gzip.GzipFile(fileobj=blob)
            with tarfile.open(fileobj=plain, mode="r|", tarinfo=_Member) as tar:
                yield tar
        except _MALFORMED as error:
            raise _not_a_layer(repository, digest, error) from error
        while blob.read(_CHUNK):
            pass


def _not_a_layer(repository: Reference, digest: str, error: Exception) -> Refused:
    return Refused(
        printable(f"{repository}@{digest} cannot be used as a layer: {str(error)[:500] or type(error).__name__}"),
        fix="check the base image; GITOPS_BOT_BUILDER=docker leaves the layers to an engine",
        reason_code="base_unsupported",
    )


def _store(file: Path, layer: Layer) -> None:
    content = [layer.nodes, sorted(layer.whiteouts), sorted(layer.opaque), layer.texts]
    body = json.dumps(content, separators=(",", ":")).encode()
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=file.parent)
    try:
        with os.fdopen(descriptor, "wb") as copy:
            copy.write(_seal(body) + b"\n" + body)
        os.replace(name, file)
    except BaseException:
        os.unlink(name)
        raise


def _load(data: bytes) -> Layer:
    seal, _, body = data.partition(b"\n")
    if _seal(body) != seal:
        raise ValueError("damaged")
    nodes, whiteouts, opaque, texts = json.loads(body)
    return Layer({path: Node(*node) for path, node in nodes.items()}, set(whiteouts), set(opaque), texts)


def _seal(body: bytes) -> bytes:
    return hashlib.sha256(_FORM + body).hexdigest().encode()
