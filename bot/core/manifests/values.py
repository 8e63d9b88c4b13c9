"""A synced values file is its source, byte by byte, under a line that says so, with this environment's images."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from bot.core.errors import BotError
from bot.core.manifests.hazards import Hazard
from bot.core.manifests.images import Found, find_in_values
from bot.core.manifests.leaves import differences
from bot.core.manifests.locate import pointer
from bot.core.manifests.setting import set_image
from bot.core.manifests.splice import Edit, Edited, edit, readable
from bot.core.models import Change

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bot.core.config import Image
    from bot.core.models import ImageVersion, Refusal
    from bot.core.references import Reference

_BOM = b"\xef\xbb\xbf"
_HEADER = re.compile(rb"# Synced by gitops-bot from [^\r\n]* at ([0-9a-f]{40}); edit it there\.(?:\r\n|\n|\r|$)")
_SHA = re.compile(r"[0-9a-f]{40}")
_CREDENTIALS = re.compile(r"//[^/\s]*@")


class Wish(NamedTuple):
    """The version that an image of the synced file shall have."""

    image: Image
    repository: Reference
    version: ImageVersion


class _Search(NamedTuple):
    wish: Wish
    before: Found
    after: Found


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
    (a URL's credentials are removed), `commit` is the source's full SHA; `folder` as in `find_image`. Changes are
    the commit's, and every value that differs from `current`. With a refusal, the content is the current one.
    """
    body = _with_header(source, origin, commit)
    try:
        readable(body)
    except Hazard as hazard:
        return Edited(current or b"", (), (hazard.refusal(file),))
    searches = [
        _Search(
            wish,
            find_in_values(file, current, wish.image, wish.repository, folder) if current else Found((), ()),
            find_in_values(file, body, wish.image, wish.repository, folder),
        )
        for wish in images
    ]
    edits, refusals = _edits(file, searches)
    result = edit(file, body, edits) if not refusals else Edited(body, (), tuple(refusals))
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


def _edits(file: str, searches: Iterable[_Search]) -> tuple[list[Edit], list[Refusal]]:
    edits: list[Edit] = []
    refusals: list[Refusal] = []
    for wish, before, after in searches:
        # Different versions in the source do not matter: all are set.
        refusals += [one for one in after.refusals if one.reason_code != "ambiguous_version"]
        if before.places and not after.places:
            what = f"the source of {file} has no place for the image {wish.repository}"
            first = before.places[0]
            refusals.append(Hazard("image_field_missing", first.line, what).refusal(file, pointer(first.path)))
        wanted = set_image(after.places, wish.version, pin=wish.image.pin)
        refusals += wanted.refusals
        edits += wanted.edits.get(file, ())
    return edits, refusals


def _changes(file: str, current: bytes | None, new: bytes, commit: str) -> Iterable[Change]:
    old = synced_commit(current) or "" if current else ""
    if old != commit:
        yield Change(file, 1, "", old, commit)
    yield from differences(file, current or b"", new)
