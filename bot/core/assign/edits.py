"""Places of what is asked for become edits, and the edits new files."""

from __future__ import annotations

import re
from collections import defaultdict
from difflib import get_close_matches
from typing import TYPE_CHECKING, NamedTuple

from bot.core.assign.requests import Request, SetChart, SetImage, SetValue, url
from bot.core.manifests import Edit, Note, edit_groups, set_image
from bot.core.manifests.hazards import Hazard
from bot.core.manifests.leaves import pointers
from bot.core.manifests.locate import document_with, from_pointer, pointer, trail
from bot.core.manifests.nodes import Scalar
from bot.core.manifests.scalars import is_string
from bot.core.manifests.splice import is_empty, readable
from bot.core.manifests.verify import held
from bot.core.models import Change, ImageVersion, Refusal
from bot.core.references import is_tag

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from bot.core.discovery import ChartName, Discovery, Finding
    from bot.core.manifests import Place
    from bot.core.manifests.groups import Group
    from bot.core.references import Reference

_MOST_NAMES = 2_000
_SEMVER = re.compile(r"v?\d+\.\d+\.\d+(?:[-+][0-9A-Za-z.+-]+)?\Z")


class Missed(NamedTuple):
    """What was asked for and is nowhere, and names that come near."""

    request: Request
    near: tuple[str, ...]

    def __str__(self) -> str:
        near = f"; near it are {', '.join(self.near)}" if self.near else ""
        return f"{self.request} is nowhere there{near}"


class Assigned(NamedTuple):
    """New content of the files that change; what changes, what must not, what is worth knowing, and what is nowhere.

    `found` is how many of the requests were found anywhere.
    """

    contents: Mapping[str, bytes]
    changes: tuple[Change, ...]
    refused: tuple[Refusal, ...]
    notes: tuple[Note, ...]
    missed: tuple[Missed, ...]
    found: int


def assign(files: Mapping[str, bytes], found: Discovery, requests: Sequence[Request]) -> Assigned:
    """Files by path, what was discovered in them, and what is asked for → the edited files; nothing is written."""
    groups: dict[str, list[Group]] = defaultdict(list)
    refused: list[Refusal] = []
    notes: list[Note] = []
    missed: list[Missed] = []
    for request in requests:
        outcomes = list(_outcomes(files, found, request))
        if not outcomes:
            missed.append(Missed(request, _near(files, found, request)))
        for one in outcomes:
            if isinstance(one, Refusal):
                refused.append(one)
            elif isinstance(one, Note):
                notes.append(one)
            else:
                groups[one[0]].append(one[1])
    edited = {file: edit_groups(file, files[file], asked) for file, asked in sorted(groups.items())}
    changes = [change for one in edited.values() for change in one.changes]
    refused += [refusal for one in edited.values() for refusal in one.refusals]
    notes += [note for one in edited.values() for note in one.notes]
    return Assigned(
        {file: one.content for file, one in edited.items() if one.changes},
        tuple(sorted(changes, key=_position)),
        tuple(sorted(dict.fromkeys(refused), key=_position)),
        tuple(dict.fromkeys(notes)),
        tuple(missed),
        len(requests) - len(missed),
    )


def _outcomes(
    files: Mapping[str, bytes], found: Discovery, request: Request
) -> Iterator[tuple[str, Group] | Refusal | Note]:
    if isinstance(request, SetValue):
        yield from _value(files, found, request)
        return
    yield from (
        Refusal(one.file, one.line, one.path, one.reason_code, one.reason)
        for one in found.skipped
        if _is_meant(request, one.image, one.chart)
    )
    meant = [one for one in found.findings if _is_meant(request, one.image, one.chart)]
    yield from _images(meant, request) if isinstance(request, SetImage) else _charts(meant, request)


def _is_meant(request: SetImage | SetChart, image: Reference | None, chart: ChartName | None) -> bool:
    if isinstance(request, SetImage):
        return image == request.repository
    return (
        chart is not None
        and chart.name == request.name
        and (not request.repository or url(chart.repository or "") == request.repository)
    )


def _images(meant: Iterable[Finding], request: SetImage) -> Iterator[tuple[str, Group] | Refusal | Note]:
    yield from (_range(one, request.version.tag) for one in meant if one.what == "semver")
    for place in dict.fromkeys(one.place for one in meant if one.place):
        if place.version == ImageVersion(""):
            continue  # the name alone is written there
        yield from _place(place, request.version)
        if request.version.digest and place.form == "tag" and not place.digest and not place.version.digest:
            reason = "the field holds a tag and no digest; add a digest beside it to pin the image"
            yield Note(place.file, place.line, pointer(place.path), "not_pinned", reason)


def _range(one: Finding, tag: str) -> tuple[str, Group] | Refusal:
    """The one version instead of a range: https://fluxcd.io/flux/components/source/ocirepositories/#semver-example"""
    if _SEMVER.match(tag):
        return one.file, (Edit(one.path, tag, one.document),)
    problem = Hazard("bad_version", one.line, f"a range of semantic versions is written here, and {tag} is none")
    return problem.refusal(one.file, pointer(one.path))


def _place(place: Place, version: ImageVersion) -> Iterator[tuple[str, Group] | Refusal]:
    wanted = set_image([place], version, pin=version.digest is not None)
    yield from wanted.refusals
    yield from ((file, tuple(edits)) for file, edits in wanted.edits.items())


def _charts(meant: Iterable[Finding], request: SetChart) -> Iterator[tuple[str, Group] | Refusal]:
    places = dict.fromkeys(one.place for one in meant if one.place)
    yield from ((one.file, (Edit(one.path, request.version, one.document),)) for one in meant if one.place is None)
    for place in places:
        # A registry has charts under tags, in which `+` cannot be: https://helm.sh/docs/topics/registries/
        tag = request.version.replace("+", "_")
        if is_tag(tag):
            yield from _place(place, ImageVersion(tag))
        else:
            problem = Hazard("bad_version", place.line, f"the chart's version is a tag here, and {tag} is none")
            yield problem.refusal(place.file, pointer(place.path))


def _value(
    files: Mapping[str, bytes], found: Discovery, request: SetValue
) -> Iterator[tuple[str, Group] | Refusal | Note]:
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
    yield request.file, (Edit(path, request.new, document.number),)
    if isinstance(node, Scalar) and not (is_empty(node) or held(node) or is_string(request.new)):
        reason = "the value was a number or the like, and is now a text in quotes"
        yield Note(request.file, node.line, request.pointer, "now_text", reason)


def _near(files: Mapping[str, bytes], found: Discovery, request: Request) -> tuple[str, ...]:
    if isinstance(request, SetValue):
        known = pointers(files.get(request.file, b""))
        return tuple(get_close_matches(request.pointer, known[:_MOST_NAMES], n=3))
    if isinstance(request, SetImage):
        names = sorted({str(one.image) for one in found.findings if one.image})
        asked = str(request.repository)
    else:
        names = sorted({one.chart.name for one in found.findings if one.chart})
        asked = request.name
    last = asked.rpartition("/")[2]
    same = [name for name in names if name.rpartition("/")[2] == last]
    return tuple(dict.fromkeys([*same, *get_close_matches(asked, names[:_MOST_NAMES], n=3)]))[:3]


def _position(one: Change | Refusal) -> tuple[str, int, str]:
    return one.file, one.line, one.path
