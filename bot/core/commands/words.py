"""One line behind its verb, cut into words: what stands first, the flags, the rest; and words shown and compared."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable

Known = TypeVar("Known", bound=str)

BLANK = " \t"
_FLAG = re.compile(r'--([^ \t="]*)(?:=("[^"]*"|[^ \t"]*))?(?=[ \t]|$)')


class Words(NamedTuple):
    """`first` is empty if a flag or nothing came first; `broken` is a flag that cannot be read, and ends them."""

    first: str
    flags: tuple[tuple[str, str | bool], ...]
    rest: str
    broken: str = ""


def split_words(text: str, *, first: bool) -> Words:
    """Cut `[first] [--flag=value|--flag="quoted"|--flag]… [rest…]`; `first` says whether one may stand there."""
    text = text.strip(BLANK)
    name = ""
    if first and not text.startswith("--"):
        name, text = split_word(text)
    flags: list[tuple[str, str | bool]] = []
    while text.startswith("--"):
        found = _FLAG.match(text)
        if found is None:
            return Words(name, tuple(flags), "", text)
        value = found[2]
        flags.append((found[1], True if value is None else value.strip('"')))
        text = text[found.end() :].lstrip(BLANK)
    return Words(name, tuple(flags), text)


def split_word(text: str) -> tuple[str, str]:
    """The first word, and what is behind the blanks after it."""
    head, *tail = re.split(r"[ \t]+", text, maxsplit=1)
    return head, tail[0] if tail else ""


def misplaced(text: str, flags: Iterable[str]) -> tuple[str, str] | None:
    """A flag in the midst of other words → the words before it, and the text from it on with its dashes put right.

    Keyboards that are too clever make one long dash of two.
    """
    names = "|".join(re.escape(flag) for flag in flags) or "(?!)"
    found = re.search(rf"(?:^|[ \t])(?:--|[\u2013\u2014])(?=(?:{names})(?:[= \t]|$))", text)
    return (text[: found.start()], f"--{text[found.end() :]}") if found else None


def shown(word: str) -> str:
    """A word of a comment as Markdown code that shows every character that is not plain ASCII by its number."""
    plain = "".join(c if " " <= c <= "~" else c.encode("unicode_escape").decode() for c in word[:61])
    return f"`{plain[:60].replace('`', chr(39))}{'…' if len(plain) > 60 else ''}`" if word else "nothing"


def nearest(word: str, known: Iterable[Known]) -> Known | None:
    """The known word that is within two edits, the one with the fewest; None if there is none."""
    distances = {other: _edits(word, other) for other in known if abs(len(word) - len(other)) <= 2}
    best = min(distances, key=lambda other: distances[other], default=None)
    return best if best is not None and distances[best] <= 2 else None


def _edits(one: str, other: str) -> int:
    """Inserted, deleted, replaced and swapped letters that make one word of the other (optimal string alignment)."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one):
        above, row = row, [i + 1]
        for j, match in enumerate(other):
            cost = min(above[j + 1] + 1, row[j] + 1, above[j] + (letter != match))
            if i and j and letter == other[j - 1] and one[i - 1] == match:
                cost = min(cost, before[j - 1] + 1)
            row.append(cost)
        before = above
    return row[-1]
