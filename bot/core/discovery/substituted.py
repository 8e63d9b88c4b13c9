"""What variables of Flux come to: the scalars that versions are taken from, wherever those stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core.discovery.effective import places
from bot.core.discovery.held import refused
from bot.core.discovery.models import ChartName, Finding, Skipped
from bot.core.errors import BotError
from bot.core.manifests import Place
from bot.core.manifests.locate import pointer
from bot.core.manifests.nodes import Identity
from bot.core.references import parse_repository

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bot.core.discovery.held import Known
    from bot.core.discovery.models import What
    from bot.core.discovery.states import Key, Named, State, Written
    from bot.core.references import Reference


def variable_places(known: Known, states: Iterable[State]) -> Iterator[Finding | Skipped]:
    """Each scalar once that is a variable, or the default of one, with what it is a version of."""
    told: dict[Key, Finding | Skipped] = {}
    for state in states:
        for named in state.images.values():
            for one in named.written:
                if one.variable or (one.around and "${" in "".join(one.around)):
                    told[one.key] = _image(known, state, named, one)
        if state.version and (state.version.variable or state.version.around):
            told[state.version.key] = _chart(known, state, state.version)
    yield from told.values()


def _image(known: Known, state: State, named: Named, one: Written) -> Finding | Skipped:
    image = _reference(named.name)
    place = next(places([named]), None)
    if one.value.code:
        return refused(one.file, one.value)._replace(image=image)
    if not isinstance(place, Place):
        code, why = (place.reason_code, place.reason) if place else ("not_an_image", f"{named.name} is no image")
        return Skipped(one.file, one.value.line, pointer(one.value.path), one.value.text, code, why, image)
    what: What = "image" if place.image == one.value.path else "digest" if place.digest == one.value.path else "tag"
    return _finding(known, state, one, what, image=image, place=place)


def _chart(known: Known, state: State, one: Written) -> Finding | Skipped:
    url = known.sources.url(state.source, [state.names[-1][0]], one.file) if state.source else None
    chart = ChartName(state.chart, state.repository or url)
    if one.value.code:
        return refused(one.file, one.value)._replace(chart=chart)
    return _finding(known, state, one, "chart-version", chart=chart)


def _finding(
    known: Known,
    state: State,
    one: Written,
    what: What,
    *,
    image: Reference | None = None,
    chart: ChartName | None = None,
    place: Place | None = None,
) -> Finding:
    value, document = one.value, one.document
    application = known.applications.of(one.file) or state.object.name or None
    return Finding(
        one.file,
        value.line,
        value.column,
        document,
        document if isinstance(document, Identity) else None,
        value.path,
        what,
        value.text,
        image,
        chart,
        known.environments.of(one.file),
        application,
        "convention",
        place,
    )


def _reference(name: str) -> Reference | None:
    try:
        return parse_repository(name)
    except BotError:
        return None
