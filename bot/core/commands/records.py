"""What a line of a comment is: a command, or a mistake that says what to type instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.core.commands.verbs import Verb


class Command(NamedTuple):
    """One command, valid in itself: who may give it, and whether its names exist, is for others to say.

    `flags`: the value of each given flag, True for one that stands alone. `argument` is `help`'s verb, `approve`'s
    commit (small letters), `rebuild`'s application. `line` counts from 1, `text` is the line without outer blanks.
    """

    verb: Verb
    environment: str | None
    flags: Mapping[str, str | bool]
    reason: str
    argument: str = ""
    line: int = 1
    text: str = ""

    @property
    def applications(self) -> tuple[str, ...]:
        """The names in `--app`; none: all of them."""
        app = self.flags.get("app")
        return tuple(dict.fromkeys(app.split(","))) if isinstance(app, str) else ()


class Mistake(NamedTuple):
    """Something that was meant as a command and is none: a stable reason code, the line as written, what is wrong.

    `message` is a part of a sentence in Markdown, safe to show. `suggestion` is what to type next, with `<…>` for what
    only the person knows; it holds words of the comment, as `text` does: show both as code.
    """

    reason_code: str
    text: str
    message: str
    suggestion: str
