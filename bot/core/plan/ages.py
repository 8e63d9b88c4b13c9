"""Since when a version without a date counts as made: since it was first seen, as the state branch says."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bot.core.models import Unknown
from bot.core.versions import by_first_seen

if TYPE_CHECKING:
    from bot.core.config import Policy
    from bot.core.snapshot import Snapshot
    from bot.core.versions import TagFacts


class Sighting(NamedTuple):
    """What may be seen for the first time: where, and which version, by `tag@digest` where there is a digest.

    Another image under the same tag is another version: it must not get older by the one before.
    """

    repository: str
    version: str


def aged(snapshot: Snapshot, policy: Policy, sighting: Sighting, facts: TagFacts) -> TagFacts | Unknown:
    """The facts, for one without a date with when it was first seen: now, if that is not recorded yet."""
    if facts.date or not by_first_seen(policy):
        return facts
    state = snapshot.state
    if isinstance(state, Unknown):
        what = f"when {sighting.repository} {sighting.version} was first seen"
        return Unknown(f"{what} could not be read: {state.reason}", state.reason_code)
    recorded = state.seen.get(sighting.repository, {}).get(sighting.version, snapshot.now)
    return facts._replace(first_seen=min(recorded, snapshot.now))
