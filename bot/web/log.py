"""One JSON object a line, in ASCII: what a sender wrote can neither end a line nor steer a terminal."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable


class Log:
    """Writes lines to a stream, each with its time (UTC)."""

    def __init__(self, stream: TextIO, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._stream = stream
        self._now = now

    def __call__(self, **said: str | int | None) -> None:
        """Write one line; what is None is left out."""
        line = {"time": self._now().isoformat(timespec="seconds")} | {k: v for k, v in said.items() if v is not None}
        print(json.dumps(line), file=self._stream, flush=True)
