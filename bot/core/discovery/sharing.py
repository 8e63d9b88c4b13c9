"""Places in a file that several environments reach belong to none: an edit for one may change the others too."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from bot.core.discovery.graph import is_below
from bot.core.manifests.hazards import Hazard
from bot.core.manifests.locate import pointer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bot.core.discovery.effective import Charts
    from bot.core.discovery.environment import Environment
    from bot.core.manifests import Chart, Found, Place
    from bot.core.models import Refusal

Users: TypeAlias = "Mapping[str, Sequence[str]]"
"""Which environments reach a file."""


def shared_images(environment: Environment, found: Found, users: Users) -> Found:
    """The places of an image, with those apart that are others' too."""
    told = [(place, _shared(environment, place, users)) for place in found.places]
    apart = tuple((place, why) for place, why in told if why)
    return found._replace(places=tuple(place for place, why in told if why is None), shared=apart)


def shared_charts(environment: Environment, found: Charts, users: Users) -> Charts:
    """The places of a chart, of which those say so that are others' too."""
    places = (one._replace(shared=_shared(environment, one, users)) for one in found.places)
    return found._replace(places=tuple(places))


def _shared(environment: Environment, place: Place | Chart, users: Users) -> Refusal | None:
    names = list(users.get(place.file, ()))
    if is_below(place.file, environment.folder):
        # Who comes before may build on it: that is theirs, and must stop nobody who is behind them.
        names = [name for name in names if name not in environment.before]
    if len(names) < 2:
        return None
    what = f"the file is part of {', '.join(names)}, and none of them has it alone"
    return Hazard("shared_place", place.line, what).refusal(place.file, pointer(place.path))
