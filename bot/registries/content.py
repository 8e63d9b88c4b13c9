"""Content is what its digest says, and a document is a JSON object: everything else is `Unavailable`."""

from __future__ import annotations

import hashlib
import io
import json
from typing import TYPE_CHECKING, Any

from bot.core.errors import BotError, Unavailable
from bot.core.references import is_digest, parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed import WriteableBuffer

    from bot.core.references import Reference

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
INDEX_TYPES = frozenset({OCI_INDEX, DOCKER_LIST})
MANIFEST_TYPES = (OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_LIST)
MANIFEST_LIMIT = 4 << 20
"""The most bytes a manifest may have, as the distribution-spec recommends to registries."""

_CHUNK = 1 << 20
_ANEW = "try again; if it stays, push the image anew"


def checked(reference: Reference) -> Reference:
    """The reference, if it obeys the grammar. `BotError` if not: it must not become a URL or a file name."""
    if parse(str(reference)) != reference:
        raise BotError(f"{str(reference)!r} is not an image reference", fix="write it as host/path:tag")
    return reference


def digest_of(content: bytes, like: str = "sha256:") -> str:
    """The digest of some bytes by the algorithm that `like` begins with (`sha256:…` or `sha512:…`)."""
    algorithm = like.partition(":")[0]
    return f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"


def parse_object(body: bytes, what: str, fix: str = _ANEW) -> dict[str, Any]:
    """A JSON object. `Unavailable`, naming `what` was read, for anything else."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Unavailable(f"{what} is damaged: it is not JSON", fix=fix) from error
    if not isinstance(document, dict):
        raise Unavailable(f"{what} is damaged: it is not a JSON object", fix=fix)
    return document


def descriptors(document: dict[str, Any], key: str, what: str, fix: str = _ANEW) -> list[dict[str, Any]]:
    """The list of descriptors under `key`, each with a digest that is one; `Unavailable` if it is not that.

    https://github.com/opencontainers/image-spec/blob/main/descriptor.md
    """
    found = document.get(key) or []
    if not isinstance(found, list) or not all(isinstance(d, dict) and is_digest(str(d.get("digest"))) for d in found):
        raise Unavailable(f"{what} is damaged: `{key}` is not a list of descriptors", fix=fix)
    return found


class VerifiedStream(io.RawIOBase):
    """A blob as it arrives: the read that would complete it raises `Unavailable` if size or digest are wrong.

    `read` gives at most so many bytes, none at the end. `size` is the announced number of bytes, if there is one.
    """

    def __init__(self, read: Callable[[int], bytes], digest: str, size: int | None, what: str) -> None:
        self._read = read
        self._digest = digest
        self._hash = hashlib.new(digest.partition(":")[0])
        self._size = size
        self._got = 0
        self._what = what

    def readable(self) -> bool:
        """It is for reading."""
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Fill the buffer and count the bytes; 0 at the end. `Unavailable` as the class says."""
        view = memoryview(buffer).cast("B")
        try:
            chunk = self._read(len(view))
        except OSError as error:
            raise Unavailable(f"cannot {self._what}: reading failed", fix="try again") from error
        self._hash.update(chunk)
        self._got += len(chunk)
        # At the announced size, and not only at the end: who knows the size never reads past it.
        if not chunk or self._got == self._size:
            self._verify()
        view[: len(chunk)] = chunk
        return len(chunk)

    def _verify(self) -> None:
        if self._size is not None and self._got != self._size:
            raise Unavailable(f"cannot {self._what}: {self._got} of {self._size} bytes came", fix="try again")
        if self._hash.hexdigest() != self._digest.partition(":")[2]:
            raise Unavailable(f"cannot {self._what}: what came has another digest", fix="try again")


def verified(read: Callable[[int], bytes], digest: str, size: int | None, what: str) -> io.BufferedReader:
    """A buffered `VerifiedStream`."""
    return io.BufferedReader(VerifiedStream(read, digest, size, what), _CHUNK)
