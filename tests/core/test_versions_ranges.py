"""A range means what it means to Flux and Helm: a table that is checked everywhere, whether Go is there or not."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
import semver
from hypothesis import given
from hypothesis import strategies as st

from bot.core.config import Policy
from bot.core.errors import BotError
from bot.core.versions import check_policy
from bot.core.versions.ranges import parse_range
from bot.core.versions.semantic import Version, parse_version

VERSIONS = "0.0.3 0.0.4 0.2.3 0.3.0 1.0.0 1.2.0 1.2.3-beta.1 1.2.3 1.2.4 1.3.0-rc.1 1.3.0 2.0.0-alpha 2.0.0 2.1.3"

# What Masterminds/semver 3.5.0, which Flux uses, answers for these versions.
MATCHES = [
    ("*", "0.0.3 0.0.4 0.2.3 0.3.0 1.0.0 1.2.0 1.2.3 1.2.4 1.3.0 2.0.0 2.1.3"),
    ("x", "0.0.3 0.0.4 0.2.3 0.3.0 1.0.0 1.2.0 1.2.3 1.2.4 1.3.0 2.0.0 2.1.3"),
    ("1", "1.0.0 1.2.0 1.2.3 1.2.4 1.3.0"),
    ("1.2", "1.2.0 1.2.3 1.2.4"),
    ("1.x", "1.0.0 1.2.0 1.2.3 1.2.4 1.3.0"),
    ("1.2.x", "1.2.0 1.2.3 1.2.4"),
    ("1.2.*", "1.2.0 1.2.3 1.2.4"),
    ("=1.2.3", "1.2.3"),
    ("1.2.3", "1.2.3"),
    ("v1.2.3", "1.2.3"),
    ("!=1.2.3", "0.0.3 0.0.4 0.2.3 0.3.0 1.0.0 1.2.0 1.2.4 1.3.0 2.0.0 2.1.3"),
    ("!=1.2", "0.0.3 0.0.4 0.2.3 0.3.0 1.0.0 1.3.0 2.0.0 2.1.3"),
    (">1.2.3", "1.2.4 1.3.0 2.0.0 2.1.3"),
    (">1.2", "1.3.0 2.0.0 2.1.3"),
    (">1", "2.0.0 2.1.3"),
    (">=1.2", "1.2.0 1.2.3 1.2.4 1.3.0 2.0.0 2.1.3"),
    ("<1.2", "0.0.3 0.0.4 0.2.3 0.3.0 1.0.0"),
    ("<=1.2", "0.0.3 0.0.4 0.2.3 0.3.0 1.0.0 1.2.0 1.2.3 1.2.4"),
    ("<=1", "0.0.3 0.0.4 0.2.3 0.3.0 1.0.0 1.2.0 1.2.3 1.2.4 1.3.0"),
    ("=>1.2", "1.2.0 1.2.3 1.2.4 1.3.0 2.0.0 2.1.3"),
    ("=<1.2.3", "0.0.3 0.0.4 0.2.3 0.3.0 1.0.0 1.2.0 1.2.3"),
    ("~1.2.3", "1.2.3 1.2.4"),
    ("~1.2", "1.2.0 1.2.3 1.2.4"),
    ("~1", "1.0.0 1.2.0 1.2.3 1.2.4 1.3.0"),
    ("~>1.2.3", "1.2.3 1.2.4"),
    ("^1.2.3", "1.2.3 1.2.4 1.3.0"),
    ("^1.2", "1.2.0 1.2.3 1.2.4 1.3.0"),
    ("^1", "1.0.0 1.2.0 1.2.3 1.2.4 1.3.0"),
    ("^0.2.3", "0.2.3"),
    ("^0.2", "0.2.3"),
    ("^0.0.3", "0.0.3"),
    ("^0.0", "0.0.3 0.0.4"),
    ("^0", "0.0.3 0.0.4 0.2.3 0.3.0"),
    (">=1.2 <2", "1.2.0 1.2.3 1.2.4 1.3.0"),
    (">=1.2, <2", "1.2.0 1.2.3 1.2.4 1.3.0"),
    (">= 1.2 , < 2", "1.2.0 1.2.3 1.2.4 1.3.0"),
    ("1.2 - 1.3", "1.2.0 1.2.3 1.2.4 1.3.0"),
    ("1.2.0 - 2", "1.2.0 1.2.3 1.2.4 1.3.0 2.0.0 2.1.3"),
    ("<0.1 || >=2", "0.0.3 0.0.4 2.0.0 2.1.3"),
    ("1.2.3||~0.0", "0.0.3 0.0.4 1.2.3"),
    ("^1.2.3-0", "1.2.3-beta.1 1.2.3 1.2.4 1.3.0-rc.1 1.3.0"),
    (">=1.2.3-beta.1 <1.3.0", "1.2.3-beta.1 1.2.3 1.2.4 1.3.0-rc.1"),
    ("~1.2.3-beta.1", "1.2.3-beta.1 1.2.3 1.2.4"),
    (">=1.0.0-0", "1.0.0 1.2.0 1.2.3-beta.1 1.2.3 1.2.4 1.3.0-rc.1 1.3.0 2.0.0-alpha 2.0.0 2.1.3"),
    (">1.2.3-beta.1 || 0.2.3", "0.2.3 1.2.3 1.2.4 1.3.0-rc.1 1.3.0 2.0.0-alpha 2.0.0 2.1.3"),
    (">=1.2-0 <2.0.0-0", "1.2.0 1.2.3-beta.1 1.2.3 1.2.4 1.3.0-rc.1 1.3.0"),
]
# Its edges, too.
EDGES = [
    ("^*", ""),
    ("~*", "0.0.3 0.0.4 0.2.3 0.3.0 1.0.0 1.2.0 1.2.3 1.2.4 1.3.0 2.0.0 2.1.3"),
    ("<=*", "0.0.3 0.0.4"),
    (">*", "0.0.3 0.0.4 0.2.3 0.3.0 1.0.0 1.2.0 1.2.3 1.2.4 1.3.0 2.0.0 2.1.3"),
    ("<*", ""),
    (">=*", "0.0.3 0.0.4 0.2.3 0.3.0 1.0.0 1.2.0 1.2.3 1.2.4 1.3.0 2.0.0 2.1.3"),
    ("!=*", "0.0.3 0.0.4 0.2.3 0.3.0 1.0.0 1.2.0 1.2.3 1.2.4 1.3.0 2.0.0 2.1.3"),
    ("=*", "0.0.3 0.0.4 0.2.3 0.3.0 1.0.0 1.2.0 1.2.3 1.2.4 1.3.0 2.0.0 2.1.3"),
    ("~0.0.0", "0.0.3 0.0.4 0.2.3 0.3.0 1.0.0 1.2.0 1.2.3 1.2.4 1.3.0 2.0.0 2.1.3"),
    (
        "~0.0.0-0",
        "0.0.3 0.0.4 0.2.3 0.3.0 1.0.0 1.2.0 1.2.3-beta.1 1.2.3 1.2.4 1.3.0-rc.1 1.3.0 2.0.0-alpha 2.0.0 2.1.3",
    ),
    ("^0.0.0", ""),
    ("^0.x.1", "0.0.3 0.0.4 0.2.3 0.3.0"),
    ("~>0", "0.0.3 0.0.4 0.2.3 0.3.0"),
    ("!=1", "0.0.3 0.0.4 0.2.3 0.3.0 2.0.0 2.1.3"),
    (
        "!=1.2-beta",
        "0.0.3 0.0.4 0.2.3 0.3.0 1.0.0 1.2.0 1.2.3-beta.1 1.2.3 1.2.4 1.3.0-rc.1 1.3.0 2.0.0-alpha 2.0.0 2.1.3",
    ),
    ("!=1.2.3-beta.1", "0.0.3 0.0.4 0.2.3 0.3.0 1.0.0 1.2.0 1.2.3 1.2.4 1.3.0-rc.1 1.3.0 2.0.0-alpha 2.0.0 2.1.3"),
    ("1.2-beta", "1.2.0 1.2.3-beta.1 1.2.3 1.2.4"),
    (">1.2-beta", "1.3.0-rc.1 1.3.0 2.0.0-alpha 2.0.0 2.1.3"),
    ("1.x.3", "1.0.0 1.2.0 1.2.3 1.2.4 1.3.0"),
    ("x.2.3", "0.0.3 0.0.4 0.2.3 0.3.0 1.0.0 1.2.0 1.2.3 1.2.4 1.3.0 2.0.0 2.1.3"),
    ("1.*.*", "1.0.0 1.2.0 1.2.3 1.2.4 1.3.0"),
    ("=> 1.2", "1.2.0 1.2.3 1.2.4 1.3.0 2.0.0 2.1.3"),
    ("=<1.2", "0.0.3 0.0.4 0.2.3 0.3.0 1.0.0 1.2.0 1.2.3 1.2.4"),
    ("~ 1.2", "1.2.0 1.2.3 1.2.4"),
    ("= 1.2.3", "1.2.3"),
    ("1.2.3+build", "1.2.3"),
    ("v1.2", "1.2.0 1.2.3 1.2.4"),
    ("01.2", "1.2.0 1.2.3 1.2.4"),
    ("1.02.3", "1.2.3"),
    ("1||2.0.0", "1.0.0 1.2.0 1.2.3 1.2.4 1.3.0 2.0.0"),
    ("1||2 - 3", "1.0.0 1.2.0 1.2.3 1.2.4 1.3.0 2.0.0 2.1.3"),
    ("1 - 2 || 0.0.3", "0.0.3 1.0.0 1.2.0 1.2.3 1.2.4 1.3.0 2.0.0 2.1.3"),
    ("0.0.3, 1 - 2", ""),
    ("1 - 2>1.2", "1.3.0 2.0.0 2.1.3"),
    ("1 - 2v1", "1.0.0 1.2.0 1.2.3 1.2.4 1.3.0"),
    ("1.2.0 - 1.2.3-beta.1", "1.2.0 1.2.3-beta.1"),
    ("1.2.3-beta.1 - 1.3", "1.2.3-beta.1 1.2.3 1.2.4 1.3.0-rc.1 1.3.0"),
    ("*-0", "0.0.3 0.0.4 0.2.3 0.3.0 1.0.0 1.2.0 1.2.3-beta.1 1.2.3 1.2.4 1.3.0-rc.1 1.3.0 2.0.0-alpha 2.0.0 2.1.3"),
    ("x.1|2", "0.0.3 0.0.4 0.2.3 0.3.0 1.0.0 1.2.0 1.2.3 1.2.4 1.3.0 2.0.0 2.1.3"),
    (">1.2.3-beta.1 1.3", "1.3.0"),
    ("\t>=1.2\n<2\f", "1.2.0 1.2.3 1.2.4 1.3.0"),
    (">=1.2 ,<2", "1.2.0 1.2.3 1.2.4 1.3.0"),
]


def version(text: str) -> Version:
    """A version that is one."""
    found = parse_version(text, loose=True)
    assert found
    return found


@pytest.mark.parametrize(("text", "matching"), MATCHES + EDGES)
def test_a_range_means_what_it_means_to_flux(text: str, matching: str) -> None:
    accepted = parse_range(text)
    assert [one for one in VERSIONS.split() if accepted.matches(version(one))] == matching.split()


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("", 1),
        (" ", 2),
        ("latest", 1),
        (">=1.2 <", 7),
        (">=1.2,", 7),
        (">=1.2,,<2", 7),
        ("1.2.3.4", 6),
        ("1.2.3-", 6),
        ("1.2.3-01", 1),
        (">=1 || ", 8),
        ("1 | 2", 3),
        ("||", 1),
        ("1.2 - >2", 5),
        ("1 - 2 - 3", 7),
        (">=1.2 && <2", 7),
        ("1.2 -2", 5),
        ("> 1 - 2", 1),
        ("3 1 - 2", 3),
        ("1|2", 1),
        ("1.|.3", 1),
        ("1.xx", 1),
        ("xx", 1),
        ("V1", 1),
        ("vv1", 1),
        ("99999999999999999999", 1),
        ("1.2.18446744073709551616", 1),
        (">=1.2<2", 6),
        (">1\u000b2", 3),
        ("1\u00a02", 2),
        ("^ ^1", 1),
        ("1,2;3", 4),
        ("1 - 2 - x", 7),
        ("1||2 - 3.|", 8),
        ("1 - 2, 01.02.03-04", 8),
        ("9 || 1 - 2 || >", 15),
        ("1 - 2" * 200, 1),
        ("1||" * 32 + "1", 97),
        ("1." + "9" * 257, 1),
    ],
)
def test_a_bad_range_is_refused_with_its_column(text: str, column: int) -> None:
    with pytest.raises(BotError) as error:
        check_policy(Policy(semver=text))
    assert f"column {column}:" in error.value.message
    assert error.value.reason_code == "bad_range"
    assert error.value.fix


def test_a_range_may_be_as_long_as_there() -> None:
    assert parse_range("1||" * 31 + "2").matches(version("2.1.0"))
    assert parse_range(">=1" + " " * 505 + "<2 ").matches(version("1.5.0"))


@pytest.mark.parametrize("text", [" " * 512, "1 - " * 128, "1-" + "a." * 255, ">" * 512, "1.1 " * 128, "v1-1" * 128])
def test_a_hostile_range_costs_no_time(text: str) -> None:
    start = time.monotonic()
    with suppress(BotError):
        parse_range(text)
    assert time.monotonic() - start < 2


@pytest.mark.parametrize(
    ("text", "strict", "loose"),
    [
        ("1.2.3", True, True),
        ("v1.2.3", True, True),
        ("V1.2.3", False, False),
        ("vv1.2.3", False, False),
        ("1.2", False, True),
        ("v1", False, True),
        ("01.2.3", True, True),
        ("1.2.3.4", False, False),
        ("1.2.3-rc.1+b.2", True, True),
        ("1.2-rc.1", True, True),
        ("1.2.3-01", False, False),
        ("1.2.3-", False, False),
        ("1.2.3+", False, False),
        ("18446744073709551615.0.0", True, True),
        ("18446744073709551616.0.0", False, False),
        ("1.2.3-" + "a" * 250, True, True),
        ("1.2.3-" + "a" * 251, False, False),
        ("1.2.3\n", False, False),
        ("1.2.\u0663", False, False),
        ("", False, False),
    ],
)
def test_a_version_is_strict_as_in_flux_or_loose_as_in_helm(text: str, strict: bool, loose: bool) -> None:
    assert (parse_version(text) is not None, parse_version(text, loose=True) is not None) == (strict, loose)


def test_numbers_of_a_prerelease_beyond_64_bits_are_texts() -> None:
    small, text, longer = (version(f"1.0.0-{n}") for n in ("18446744073709551615", "9" * 20, "1" + "0" * 20))
    assert small < longer < text < version("1.0.0-a") < version("1.0.0")


IDENTIFIERS = st.from_regex("0|[1-9][0-9]{0,3}|[0-9a-z-]{0,3}[a-z-]", fullmatch=True)
NUMBERS = st.integers(0, 11)


@given(st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS, st.lists(IDENTIFIERS, max_size=3)), min_size=2, max_size=2))
def test_versions_are_ordered_as_semver_org_says(parts: list[tuple[int, int, int, list[str]]]) -> None:
    one, other = (f"{a}.{b}.{c}" + ("-" + ".".join(ids) if ids else "") for a, b, c, ids in parts)
    mine = (version(one) > version(other)) - (version(one) < version(other))
    assert mine == semver.Version.parse(one).compare(other)
