"""One object of one file: each of its values becomes a finding, or is skipped with its reason."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from bot.core.discovery.facts import Block, Trouble
from bot.core.discovery.models import ChartName, Finding, Skipped
from bot.core.discovery.naming import name_of, place_of
from bot.core.discovery.objects import REFERENCE
from bot.core.discovery.reasons import FIXES
from bot.core.discovery.states import Named
from bot.core.errors import BotError
from bot.core.manifests.hazards import Hazard
from bot.core.manifests.locate import pointer
from bot.core.manifests.nodes import Identity
from bot.core.manifests.places import split_image
from bot.core.references import parse_repository

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bot.core.discovery.facts import ChartUse, Object, Source, Value
    from bot.core.discovery.graph import Graph
    from bot.core.discovery.models import What
    from bot.core.discovery.sources import Sources
    from bot.core.discovery.states import State
    from bot.core.discovery.whereabouts import Applications, Environments
    from bot.core.manifests import Place
    from bot.core.models import Path
    from bot.core.references import Reference


class Known(NamedTuple):
    """What all files say together; `replaced` are the images that some kustomization gives a version.

    `anchors` are the scalars of the file that aliases carry into images, by line and column, with those images' names.
    """

    graph: Graph
    sources: Sources
    environments: Environments
    applications: Applications
    replaced: frozenset[str]
    anchors: Mapping[tuple[int, int], frozenset[str]]


class _Meaning(NamedTuple):
    """What a scalar is a version of."""

    what: What
    image: Reference | None = None
    chart: ChartName | None = None
    place: Place | None = None


class Held:
    """One object of one file, with what it is a patch of."""

    def __init__(self, known: Known, file: str, one: Object) -> None:
        self.known, self.file, self.object = known, file, one
        self.bases = known.graph.bases.get((file, id(one)), [])
        self.rendered = known.graph.rendered.get((file, id(one)), [])

    def overridden(self, told: Finding | Skipped, value: Value, who: str) -> Skipped:
        """A value in whose place something else decides."""
        skip = refused(self.file, value._replace(code="overridden", what=f"{who} decides in its place"))
        return skip._replace(image=told.image, chart=told.chart)

    def knowing(self, known: Known) -> Held:
        """The same, with more known."""
        self.known = known
        return self

    def aliased(self) -> Iterator[tuple[tuple[int, int], str]]:
        """The scalars that an alias makes the version of an image of this object, each with the image's name."""
        for block in self.object.blocks:
            for value in block.values:
                if value.anchor and (image := self._image_of(block)):
                    yield value.anchor, str(image)

    def all(self) -> Iterator[Finding | Skipped]:
        """What can be bumped in the object, and what must not be."""
        if self.object.semver:
            yield from self._semver(self.object.semver)
        for block in self.object.blocks:
            yield from self._image(block)
        for use in self.object.charts:
            yield from self._chart(use)

    def _image(self, block: Block) -> Iterator[Finding | Skipped]:
        if not block.sure and not any(base.images.get(block.at, Named()).repository for base in self.bases):
            return
        written = [value for value in block.values if not _is_default(value, block)]
        if refused := [value for value in written if value.code]:
            yield from self._refused(block, written, refused[0].code, refused[0].what)
        elif not written and self._is_latest(block):
            trouble = Trouble(self.object.line, (), "untagged", f"{self.object.name} takes whatever is `latest`")
            yield skipped(self.file, trouble)
        elif written:
            try:
                yield from self._found(block, written)
            except Hazard as hazard:
                # An image that kustomize sets has its version there.
                if not (hazard.code == "untagged" and split_image(written[0].text)[0] in self.known.replaced):
                    yield from self._refused(block, written, hazard.code, hazard.what)

    def _refused(self, block: Block, written: list[Value], code: str, what: str) -> Iterator[Skipped]:
        """All values of a place, since they change together; each with its own reason, if it has one."""
        image = self._image_of(block)
        for value in written:
            reason = value if value.code else value._replace(code=code, what=what)
            yield refused(self.file, reason)._replace(image=image)

    def _image_of(self, block: Block) -> Reference | None:
        """The image of a block that cannot be edited, where that is known."""
        try:
            written = split_image(block.image.text)[0] if block.image else ""
            return parse_repository(written or name_of(block, self.bases, self.known.sources))
        except (Hazard, BotError):
            return None

    def _is_latest(self, block: Block) -> bool:
        """Whether an OCIRepository names no version, and no patch of it does."""
        one = self.object
        known = one.semver or (self.file, id(one)) in self.known.graph.patched
        return one.kind == "OCIRepository" and bool(block.repository) and not block.values and not known

    def _found(self, block: Block, written: list[Value]) -> Iterator[Finding]:
        name = name_of(block, self.bases, self.known.sources)
        place = replace(place_of(self.file, self.object.document, block, name), around=block.around)
        image = str(parse_repository(name))
        for value in written:
            others = self.known.anchors.get((value.line, value.column), frozenset()) - {image}
            if others:
                what = f"an alias makes it the version of {', '.join(sorted(others))} too"
                raise Hazard("anchor_shared", value.line, what)
        for value in written:
            yield self._finding(value, self._meaning(_what(block, value), name, place))

    def _semver(self, value: Value) -> Iterator[Finding | Skipped]:
        """The range of an OCIRepository, which names what its tag would."""
        try:
            if value.code:
                raise Hazard(value.code, value.line, value.what)
            urls = [block.repository for block in self.object.blocks if block.at == REFERENCE]
            name = name_of(Block(REFERENCE, "tag", "".join(urls), tag=value), self.bases, self.known.sources)
        except Hazard as hazard:
            yield refused(self.file, value._replace(code=hazard.code, what=hazard.what))
        else:
            yield self._finding(value, self._meaning("semver", name))

    def _meaning(self, what: What, name: str, place: Place | None = None) -> _Meaning:
        """An image; or a chart, if it is what a HelmRelease takes its chart from."""
        objects = (self.object, *(base.object for base in self.bases))
        if any(self.known.sources.is_chart(one.kind, one.name) for one in objects):
            folder, _, last = name.rpartition("/")
            return _Meaning(what, None, ChartName(last, f"oci://{folder}"), place)
        return _Meaning(what, parse_repository(name), None, place)

    def _chart(self, use: ChartUse) -> Iterator[Finding | Skipped]:
        problem = self._chart_problem(use)
        if problem or use.version is None:
            yield from problem
            return
        known = self._charts(use)
        if len(known) != 1:
            code, what = ("ambiguous_base", "it is a patch of several charts") if known else _NO_BASE
            yield refused(self.file, use.version._replace(code=code, what=what))
        else:
            yield self._finding(use.version, _Meaning("chart-version", chart=next(iter(known))))

    def _chart_problem(self, use: ChartUse) -> list[Skipped]:
        if use.version is not None and use.version.code:
            known = self._charts(use)
            chart = next(iter(known)) if len(known) == 1 else None
            return [refused(self.file, use.version)._replace(chart=chart)]
        sources = [source for source in (use.source, *(base.source for base in self.bases)) if source]
        if sources and all(source.kind in ("GitRepository", "Bucket") for source in sources):
            what = f"the chart {use.name or self._name() or ''} is a folder of the {sources[0].kind} {sources[0].name}"
            return [skipped(self.file, Trouble(self._line(use), self._path(use), "chart_from_source", what))]
        if use.version is None and use.name and not any(state.version for state in self.rendered):
            what = f"no version of the chart {use.name} is written"
            return [skipped(self.file, Trouble(self._line(use), (), "chart_unversioned", what))]
        return []

    def _line(self, use: ChartUse) -> int:
        return use.version.line if use.version else self.object.line

    def _path(self, use: ChartUse) -> Path:
        return use.version.path if use.version else ()

    def _charts(self, use: ChartUse) -> set[ChartName]:
        """The charts that it may be: one, or as many as the patch has bases of different charts."""
        if use.name and (use.source or use.repository):
            return {self._chart_name(use.name, use.source, use.repository, [])}
        return {
            self._chart_name(name, use.source or base.source, use.repository or base.repository, [base])
            for base in self.bases
            if (name := use.name or base.chart)
        } or ({ChartName(use.name, None)} if use.name else set())

    def _chart_name(self, name: str, source: Source | None, repository: str, bases: list[State]) -> ChartName:
        if repository or source is None:
            return ChartName(name, repository or None)
        spaces = {self.object.namespace, *(space for state in (*self.rendered, *bases) for space, _ in state.names)}
        return ChartName(name, self.known.sources.url(source, spaces, self.file))

    def _name(self) -> str | None:
        """What the application is called, if the configuration does not say."""
        if "Kustomization" in (self.object.kind, *(base.object.kind for base in self.bases)):
            return None
        named = {base.object.name for base in self.bases if base.object.name}
        return next(iter(named)) if len(named) == 1 else self.object.name or None

    def _finding(self, value: Value, meaning: _Meaning) -> Finding:
        return Finding(
            self.file,
            value.line,
            value.column,
            self.object.document,
            self._identity(),
            value.path,
            meaning.what,
            value.text,
            meaning.image,
            meaning.chart,
            self.known.environments.of(self.file),
            self.known.applications.of(self.file) or self._name(),
            "marker" if value.marker else "convention",
            meaning.place,
        )

    def _identity(self) -> Identity | None:
        one = self.object
        return Identity(one.api_version, one.kind, one.namespace, one.name) if one.kind else None


_NO_BASE = ("base_unknown", "no kustomization says what this is a patch of")


def _is_default(value: Value, block: Block) -> bool:
    """An empty tag beside a digest, or an empty digest beside a tag: the other one decides."""
    others = [other for other in block.values if other is not value and other is not block.name]
    return value.code == "empty_value" and any(other.code == "" for other in others)


def _what(block: Block, value: Value) -> What:
    if value is block.image:
        return "image"
    if value is block.name:
        return "name"
    return "tag" if value is block.tag else "digest"


def refused(file: str, value: Value) -> Skipped:
    """A scalar that must not be edited."""
    reason = f"{value.what}; {FIXES[value.code]}"
    return Skipped(file, value.line, pointer(value.path), value.text or None, value.code, reason)


def skipped(file: str, trouble: Trouble) -> Skipped:
    """Something in a file that must not be edited, or could not be read."""
    reason = f"{trouble.what}; {FIXES[trouble.code]}"
    return Skipped(file, trouble.line, pointer(trouble.path), None, trouble.code, reason)
