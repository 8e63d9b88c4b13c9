"""A new text is written so that every reader takes it as a string: YAML 1.1, YAML 1.2 and Flux's go-yaml.

Rules: https://yaml.org/type/ (1.1), https://yaml.org/spec/1.2.2/#103-core-schema and go-yaml's resolve.go.
"""

from __future__ import annotations

import re

_WORDS = frozenset(("", "~", "null", "true", "false", "yes", "no", "on", "off", "y", "n", "=", "<<"))
# Matched without underscores, which some readers ignore anywhere in a number.
_NOT_STRINGS = re.compile(
    r"""[-+]?(?:
        0[bB][-+]?[01]+ | 0[oO][-+]?[0-7]+ | 0[xX][-+]?[0-9a-fA-F]+    # integers with a base
      | (?=\.?[0-9]|\.$)[0-9]*\.?[0-9]*(?:[eE][-+]?[0-9]+)?            # integers, octals of 1.1, floats
      | [0-9]+(?::[0-5]?[0-9])+(?:\.[0-9]*)?                           # base 60 of 1.1
      | \.(?:inf|nan)
    ) | [0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt\ \t].*)?                  # dates and times
    """,
    re.VERBOSE | re.IGNORECASE,
)
_PLAIN = re.compile(r"[A-Za-z0-9_./](?:[A-Za-z0-9_./@+=~:-]*[A-Za-z0-9_./@+=~-])?")
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")


def is_string(text: str) -> bool:
    """Whether a plain scalar with this text reads as a string under every schema."""
    return text.lower() not in _WORDS and not _NOT_STRINGS.fullmatch(text.replace("_", ""))


def is_line(text: str) -> bool:
    """Whether the text is something that a scalar on one line can hold, and not empty."""
    return bool(text.strip()) and not _UNPRINTABLE.search(text)


def written(text: str, style: str, quote: str, *, tagged: bool) -> str:
    """The text as YAML in `style` (plain: empty); plain becomes `quote`d where it would not read as a string.

    `tagged` says that `!!str` stands before it, so the text may look like a number.
    """
    if style == "" and _PLAIN.fullmatch(text) and (tagged or is_string(text)):
        return text
    if (style or quote) == "'":
        return "'" + text.replace("'", "''") + "'"
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
