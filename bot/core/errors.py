"""The errors that a person gets to read: each says what failed, where, and what to do next.

Edges translate what their libraries raise into one of these (`raise … from`), with every secret removed.
`reason_code` is stable and meant for scripts.
"""

from __future__ import annotations


class BotError(Exception):
    """Base of all errors of this program that are meant to be read by a person.

    `message` says what failed and where; `fix` says what to do next (may be empty).
    """

    reason_code = "failed"

    def __init__(self, message: str, *, fix: str = "", reason_code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix
        if reason_code:
            self.reason_code = reason_code

    def __str__(self) -> str:
        return f"{self.message}\n  → {self.fix}" if self.fix else self.message


class Unavailable(BotError):
    """Something could not be reached or read to its end. What it holds is unknown; a later run may succeed."""

    reason_code = "unavailable"


class Unauthorised(Unavailable):
    """The other side refused the credentials, or wants some. What it holds is unknown."""

    reason_code = "unauthorised"


class NotFound(BotError):
    """The other side answered, and what was asked for is surely not there."""

    reason_code = "not_found"


class Conflict(BotError):
    """Somebody else changed it since it was read: observe again and decide anew."""

    reason_code = "conflict"


class Refused(BotError):
    """It could be done, and must not be: the reason code says why."""

    reason_code = "refused"
