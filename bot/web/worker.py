"""One thread handles events, one at a time; however many come meanwhile, they mean one more run."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from bot.core.errors import BotError
from bot.core.events import Reconcile

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.core.events import Event
    from bot.web.log import Log


class Worker:
    """Handles what it is offered, in its own thread, which ends with the process.

    An event that waits when another comes becomes a `Reconcile`, which looks at everything: the forge still has
    the comments. Nothing is kept over a restart, for the same reason.
    """

    def __init__(self, handler: Callable[[Event], object], log: Log) -> None:
        self._handler = handler
        self._log = log
        self._waiting: Event | None = None
        self._busy = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="events", daemon=True)
        self._thread.start()

    def offer(self, event: Event) -> None:
        """Have the event handled; returns at once."""
        with self._changed:
            self._waiting = event if self._waiting in (None, event) else Reconcile()
            self._changed.notify_all()

    def is_alive(self) -> bool:
        """Whether events are still handled."""
        return self._thread.is_alive()

    def wait_until_idle(self, seconds: float) -> bool:
        """Wait until nothing waits and nothing runs; False if that took longer."""
        with self._changed:
            return self._changed.wait_for(lambda: self._waiting is None and not self._busy, seconds)

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting is not None)
                event, self._waiting, self._busy = self._waiting, None, True
            assert event is not None
            self._handle(event)
            with self._changed:
                self._busy = False
                self._changed.notify_all()

    def _handle(self, event: Event) -> None:
        kind = type(event).__name__
        try:
            self._handler(event)
        except BotError as error:
            self._log(run=kind, outcome="failed", reason_code=error.reason_code, reason=str(error))
        except Exception as error:  # noqa: BLE001 -- the thread must live on, and nobody else would hear of it
            # Its type alone: the words of an error that nobody translated may hold anything.
            self._log(run=kind, outcome="failed", reason_code="internal", reason=type(error).__name__)
        else:
            self._log(run=kind, outcome="done")
