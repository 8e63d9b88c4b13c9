"""Places that several environments reach belong to none: an edit for one of them would change the others too."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from bot.core.discovery.states import Key
from bot.core.manifests.hazards import Hazard
from bot.core.manifests.locate import pointer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bot.core.discovery.effective import Charts
    from bot.core.manifests import Chart, Found, Place
    from bot.core.models import Refusal

Users: TypeAlias = "Mapping[Key, Sequence[str]]"
"""Which environments a scalar decides in."""


def shared_images(found: Found, users: Users) -> Found:
    """The places of an image, with those apart that are others' too."""
    told = [(place, _shared(place, _keys(place), users)) for place in found.places]
    apart = tuple((place, why) for place, why in told if why)
    return found._replace(places=tuple(place for place, why in told if why is None), shared=apart)


def shared_charts(found: Charts, users: Users) -> Charts:
    """The places of a chart, of which those say so that are others' too."""
    places = (one._replace(shared=_shared(one, [Key(one.file, one.document, one.path)], users)) for one in found.places)
    return found._replace(places=tuple(places))


def _keys(place: Place) -> list[Key]:
    return [Key(place.file, place.document, path) for path in (place.image, place.tag, place.digest) if path]


def _shared(place: Place | Chart, keys: Iterable[Key], users: Users) -> Refusal | None:
    names = dict.fromkeys(name for key in keys for name in users.get(key, ()))
    if len(names) < 2:
        return None
    what = f"it is part of {', '.join(names)}, and would change in all of them"
    return Hazard("shared_place", place.line, what).refusal(place.file, pointer(place.path))
