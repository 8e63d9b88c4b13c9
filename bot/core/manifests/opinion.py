"""A second YAML reader, ruamel.yaml, is asked about an edited file: about the lines of the new values, if they tell.

It reads a file of 50 lines in 5 ms, and those lines in less than one. What else is in the file it read, or did not,
before the edit just as after it, unless an alias carries the new value elsewhere: then it is asked about all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from bot.core.manifests.nodes import Mapping, Scalar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bot.core.manifests.nodes import Node

_BOM = b"\xef\xbb\xbf"
_STR = "tag:yaml.org,2002:str"
_MERGE = "tag:yaml.org,2002:merge"


class Trail(NamedTuple):
    """An edited scalar as it is in the new file: the nodes from the root to it, and the text that was meant."""

    nodes: Sequence[Node]
    new: str


def accepts(before: bytes, after: bytes, trails: Sequence[Trail]) -> bool:
    """Whether the second reader takes the bytes `after` as meant, or could not read those `before` either."""
    if not any(trail.nodes[-1].aliases for trail in trails):
        lines = b"\n---\n".join(dict.fromkeys(_lines(after, trail.nodes) for trail in trails))
        read = _read(lines)
        if read is not None:
            return {trail.new for trail in trails} <= set(_strings(read))
    return _read(after) is not None or _read(before) is None


def _lines(content: bytes, trail: Sequence[Node]) -> bytes:
    """The whole lines of the scalar and its key, or of the outermost flow collection around it and that one's key."""
    flows = (number for number, node in enumerate(trail) if content[node.start : node.start + 1] in (b"{", b"["))
    number = next(flows, len(trail) - 1)
    node, parent = trail[number], trail[number - 1] if number else None
    keys = [key for key, value in parent.pairs if value is node] if isinstance(parent, Mapping) else []
    first = keys[0].start if keys else node.start
    start = max(content.rfind(b"\n", 0, first), content.rfind(b"\r", 0, first)) + 1
    is_block = isinstance(node, Scalar) and node.style in ("|", ">")
    end = node.end if is_block else min(_find(content, b"\n", node.end), _find(content, b"\r", node.end))
    return content[start:end].removeprefix(_BOM)


def _find(content: bytes, what: bytes, start: int) -> int:
    found = content.find(what, start)
    return len(content) if found < 0 else found


def _read(content: bytes) -> list[Any] | None:
    """The nodes of all documents, None if the second reader does not accept them.

    They are composed, and nothing is made of them: what merges and aliases refer to is there once, however often.
    """
    from ruamel.yaml import YAML

    reader = YAML(typ="safe", pure=True)
    reader.composer.warn_double_anchors = False
    try:
        roots = list(reader.compose_all(content))
    except Exception:  # noqa: BLE001 - whatever the second reader fails with, its answer is no
        return None
    return None if any(_has_key_twice(node) for node in _nodes(roots)) else roots


def _nodes(roots: list[Any]) -> Iterator[Any]:
    """Every node once, keys too: a list may hold itself, by an alias."""
    waiting, seen = list(roots), set[int]()
    while waiting:
        node = waiting.pop()
        if node is not None and id(node) not in seen:
            seen.add(id(node))
            yield node
            if isinstance(node.value, list):
                waiting += (part for one in node.value for part in (one if isinstance(one, tuple) else (one,)))


def _has_key_twice(node: Any) -> bool:
    """Whether it is a mapping with two keys of one text, which may come by an alias."""
    if not isinstance(node.value, list):
        return False
    keys = [(one[0].tag, one[0].value) for one in node.value if isinstance(one, tuple)]
    texts = [key for key in keys if isinstance(key[1], str) and key[0] != _MERGE]
    return len(texts) > len(set(texts))


def _strings(roots: list[Any]) -> Iterator[str]:
    """Every text in them, without the line end of a block scalar."""
    yield from (node.value.rstrip("\n") for node in _nodes(roots) if node.tag == _STR and isinstance(node.value, str))
