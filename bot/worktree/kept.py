"""What a scan found, kept in a folder of the cache: the facts of each content, and the whole of what was found last.

A file begins with a checksum of what follows; one that is damaged, or of other rules, counts as not there.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Kept:
    """Of one repository, by its root; `folder` None: nothing is kept. Several processes may share the folder.

    `rules` names all that the outcome depends on beside the files: facts of other rules are not seen.
    """

    def __init__(self, folder: Path | None, root: Path, rules: str) -> None:
        name = hashlib.sha256(f"{rules}\0{root}".encode("utf-8", "surrogateescape")).hexdigest()[:32]
        self._facts = folder and folder / f"{name}.facts"
        self._found = folder and folder / f"{name}.found"

    def facts(self) -> dict[str, str]:
        """JSON of packed facts, by file class and SHA of the content."""
        lines = (_read(self._facts, "") or b"").decode("utf-8", "replace").splitlines()
        return dict(zip(lines[::2], lines[1::2], strict=False))

    def keep_facts(self, facts: Mapping[str, str]) -> None:
        """Keep these, and no others; each is one line."""
        _write(self._facts, "", "".join(f"{key}\n{one}\n" for key, one in facts.items()).encode())

    def found(self, key: str) -> bytes | None:
        """What was found in files whose `key` was this."""
        return _read(self._found, key)

    def keep_found(self, key: str, told: bytes) -> None:
        """Keep it in the place of what was found before."""
        _write(self._found, key, told)


def key_of(within: str, blobs: Mapping[str, str]) -> str:
    """A text that is the same only for the same files with the same content, looked into below the same folder."""
    listed = "\0".join([within, *(f"{name}\0{sha}" for name, sha in sorted(blobs.items()))])
    return hashlib.sha256(listed.encode("utf-8", "surrogateescape")).hexdigest()


def _head(key: str, body: bytes | memoryview) -> bytes:
    """What tells damage; not forgery, as whoever may write there could as well write another program."""
    return f"{zlib.crc32(body, zlib.crc32(key.encode())):08x} {len(body)} {key}\n".encode()


def _read(path: Path | None, key: str) -> bytes | None:
    """What was written under that key, if it is still what it was."""
    if path is None:
        return None
    with contextlib.suppress(OSError), path.open("rb", buffering=0) as file:
        content = file.read()
        end = content.find(b"\n") + 1
        body = memoryview(content)[end:]
        if content[:end].endswith(f" {key}\n".encode()) and content[:end] == _head(key, body):
            return bytes(body)
    return None


def _write(path: Path | None, key: str, body: bytes) -> None:
    """Nothing is lost where nothing can be written: the next scan looks again."""
    if path is None:
        return
    import tempfile  # takes longer to import than to find out that nothing has changed

    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        number, name = tempfile.mkstemp(dir=path.parent)
        try:
            with open(number, "wb") as file:
                file.write(_head(key, body) + body)
            os.replace(name, path)
        except OSError:
            os.unlink(name)
            raise
