"""One more item in a list of a file, with the list if it is not there; every other byte stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core.manifests.document import parse
from bot.core.manifests.hazards import Hazard
from bot.core.manifests.locate import addresses, document, trail
from bot.core.manifests.nodes import Mapping, Sequence
from bot.core.manifests.splice import readable

if TYPE_CHECKING:
    from collections.abc import Sequence as Lines

    from bot.core.manifests.nodes import Identity
    from bot.core.models import Path


def add_item(content: bytes, where: Identity | int, path: Path, key: str, lines: Lines[str]) -> bytes:
    """A file with an item, of these lines from its dash on, in front of the list under `key` of the mapping at `path`.

    In front, so that what the file has already decides over it. `Hazard` where that cannot be done safely.
    """
    parsed = readable(content)
    mapping = trail(document(addresses(parsed), where).root, path)[-1]
    if not isinstance(mapping, Mapping) or content[mapping.start : mapping.start + 1] == b"{":
        raise Hazard("not_a_mapping", mapping.line, f"the list {key} cannot be added to what is written in braces")
    listed = mapping.get(key)
    if listed is None:
        at, margin = _line(content, mapping.pairs[-1][0].start)
        added = [f"{key}:", *lines]
    elif isinstance(listed, Sequence) and listed.items and content[listed.start : listed.start + 1] == b"-":
        at, margin = _line(content, listed.start)
        added = list(lines)
    else:
        raise Hazard("not_a_mapping", listed.line, f"an item cannot be added to {key}, whose items are not on lines")
    ending = "\r\n" if b"\r\n" in content else "\n"
    new = content[:at] + "".join(f"{margin}{line}{ending}" for line in added).encode() + content[at:]
    # What is there must still be there; that the item means what it should, its reader sees.
    if len(parse(new).documents) != len(parsed.documents) or len(parse(new).nodes) <= len(parsed.nodes):
        raise Hazard("verification_failed", mapping.line, "the edit did not give what was asked for")
    return new


def _line(content: bytes, offset: int) -> tuple[int, str]:
    """The start of the line, and the blanks before the byte. `Hazard` if there is more before it."""
    start = content.rfind(b"\n", 0, offset) + 1
    margin = content[start:offset]
    if margin.strip(b" "):
        raise Hazard("multi_line", content.count(b"\n", 0, offset) + 1, "what stands before it is on the same line")
    return start, margin.decode()
