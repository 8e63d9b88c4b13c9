"""Answers of registries kept in a folder of the cache, so that the next run asks only whether they still hold.

An answer is used again when the registry says so (RFC 9110, 304 Not Modified); a blob is what its digest says. What is
damaged, or cannot be written, counts as not kept.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from typing import TYPE_CHECKING, NamedTuple

from bot.core.references import is_digest
from bot.registries.content import digest_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

LARGEST = 1 << 20
"""Bytes; larger bodies are asked for anew."""
_HEADERS = ("Content-Type", "Docker-Content-Digest", "ETag", "Link")


class KeptAnswer(NamedTuple):
    """A 200 as it was: the headers that matter, and the body."""

    headers: Mapping[str, str]
    body: bytes

    @property
    def validator(self) -> str:
        """What `If-None-Match` asks about."""
        return self.headers["ETag"]


class Kept:
    """The folder; with None nothing is kept. Several processes may share it."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def answer(self, url: str, accept: str) -> KeptAnswer | None:
        """The answer to a GET of `url`, asked with this `Accept`; None if there is none."""
        content = self._read(_name(url, accept))
        if content is None:
            return None
        head, _, body = content.partition(b"\n")
        try:
            said = json.loads(head)
            headers = {str(name): str(value) for name, value in said["headers"].items()}
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return None
        whole = said.get("digest") == digest_of(body) and headers.get("ETag")
        return KeptAnswer(headers, body) if whole else None

    def keep_answer(self, url: str, accept: str, headers: Mapping[str, str], body: bytes) -> None:
        """Keep a 200 that has an `ETag`, unless the body is not what the registry says that it is."""
        announced = headers.get("Docker-Content-Digest", "")
        if headers.get("ETag") and (not is_digest(announced) or digest_of(body, announced) == announced):
            kept = {name: headers[name] for name in _HEADERS if name in headers}
            head = json.dumps({"headers": kept, "digest": digest_of(body)}).encode()
            self._write(_name(url, accept), head + b"\n" + body)

    def blob(self, digest: str) -> bytes | None:
        """The blob; None if it is not kept, or is not what its digest says."""
        content = self._read(_name(digest))
        return content if content is not None and digest_of(content, digest) == digest else None

    def keep_blob(self, digest: str, body: bytes) -> None:
        """Keep a blob whose digest was verified."""
        self._write(_name(digest), body)

    def _read(self, name: str) -> bytes | None:
        if self._folder is None:
            return None
        with contextlib.suppress(OSError):
            return (self._folder / name).read_bytes()
        return None

    def _write(self, name: str, content: bytes) -> None:
        if self._folder is None or len(content) > LARGEST:
            return
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle, path = tempfile.mkstemp(dir=self._folder)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(content)
                os.replace(path, self._folder / name)
            except OSError:
                os.unlink(path)
                raise


def _name(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
