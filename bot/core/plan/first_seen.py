"""Record when versions without a date were first seen, where a policy asks for a minimum age."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core import messages
from bot.core.actions import StateChange
from bot.core.models import Unknown
from bot.core.plan.charts import undated_charts
from bot.core.plan.followed import undated_images
from bot.core.state import MOST_SEEN, FirstSeen, with_first_seen

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from bot.core.plan.ages import Sighting
    from bot.core.snapshot import Snapshot


def first_seen(snapshot: Snapshot) -> Iterator[StateChange]:
    """One change of the state branch for all that is seen for the first time, none if nothing is.

    A file that is damaged is written anew, and so is a time that is still to come: what they say counts for nothing.
    """
    if isinstance(snapshot.state, Unknown):
        return
    files: dict[str, bytes | None] = {}
    new: list[Sighting] = []
    for repository, sightings in _deciding(snapshot).items():
        before = {v: time for v, time in snapshot.state.seen.get(repository, {}).items() if time <= snapshot.now}
        versions = recorded(before, [one.version for one in sightings], snapshot.now)
        added = [one for one in sightings if one.version in versions and one.version not in before]
        if added:
            path, content = with_first_seen(FirstSeen(repository, versions))
            files[path] = content
            new += added
    if new:
        text = messages.first_seen(new)
        yield StateChange(text.title, text.commit, files)


def recorded(before: Mapping[str, datetime], deciding: Iterable[str], now: datetime) -> dict[str, datetime]:
    """What a file holds next, of `MOST_SEEN` versions at most: those that decide, best first, then the youngest.

    One that is there keeps its time, and while it decides its place: else none would ever be old enough.
    """
    wanted = list(dict.fromkeys(deciding))
    versions = {version: before[version] for version in wanted if version in before}
    fresh = [version for version in wanted if version not in before]
    versions |= dict.fromkeys(fresh[: MOST_SEEN - len(versions)], now)
    others = sorted((v for v in before if v not in versions), key=lambda v: (before[v], v), reverse=True)
    return versions | {version: before[version] for version in others[: MOST_SEEN - len(versions)]}


def _deciding(snapshot: Snapshot) -> Mapping[str, list[Sighting]]:
    """By repository, whatever this run is about: an entry that decides for others must not be dropped."""
    found: dict[str, list[Sighting]] = {}
    for environment, config in snapshot.config.environments.items():
        for application in snapshot.config.applications if config.after is None else ():
            images = undated_images(snapshot, environment, application)
            for sighting in (*images, *undated_charts(snapshot, environment, application)):
                found.setdefault(sighting.repository, []).append(sighting)
    return found
