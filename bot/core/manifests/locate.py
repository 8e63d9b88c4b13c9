"""A path leads to exactly one scalar that is physically there, or to the reason why not."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from bot.core.manifests.hazards import Hazard
from bot.core.manifests.nodes import Alias, Document, Identity, Mapping, Node, Parsed, Scalar, Sequence, text
from bot.core.manifests.texts import root as root_of

if TYPE_CHECKING:
    from bot.core.models import Path

# As RFC 6901 writes an index: `01` may only be a name.
_INDEX = re.compile(r"0|[1-9][0-9]*")


def pointer(path: Path) -> str:
    """A path as JSON Pointer (RFC 6901)."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def from_pointer(text: str) -> Path:
    """A JSON Pointer as path; numbers stay text, since only the document knows what is a list."""
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:])


def addresses(parsed: Parsed) -> dict[Identity | int, list[Document]]:
    """The documents of a file by number and by identity, for who looks for many."""
    found: dict[Identity | int, list[Document]] = defaultdict(list)
    for one in parsed.documents:
        found[one.number].append(one)
        if one.identity is not None:
            found[one.identity].append(one)
    return found


def document(known: dict[Identity | int, list[Document]], wanted: Identity | int) -> Document:
    """Of `addresses`, the document with that number or identity. `Hazard` if there is none, or more than one."""
    found = known.get(wanted, [])
    name = f"{wanted.kind} {wanted.name}" if isinstance(wanted, Identity) else f"document {wanted + 1}"
    if not found:
        raise Hazard("document_missing", 1, f"the file has no {name}")
    if len(found) > 1:
        raise Hazard("document_ambiguous", found[1].root.line, f"the file has {name} more than once")
    return found[0]


def document_with(parsed: Parsed, path: Path) -> Document:
    """The one document in which the path leads somewhere. `Hazard` if there is none, or more than one.

    Where the way is there but not clear (a key that is there twice, an alias), it leads somewhere.
    """
    found: list[Document] = []
    problem = Hazard("path_missing", 1, "the file is empty")
    for document in parsed.documents:
        try:
            trail(document.root, path)
            found.append(document)
        except Hazard as hazard:
            if hazard.code in ("path_missing", "merged_key"):
                problem = hazard if problem.code == "path_missing" else problem
            else:
                found.append(document)
    if not found:
        raise problem
    if len(found) > 1:
        raise Hazard("document_ambiguous", found[1].root.line, "more than one document of the file has that path")
    return found[0]


def trail(root: Node, path: Path) -> list[Node]:
    """All nodes from the root to the end of the path, both included. `Hazard` where the way is not clear.

    A path may go on inside a literal block that is YAML itself.
    """
    nodes = [root]
    for part in path:
        last = nodes[-1]
        if isinstance(last, Scalar) and (last.style == "|" or (last.style and ": " in last.text)):
            nodes.append(root_of(last))
        nodes.append(_step(nodes[-1], part))
    return nodes


def _step(node: Node, part: str | int) -> Node:
    if isinstance(node, Alias):
        raise Hazard("alias", node.line, f"the value is the alias *{node.name}")
    if isinstance(node, Mapping):
        return _value(node, str(part))
    if isinstance(node, Sequence):
        return _item(node, part)
    raise Hazard("path_missing", node.line, f"there is no key {part} below a single value")


def _value(mapping: Mapping, key: str) -> Node:
    found = mapping.all(key)
    if len(found) == 1:
        return found[0][1]
    if found:
        raise Hazard("duplicate_key", found[1][0].line, f"the key {key} is there {len(found)} times")
    if mapping.all("<<"):
        raise Hazard("merged_key", mapping.line, f"the key {key} is not written here, at most merged in by <<")
    raise Hazard("path_missing", mapping.line, f"there is no key {key}")


def _item(sequence: Sequence, part: str | int) -> Node:
    if isinstance(part, int) or _INDEX.fullmatch(part):
        # A longer number is no index of any list, and int() refuses very long ones.
        if len(str(part)) < 10 and 0 <= int(part) < len(sequence.items):
            return sequence.items[int(part)]
        raise Hazard("path_missing", sequence.line, f"the list has no item {part}")
    found = [item for item in sequence.items if isinstance(item, Mapping) and text(item.get("name")) == part]
    if len(found) > 1:
        raise Hazard("item_ambiguous", found[1].line, f"the list has {len(found)} items named {part}")
    if not found:
        raise Hazard("path_missing", sequence.line, f"the list has no item named {part}")
    return found[0]


def scalar(nodes: list[Node]) -> Scalar | Alias:
    """The end of a trail, if it is a scalar (or an alias of one). `Hazard` if it is a collection."""
    last = nodes[-1]
    if isinstance(last, Scalar) or (isinstance(last, Alias) and isinstance(last.target, Scalar)):
        return last
    raise Hazard("not_a_scalar", last.line, "the value is a mapping or a list")
