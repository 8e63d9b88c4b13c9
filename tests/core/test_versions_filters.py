"""A filter means what it means to Flux, and no pattern is too hard for it."""

from __future__ import annotations

import time

import pytest

from bot.core.config import Policy
from bot.core.errors import BotError
from bot.core.versions import check_policy
from bot.core.versions.filters import Filter


@pytest.mark.parametrize(
    ("pattern", "extract", "tag", "text"),
    [
        ("^main-[a-f0-9]+-(?P<ts>[0-9]+)$", "$ts", "main-abc-12", "12"),
        ("^main-[a-f0-9]+-(?P<ts>[0-9]+)$", "$ts", "dev-abc-12", None),
        ("(?<v>[0-9]+)", "${v}", "build-12", "12"),
        ("b", None, "abc", "abc"),
        ("b", "", "abc", "abc"),
        ("^b", None, "abc", None),
        ("(a)(b)?", "$1-$2", "ac", "a-"),
        ("(a)(b)", "$2$1", "abc", "ba"),
        ("(a)", "$1x", "a", ""),
        ("(a)", "${1}x", "a", "ax"),
        ("(a)", "$0$00$9$name", "ba", "a"),
        ("(a)", "$" + "9" * 30, "a", ""),
        ("a", "$$1-$", "a", "$1-$"),
        ("a", "${-${0", "a", "${-${0"),
        ("a", "${}$-", "a", "${}$-"),
        ("(?P<_1>a)", "$_1", "a", "a"),
        ("(?i)A", "$0", "a", "a"),
    ],
)
def test_what_is_taken_is_what_go_takes(pattern: str, extract: str | None, tag: str, text: str | None) -> None:
    assert Filter(pattern, extract).text(tag) == text


@pytest.mark.parametrize(
    ("pattern", "column"),
    [
        ("v(.*", 2),
        ("v.*)", 4),
        ("a[bc", 2),
        ("*a", 1),
        ("ab**", 3),
        ("a{2000}", 2),
        ("x(?=y)", 2),
        (r"(a)\1", 4),
        ("a[z-b]", 3),
        ("a(?P<n", 2),
        ("a\\", 1),
        ("\ud800", 1),
    ],
)
def test_a_bad_filter_is_refused_with_its_column(pattern: str, column: int, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(BotError) as error:
        check_policy(Policy(alphabetical="asc", filter=pattern))
    assert f"column {column}:" in error.value.message
    assert error.value.reason_code == "bad_filter"
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("policy", [Policy(semver="1 " * 100_000), Policy(alphabetical="asc", filter="(" * 100_000)])
def test_a_long_text_makes_no_long_message(policy: Policy) -> None:
    with pytest.raises(BotError) as error:
        check_policy(policy)
    assert len(str(error.value)) < 800


@pytest.mark.parametrize("pattern", ["(a*)*b", "(a|a)*b", "(a|aa)+$b", "(.*a){20}b", "((a{0,30}){0,30})b"])
def test_a_hostile_pattern_costs_no_time(pattern: str) -> None:
    start = time.monotonic()
    assert Filter(pattern, "$1").text("a" * 5000) is None
    assert time.monotonic() - start < 2
