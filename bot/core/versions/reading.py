"""A tag is read: it gets the value by which a policy compares it, or the reason why it has none."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

from bot.core.versions.calver import calendar_version
from bot.core.versions.filters import Filter
from bot.core.versions.semantic import parse_version

# An image's tag, or the version of a chart, which may have build metadata.
_DIGITS = re.compile("([0-9]+)")
_DECIMAL = re.compile(r"[0-9]+\.[0-9]+")
# As cosign tags them, and the referrers of registries without an API for them:
# https://github.com/opencontainers/distribution-spec/blob/main/spec.md#referrers-tag-schema
_SIGNATURE = re.compile(r"sha256-[0-9a-f]{64}(?:[.-].*)?|.*\.(?:sig|att|sbom)")
_TAG = re.compile("[A-Za-z0-9_][A-Za-z0-9._+-]{0,255}")

Value: TypeAlias = Any
"""What is compared; all values of one policy are of one type."""


class Rejected(NamedTuple):
    """A tag that was not chosen: a stable reason code, and the reason for people."""

    tag: str
    reason_code: str
    reason: str


class Candidate(NamedTuple):
    """A tag that the policy can place, what is compared, and what decides between equals, if anything does."""

    tag: str
    value: Value
    tie: tuple[Any, ...] = ()


class Reading(NamedTuple):
    """How a policy reads a tag: all that the value of a tag depends on."""

    kind: str
    loose: bool
    filter: str | None
    extract: str | None


def natural(text: str) -> tuple[Any, ...]:
    """A text by which `b10` comes behind `b9`: its numbers count as numbers, and come before letters."""
    parts = (part for part in _DIGITS.split(text) if part)
    return tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts)


def best_first(found: list[Candidate], *, descending: bool = False) -> tuple[Candidate, ...]:
    """The order that is the same everywhere and for ever."""
    found.sort(key=lambda one: one.tag)
    found.sort(key=lambda one: one.tie, reverse=True)
    found.sort(key=lambda one: one.value, reverse=not descending)  # a stable sort, reversed too
    return tuple(found)


@lru_cache(maxsize=64)
def ordered(tags: tuple[str, ...], reading: Reading, descending: bool) -> tuple[Candidate, ...]:
    """Every tag that can be placed, in that order. Many policies follow one repository: its tags are read once."""
    read = Reader(reading)
    found = [one for tag in dict.fromkeys(tags) if isinstance(one := read(tag), Candidate)]
    return best_first(found, descending=descending)


class Reader:
    """Reads one tag after the other."""

    def __init__(self, reading: Reading) -> None:
        self.kind, self.loose = reading.kind, reading.loose
        self.filter = Filter(reading.filter, reading.extract) if reading.filter is not None else None

    def __call__(self, tag: str) -> Candidate | Rejected:
        if not _TAG.fullmatch(tag):
            return Rejected(tag, "not_a_tag", "it is not a tag")
        if _SIGNATURE.fullmatch(tag):
            return Rejected(tag, "signature", "it is a signature, an attestation or the like of another image")
        text = self.filter.text(tag) if self.filter else tag
        if text is None:
            return Rejected(tag, "filtered", "it does not match the filter")
        value = self.value(text)
        if value is None:
            return self.unreadable(tag)
        return Candidate(tag, value, natural(tag) if self.filter and self.filter.extracts else ())

    def value(self, text: str) -> Value | None:
        if self.kind == "semver":
            return parse_version(text, loose=self.loose)
        if self.kind == "numerical":
            if text.isascii() and text.isdigit():
                return int(text)
            return Decimal(text) if _DECIMAL.fullmatch(text) else None
        if self.kind == "calver":
            return calendar_version(text)
        return text if self.kind == "alphabetical" else ""

    def unreadable(self, tag: str) -> Rejected:
        if self.kind == "numerical":
            return Rejected(tag, "not_a_number", "it is not a number")
        if self.kind == "calver":
            return Rejected(tag, "not_calver", "it is not a calendar version, such as 2024.01.15 or 24.04")
        what = "up to three numbers" if self.loose else "three parts between dots"
        return Rejected(tag, "not_semver", f"it is not a semantic version of {what}")
