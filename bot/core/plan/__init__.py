"""Decide: a pure function from what was observed to actions, and to skips with their reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core import messages
from bot.core.actions import Action, DeleteBranch, OpenPullRequest, Plan, Skip
from bot.core.deployed import deployed
from bot.core.events import Build, Promote
from bot.core.messages import Asked
from bot.core.models import PullRequest, Unknown
from bot.core.plan.asks import ask_for
from bot.core.plan.charts import chart_states
from bot.core.plan.chatops import answers
from bot.core.plan.contributions import judge
from bot.core.plan.first_seen import first_seen
from bot.core.plan.places import close, place_of
from bot.core.plan.pull_requests import Case, blocked, branch_name, decide
from bot.core.plan.records import records
from bot.core.plan.releases import all_builds, promoted_release, wanted_release
from bot.core.plan.rendering import render

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bot.core.models import Branch, Release
    from bot.core.plan.builds import BuildState
    from bot.core.plan.charts import ChartState
    from bot.core.snapshot import Snapshot

__all__ = ["plan"]


def plan(snapshot: Snapshot) -> Plan:
    """All decisions on one snapshot, builds first. What failed earlier in this run is not tried again."""
    builds = all_builds(snapshot)
    found: list[Action | Skip] = list(_builds(snapshot, builds))
    if not isinstance(snapshot.event, Build):
        found += _pull_requests(snapshot, builds)
    decisions = [_unless_failed(snapshot, d) for d in found]
    decisions += answers(snapshot, _by_place(decisions))
    return Plan(
        tuple(d for d in decisions if isinstance(d, Action)), tuple(d for d in decisions if isinstance(d, Skip))
    )


def _by_place(decisions: Iterable[Action | Skip]) -> dict[tuple[str, str], list[Action | Skip]]:
    """The decisions on each application in each environment."""
    found: dict[tuple[str, str], list[Action | Skip]] = {}
    for decision in decisions:
        if decision.environment is not None:
            found.setdefault((decision.environment, decision.application), []).append(decision)
    return found


def _builds(snapshot: Snapshot, builds: Mapping[tuple[str, str], BuildState]) -> Iterable[Action | Skip]:
    event = snapshot.event
    states: list[tuple[str, BuildState | ChartState]] = [(a, state) for (a, _), state in builds.items()]
    for application, state in [*states, *chart_states(snapshot).items()]:
        if isinstance(event, Build) and event.applications and application not in event.applications:
            continue
        if isinstance(event, Promote) and not _builds_for(snapshot, event, application):
            continue
        if state.action:
            yield state.action
        elif state.skip and isinstance(event, Build):
            yield state.skip


def _builds_for(snapshot: Snapshot, event: Promote, application: str) -> bool:
    """Only the newest release of an environment that gets it from the sources waits for a build."""
    first = snapshot.config.environments[event.environment].after is None
    return first and event.version is None and event.covers(event.environment, application)


def _unless_failed(snapshot: Snapshot, decision: Action | Skip) -> Action | Skip:
    if isinstance(decision, Skip) or decision.key not in snapshot.failures:
        return decision
    reason = f"{decision.summary}: {snapshot.failures[decision.key]}"
    return Skip(decision.environment, decision.application, "failed", reason, "the next run")


def _pull_requests(snapshot: Snapshot, builds: Mapping[tuple[str, str], BuildState]) -> list[Action | Skip]:
    found: list[Action | Skip] = []
    if isinstance(snapshot.pull_requests, Unknown):
        read = snapshot.pull_requests
        return [Skip(e, a, read.reason_code, read.reason) for e, a in _pairs(snapshot)]
    for environment, application in _pairs(snapshot):
        found += _case(snapshot, environment, application, snapshot.pull_requests, builds)
    found += first_seen(snapshot)
    if not isinstance(snapshot.event, Promote):
        found += [*records(snapshot), *judge(snapshot)]
        busy = {d.branch for d in found if isinstance(d, OpenPullRequest) and d.branch}
        found += _leftovers(snapshot, snapshot.pull_requests, busy)
    return found


def _pairs(snapshot: Snapshot) -> list[tuple[str, str]]:
    event = snapshot.event
    pairs = [(e, a) for e in snapshot.config.environments for a in snapshot.config.applications]
    return [p for p in pairs if not isinstance(event, Promote) or event.covers(*p)]


def _case(
    snapshot: Snapshot,
    environment: str,
    application: str,
    pull_requests: tuple[PullRequest, ...],
    builds: Mapping[tuple[str, str], BuildState],
) -> list[Action | Skip]:
    """The decisions on one application in one environment."""
    ask, name = ask_for(snapshot, environment, application), branch_name(environment, application)
    case = Case(
        snapshot,
        environment,
        application,
        open=next((p for p in pull_requests if p.branch == name and p.state == "open"), None),
        closed=next((p for p in pull_requests if p.branch == name and p.state == "closed"), None),
        branch=snapshot.branches.get(name),
        asked=Asked(ask.version, ask.by, ask.rollback) if ask and not ask.refresh else None,
        refresh=bool(ask and ask.refresh),
    )
    in_the_way = blocked(case)
    if in_the_way is not None:
        return in_the_way
    release = _release(case, builds)
    if isinstance(release, Skip):
        return [release]
    rendered = render(snapshot, environment, application, release)
    if rendered.refusals:
        return [
            case.skip(r.reason_code, f"{r.file}:{r.line} {r.path}: {r.reason}", "that file to be changed")
            for r in rendered.refusals
        ]
    return decide(case, release, rendered)


def _release(case: Case, builds: Mapping[tuple[str, str], BuildState]) -> Release | Skip:
    """The wanted release. A version that a person asked for by name stays until its pull request is closed."""
    kept = messages.asked_for(case.branch.head) if case.open and case.branch else None
    if kept and (kept.version or kept.rollback) and case.asked is None and case.branch:
        files = {**case.snapshot.files, **{p: c for p, c in case.branch.files.items() if c is not None}}
        there = deployed(case.snapshot.config, files, case.environment, case.application)
        return promoted_release(case.snapshot, case.environment, case.application, there.release)
    return wanted_release(case.snapshot, case.environment, case.application, builds)


def _leftovers(snapshot: Snapshot, pull_requests: tuple[PullRequest, ...], busy: set[str]) -> list[Action | Skip]:
    """Branches whose work is done, and pull requests for what the configuration no longer has."""
    names = {branch_name(e, a) for e in snapshot.config.environments for a in snapshot.config.applications}
    opened = {p.branch: p for p in pull_requests if p.state == "open"}
    found: list[Action | Skip] = []
    for name, branch in snapshot.branches.items():
        if branch.foreign is not None:
            continue
        if name in opened and name not in names:
            found.append(close(opened[name], messages.unconfigured(name)))
        elif name not in opened and name not in busy:
            found.append(_delete(branch))
    return found


def _delete(branch: Branch) -> DeleteBranch:
    environment, application = place_of(branch.name)
    return DeleteBranch(
        application=application,
        environment=environment,
        branch=branch.name,
        title=f"Delete the branch {branch.name}: no open pull request needs it",
        head=branch.head.sha,
    )
