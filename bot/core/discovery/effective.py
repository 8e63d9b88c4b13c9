"""The places that count: of all that the files of an environment say of an image or a chart, what decides in the end.

What something else takes the place of, as a patch does of its base, or `images` of a kustomization of a manifest,
decides nothing, and is left alone.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from bot.core.discovery.facts import Block
from bot.core.discovery.naming import place_of
from bot.core.discovery.objects import REFERENCE
from bot.core.discovery.reasons import FIXES
from bot.core.errors import BotError
from bot.core.manifests import Place
from bot.core.manifests.charts import Chart
from bot.core.manifests.hazards import Hazard
from bot.core.manifests.images import agreed
from bot.core.manifests.locate import pointer
from bot.core.manifests.places import variants
from bot.core.models import Refusal
from bot.core.references import is_digest, parse_repository

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from bot.core.discovery.facts import Value
    from bot.core.discovery.states import Named, State, Written
    from bot.core.manifests import Found
    from bot.core.references import Reference


_EXACT = re.compile(r"v?\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?")


class Charts(NamedTuple):
    """The places of an application's chart, which all change together, and what must not be edited or read."""

    places: tuple[Chart, ...]
    refusals: tuple[Refusal, ...]

    @property
    def version(self) -> str | None:
        """The version that all places agree on, None if they do not, or there are none."""
        versions = {one.version for one in self.places}
        version = versions.pop() if len(versions) == 1 else None
        return version if version and is_exact(version) else None

    @property
    def range(self) -> Chart | None:
        """The first place that names no one version: Flux chooses there, and nothing of it is promoted."""
        return next((one for one in self.places if not is_exact(one.version)), None)


Anchors: TypeAlias = "Mapping[tuple[str, int, int], frozenset[str]]"
"""Of which images a scalar is the version by an alias, by its file, line and column."""


def images(states: Iterable[State], repository: Reference, anchors: Anchors) -> Found:
    """The places of an image among the objects of an environment."""
    told: list[Place | Refusal] = []
    for state in states:
        meant = [one for one in state.images.values() if _is_of(one, repository)]
        told += _apart([*places(meant, anchors)])
    return agreed(told)


def _apart(told: list[Place | Refusal]) -> list[Place | Refusal]:
    """The places of one object, or why they are not to be given one tag: variants of an image, such as `agent-1.0`."""
    tags = variants(one.version.tag for one in told if isinstance(one, Place))
    if not tags:
        return told
    what = f"the object has this image by several tags ({', '.join(tags)})"
    return [
        Hazard("several_tags", one.line, what).refusal(one.file, pointer(one.path)) if isinstance(one, Place) else one
        for one in told
    ]


def places(images: Iterable[Named], anchors: Anchors | None = None) -> Iterator[Place | Refusal]:
    """Where the version of each image is, or why it must not be edited."""
    for one in images:
        yield from _place(one, anchors or {})


def anchored(states: Iterable[State]) -> Anchors:
    """The scalars that aliases carry elsewhere, with the images that they are a version of there."""
    found: dict[tuple[str, int, int], set[str]] = defaultdict(set)
    for named in (one for state in states for one in state.images.values()):
        for one in named.written:
            if one.value.anchor:
                found[one.file, *one.value.anchor].add(named.name)
    return {scalar: frozenset(names) for scalar, names in found.items()}


def written(state: State) -> Iterator[Written]:
    """All scalars that decide over an object's images and its chart."""
    for one in state.images.values():
        yield from one.written
    yield from filter(None, (state.version, state.semver))


def charts(states: Sequence[State], application: str, chart: str | None) -> Charts:
    """The chart of an application among the objects of an environment.

    Of a chart whose name is known, every release of it; else the only release, or the one that has the application's
    name.
    """
    releases = [one for one in states if one.object.kind == "HelmRelease" or (one.version and not one.object.kind)]
    meant = [one for one in releases if chart and f"/{_chart_name(states, one)}".endswith(f"/{chart}")]
    if not meant:
        meant = releases if len(releases) == 1 else [one for one in releases if _name(one) == application]
    told = list(dict.fromkeys(one for release in meant for one in _versions(states, release)))
    places = tuple(one for one in told if isinstance(one, Chart))
    return Charts(places, (*(one for one in told if isinstance(one, Refusal)), *_differing(places)))


def _differing(places: tuple[Chart, ...]) -> Iterator[Refusal]:
    """What is wrong if the places of one chart name different versions."""
    if len({one.version for one in places}) > 1:
        shown = ", ".join(f"{one.file}:{one.line} {one.version}" for one in places)
        first = places[0]
        problem = Hazard("ambiguous_version", first.line, f"the places of one chart name different versions ({shown})")
        yield problem.refusal(first.file, pointer(first.path))


def is_exact(version: str) -> bool:
    """Whether a chart's version is one version, or a digest, and no range of Helm's (`1.2` is one)."""
    return bool(_EXACT.fullmatch(version)) or is_digest(version)


def _name(one: State) -> str:
    return one.object.name


def _chart_name(states: Sequence[State], release: State) -> str:
    """What the chart of a release is called where it comes from, with the path of its repository in a registry."""
    source = _source(states, release)
    return source.images[REFERENCE].name if source and REFERENCE in source.images else release.chart


def _source(states: Sequence[State], release: State) -> State | None:
    """The OCIRepository that a release takes its chart from, if there is one of that name."""
    reference = release.reference
    if reference is None or reference.kind != "OCIRepository":
        return None
    named = [one for one in states if one.object.kind == reference.kind and _name(one) == reference.name]
    space = reference.namespace or release.names[-1][0]
    near = [one for one in named if not space or one.names[-1][0] in ("", space)]
    return near[0] if len(near) == 1 else None


def _versions(states: Sequence[State], release: State) -> Iterator[Chart | Refusal]:
    if release.version:
        yield _chart(release.version)
        return
    source = _source(states, release)
    reference = source.images.get(REFERENCE) if source else None
    # https://fluxcd.io/flux/components/source/ocirepositories/#reference: a digest counts first, then semver.
    if reference and reference.digest:
        yield _chart(reference.digest, beside=reference.tag is not None)
    elif source and source.semver:
        yield _chart(source.semver)
    elif reference and reference.tag:
        yield _chart(reference.tag, is_tag=True)


def _chart(written: Written, *, is_tag: bool = False, beside: bool = False) -> Chart | Refusal:
    value = written.value
    if value.code:
        return _refusal(written)
    if beside:
        what = "the digest decides, and the tag beside it would say something else"
        return Hazard("chart_tag_beside", value.line, what).refusal(written.file, pointer(value.path))
    version = value.text.replace("_", "+") if is_tag else value.text
    return Chart(written.file, written.document, value.line, version, value.path, is_tag=is_tag, around=written.around)


def _is_of(named: Named, repository: Reference) -> bool:
    try:
        return bool(named.written) and parse_repository(named.name) == repository
    except BotError:
        return False


def _place(named: Named, anchors: Anchors) -> Iterator[Place | Refusal]:
    """Where the version of one image of an object is, or why it must not be edited; nothing if it has none.

    An alias may be read; its edit is for the anchor to make.
    """
    parts = [one for one in named.written if not _is_default(one, named)]
    refused = [one for one in parts if one.value.code not in ("", "alias")]
    others = [one for one in parts if anchors.get((one.file, one.value.line, one.value.column), set()) - {named.name}]
    if others:
        names = anchors[others[0].file, others[0].value.line, others[0].value.column] - {named.name}
        what = f"an alias makes it the version of {', '.join(sorted(names))} too"
        hazard = Hazard("anchor_shared", others[0].value.line, what)
        yield hazard.refusal(others[0].file, pointer(others[0].value.path))
    elif refused:
        yield _refusal(refused[0])
    elif parts:
        first, last = parts[0], parts[-1]
        try:
            if (first.file, first.document, first.value.path[:-1]) != (last.file, last.document, last.value.path[:-1]):
                raise Hazard("digest_elsewhere", first.value.line, "the digest that pins this image is elsewhere")
            block = Block((), first.form, tag=_value(named.tag), digest=_value(named.digest), image=_value(named.image))
            place = place_of(first.file, first.document, block, named.name)
            yield replace(place, around=first.around, alone=first.alone)
        except Hazard as hazard:
            yield hazard.refusal(first.file, pointer(first.value.path))


def _value(written: Written | None) -> Value | None:
    return written.value if written else None


def _is_default(one: Written, named: Named) -> bool:
    """An empty tag beside a digest, or an empty digest beside a tag: the other one decides."""
    return one.value.code == "empty_value" and any(o.value.code == "" for o in named.written if o is not one)


def _refusal(written: Written) -> Refusal:
    value = written.value
    return Refusal(written.file, value.line, pointer(value.path), value.code, f"{value.what}; {FIXES[value.code]}")
