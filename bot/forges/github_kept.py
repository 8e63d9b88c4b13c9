"""Answers of GitHub that one process keeps from run to run, to ask no more than whether they still hold.

https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#use-conditional-requests
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, NamedTuple


class Kept(NamedTuple):
    """An answer's JSON, and the `ETag` that GitHub gave it."""

    tag: str
    data: Any


class KeptAnswers:
    """At most `most` answers to GETs, each for one owner and address; what was used longest ago goes first.

    The owner stands for the credentials: what one may read is never given to another. For one thread.
    """

    def __init__(self, most: int = 500) -> None:
        self._most = most
        self._kept: OrderedDict[tuple[str, str], Kept] = OrderedDict()

    def get(self, owner: str, address: str) -> Kept | None:
        """What was kept; None if there is nothing."""
        if (owner, address) in self._kept:
            self._kept.move_to_end((owner, address))
        return self._kept.get((owner, address))

    def keep(self, owner: str, address: str, answer: Kept) -> None:
        """Keep it in place of an older one."""
        self._kept[owner, address] = answer
        self._kept.move_to_end((owner, address))
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)
