"""The `index.yaml` of a Helm repository: one chart's versions out of megabytes, event by event.

Nothing but what is wanted is kept, and aliases are never followed, so that no index can take more memory than its
longest text. Format: https://helm.sh/docs/topics/chart_repository/#the-index-file
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, BinaryIO

import yaml

from bot.core.errors import NotFound, Unavailable
from bot.core.models import ChartListing, ChartVersion
from bot.registries.images import moment

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOADER: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_FIELDS = ("version", "created", "digest", "appVersion")
_DEPTH = 100
_MOST_IGNORED = 20
_DEEPER: dict[type[yaml.Event], int] = {
    yaml.MappingStartEvent: 1,
    yaml.SequenceStartEvent: 1,
    yaml.MappingEndEvent: -1,
    yaml.SequenceEndEvent: -1,
}
_SHA256 = re.compile(r"(?:sha256:)?([0-9a-f]{64})")


def read_index(stream: BinaryIO, chart: str, origin: str, *, whole: bool = True) -> ChartListing:
    """The versions of `chart` in the index that `stream` holds; `origin` names it in messages.

    Not `whole`: its length is not known, so that it must end with the time of its making, as Helm writes it.
    `NotFound` if it has no such chart, `Unavailable` if it is no index, is cut short, or readers disagree on it.
    """
    try:
        found, ended = _document(_Walk(stream), chart)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark else ""
        raise _damaged(origin, f"it is not YAML{where}") from error
    except _NoIndex as problem:
        raise _damaged(origin, str(problem)) from None
    if not whole and not ended:
        raise _damaged(origin, "it may have been cut short: it does not end with `generated`")
    if found is None:
        raise NotFound(f"{origin} has no chart {chart!r}", fix="correct `name` or `repository` in gitops.yaml")
    return found


class _NoIndex(Exception):
    """What the document is, instead of an index."""


class _Walk:
    """The events of one document, with the way to step over what is not wanted."""

    def __init__(self, stream: BinaryIO) -> None:
        self.next = _LOADER(stream).get_event

    def skip(self, event: yaml.Event) -> None:
        """Step over the rest of the node that `event` begins."""
        depth, get, deeper = _DEEPER.get(type(event), 0), self.next, _DEEPER.get
        while depth:
            if depth > _DEPTH:
                raise _NoIndex(f"it is nested more than {_DEPTH} levels deep")
            depth += deeper(type(get()), 0)

    def pairs(self) -> Iterator[tuple[str, yaml.Event]]:
        """Key and first event of the value, for each pair of the mapping that just began; values are to be consumed."""
        while not isinstance(event := self.next(), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise _NoIndex(f"a key is not a text (line {_line(event)})")
            yield event.value, self.next()


def _document(walk: _Walk, chart: str) -> tuple[ChartListing | None, bool]:
    """The chart's versions, None if it has no such chart; and whether `generated` came behind them."""
    walk.next(), walk.next()
    if not isinstance(walk.next(), yaml.MappingStartEvent):
        raise _NoIndex("it is not a mapping")
    found: ChartListing | None = None
    entries = ended = False
    for key, value in walk.pairs():
        if key != "entries":
            ended = entries and key == "generated"
            walk.skip(value)
        elif entries:
            raise _NoIndex("it has the key `entries` twice")
        elif isinstance(value, yaml.MappingStartEvent):
            entries, found = True, _entries(walk, chart)
        else:
            entries = _is_null(value)
            walk.skip(value)
    if not entries:
        raise _NoIndex("it has no `entries`")
    if not isinstance(walk.next(), yaml.DocumentEndEvent) or not isinstance(walk.next(), yaml.StreamEndEvent):
        raise _NoIndex("it has more than one document")
    return found, ended


def _entries(walk: _Walk, chart: str) -> ChartListing | None:
    found: ChartListing | None = None
    for key, value in walk.pairs():
        if key != chart:
            walk.skip(value)
        elif found is not None:
            raise _NoIndex(f"it has the chart {chart!r} twice")
        elif isinstance(value, yaml.SequenceStartEvent):
            found = _versions(walk)
        elif _is_null(value):
            found = ChartListing(())
        else:
            raise _NoIndex(f"the versions of {chart!r} are not a list (line {_line(value)})")
    return found


def _versions(walk: _Walk) -> ChartListing:
    found: dict[str, ChartVersion] = {}
    ignored: list[str] = []
    while not isinstance(event := walk.next(), yaml.SequenceEndEvent):
        one = _version(walk, event)
        if isinstance(one, ChartVersion) and one.version in found:
            one = f"line {_line(event)}: the version {one.version!r:.60} is there twice"
        if isinstance(one, ChartVersion):
            found[one.version] = one
        else:
            ignored.append(one)
    more = [f"and {len(ignored) - _MOST_IGNORED} more"] if len(ignored) > _MOST_IGNORED else []
    return ChartListing(tuple(found.values()), (*ignored[:_MOST_IGNORED], *more))


def _version(walk: _Walk, event: yaml.Event) -> ChartVersion | str:
    """One entry, or why it is none."""
    line = _line(event)
    if not isinstance(event, yaml.MappingStartEvent):
        walk.skip(event)
        return f"line {line}: the entry is not a mapping"
    fields: dict[str, str | None] = {}
    twice = False
    for key, value in walk.pairs():
        if key in _FIELDS:
            twice = twice or key in fields
            fields[key] = value.value if isinstance(value, yaml.ScalarEvent) else None
        walk.skip(value)
    version = fields.get("version")
    if twice or not version or len(version) > 256 or not version.isprintable():
        return f"line {line}: the entry has {'a key twice' if twice else 'no version that is a text'}"
    digest = _SHA256.fullmatch(fields.get("digest") or "")
    return ChartVersion(version, moment(fields.get("created")), digest[1] if digest else None, fields.get("appVersion"))


def _is_null(event: yaml.Event) -> bool:
    return isinstance(event, yaml.ScalarEvent) and event.implicit[0] and event.value in ("", "~", "null")


def _line(event: yaml.Event) -> int:
    mark = event.start_mark
    return mark.line + 1 if mark else 0


def _damaged(origin: str, why: str) -> Unavailable:
    return Unavailable(f"the index {origin} cannot be used: {why}", fix="try again; if it stays, repair the repository")
