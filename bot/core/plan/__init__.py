"""Decide: a pure function from what was observed to actions, and to skips with their reasons."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bot.core import messages
from bot.core.actions import (
    Action,
    DeleteBranch,
    DisableAutoMerge,
    OpenPullRequest,
    Plan,
    SetStatus,
    Skip,
    StateChange,
    TakeBack,
    WriteState,
)
from bot.core.deployed import deployed
from bot.core.events import Build, Commented, Promote, Reconcile
from bot.core.messages import Asked
from bot.core.models import Unknown
from bot.core.plan import granted
from bot.core.plan.asks import ask_for, is_refreshed
from bot.core.plan.charts import chart_states
from bot.core.plan.chatops import Hearing, answers, hear
from bot.core.plan.contributions import judge
from bot.core.plan.first_seen import first_seen
from bot.core.plan.gates import gates
from bot.core.plan.order import in_order
from bot.core.plan.places import close, place_of, withdraw
from bot.core.plan.pull_requests import Case, blocked, branch_name, decide, undecided
from bot.core.plan.records import records
from bot.core.plan.releases import all_builds, promoted_release, wanted_release
from bot.core.plan.rendering import render
from bot.core.state import State, standing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bot.core.models import Branch, PullRequest, Refusal, Release
    from bot.core.plan.builds import BuildState
    from bot.core.plan.charts import ChartState
    from bot.core.snapshot import Snapshot

__all__ = ["plan"]


def plan(snapshot: Snapshot) -> Plan:
    """All decisions on one snapshot. What failed earlier in this run is not tried again."""
    hearing = hear(snapshot)
    # What stops counts from the moment that it is seen: it is written in this round, and what it stops is in it too.
    seen = replace(snapshot, state=_standing(hearing))
    builds = all_builds(seen)
    unwritable = _unwritable(snapshot)
    decisions = _decisions(seen, hearing, builds)
    changes = list(granted.records(snapshot, decisions))
    if changes and unwritable is not None:
        decisions = granted.without_record(snapshot, decisions, unwritable)
    said = answers(hearing, _by_place(decisions), unwritable)
    changes = [*said.changes, *changes, *(() if isinstance(snapshot.event, Build) else first_seen(snapshot))]
    changes += granted.forgotten(snapshot, bool(changes))
    actions = [*(d for d in decisions if isinstance(d, Action)), *hearing.still_to_label(), *said.actions]
    actions += [*granted.take_back(snapshot), *_write(snapshot, changes if unwritable is None else [])]
    final = [_unless_failed(snapshot, action) for action in actions]
    skips = [d for d in (*decisions, *final) if isinstance(d, Skip)]
    if changes and unwritable is not None:
        skips.append(Skip(None, "state", "failed", f"the state branch was not written: {unwritable}", "the next run"))
    return Plan(in_order(d for d in final if isinstance(d, Action)), tuple(skips))


def _standing(hearing: Hearing) -> State | Unknown:
    read, asked = hearing.before.state, hearing.after.state
    return read if isinstance(read, Unknown) or isinstance(asked, Unknown) else standing(read, asked)


def _decisions(
    snapshot: Snapshot, hearing: Hearing, builds: Mapping[tuple[str, str], BuildState]
) -> list[Action | Skip]:
    found: list[Action | Skip] = list(_builds(snapshot, builds))
    if not isinstance(snapshot.event, Build):
        found += _pull_requests(snapshot, hearing, builds)
    return [*found, *_stopped_elsewhere(snapshot, found)]


def _unwritable(snapshot: Snapshot) -> str | None:
    """Why the state branch could not be written earlier in this run."""
    kinds = (WriteState.kind, TakeBack.kind)
    return next((why for key, why in snapshot.failures.items() if key.partition(" ")[0] in kinds), None)


def _write(snapshot: Snapshot, changes: list[StateChange]) -> Iterable[WriteState]:
    """All that is to be written on the state branch, at once."""
    if changes:
        title = "; ".join(change.title for change in changes)
        yield WriteState(application="state", title=title, steps=tuple(changes), expected=snapshot.state_head)


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


def _unless_failed(snapshot: Snapshot, decision: Action) -> Action | Skip:
    if decision.key not in snapshot.failures:
        return decision
    reason = f"{decision.summary}: {snapshot.failures[decision.key]}"
    return Skip(decision.environment, decision.application, "failed", reason, "the next run")


def _pull_requests(
    snapshot: Snapshot, hearing: Hearing, builds: Mapping[tuple[str, str], BuildState]
) -> list[Action | Skip]:
    found: list[Action | Skip] = []
    if isinstance(snapshot.pull_requests, Unknown):
        read = snapshot.pull_requests
        return [Skip(e, a, read.reason_code, read.reason) for e, a in _pairs(snapshot)]
    for environment, application in _pairs(snapshot):
        found += _decide(_case(snapshot, hearing, environment, application), builds)
    if not isinstance(snapshot.event, Promote):
        found += [*records(snapshot), *judge(snapshot)]
        busy = {d.branch for d in found if isinstance(d, OpenPullRequest) and d.branch}
        found += _leftovers(snapshot, snapshot.pull_requests, busy)
    return found


def _pairs(snapshot: Snapshot) -> list[tuple[str, str]]:
    event = snapshot.event
    pairs = [(e, a) for e in snapshot.config.environments for a in snapshot.config.applications]
    return [p for p in pairs if not isinstance(event, Promote) or event.covers(*p)]


def _stopped_elsewhere(snapshot: Snapshot, found: list[Action | Skip]) -> Iterable[Action | Skip]:
    """What must not be merged any more of what this run is not about: what it has read counts there too."""
    if isinstance(snapshot.event, Reconcile | Commented) or isinstance(snapshot.pull_requests, Unknown):
        return
    approved = {c.pull_request.number for c in snapshot.contributions if withdraw(c.pull_request, "")}
    yield from (said for said in judge(snapshot) if said.status.state != "success" and said.number in approved)
    decided = {(d.environment, d.application) for d in found if d.environment}
    for pull in (p for p in snapshot.pull_requests if p.state == "open" and withdraw(p, "")):
        environment, application = place_of(pull.branch)
        branch = snapshot.branches.get(pull.branch)
        if environment in snapshot.config.environments and (environment, application) not in decided and branch:
            said = gates(snapshot, environment, application, pull, branch)
            yield from (d for d in said if isinstance(d, DisableAutoMerge))
            yield from (d for d in said if isinstance(d, SetStatus) and d.status.state != "success")


def _case(snapshot: Snapshot, hearing: Hearing, environment: str, application: str) -> Case:
    """One application in one environment."""
    ask, name = ask_for(snapshot, environment, application), branch_name(environment, application)
    pulls = () if isinstance(snapshot.pull_requests, Unknown) else snapshot.pull_requests
    opened = next((p for p in pulls if p.branch == name and p.state == "open"), None)
    return Case(
        snapshot,
        environment,
        application,
        open=opened,
        closed=next((p for p in pulls if p.branch == name and p.state == "closed"), None),
        branch=snapshot.branches.get(name),
        asked=Asked(ask.version, ask.by, ask.rollback) if ask else None,
        refresh=is_refreshed(snapshot, environment, application),
        cancelled=hearing.cancelled.get(opened.number, "") if opened else "",
    )


def _decide(case: Case, builds: Mapping[tuple[str, str], BuildState]) -> list[Action | Skip]:
    """The decisions on one application in one environment."""
    in_the_way = blocked(case)
    if in_the_way is not None:
        return in_the_way
    absent = case.snapshot.deployed[case.environment, case.application].absent
    if absent:
        return undecided(case, [case.skip(absent.reason_code, absent.reason, "that folder")])
    release = _release(case, builds)
    if isinstance(release, Skip):
        return undecided(case, [release])
    rendered = render(case.snapshot, case.environment, case.application, release)
    if rendered.refusals:
        return undecided(case, [_refused(case, refusal) for refusal in rendered.refusals])
    return decide(case, release, rendered)


def _refused(case: Case, refusal: Refusal) -> Skip:
    reason = f"{refusal.file}:{refusal.line} {refusal.path}: {refusal.reason}"
    return case.skip(refusal.reason_code, reason, "that file to be changed")


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
        if branch.unreadable and name not in names:
            found.append(messages.unreadable(None, branch.name, branch))
        if branch.foreign is not None or branch.unreadable:
            continue
        if name in opened and name not in names:
            found += close(opened[name], messages.unconfigured(name))
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
