"""A git repository in memory: as much of it as a builder reads."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from bot.core.models import BuildOrder, Commit, Entry

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bot.core.references import Reference
    from bot.ports import GitRepository

COMMIT = "0123456789abcdef0123456789abcdef01234567"
WHEN = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)


class Source:
    """Files of one commit: text is a file, bytes with a mode (`120000`: a link) anything else."""

    url = "https://git.example/app.git"

    def __init__(self, files: Mapping[str, str | tuple[str, bytes]]) -> None:
        self._files = {path: ("100644", it.encode()) if isinstance(it, str) else it for path, it in files.items()}

    def commit_of(self, revision: str) -> Commit:
        assert revision == COMMIT
        return Commit(revision, "dev@example.com", WHEN, "A change")

    def entries(self, commit: str, folder: str = "") -> tuple[Entry, ...]:
        assert commit == COMMIT
        prefix = f"{folder}/" if folder else ""
        found = sorted((path, mode, body) for path, (mode, body) in self._files.items() if path.startswith(prefix))
        return tuple(Entry(path, mode, hashlib.sha1(body).hexdigest()) for path, mode, body in found)  # noqa: S324  # git's

    def read(self, commit: str, paths: Iterable[str]) -> Mapping[str, bytes]:
        assert commit == COMMIT
        regular = {path: body for path, (mode, body) in self._files.items() if mode != "120000"}
        return {path: regular[path] for path in paths if path in regular}

    def links(self, commit: str, paths: Iterable[str]) -> Mapping[str, str]:
        assert commit == COMMIT
        links = {path: body.decode() for path, (mode, body) in self._files.items() if mode == "120000"}
        return {path: links[path] for path in paths if path in links}


def source(files: Mapping[str, str | tuple[str, bytes]]) -> GitRepository:
    """The files as a repository; what a builder does not read is not there."""
    return cast("GitRepository", Source(files))


def order(base: Reference, **changes: Any) -> BuildOrder:
    """A build order like that of the sample application."""
    made = BuildOrder(
        target=base.repository._replace(path=f"{base.path}/app").with_tag("4.2.0-0123456"),
        base=base,
        base_name=f"{base.repository}:4.2.0",
        base_arg="BASE_IMAGE",
        commit=COMMIT,
        context=".",
        dockerfile="Dockerfile",
        args={},
        labels={"org.opencontainers.image.revision": COMMIT},
        created=WHEN,
    )
    return made._replace(**changes)
