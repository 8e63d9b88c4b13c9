"""Places of what is asked for become edits, and the edits new files."""

from __future__ import annotations

from collections import defaultdict
from difflib import get_close_matches
from typing import TYPE_CHECKING, NamedTuple

from bot.core.assign.outcomes import Aliased, Edits, Outcome, outcomes
from bot.core.assign.requests import Request, SetImage, SetValue
from bot.core.manifests import Edited, Note, edit_groups
from bot.core.manifests.hazards import Hazard
from bot.core.manifests.leaves import pointers
from bot.core.manifests.splice import readable
from bot.core.models import Change, Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bot.core.discovery import Discovery
    from bot.core.manifests.groups import Group
    from bot.core.manifests.nodes import Parsed

_MOST_NAMES = 2_000


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
    reached = {request: list(outcomes(files, found, request)) for request in requests}
    missed = [one for one, some in reached.items() if all(isinstance(outcome, Note) for outcome in some)]
    every = [outcome for some in reached.values() for outcome in some]
    edited = _edited(files, every)
    contents = {file: one.content for file, one in edited.items() if one.changes}
    aliased = [one for one in every if isinstance(one, Aliased)]
    # Each file is read once, however many aliases it has.
    now = {file: _parsed(contents.get(file, files[file])) for file in {one.refusal.file for one in aliased}}
    refused = [
        *(one for one in every if isinstance(one, Refusal)),
        *(one.refusal for one in aliased if not one.is_so(now[one.refusal.file])),
        *(refusal for one in edited.values() for refusal in one.refusals),
    ]
    notes = [*(one for one in every if isinstance(one, Note)), *(note for one in edited.values() for note in one.notes)]
    return Assigned(
        contents,
        tuple(sorted((change for one in edited.values() for change in one.changes), key=_position)),
        tuple(sorted(dict.fromkeys(refused), key=_position)),
        tuple(dict.fromkeys(notes)),
        tuple(Missed(one, _near(files, found, one)) for one in missed),
        len(reached) - len(missed),
    )


def _edited(files: Mapping[str, bytes], every: Iterable[Outcome]) -> dict[str, Edited]:
    groups: dict[str, list[Group]] = defaultdict(list)
    for one in every:
        if isinstance(one, Edits):
            groups[one.file].append(one.group)
    return {file: edit_groups(file, files[file], asked) for file, asked in sorted(groups.items())}


def _parsed(content: bytes) -> Parsed | None:
    try:
        return readable(content)
    except Hazard:
        return None


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
