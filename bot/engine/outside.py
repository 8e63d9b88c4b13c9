"""Read what lies outside the GitOps repository: build sources, base images, tags, charts, values repositories."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from bot.core.chart_metadata import metadata
from bot.core.deployed import below
from bot.core.errors import NotFound
from bot.core.models import Unknown
from bot.core.plan.interest import image_references, values_commits
from bot.core.references import parse, parse_repository
from bot.core.snapshot import SourceChart, ValuesSource
from bot.engine.unforeseen import known

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from bot.core.config import Build, Chart, Config, Image, Values
    from bot.core.models import ChartListing, Commit, ImageInfo
    from bot.core.references import Reference
    from bot.core.snapshot import Snapshot
    from bot.ports import Edges, GitRepository

K = TypeVar("K")
V = TypeVar("V")


class Outside:
    """Reads each outside thing once, side by side; an image that was not there is looked for again."""

    def __init__(self, edges: Edges) -> None:
        self._edges = edges
        self._heads: dict[tuple[str, str], Commit | Unknown] = {}
        self._bases: dict[str, str | Unknown] = {}
        self._tags: dict[Reference, tuple[str, ...] | Unknown] = {}
        self._images: dict[Reference, ImageInfo | Unknown | None] = {}
        self._charts: dict[tuple[str, str], ChartListing | Unknown] = {}
        self._source_charts: dict[str, SourceChart | Unknown] = {}
        self._values: dict[str, Commit | Unknown] = {}

    def read(self, snapshot: Snapshot) -> Snapshot:
        """The snapshot with everything outside filled in."""
        config = snapshot.config
        builds = {(a, n): i.build for a, app in config.applications.items() for n, i in app.images.items() if i.build}
        followed = [parse_repository(i.repository) for _, i in _images(config) if i.policy]
        _fill(self._heads, builds, lambda key: self._head(builds[key]))
        _fill(self._bases, {b.base for b in builds.values()}, self._base)
        _fill(self._tags, followed, self._edges.registry.tags)
        self._read_charts(config)
        seen = replace(snapshot, sources=self._heads, bases=self._bases, tags=self._tags)
        seen = replace(seen, charts=self._charts, source_charts=self._source_charts)
        seen = replace(seen, values=self._all_values(seen))
        absent = {r for r, info in self._images.items() if info is None}
        for reference in absent:
            del self._images[reference]
        return self._with_images(replace(seen, images=dict(self._images)))

    def _with_images(self, snapshot: Snapshot) -> Snapshot:
        """What one image is may decide which is looked at next; a policy asks for a bounded number."""
        while missing := image_references(snapshot) - self._images.keys():
            _fill(self._images, missing, self._edges.registry.image)
            snapshot = replace(snapshot, images=dict(self._images))
        return snapshot

    def _head(self, build: Build) -> Commit:
        repository = self._edges.source(build.git)
        repository.fetch()
        return repository.head(build.branch)

    def _read_charts(self, config: Config) -> None:
        """Each chart's versions once, whoever follows it; and the charts in git."""
        charts = {a: app.chart for a, app in config.applications.items() if app.chart}
        followed = [(c.repository, c.name) for c in charts.values() if c.policy]
        _fill(self._charts, followed, lambda key: self._edges.charts.versions(*key))
        packaged = [a for a, c in charts.items() if c.source]
        _fill(self._source_charts, packaged, lambda a: self._source_chart(charts[a]))

    def _source_chart(self, chart: Chart) -> SourceChart:
        """The newest commit that touches the chart's folder: others are no new version."""
        assert chart.source is not None
        repository = self._edges.source(chart.source.git)
        repository.fetch()
        head = repository.head(chart.source.branch)
        folder = "" if chart.source.path == "." else chart.source.path
        commit = next(iter(repository.log(None, head.sha, [folder] if folder else [], 1)), head)
        path = below(folder, "Chart.yaml")
        content = repository.read(commit.sha, [path]).get(path)
        if content is None:
            fix = "correct `path` in gitops.yaml, or add the chart there"
            raise NotFound(f"{chart.source.git} has no {path} at {commit.sha[:12]}", fix=fix)
        return SourceChart(commit, metadata(content, chart.name)["version"])

    def _base(self, name: str) -> str:
        digest = self._edges.registry.digest(parse(name))
        if digest is None:
            raise NotFound(
                f"the base image {name} is not in its registry",
                fix="correct `base` in gitops.yaml, or push that image",
                reason_code="base_not_found",
            )
        return digest

    def _all_values(self, snapshot: Snapshot) -> dict[str, ValuesSource | Unknown]:
        sources = {a: app.values for a, app in snapshot.config.applications.items() if app.values}
        _fill(self._values, sources, lambda a: self._values_head(snapshot.config, sources[a]))
        found: dict[str, ValuesSource | Unknown] = {}
        for application, values in sources.items():
            head = self._values[application]
            if isinstance(head, Unknown):
                found[application] = head
                continue
            commits = {head.sha, *values_commits(snapshot, application)}
            found[application] = self._files(snapshot.config, values, commits, head)
        return found

    def _values_head(self, config: Config, values: Values) -> Commit:
        """The newest commit that touches any environment's file: others are no new release."""
        repository = self._edges.source(values.git)
        repository.fetch()
        head = repository.head(values.branch)
        return next(iter(repository.log(None, head.sha, _paths(config, values), 1)), head)

    def _files(self, config: Config, values: Values, commits: Iterable[str], head: Commit) -> ValuesSource | Unknown:
        repository = self._edges.source(values.git)
        return known(lambda: ValuesSource(head.sha, {c: _at(repository, c, config, values) for c in commits}))


def _at(repository: GitRepository, commit: str, config: Config, values: Values) -> Mapping[str, bytes]:
    names = {e: values.file.replace("{environment}", e) for e in config.environments}
    content = repository.read(commit, names.values())
    return {e: content[path] for e, path in names.items() if path in content}


def _paths(config: Config, values: Values) -> list[str]:
    return [values.file.replace("{environment}", e) for e in config.environments]


def _images(config: Config) -> list[tuple[str, Image]]:
    return [(a, i) for a, app in config.applications.items() for i in app.images.values()]


def _fill(kept: dict[K, V | Unknown], keys: Iterable[K], read: Callable[[K], V]) -> None:
    """Read what is not kept yet, side by side; what cannot be read is kept as unknown, with the reason."""
    missing = [k for k in dict.fromkeys(keys) if k not in kept]
    if not missing:
        return
    with ThreadPoolExecutor(max_workers=8) as pool:
        kept.update(zip(missing, pool.map(lambda k: known(lambda: read(k)), missing), strict=True))
