"""Helm repositories over HTTP: the index is asked for once a run, and downloaded only if it changed since the last.

https://helm.sh/docs/topics/chart_repository/
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bot.core.errors import NotFound, Unauthorised, Unavailable
from bot.registries.auth import DockerConfig
from bot.registries.chart_cache import IndexCache
from bot.registries.chart_index import read_index
from bot.registries.hosts import login
from bot.registries.http import Answer, Http, Request, reader

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bot.core.models import ChartListing
    from bot.registries.chart_cache import Index

MOST_INDEX = 128 << 20
"""Bytes of an index; the largest that is known has 25 MB."""
_LONGEST_VALIDATOR = 1024


class HelmRepositories:
    """Reads indexes by their URL; see `ChartRepositories` for the arguments."""

    def __init__(self, cache: Path, docker_config: Path | None, sleep: Callable[[float], None]) -> None:
        self._cache = IndexCache(cache)
        self._http = Http(sleep)
        self._config = DockerConfig(docker_config)
        self._locks: dict[str, threading.Lock] = {}
        self._seen: dict[str, Index] = {}

    def versions(self, url: str, chart: str) -> ChartListing:
        """All versions of a chart in the index at `url`. Raises what `ports.ChartRepository` says."""
        with self._locks.setdefault(url, threading.Lock()):
            index = self._seen.get(url) or self._fetch(url, self._cache.index(url))
            self._seen[url] = index
            kept = self._cache.listing(url, index, chart)
            if kept is None:
                kept = self._read(url, index, chart)
                self._cache.keep_listing(url, self._seen[url], chart, kept)
            return kept

    def _read(self, url: str, index: Index, chart: str) -> ChartListing:
        """Out of the index on disk; once more from the repository if the disk does not hold it any more."""
        for _ in range(2):
            with self._cache.open(url, index) as stream:
                if stream:
                    try:
                        return read_index(stream, chart, url, whole=index.whole)
                    except Unavailable:
                        # A bad answer must not become the one that "not modified" speaks of.
                        self._cache.forget(url)
                        del self._seen[url]
                        raise
            index = self._seen[url] = self._fetch(url, None)
        raise Unavailable(f"cannot keep the index {url}: the disk gives back something else", fix="check the disk")

    def _fetch(self, url: str, kept: Index | None) -> Index:
        """The index as it is now: the kept one, if the repository says that it has not changed."""
        conditions = {"If-None-Match": kept.etag, "If-Modified-Since": kept.modified} if kept else {}
        request = Request("GET", url, f"read the index {url}", {k: v for k, v in conditions.items() if v}, stream=True)
        answer = self._ask(request)
        if answer.status == 304 and kept:
            return kept
        if answer.status in (404, 410):
            raise NotFound(f"{url} is not there", fix="correct `repository` in gitops.yaml: it is the folder's URL")
        if answer.raw is None:
            who = "the repository" if answer.own else "the server that the repository redirects to"
            raise Unavailable(f"cannot {request.what}: {who} answered {answer.status}", fix="try again")
        with answer.raw:
            return self._keep(url, request.what, answer)

    def _ask(self, request: Request) -> Answer:
        """Without credentials; with them where the repository itself wants some (https://www.rfc-editor.org/rfc/rfc7617)."""
        answer = self._http.send(request)
        host = urlsplit(request.url).netloc
        if answer.status != 401 or not answer.own:
            return self._judged(request, answer, host)
        credentials = self._config.credentials(host)
        if credentials is None or not credentials.username:
            raise Unauthorised(f"cannot {request.what}: it wants a user name and a password", fix=login(host))
        again = Request(
            request.method, request.url, request.what, request.headers, None, credentials.basic, stream=True
        )
        return self._judged(request, self._http.send(again), host)

    @staticmethod
    def _judged(request: Request, answer: Answer, host: str) -> Answer:
        if answer.status in (401, 403):
            raise Unauthorised(f"cannot {request.what}: the repository refuses access", fix=login(host))
        return answer

    def _keep(self, url: str, what: str, answer: Answer) -> Index:
        headers = answer.headers
        if headers.get("Content-Encoding", "identity") != "identity":
            raise Unavailable(f"cannot {what}: it comes compressed, which was not asked for", fix="mend the server")
        assert answer.raw is not None
        read, size = reader(answer.raw, what), 0

        def bounded(most: int) -> bytes:
            nonlocal size
            chunk = read(most)
            size += len(chunk)
            if size > MOST_INDEX:
                raise Unavailable(f"cannot {what}: it has more than {MOST_INDEX >> 20} MiB", fix="split the repository")
            return chunk

        etag, modified = (headers.get(n, "")[:_LONGEST_VALIDATOR] for n in ("ETag", "Last-Modified"))
        whole = "Content-Length" in headers or "chunked" in headers.get("Transfer-Encoding", "").lower()
        return self._cache.keep(url, bounded, etag, modified, whole=whole)
