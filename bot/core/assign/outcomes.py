"""One request → every place that is meant by it, as the edits to make there or the reason why not."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from bot.core.assign.requests import Request, SetChart, SetImage, SetValue, url
from bot.core.manifests import Edit, Note, set_image
from bot.core.manifests.hazards import Hazard
from bot.core.manifests.locate import document_with, from_pointer, pointer, trail
from bot.core.manifests.nodes import Mapping, Scalar, key_text, repeated, text
from bot.core.manifests.places import variants
from bot.core.manifests.scalars import is_string
from bot.core.manifests.splice import is_empty, readable
from bot.core.manifests.verify import held
from bot.core.models import ImageVersion, Refusal
from bot.core.references import is_tag

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from collections.abc import Mapping as Files

    from bot.core.discovery import ChartName, Discovery, Finding
    from bot.core.manifests import Place
    from bot.core.manifests.groups import Group
    from bot.core.manifests.nodes import Parsed
    from bot.core.references import Reference


class Edits(NamedTuple):
    """Edits of a file that belong together."""

    file: str
    group: Group


class Aliased(NamedTuple):
    """A place that is an alias: refused, unless its anchor gets one of the wanted texts by another place."""

    refusal: Refusal
    wanted: tuple[str, ...]

    def is_so(self, edited: Parsed | None) -> bool:
        """Whether the alias stands for what is wanted, in the edited file; None for one that cannot be read."""
        path = from_pointer(self.refusal.path)
        if edited is None:
            return False
        try:
            node = trail(document_with(edited, path).root, path)[-1]
        except Hazard:
            return False
        found = text(node) or ""
        return any(found == one or found.endswith(f":{one}") for one in self.wanted)


Outcome: TypeAlias = Edits | Refusal | Note | Aliased

_SEMVER = re.compile(r"v?\d+\.\d+\.\d+(?:[-+][0-9A-Za-z.+-]+)?\Z")


def outcomes(files: Files[str, bytes], found: Discovery, request: Request) -> Iterator[Outcome]:
    """A file and edits that belong together, for each place; what must not be edited; what is worth knowing."""
    if isinstance(request, SetValue):
        yield from _value(files, found, request)
        return
    for one in found.skipped:
        if _is_meant(request, one.image, one.chart):
            if one.reason_code == "overridden":
                yield Note(one.file, one.line, one.path, one.reason_code, one.reason)
                continue
            refusal = Refusal(one.file, one.line, one.path, one.reason_code, one.reason)
            yield Aliased(refusal, _texts(request)) if one.reason_code == "alias" else refusal
    yield from _unknown(files, found, request)
    meant = [one for one in found.findings if _is_meant(request, one.image, one.chart)]
    yield from _images(meant, request) if isinstance(request, SetImage) else _charts(meant, request)


def _texts(request: SetImage | SetChart) -> tuple[str, ...]:
    """What a place of it reads in the end."""
    if isinstance(request, SetChart):
        return tuple(filter(None, (request.version, request.digest)))
    return tuple(filter(None, (request.version.tag, request.version.digest, str(request.version))))


def _unknown(files: Files[str, bytes], found: Discovery, request: SetImage | SetChart) -> Iterator[Refusal | Note]:
    """Files that could not be read, though they mention what is asked for, or may do so."""
    name = request.repository.path.rpartition("/")[2] if isinstance(request, SetImage) else request.name
    told = {one.file for one in found.findings if _is_meant(request, one.image, one.chart)}
    told |= {one.file for one in found.skipped if _is_meant(request, one.image, one.chart)}
    for file in sorted(files.keys() - told):
        if name.encode() in files[file] and (doubt := _doubt(files[file])):
            yield doubt.refusal(file)
    for one in found.skipped:
        content = files.get(one.file)
        if one.path or (content is not None and (name.encode() not in content or _is_readable(content))):
            continue
        if content is not None:
            yield Refusal(one.file, one.line, "", one.reason_code, one.reason)
        elif one.reason_code in ("too_large", "unreadable"):
            yield Note(one.file, one.line, "", one.reason_code, one.reason)


def _doubt(content: bytes) -> Hazard | None:
    """Why a file that mentions something, and in which it was not found, is not trusted to be without it."""
    try:
        nodes = readable(content).nodes
    except Hazard:
        return None
    for node in nodes:
        twice = repeated(node) if isinstance(node, Mapping) else None
        if twice is not None:
            return Hazard("duplicate_key", twice.line, f"the key {key_text(twice)} is there twice")
    return None


def _is_readable(content: bytes) -> bool:
    try:
        readable(content)
    except Hazard:
        return False
    return True


def _is_meant(request: SetImage | SetChart, image: Reference | None, chart: ChartName | None) -> bool:
    if isinstance(request, SetImage):
        return image == request.repository
    return (
        chart is not None
        and chart.name == request.name
        and (not request.repository or url(chart.repository or "") == request.repository)
    )


def _images(meant: Iterable[Finding], request: SetImage) -> Iterator[Outcome]:
    meant = tuple(meant)
    yield from (_range(one, request.version.tag) for one in meant if one.what == "semver")
    places = dict.fromkeys(one.place for one in meant if one.place)
    tags: dict[tuple[str, object], set[str]] = defaultdict(set)
    for place in places:
        tags[place.file, place.document].add(place.version.tag)
    for place in places:
        if place.version == ImageVersion(""):
            continue  # the name alone is written there
        several = variants(tags[place.file, place.document])
        if several and request.version.tag not in several:
            what = f"the object has this image by several tags ({', '.join(several)})"
            yield Hazard("several_tags", place.line, what).refusal(place.file, pointer(place.path))
            continue
        yield from _place(place, request.version)
        if request.version.digest and place.form == "tag" and not place.digest and not place.version.digest:
            reason = "the field holds a tag and no digest; add a digest beside it to pin the image"
            yield Note(place.file, place.line, pointer(place.path), "not_pinned", reason)


def _range(one: Finding, tag: str) -> Outcome:
    """The one version instead of a range: https://fluxcd.io/flux/components/source/ocirepositories/#semver-example"""
    if _SEMVER.match(tag):
        return Edits(one.file, (Edit(one.path, tag, one.document),))
    problem = Hazard("bad_version", one.line, f"a range of semantic versions is written here, and {tag} is none")
    return problem.refusal(one.file, pointer(one.path))


def _place(place: Place, version: ImageVersion) -> Iterator[Outcome]:
    wanted = set_image([place], version, pin=version.digest is not None)
    yield from wanted.refusals
    yield from (Edits(file, tuple(edits)) for file, edits in wanted.edits.items())


def _charts(meant: Iterable[Finding], request: SetChart) -> Iterator[Outcome]:
    meant = tuple(meant)
    for one in meant:
        if one.place is None and request.version:
            yield Edits(one.file, (Edit(one.path, request.version, one.document),))
        elif one.place is None:
            problem = Hazard("bad_version", one.line, "a version is written here, and only a digest is given")
            yield problem.refusal(one.file, pointer(one.path))
    for place in dict.fromkeys(one.place for one in meant if one.place):
        # A registry has charts under tags, in which `+` cannot be: https://helm.sh/docs/topics/registries/
        tag = request.version.replace("+", "_")
        if is_tag(tag) or not tag:
            yield from _place(place, ImageVersion(tag, request.digest))
        else:
            problem = Hazard("bad_version", place.line, f"the chart's version is a tag here, and {tag} is none")
            yield problem.refusal(place.file, pointer(place.path))


def _value(files: Files[str, bytes], found: Discovery, request: SetValue) -> Iterator[Outcome]:
    if request.file not in files:
        unread = [one for one in found.skipped if one.file == request.file]
        yield from (Refusal(one.file, one.line, request.pointer, one.reason_code, one.reason) for one in unread)
        return
    path = from_pointer(request.pointer)
    try:
        document = document_with(readable(files[request.file]), path)
        node = trail(document.root, path)[-1]
    except Hazard as hazard:
        if hazard.code != "path_missing":
            yield hazard.refusal(request.file, request.pointer)
        return
    yield Edits(request.file, (Edit(path, request.new, document.number),))
    if isinstance(node, Scalar) and not (is_empty(node) or held(node) or is_string(request.new)):
        reason = "the value was a number or the like, and is now a text in quotes"
        yield Note(request.file, node.line, request.pointer, "now_text", reason)
