"""What a comment asks for, why something of it is not done, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from bot.core.actions import StateChange
    from bot.core.commands import Command
    from bot.core.models import UserComment


class Problem(NamedTuple):
    """Why a command is not done: a stable reason code, the line as written, what is wrong, what to type or do next."""

    reason_code: str
    line: str
    message: str
    fix: str = ""


class Request(NamedTuple):
    """What one comment asks for. With any mistake in it nothing of it is done."""

    comment: UserComment
    commands: tuple[Command, ...]
    mistakes: tuple[Problem, ...]


@dataclass(frozen=True)
class Outcome:
    """`text` is Markdown; `changes` of the state branch are still to be written while it is `doing`."""

    status: Literal["done", "doing", "refused"]
    text: str = ""
    reason_code: str = ""
    changes: tuple[StateChange, ...] = ()
