"""Which files of a chart its `.helmignore` leaves out of the package.

Rules: https://helm.sh/docs/chart_template_guide/helm_ignore_file/, as Helm's own code reads them.
"""

from __future__ import annotations

import functools
import re
from fnmatch import translate
from typing import NamedTuple

from bot.core.errors import Refused

# Helm's own addition: hidden files among the templates.
_ALWAYS = "templates/.?*"
_MOST_RULES = 1_000
_LONGEST_RULE = 300


class _Rule(NamedTuple):
    """A pattern, by its parts between `/`; a single part that is not `anchored` is for names in any folder."""

    parts: tuple[re.Pattern[str], ...]
    anchored: bool
    folders_only: bool
    negated: bool

    def matches(self, path: str) -> bool:
        parts = tuple(path.split("/"))
        parts = parts if self.anchored else parts[-1:]
        return len(parts) == len(self.parts) and all(map(re.Pattern.match, self.parts, parts))

    def drops(self, path: str, *, folder: bool) -> bool:
        """Helm's reading of `!`: whatever does not match such a rule is left out."""
        if self.folders_only and not folder:
            return self.negated
        return self.matches(path) != self.negated


def ignored(path: str, rules: bytes) -> bool:
    """Whether `path`, relative to the chart's folder, or a folder that it lies in is left out by the file `rules`.

    `Refused` (`bad_chart`) for a file that Helm does not read either.
    """
    found = _rules(rules)
    parts = path.split("/")
    ways = ["/".join(parts[:n]) for n in range(1, len(parts) + 1)]
    return any(rule.drops(way, folder=way != path) for way in ways for rule in found)


@functools.lru_cache(maxsize=1)  # asked for each file of a chart
def _rules(content: bytes) -> list[_Rule]:
    try:
        lines = content.removeprefix(b"\xef\xbb\xbf").decode().splitlines()
    except UnicodeDecodeError:
        raise _bad("it is not UTF-8") from None
    texts = [text for text in map(str.strip, lines) if text and not text.startswith("#")]
    if len(texts) > _MOST_RULES or any(len(text) > _LONGEST_RULE for text in texts):
        raise _bad(f"it has more than {_MOST_RULES:,} rules, or one of more than {_LONGEST_RULE} characters")
    return [_rule(text) for text in [*texts, _ALWAYS]]


def _rule(text: str) -> _Rule:
    if "**" in text:
        raise _bad("`**` is not supported")
    negated, text = text.startswith("!"), text.removeprefix("!")
    folders_only, text = text.endswith("/"), text.removesuffix("/")
    anchored = "/" in text
    # Go writes [^a] where this machine's matcher wants [!a].
    parts = text.removeprefix("/").replace("[^", "[!").split("/")
    return _Rule(tuple(re.compile(translate(part)) for part in parts), anchored, folders_only, negated)


def _bad(why: str) -> Refused:
    return Refused(
        f"the chart's .helmignore cannot be used: {why}", fix="correct it, and commit", reason_code="bad_chart"
    )
