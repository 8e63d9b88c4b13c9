"""Semantic versions as Flux and Helm read and order them, with fluxcd/pkg/version 0.20 and Masterminds/semver 3.5.

Where that library and https://semver.org part, the library counts: numbers end at 2^64 - 1, and a longer number in a
pre-release is a text. Source: https://pkg.go.dev/github.com/Masterminds/semver/v3
"""

from __future__ import annotations

import re
from typing import NamedTuple, TypeAlias

LONGEST = 256
_GREATEST = 2**64 - 1
_SHOWN = 200
_DOTS = 2
_IDENTIFIER = "(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
_PRERELEASE = rf"(?:-({_IDENTIFIER}(?:\.{_IDENTIFIER})*))?"
_BUILD = r"(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
_LOOSE = re.compile(rf"v?([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?{_PRERELEASE}{_BUILD}")

Identifier: TypeAlias = tuple[int, int, str]
"""A part of a pre-release: `(0, number, "")`, or behind all numbers `(1, 0, text)`."""


class Version(NamedTuple):
    """A version; as tuples they compare by precedence. Build metadata counts for nothing, and is not kept."""

    major: int
    minor: int
    patch: int
    is_release: bool = True
    prerelease: tuple[Identifier, ...] = ()

    def release(self) -> Version:
        """The release that a pre-release comes before."""
        return Version(self.major, self.minor, self.patch)


def parse_version(text: str, *, loose: bool = False) -> Version | None:
    """One to three numbers, with an optional `v` and with zeros before them; None if it is not that.

    Not `loose`, there must be two dots in the text, as Flux wants them of an image's tag (`2024.01.15`, but also
    `v1.2-alpha.1`); loose is NewVersion, as in Helm.
    """
    found = _LOOSE.fullmatch(text)
    if found is None or len(text) > LONGEST or (not loose and text.count(".") < _DOTS):
        return None
    first, second, third, prerelease = found.groups()
    numbers = int(first), int(second or 0), int(third or 0)
    if max(numbers) > _GREATEST:
        return None
    if prerelease is None:
        return Version(*numbers)
    return Version(*numbers, False, tuple(_identifier(part) for part in prerelease.split(".")))


def _identifier(text: str) -> Identifier:
    if text.isdigit() and (number := int(text)) <= _GREATEST:
        return (0, number, "")
    return (1, 0, text)


def shortened(text: str) -> str:
    """A text that somebody wrote, short enough for a message."""
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
