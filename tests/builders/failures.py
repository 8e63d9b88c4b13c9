"""What hostile input comes to: a failure that a person can read, or none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core.errors import BotError

if TYPE_CHECKING:
    from collections.abc import Callable


def failure(action: Callable[[], object]) -> str:
    """The text of the failure that the action ends with, the empty text if it succeeds.

    Any other exception is an error of the test. A failure has to be short, and must not steer a terminal.
    """
    try:
        action()
    except BotError as error:
        text = str(error)
    else:
        return ""
    assert len(text) < 1_500
    assert text.replace("\n", "").replace("\t", "").isprintable()
    return text
