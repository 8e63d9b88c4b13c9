"""Answers that never change, because the question named its objects by their full SHAs; kept up to a size."""

from __future__ import annotations

import re

_BY_SHA = re.compile(r"[0-9a-f]{40}(\^\{[a-z]+\})?")
MOST_BYTES = 64 * 1024 * 1024


class Memory:
    """A mapping from questions to bytes that forgets everything when it would grow past `most` bytes."""

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._most = most
        self._size = 0
        self._kept: dict[object, bytes] = {}

    def get(self, question: object) -> bytes | None:
        """The kept answer, None if there is none."""
        return self._kept.get(question)

    def keep(self, question: object, answer: bytes) -> bytes:
        """Keep an answer, and give it back."""
        if self._size + len(answer) > self._most:
            self._kept, self._size = {}, 0
        if len(answer) <= self._most // 16:
            self._kept[question] = answer
            self._size += len(answer)
        return answer


def by_sha(name: str) -> bool:
    """Whether a name is a full SHA, perhaps with `^{type}` behind it: then it names the same object for ever."""
    return bool(_BY_SHA.fullmatch(name))
