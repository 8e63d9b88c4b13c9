"""The facts of files: kept ones where the content is known, else taken anew, by several processes if they are many."""

from __future__ import annotations

import json
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING, TypeAlias

from bot.core.discovery import Facts, FileClass, extract, packed, unpacked
from bot.worktree.blobs import blob_sha

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Work: TypeAlias = tuple[FileClass, bytes]

_MANY = 1000
"""For fewer files it takes longer to start processes than to read them."""
_MOST_PROCESSES = 8
_CHUNK = 250


class Reader:
    """Takes facts from `files`, or from what is `kept` of the same class and content.

    `used`: the facts of all files that were asked for, as they are kept; `read_anew`: whether some were not kept.
    """

    def __init__(self, files: Mapping[str, bytes], kept: Mapping[str, str]) -> None:
        self._files, self._kept = files, kept
        self.used: dict[str, str] = {}
        self.read_anew = False

    def facts(self, classes: Mapping[str, FileClass]) -> dict[str, Facts]:
        """The facts of files, each of a class."""
        keys = {file: f"{kind} {blob_sha(self._files[file])}" for file, kind in classes.items()}
        missing = {key: (classes[file], self._files[file]) for file, key in keys.items() if key not in self._kept}
        self.read_anew |= bool(missing)
        found = dict(zip(missing, _extracted(list(missing.values())), strict=True))
        self.used |= {key: found.get(key) or self._kept[key] for key in keys.values()}
        return {file: _facts(self.used[key]) for file, key in keys.items()}


def _extracted(work: Sequence[Work]) -> list[str]:
    """The facts of each content as JSON, in the same order."""
    processes = min(os.cpu_count() or 1, _MOST_PROCESSES)
    if len(work) < _MANY or processes < 2:
        return _texts(work)
    chunks = [work[start : start + _CHUNK] for start in range(0, len(work), _CHUNK)]
    # A process with threads must not be copied as it is.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        return [text for texts in pool.map(_texts, chunks) for text in texts]


def _texts(work: Sequence[Work]) -> list[str]:
    return [json.dumps(packed(extract(*one)), separators=(",", ":")) for one in work]


def _facts(text: str) -> Facts:
    found = unpacked(json.loads(text))
    assert isinstance(found, Facts)
    return found
