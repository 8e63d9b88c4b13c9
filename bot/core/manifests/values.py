"""A synced values file is its source, byte by byte, under a line that says so, with this environment's images."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bot.core.errors import BotError
from bot.core.manifests.hazards import Hazard
from bot.core.manifests.inserting import insert
from bot.core.manifests.leaves import differences
from bot.core.manifests.own_places import Wish, own_places
from bot.core.manifests.splice import Edited, edit, readable
from bot.core.models import Change

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bot.core.models import Path

_BOM = b"\xef\xbb\xbf"
_HEADER = re.compile(rb"# Synced by gitops-bot from [^\r\n]* at ([0-9a-f]{40}); edit it there\.(?:\r\n|\n|\r|$)")
_SHA = re.compile(r"[0-9a-f]{40}")
_CREDENTIALS = re.compile(r"//[^/\s]*@")


def sync_values(
    file: str,
    source: bytes,
    current: bytes | None,
    images: Sequence[Wish],
    origin: str,
    commit: str,
    folder: str = "",
) -> Edited:
    """The new bytes of the values file `file` (its path here), made from the source's.

    `current` are its bytes now, None if there is no such file; `origin` names the source's repository and file
    (a URL's credentials are removed), `commit` is the source's full SHA; `folder` is the application's, to which the
    files of explicit keys are relative. Where an image is named and versioned in `current` it stays so named, whatever
    the source has there, and gets the version of `images`. Changes are the commit's, and every value that differs from
    `current`. With a refusal, the content is the current one.
    """
    body = _with_header(source, origin, commit)
    try:
        readable(body)
    except Hazard as hazard:
        return Edited(current or b"", (), (hazard.refusal(file),))
    wanted = [own_places(file, body, current, wish, folder) for wish in images]
    refusals = [one for each in wanted for one in each.refusals]
    if refusals:
        return Edited(current or b"", (), tuple(dict.fromkeys(refusals)))
    try:
        whole = _with_keys(body, [one for each in wanted for one in each.missing])
    except Hazard as hazard:
        return Edited(current or b"", (), (hazard.refusal(file),))
    result = edit(file, whole, list(dict.fromkeys(one for each in wanted for one in each.edits)))
    if result.refusals:
        return Edited(current or b"", (), result.refusals)
    return Edited(result.content, tuple(_changes(file, current, result.content, commit)), (), result.notes)


def synced_commit(content: bytes) -> str | None:
    """The full SHA of the source's commit that a synced file names in its first line; None if it names none."""
    found = _HEADER.match(content.removeprefix(_BOM))
    return found[1].decode() if found else None


def _with_header(source: bytes, origin: str, commit: str) -> bytes:
    if not _SHA.fullmatch(commit) or not origin.isprintable():
        raise BotError(
            f"a values file cannot be synced from {origin!r} at {commit!r}", fix="name a source and a full commit SHA"
        )
    bom = _BOM if source.startswith(_BOM) else b""
    body = _HEADER.sub(b"", source.removeprefix(_BOM), count=1) if synced_commit(source) else source.removeprefix(_BOM)
    first = source.find(b"\n")
    ending = b"\r\n" if first > 0 and source[first - 1 : first] == b"\r" else b"\n"
    shown = _CREDENTIALS.sub("//", origin)
    return bom + f"# Synced by gitops-bot from {shown} at {commit}; edit it there.".encode() + ending + body


def _with_keys(body: bytes, missing: Iterable[tuple[Path, str]]) -> bytes:
    """The source with the keys that only the environment's file has; their values are for the edits to set."""
    for path, text in dict.fromkeys(missing):
        body = insert(body, path[:-1], str(path[-1]), text)
    return body


def _changes(file: str, current: bytes | None, new: bytes, commit: str) -> Iterable[Change]:
    old = synced_commit(current) or "" if current else ""
    if old != commit:
        yield Change(file, 1, "", old, commit)
    yield from differences(file, current or b"", new)
