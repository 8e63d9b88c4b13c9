"""Which version of its chart an application should have: by policy from its repository, or as packaged from git.

A version that is there never moves: a commit takes the version that its Chart.yaml has if no other commit has it,
else one that comes right behind it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bot.core import messages
from bot.core.actions import PackageChart, Skip
from bot.core.chart_metadata import later_version
from bot.core.chart_urls import chart_url
from bot.core.models import ChartOrder, ImageInfo, Unknown
from bot.core.plan.ages import Sighting, aged
from bot.core.plan.builds import REVISION
from bot.core.plan.followed import other_kind
from bot.core.versions import TagFacts, by_first_seen, choose, undated

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from bot.core.config import Chart, Policy
    from bot.core.deployed import Deployed
    from bot.core.models import ChartListing, ChartVersion
    from bot.core.references import Reference
    from bot.core.snapshot import Snapshot, SourceChart
    from bot.core.versions import Choice, Facts


class ChartState(NamedTuple):
    """Exactly one is there: the version that is packaged, the package to make, or why neither is known."""

    version: str | None = None
    action: PackageChart | None = None
    skip: Skip | None = None


def newest_chart(snapshot: Snapshot, environment: str, application: str, here: Deployed) -> str | Skip | None:
    """The version for the first environment; the one that is there where nothing follows or packages the chart."""
    chart = snapshot.config.applications[application].chart
    if chart is None:
        return here.release.chart
    if not here.charts.places:
        return messages.chart_field_missing(environment, application, here.folder)
    if chart.source:
        return _packaged(environment, chart_state(snapshot, application))
    assert chart.policy is not None
    listing = snapshot.charts[chart.repository, chart.name]
    if isinstance(listing, Unknown):
        return Skip(environment, application, listing.reason_code, listing.reason)
    choice = newest_version(_facts(snapshot, chart, listing), chart.policy, here.release.chart, snapshot.now)
    if choice.unknown:
        return Skip(environment, application, choice.unknown.reason_code, choice.unknown.reason)
    return choice.selected or messages.no_chart_version(environment, application, chart, listing, choice.reason)


def newest_version(facts: Facts, policy: Policy, current: str | None, now: datetime) -> Choice:
    """All versions with what is known of each → the newest by the policy, never one behind the current.

    Nothing if none satisfies it. Chart versions are loose, as in Helm: `v1.2` is 1.2.0, and what follows `+` does not
    count.
    """
    return choose(list(facts), _loose(policy), current, facts, now)


def undated_charts(snapshot: Snapshot, environment: str, application: str) -> Iterator[Sighting]:
    """Of the chart that the environment follows: what is taken, or not yet, by when it was first seen; best first."""
    chart = snapshot.config.applications[application].chart
    if chart is None or chart.policy is None or not by_first_seen(chart.policy):
        return
    listing = snapshot.charts.get((chart.repository, chart.name), Unknown("it was not asked"))
    if isinstance(listing, Unknown):
        return
    current, facts = snapshot.deployed[environment, application].release.chart, _facts(snapshot, chart, listing)
    choice = newest_version(facts, chart.policy, current, snapshot.now)
    there = {one.version: one for one in listing.versions}
    for version in undated(list(facts), _loose(chart.policy), choice, current, facts):
        yield _sighting(chart, there[version])


def chart_not_taken(snapshot: Snapshot, environment: str, application: str) -> Iterator[str]:
    """If a first environment follows the chart: which version that people may expect there is not, and why."""
    chart = snapshot.config.applications[application].chart
    listing = snapshot.charts.get((chart.repository, chart.name)) if chart else None
    if chart is None or chart.policy is None or listing is None or isinstance(listing, Unknown):
        return
    if snapshot.config.environments[environment].after is None:
        current = snapshot.deployed[environment, application].release.chart
        choice = newest_version(_facts(snapshot, chart, listing), chart.policy, current, snapshot.now)
        if choice.reason:
            yield f"the chart {chart.name}: {choice.reason}"


def _loose(policy: Policy) -> Policy:
    return policy if policy.semver is None else policy.model_copy(update={"loose": True})


def _facts(snapshot: Snapshot, chart: Chart, listing: ChartListing) -> Facts:
    assert chart.policy is not None
    policy = chart.policy
    facts = ((o, TagFacts(o.created, other=_other(snapshot, chart, o.version))) for o in listing.versions)
    return {o.version: aged(snapshot, policy, _sighting(chart, o), known) for o, known in facts}


def _other(snapshot: Snapshot, chart: Chart, version: str) -> str:
    """What a version in a registry is, if it was looked at and is no chart."""
    if not _in_registry(chart):
        return ""
    info = snapshot.images.get(target(chart, version))
    return other_kind(info.kind) if isinstance(info, ImageInfo) and info.kind != "chart" else ""


def chart_references(snapshot: Snapshot, environment: str, application: str) -> Iterator[Reference]:
    """The version that an environment follows, in a registry, where a tag may name something else than a chart."""
    chart = snapshot.config.applications[application].chart
    listing = snapshot.charts.get((chart.repository, chart.name)) if chart else None
    if chart is None or chart.policy is None or listing is None or isinstance(listing, Unknown):
        return
    current = snapshot.deployed[environment, application].release.chart
    choice = newest_version(_facts(snapshot, chart, listing), chart.policy, current, snapshot.now)
    if _in_registry(chart) and choice.selected:
        yield target(chart, choice.selected)


def _in_registry(chart: Chart) -> bool:
    return chart.repository.startswith("oci://")


def _sighting(chart: Chart, one: ChartVersion) -> Sighting:
    version = f"{one.version}@{one.digest}" if one.digest else one.version
    return Sighting(f"{chart.repository.rstrip('/')}/{chart.name}", version)


def _packaged(environment: str, state: ChartState) -> str | Skip:
    if state.action:
        return messages.packaging(environment, state.action)
    if state.skip:
        return state.skip._replace(environment=environment)
    assert state.version is not None
    return state.version


def chart_states(snapshot: Snapshot) -> dict[str, ChartState]:
    """The state of every chart that the bot packages, by application."""
    apps = snapshot.config.applications
    return {a: chart_state(snapshot, a) for a, app in apps.items() if app.chart and app.chart.source}


def chart_state(snapshot: Snapshot, application: str) -> ChartState:
    """The state of one packaged chart: looks up its possible versions in the snapshot."""
    source = snapshot.source_charts[application]
    if isinstance(source, Unknown):
        return ChartState(skip=Skip(None, application, source.reason_code, source.reason))
    chart = snapshot.config.applications[application].chart
    assert chart is not None
    free: list[str] = []
    for version in versions(source):
        info = snapshot.images[target(chart, version)]
        if isinstance(info, Unknown):
            return ChartState(skip=Skip(None, application, info.reason_code, info.reason))
        if isinstance(info, ImageInfo) and info.labels.get(REVISION) == source.commit.sha:
            return ChartState(version=version)
        free += [version] if info is None else []
    if not free:
        taken = target(chart, versions(source)[-1])
        return ChartState(skip=messages.tag_taken(application, taken, source.commit))
    return _to_package(snapshot, application, _order(chart, source, free[0]))


def versions(source: SourceChart) -> tuple[str, str]:
    """The two versions that the package of this commit may have."""
    return source.version, later_version(source.version, source.commit)


def target(chart: Chart, version: str) -> Reference:
    """Where a version of the chart is in its registry: a tag has `_` for `+`."""
    repository = chart_url(chart.repository, chart.name).oci
    assert repository is not None
    return repository.with_tag(version.replace("+", "_"))


def _to_package(snapshot: Snapshot, application: str, order: ChartOrder) -> ChartState:
    action = PackageChart(application=application, title=messages.package_title(order), order=order)
    failure = snapshot.failures.get(action.key)
    if failure is not None:
        return ChartState(skip=Skip(None, application, "build_failed", failure, messages.WAITS_FOR_FIX))
    return ChartState(action=action)


def _order(chart: Chart, source: SourceChart, version: str) -> ChartOrder:
    assert chart.source is not None
    commit = source.commit
    annotations = {
        "org.opencontainers.image.title": chart.name,
        "org.opencontainers.image.version": version,
        "org.opencontainers.image.created": commit.time.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "org.opencontainers.image.source": chart.source.git,
        REVISION: commit.sha,
    }
    return ChartOrder(
        target=target(chart, version),
        source=chart.source.git,
        commit=commit.sha,
        folder=chart.source.path,
        name=chart.name,
        version=version,
        annotations=annotations,
        created=commit.time,
    )
