"""Chart repositories: Helm's own, and charts in OCI registries.

https://helm.sh/docs/topics/registries/
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from bot.core.chart_urls import chart_url
from bot.core.models import ChartListing, ChartVersion
from bot.ports import reads

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bot.core.references import Reference
    from bot.ports import Registry
    from bot.registries.helm import HelmRepositories


class ChartRepositories:
    """`ports.ChartRepository`. `registry` serves `oci://`; `cache` is a folder for the indexes of Helm repositories.

    `docker_config` and `sleep` as in `OciRegistry`.
    """

    def __init__(
        self,
        registry: Registry,
        cache: Path,
        docker_config: Path | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._registry = registry
        self._settings = cache, docker_config, sleep
        self._helm: HelmRepositories | None = None
        self._lock = threading.Lock()

    @reads
    def versions(self, repository: str, chart: str) -> ChartListing:
        """See the port."""
        where = chart_url(repository, chart)
        if where.oci:
            return self._tags(where.oci)
        assert where.http is not None
        return self._indexes().versions(where.http, chart)

    def _tags(self, repository: Reference) -> ChartListing:
        """Helm writes the `+` of a version, which no tag may have, as `_`."""
        return ChartListing(tuple(ChartVersion(tag.replace("_", "+")) for tag in self._registry.tags(repository)))

    def _indexes(self) -> HelmRepositories:
        """Opened when the first is asked for: who has none need not wait for an HTTP client."""
        from bot.registries.helm import HelmRepositories

        with self._lock:
            if self._helm is None:
                self._helm = HelmRepositories(*self._settings)
            return self._helm
