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
from bot.core.plan.builds import REVISION
from bot.core.versions import TagFacts, choose

if TYPE_CHECKING:
    from datetime import datetime

    from bot.core.config import Chart, Policy
    from bot.core.deployed import Deployed
    from bot.core.models import ChartListing
    from bot.core.references import Reference
    from bot.core.snapshot import Snapshot, SourceChart
    from bot.core.versions import Choice


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
    if here.chart is None:
        return messages.chart_field_missing(environment, application, here.folder)
    if chart.source:
        return _packaged(environment, chart_state(snapshot, application))
    listing = snapshot.charts[chart.repository, chart.name]
    if isinstance(listing, Unknown):
        return Skip(environment, application, listing.reason_code, listing.reason)
    assert chart.policy is not None
    choice = newest_version(listing, chart.policy, here.release.chart, snapshot.now)
    return choice.selected or messages.no_chart_version(environment, application, chart, listing, choice.reason)


def newest_version(listing: ChartListing, policy: Policy, current: str | None, now: datetime) -> Choice:
    """The newest version by the policy, never one behind the current; nothing if none that is there satisfies it.

    Chart versions are loose, as in Helm: `v1.2` is 1.2.0, and what follows `+` does not count.
    """
    facts = {one.version: TagFacts(one.created) for one in listing.versions}
    loose = policy if policy.semver is None else policy.model_copy(update={"loose": True})
    return choose(list(facts), loose, current, facts, now)


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
