"""The facts of files: kept ones where the content is known, else taken anew, by several processes if they are many."""

from __future__ import annotations

import json
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING, Self, TypeAlias

from bot.core.discovery import Facts, FileClass, extract, packed, unpacked
from bot.worktree.blobs import blob_sha

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Work: TypeAlias = tuple[FileClass, bytes]

_MANY = 1000
"""For fewer files it takes longer to start processes than to read them."""
_MOST_PROCESSES = 8
_CHUNK = 250


class Reader:
    """Takes facts from `files`, or from what is `kept` of the same class and content; a context, which ends processes.

    `used`: the facts of all files that were asked for, as they are kept; `read_anew`: whether some were not kept.
    """

    def __init__(self, files: Mapping[str, bytes], kept: Mapping[str, str]) -> None:
        self._files, self._kept = files, kept
        self._pool: ProcessPoolExecutor | None = None
        self.used: dict[str, str] = {}
        self.read_anew = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool:
            self._pool.shutdown()

    def facts(self, classes: Mapping[str, FileClass]) -> dict[str, Facts]:
        """The facts of files, each of a class."""
        keys = {file: f"{kind} {blob_sha(self._files[file])}" for file, kind in classes.items()}
        missing = {key: (classes[file], self._files[file]) for file, key in keys.items() if key not in self._kept}
        self.read_anew |= bool(missing)
        texts = dict(zip(missing, self._extracted(list(missing.values())), strict=True))
        texts |= {key: self._kept[key] for key in keys.values() if key in self._kept}
        self.used |= texts
        facts = dict(zip(texts, map(_facts, json.loads(f"[{','.join(texts.values())}]")), strict=True))
        return {file: facts[key] for file, key in keys.items()}

    def _extracted(self, work: Sequence[Work]) -> Iterable[str]:
        """The facts of each content as JSON, in the same order."""
        processes = min(os.cpu_count() or 1, _MOST_PROCESSES)
        if len(work) < _MANY or processes < 2:
            return _texts(work)
        # A process with threads must not be copied as it is.
        context = multiprocessing.get_context("spawn")
        self._pool = self._pool or ProcessPoolExecutor(processes, mp_context=context)
        chunks = [work[start : start + _CHUNK] for start in range(0, len(work), _CHUNK)]
        return [text for texts in self._pool.map(_texts, chunks) for text in texts]


def _texts(work: Sequence[Work]) -> list[str]:
    return [json.dumps(packed(extract(*one)), separators=(",", ":")) for one in work]


def _facts(value: object) -> Facts:
    found = unpacked(value)
    assert isinstance(found, Facts)
    return found
