"""Places in a file that several environments reach belong to none: an edit for one may change the others too."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from bot.core.manifests.hazards import Hazard
from bot.core.manifests.locate import pointer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bot.core.discovery.effective import Charts
    from bot.core.manifests import Chart, Found, Place
    from bot.core.models import Refusal

Users: TypeAlias = "Mapping[str, Sequence[str]]"
"""Which environments reach a file."""


def shared_images(found: Found, users: Users) -> Found:
    """The places of an image, with those apart that are others' too."""
    told = [(place, _shared(place, users)) for place in found.places]
    apart = tuple((place, why) for place, why in told if why)
    return found._replace(places=tuple(place for place, why in told if why is None), shared=apart)


def shared_charts(found: Charts, users: Users) -> Charts:
    """The places of a chart, of which those say so that are others' too."""
    places = (one._replace(shared=_shared(one, users)) for one in found.places)
    return found._replace(places=tuple(places))


def _shared(place: Place | Chart, users: Users) -> Refusal | None:
    names = users.get(place.file, ())
    if len(names) < 2:
        return None
    what = f"the file is part of {', '.join(names)}, and none of them has it alone"
    return Hazard("shared_place", place.line, what).refusal(place.file, pointer(place.path))
