"""What is kept of the indexes of Helm repositories: the last one whole, and what was read out of it.

Each file carries the digest of what it should hold. What is damaged counts as not there, and is fetched again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from bot.core.errors import Unavailable
from bot.core.models import ChartListing, ChartVersion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_CHUNK = 1 << 20
_ABANDONED = 3600
"""Seconds after which nobody writes a file any more."""
_FORMAT = 1
"""Raise it when a cached listing would be read otherwise: it is part of what the digests are made of."""


class Index(NamedTuple):
    """An index on disk: digest of its bytes, its validators (RFC 9110, 8.8), and whether its length was announced."""

    digest: str
    etag: str
    modified: str
    whole: bool


class IndexCache:
    """A folder below `root` for each index, by its URL; used by any number of processes at once."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def index(self, url: str) -> Index | None:
        """The index that is kept of `url`; None if there is none that is whole."""
        found = _load(self._folder(url) / "head.json")
        try:
            index = Index(**found) if found else None
            return index if index and (self._folder(url) / index.digest).is_file() else None
        except (TypeError, OSError):
            return None

    def keep(self, url: str, read: Callable[[int], bytes], etag: str, modified: str, *, whole: bool) -> Index:
        """Store a new index, read to its end, in the place of the old one. Raises what `read` raises."""
        folder = self._folder(url)
        with _translated(folder):
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=folder, prefix=".", delete=False) as out:
                temporary = Path(out.name)
                try:
                    digest = _copy(read, out)
                except BaseException:
                    temporary.unlink()
                    raise
            temporary.replace(folder / digest)
            index = Index(digest, etag, modified, whole)
            _store(folder / "head.json", index._asdict())
            self._sweep(folder, digest)
        return index

    def forget(self, url: str) -> None:
        """Drop the index, so that it is asked for without condition."""
        with contextlib.suppress(OSError):
            (self._folder(url) / "head.json").unlink()

    @contextlib.contextmanager
    def open(self, url: str, index: Index) -> Iterator[BinaryIO | None]:
        """The index's bytes; None if they are not those that were stored."""
        with contextlib.ExitStack() as stack:
            try:
                file = stack.enter_context((self._folder(url) / index.digest).open("rb"))
                good = hashlib.file_digest(file, "sha256").hexdigest() == index.digest
                file.seek(0)
            except OSError:
                yield None
                return
            yield file if good else None

    def listing(self, url: str, index: Index, chart: str) -> ChartListing | None:
        """What was read of a chart out of this very index before; None if nothing was, or it is damaged."""
        found = _load(self._listing_file(url, index, chart))
        try:
            if not found or found["chart"] != chart:
                return None
            return ChartListing(tuple(_version(one) for one in found["versions"]), tuple(found["ignored"]))
        except (TypeError, ValueError, KeyError):
            return None

    def keep_listing(self, url: str, index: Index, chart: str, listing: ChartListing) -> None:
        """Store it. That it cannot be stored is no harm."""
        versions = [[v, t.isoformat() if t else None, d, a] for v, t, d, a in listing.versions]
        with contextlib.suppress(OSError):
            kept = {"chart": chart, "versions": versions, "ignored": listing.ignored}
            _store(self._listing_file(url, index, chart), kept)

    def _folder(self, url: str) -> Path:
        return self._root / hashlib.sha256(url.encode()).hexdigest()[:32]

    def _listing_file(self, url: str, index: Index, chart: str) -> Path:
        name = hashlib.sha256(chart.encode()).hexdigest()[:16]
        return self._folder(url) / f"{index.digest}-{name}.json"

    @staticmethod
    def _sweep(folder: Path, digest: str) -> None:
        """Remove what was made from older indexes, and what a killed process left half-written."""
        for old in folder.iterdir():
            with contextlib.suppress(OSError):
                abandoned = old.name.startswith(".") and old.stat().st_mtime < time.time() - _ABANDONED
                if abandoned or not old.name.startswith((digest, "head.json", ".")):
                    old.unlink()


def _version(row: list[Any]) -> ChartVersion:
    version, created, digest, app_version = row
    return ChartVersion(version, datetime.fromisoformat(created) if created else None, digest, app_version)


def _copy(read: Callable[[int], bytes], out: Any) -> str:
    digest = hashlib.sha256()
    while chunk := read(_CHUNK):
        digest.update(chunk)
        out.write(chunk)
    return digest.hexdigest()


def _sealed(text: str) -> str:
    return hashlib.sha256(f"{_FORMAT} {text}".encode()).hexdigest()


def _load(file: Path) -> dict[str, Any] | None:
    """What `_store` stored; None if that is not what is there."""
    try:
        seal, _, text = file.read_text("utf-8").partition("\n")
        found = json.loads(text) if seal == _sealed(text) else None
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _store(file: Path, content: dict[str, Any]) -> None:
    text = json.dumps(content)
    with tempfile.NamedTemporaryFile("w", dir=file.parent, prefix=".", delete=False, encoding="utf-8") as out:
        out.write(f"{_sealed(text)}\n{text}")
    Path(out.name).replace(file)


@contextlib.contextmanager
def _translated(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unavailable(
            f"cannot use {folder}: {error.strerror}", fix="check the folder and its permissions"
        ) from error
