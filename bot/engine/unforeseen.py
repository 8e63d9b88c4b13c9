"""What nobody foresaw: it is said without foreign text, and leaves nothing that may be merged."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, TypeVar

from bot.core.errors import BotError
from bot.core.models import Status, Unknown
from bot.core.plan.places import APPROVAL, LONGEST

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.ports import Edges

T = TypeVar("T")


def unforeseen(error: Exception) -> str:
    """An error that is none of the bot's own, in one line: what it is and where, nothing of what it says.

    Its text may hold what must not be shown.
    """
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "/bot/" in f.filename.replace("\\", "/")]
    at = (
        f" in bot/{frames[-1].filename.replace(chr(92), '/').rpartition('/bot/')[2]}:{frames[-1].lineno}"
        if frames
        else ""
    )
    return f"{type(error).__name__}{at}, which is a fault of the bot or of this machine: please report it"


def known(read: Callable[[], T]) -> T | Unknown:
    """What is read; what cannot be is unknown, with the reason, and the rest goes on."""
    try:
        return read()
    except BotError as error:
        return Unknown(str(error), error.reason_code)
    except Exception as error:  # noqa: BLE001 # one thing's bytes must not end the run for all others
        return Unknown(unforeseen(error))


def take_back(edges: Edges, error: Exception) -> None:
    """Before a run ends without a decision: nothing stays approved that nobody has judged.

    What cannot be taken back stays as it is, and the next run tries again.
    """
    why = error.message if isinstance(error, BotError) else unforeseen(error)
    status = Status(APPROVAL, "pending", f"not judged: {' '.join(why.split())}"[:LONGEST])
    try:
        opened = [p for p in edges.forge.pull_requests() if p.state == "open"]
    except Exception as unread:  # noqa: BLE001 # the first error is the one to be told
        edges.progress(f"What is approved could not be taken back: {unforeseen(unread)}")
        return
    for pull in opened:
        if not any(s.context == APPROVAL and s.state == "success" for s in pull.statuses):
            continue
        try:
            edges.forge.set_status(pull.head, status)
        except Exception as failed:  # noqa: BLE001 # one after the other, whatever comes of one
            edges.progress(f"#{pull.number} could not be taken back: {unforeseen(failed)}")
