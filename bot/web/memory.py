"""Which deliveries have been seen, so that one that is sent again is not handled again."""

from __future__ import annotations

import threading
from collections import OrderedDict

SIZE = 10_000


class Memory:
    """The newest keys, up to `SIZE`, of this process: a durable one is not needed for what looks at everything."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()

    def is_new(self, *keys: str) -> bool:
        """Whether none of the keys was there; they are now."""
        with self._lock:
            known = any(key in self._seen for key in keys)
            self._seen.update(dict.fromkeys(keys))
            while len(self._seen) > SIZE:
                self._seen.popitem(last=False)
            return not known
