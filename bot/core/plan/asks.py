"""What people asked for, on the command line or in comments: an event and the commands still to be done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core.events import Promote

if TYPE_CHECKING:
    from bot.core.snapshot import Snapshot


def all_asks(snapshot: Snapshot) -> tuple[Promote, ...]:
    """Every promotion and rollback that is asked for, the oldest first; not those that only want to know."""
    event = (snapshot.event,) if isinstance(snapshot.event, Promote) else ()
    return tuple(ask for ask in (*snapshot.asks, *event) if not ask.dry)


def ask_for(snapshot: Snapshot, environment: str, application: str) -> Promote | None:
    """The newest ask for a release that covers an application in an environment."""
    covering = [a for a in all_asks(snapshot) if a.covers(environment, application) and not a.refresh]
    return covering[-1] if covering else None


def is_refreshed(snapshot: Snapshot, environment: str, application: str) -> bool:
    """Whether somebody asks for the open pull request there to be made anew."""
    return any(a.refresh and a.covers(environment, application) for a in all_asks(snapshot))


def history_of(snapshot_after: str | None, ask: Promote) -> str | None:
    """The environment whose past releases an ask chooses from; None if it asks for the newest, or for any tag."""
    if ask.rollback:
        return ask.environment
    return snapshot_after if ask.version else None
