"""What runs where, and what each environment waits for: the answer to `status`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from bot.core.models import PullRequest, Unknown
from bot.core.plan.pull_requests import branch_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.core.actions import Plan
    from bot.core.models import ImageVersion
    from bot.core.snapshot import Snapshot


class Row(NamedTuple):
    """One application in one environment. `commit` is the default branch's newest one that touches it."""

    environment: str
    application: str
    images: Mapping[str, ImageVersion]
    chart: str | None
    commit: str | None
    pull_request: int | None
    waits_for: str | None

    def as_json(self) -> dict[str, Any]:
        """The documented shape of one element of `gitops-bot status --json` (docs/json.md)."""
        images = [{"name": n, "tag": v.tag, "digest": v.digest} for n, v in self.images.items()]
        return self._asdict() | {"images": images}


def overview(snapshot: Snapshot, planned: Plan, commits: Mapping[tuple[str, str], str | None]) -> list[Row]:
    """A row an application and environment; `commits` are those that last touched each one's folder."""
    return [
        _row(snapshot, planned, environment, application, commits.get((environment, application)))
        for application in snapshot.config.applications
        for environment in snapshot.config.environments
    ]


def _row(snapshot: Snapshot, planned: Plan, environment: str, application: str, commit: str | None) -> Row:
    release = snapshot.deployed[environment, application].release
    number = _open(snapshot, branch_name(environment, application))
    waits = _waits_for(planned, environment, application)
    return Row(environment, application, release.images, release.chart, commit, number, waits)


def _open(snapshot: Snapshot, branch: str) -> int | None:
    pulls: tuple[PullRequest, ...] = () if isinstance(snapshot.pull_requests, Unknown) else snapshot.pull_requests
    return next((p.number for p in pulls if p.branch == branch and p.state == "open"), None)


def _waits_for(planned: Plan, environment: str, application: str) -> str | None:
    """What stands between this environment and its next release: the bot's next run, or what a skip waits for.

    Where nothing can be waited for it is the reason: what could not be read must not look up to date.
    """
    here = (environment, application)
    action = next((a for a in planned.actions if (a.environment, a.application) == here), None)
    if action:
        return f"the next run: {action.summary}"
    held = [s for s in planned.skips if (s.environment, s.application) == here and s.reason_code != "up_to_date"]
    return next((s.waits_for or s.reason for s in held), None)
