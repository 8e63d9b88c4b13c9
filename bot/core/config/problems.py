"""Every problem of a configuration has a place, a message and a fix, and shows no secret."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from bot.core.errors import BotError

if TYPE_CHECKING:
    from collections.abc import Sequence

# What is before the last `@` of a URL, and `user:password@` without one; not the tag before a digest.
_USERINFO = re.compile(r"(//).*@|(:)[^/@\s]+@(?!sha(?:256|512):)")
_LONGEST = 80


class Problem(NamedTuple):
    """What is wrong in one place: 1-based line and column (0: the file as a whole), key path, message, fix.

    `path` is written `environments.dev.approvals` or `…images.web.keys[0].tag`; empty for the whole document.
    """

    file: str
    line: int
    column: int
    path: str
    message: str
    fix: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        where = f"{place}: {self.path}" if self.path else place
        return f"{where}: {self.message}\n  → {self.fix}"


class ConfigError(BotError):
    """The configuration cannot be used; `problems` holds all that is wrong, in the order of the file."""

    reason_code = "invalid_config"

    def __init__(self, problems: Sequence[Problem], *, reason_code: str = "") -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.line, problem.column)))
        super().__init__("\n".join(str(problem) for problem in self.problems), reason_code=reason_code)


def missing_config(where: str) -> ConfigError:
    """The error for a configuration file that is not there; `where` names the file, and the commit if it has one."""
    fix = "write one with `gitops-bot init`, or name another file"
    return ConfigError([Problem(where, 0, 0, "", "there is no configuration", fix)], reason_code="missing_config")


def one_line(text: str) -> str:
    """The text with a replacement for every control character, line ends included."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def redacted(text: str) -> str:
    """The text on `one_line`, without anything that may be credentials in a URL."""
    return _USERINFO.sub(r"\1\2***@", one_line(text))


def shown(value: object) -> str:
    """A value from the file as it may be shown: short, in backquotes, `redacted`."""
    text = redacted(str(value))
    return f"`{text if len(text) <= _LONGEST else text[:_LONGEST] + '…'}`"
