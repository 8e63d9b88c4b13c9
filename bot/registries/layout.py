"""Registries as folders: each repository is an OCI image layout, below `root/<host>/<path>`.

https://github.com/opencontainers/image-spec/blob/main/image-layout.md
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import stat
import sys
import uuid
from typing import TYPE_CHECKING, Any, BinaryIO

from bot.core.errors import BotError, NotFound, Unavailable
from bot.core.references import Reference, is_tag
from bot.ports import Manifest, reads
from bot.registries.content import (
    INDEX_TYPES,
    MANIFEST_TYPES,
    OCI_INDEX,
    checked,
    descriptors,
    digest_of,
    parse_object,
    verified,
)
from bot.registries.images import image_info

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bot.core.models import ImageInfo

_REF_NAME = "org.opencontainers.image.ref.name"
_RESERVED = frozenset({"blobs", "index.json", "oci-layout"})
_LAYOUT = b'{"imageLayoutVersion":"1.0.0"}'
_CHUNK = 1 << 20
_REMOVE = "remove it, and push the images of this repository anew"


class LayoutRegistry:
    """`ports.Registry` in the folder `root`, for any number of processes at once."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @reads
    def tags(self, repository: Reference) -> tuple[str, ...]:
        """See the port."""
        index = self._index(repository)
        if index is None:
            raise NotFound(f"the repository {repository} is not there", fix=f"push to it first ({self._root})")
        # A layout may name its entries by anything; what is not a tag cannot be asked for.
        return tuple(sorted({name for entry in index if is_tag(name := _name(entry))}))

    @reads
    def digest(self, reference: Reference) -> str | None:
        """See the port."""
        entry = self._entry(reference)
        return str(entry["digest"]) if entry else None

    @reads
    def manifest(self, reference: Reference) -> Manifest | None:
        """See the port."""
        entry = self._entry(reference)
        if entry is None:
            return None
        file = self._blob(reference, entry["digest"])
        with _translated(file):
            body = file.read_bytes()
        if digest_of(body, entry["digest"]) != entry["digest"]:
            raise _damaged(file, "it has another digest than its name")
        return Manifest(str(entry.get("mediaType")), str(entry["digest"]), body)

    @reads
    def image(self, reference: Reference, platform: str = "linux/amd64") -> ImageInfo | None:
        """See the port."""
        return image_info(self, reference, platform)

    @reads
    def has_blob(self, repository: Reference, digest: str) -> bool:
        """See the port."""
        return _is_there(self._blob(repository, digest))

    @reads
    @contextlib.contextmanager
    def open_blob(self, repository: Reference, digest: str) -> Iterator[BinaryIO]:
        """See the port. `NotFound` if the repository does not hold the blob."""
        file = self._blob(repository, digest)
        if not _is_there(file):
            raise NotFound(f"{digest} is not in {repository}", fix="push the image anew")
        with _translated(file):
            stream = file.open("rb", buffering=0)
        with stream:
            yield verified(stream.read, digest, None, f"read {file}")

    def put_blob(self, repository: Reference, digest: str, size: int, content: BinaryIO) -> None:
        """See the port."""
        file = self._blob(repository, digest)
        with _replacing(file) as out:
            seen, total = hashlib.new(digest.partition(":")[0]), 0
            while chunk := content.read(_CHUNK):
                seen.update(chunk)
                total += len(chunk)
                out.write(chunk)
            if (total, seen.hexdigest()) != (size, digest.partition(":")[2]):
                raise Unavailable(f"cannot push {digest} to {repository}: size or digest are wrong", fix="try again")

    def mount_blob(self, repository: Reference, digest: str, source: Reference) -> bool:
        """See the port: a second name for the same file, or a copy where the file system has no such thing."""
        old, new = self._blob(source, digest), self._blob(repository, digest)
        if not _is_there(old):
            return False
        if _is_there(new):
            return True
        with _translated(new):
            new.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(OSError):
                os.link(old, new)
        if not _is_there(new):
            with old.open("rb") as content, _replacing(new) as out:
                shutil.copyfileobj(content, out, _CHUNK)
        return True

    def put_manifest(self, reference: Reference, media_type: str, body: bytes) -> str:
        """See the port. `BotError` if the reference has another digest than the body, or the type is not known."""
        digest = digest_of(body, reference.digest or "sha256:")
        if reference.digest not in (None, digest):
            raise BotError(f"the manifest for {reference} has the digest {digest}", fix="push it under its own digest")
        if media_type not in MANIFEST_TYPES:
            raise BotError(
                f"cannot push {reference}: {media_type!r} is not a manifest's media type", fix="push an image"
            )
        self._check_parts(reference, media_type, body)
        with _replacing(self._blob(reference, digest)) as out:
            out.write(body)
        tag = reference.tag or (None if reference.digest else reference.version)
        self._enter(reference, {"mediaType": media_type, "digest": digest, "size": len(body)}, tag)
        return digest

    def _check_parts(self, reference: Reference, media_type: str, body: bytes) -> None:
        """Refuse a manifest whose parts are not there, as registries do: nobody could pull it."""
        what = f"the manifest of {reference}"
        document = parse_object(body, what)
        if media_type in INDEX_TYPES:
            parts = descriptors(document, "manifests", what)
        else:
            layers = [layer for layer in descriptors(document, "layers", what) if not layer.get("urls")]
            parts = descriptors({"config": [document.get("config")]}, "config", what) + layers
        for part in parts:
            if not _is_there(self._blob(reference, part["digest"])):
                raise Unavailable(f"cannot push {reference}: {part['digest']} is not there", fix="push it first")

    def _enter(self, reference: Reference, entry: dict[str, Any], tag: str | None) -> None:
        """Give the manifest its tag; whatever had it stays in the index without a name, to be read by digest."""
        folder = self._folder(reference)
        with _locked(folder):
            old = self._index(reference) or []
            for other in old:
                if tag is not None and _name(other) == tag:
                    other["annotations"] = {k: v for k, v in other["annotations"].items() if k != _REF_NAME}
            if tag is not None:
                entry["annotations"] = {_REF_NAME: tag}
            kept = [other for other in old if other["digest"] != entry["digest"] or _name(other)]
            named = tag is None and any(other["digest"] == entry["digest"] for other in kept)
            _write_index(folder, kept if named else [*kept, entry])

    def _entry(self, reference: Reference) -> dict[str, Any] | None:
        index = self._index(reference) or []
        if reference.digest:
            return next((entry for entry in index if entry["digest"] == reference.digest), None)
        return next((entry for entry in index if _name(entry) == reference.version), None)

    def _index(self, reference: Reference) -> list[dict[str, Any]] | None:
        """The entries of the layout's index; None if there is no layout. `Unavailable` if it is damaged."""
        folder = self._folder(reference)
        file = folder / "index.json"
        with _translated(file):
            try:
                body = file.read_bytes()
            except FileNotFoundError:
                return None
            if (folder / "oci-layout").read_bytes().strip() != _LAYOUT:
                _check_version(folder / "oci-layout")
        return descriptors(parse_object(body, str(file), _REMOVE), "manifests", str(file), _REMOVE)

    def _blob(self, reference: Reference, digest: str) -> Path:
        algorithm, _, name = str(reference.repository.with_digest(digest).digest).partition(":")
        return self._folder(reference) / "blobs" / algorithm / name

    def _folder(self, reference: Reference) -> Path:
        """The repository's folder. No host or path has `_` at an end or in a host, so no two share one."""
        host, path, *_ = checked(reference)
        parts = [f"{part}_" if part in _RESERVED else part for part in path.split("/")]
        return self._root.joinpath(host.replace(":", "_"), *parts)


def _name(entry: dict[str, Any]) -> str:
    annotations = entry.get("annotations")
    return str(annotations.get(_REF_NAME, "")) if isinstance(annotations, dict) else ""


def _is_there(file: Path) -> bool:
    """Whether there is such a file; unlike `Path.is_file`, a folder that cannot be looked into is no answer."""
    with _translated(file):
        try:
            return stat.S_ISREG(file.stat().st_mode)
        except FileNotFoundError:
            return False


def _check_version(file: Path) -> None:
    if parse_object(file.read_bytes(), str(file), _REMOVE).get("imageLayoutVersion") != "1.0.0":
        raise _damaged(file, "it is not an OCI image layout of version 1.0.0")


def _write_index(folder: Path, entries: list[dict[str, Any]]) -> None:
    with _replacing(folder / "oci-layout") as out:
        out.write(_LAYOUT)
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}
    with _replacing(folder / "index.json") as out:
        out.write(json.dumps(index, indent=2).encode())


@contextlib.contextmanager
def _replacing(file: Path) -> Iterator[BinaryIO]:
    """A new file that takes the place of `file` when all is written, and leaves nothing behind when not."""
    temporary = file.parent / f".{uuid.uuid4().hex}"
    with _translated(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("xb") as out:
                yield out
                out.flush()
                os.fsync(out.fileno())
            temporary.replace(file)
        finally:
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep other processes from changing the layout meanwhile; where there is no flock, there is only one."""
    with _translated(folder):
        lock = (folder / ".lock").open("wb")
    with lock:
        if sys.platform != "win32":
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _translated(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unavailable(f"cannot use {file}: {error.strerror}", fix="check the folder and its permissions") from error


def _damaged(file: Path, why: str) -> Unavailable:
    return Unavailable(f"{file} is damaged: {why}", fix=_REMOVE)
