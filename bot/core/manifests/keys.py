"""Explicit keys of the configuration become places, as the conventions' findings do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core.manifests.conventions import Candidate
from bot.core.manifests.hazards import Hazard
from bot.core.manifests.locate import document_with, from_pointer, scalar, trail
from bot.core.manifests.nodes import Document, text
from bot.core.manifests.splice import readable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from bot.core.config import Key
    from bot.core.models import Refusal


def file_of(key: Key, folder: str) -> str:
    """The key's file as a path of the GitOps repository; `folder` is the application's."""
    return f"{folder}/{key.file}" if folder not in ("", ".") else key.file


def from_keys(
    files: Mapping[str, bytes], keys: Iterable[Key], folder: str
) -> list[tuple[str, Document, Candidate] | Refusal]:
    """Each key's file, document and candidate (its name is empty for tag and digest), or why it leads nowhere."""
    found: list[tuple[str, Document, Candidate] | Refusal] = []
    for key in keys:
        file = file_of(key, folder)
        try:
            if file not in files:
                raise Hazard("file_missing", 1, f"the file {file} is not there")
            found += [(file, *one) for one in _candidates(files[file], key)]
        except Hazard as hazard:
            found.append(hazard.refusal(file, key.tag or key.digest or key.image or ""))
    return found


def _candidates(content: bytes, key: Key) -> Iterator[tuple[Document, Candidate]]:
    parsed = readable(content)
    tag, digest, image = (from_pointer(one) if one else None for one in (key.tag, key.digest, key.image))
    if image:
        document = document_with(parsed, image)
        yield document, Candidate("image", text(scalar(trail(document.root, image))) or "", image=image)
    if tag or digest:
        document = document_with(parsed, tag or digest or ())
        yield document, Candidate("fields", tag=tag, digest=digest)
