"""Say what is waited for, if it takes longer than a person waits in silence."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE = 2.0
"""Seconds of silence."""


@contextmanager
def waiting(progress: Callable[[str], None], what: str, seconds: float = PATIENCE) -> Iterator[None]:
    """While the block runs: after `seconds`, and then ever more rarely, say that it is still at `what`."""
    done = threading.Event()

    def tell() -> None:
        pause, waited = seconds, 0.0
        while not done.wait(pause):
            waited += pause
            progress(f"{what} … {waited:.0f} s")
            pause *= 2

    thread = threading.Thread(target=tell, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
