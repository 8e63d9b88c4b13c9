"""A policy chooses one tag, never one behind the deployed one, and gives the reason of every other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from semver import Version

from bot.core.config import Policy
from bot.core.errors import BotError
from bot.core.versions import check_policy, choose
from bot.core.versions.ranges import parse_range

VERSIONS = "0.0.3 0.0.4 0.2.3 0.3.0 1.0.0 1.2.0 1.2.3-beta.1 1.2.3 1.2.4 1.3.0-rc.1 1.3.0 2.0.0-alpha 2.0.0 2.1.3"

# What Masterminds/semver 3.4.0, which Flux uses, answers for these versions.
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


@pytest.mark.parametrize(("text", "matching"), MATCHES)
def test_a_range_means_what_it_means_to_flux(text: str, matching: str) -> None:
    accepted = parse_range(text)
    assert [one for one in VERSIONS.split() if accepted.matches(Version.parse(one))] == matching.split()


@pytest.mark.parametrize(
    ("text", "matching"),
    [("^*", "0.0.3 1.0.0"), ("<=*", "0.0.3 1.0.0"), (">*", ""), ("!=*", ""), ("~0.0.0", "0.0.3")],
)
def test_a_range_differs_from_flux_only_where_that_is_documented(text: str, matching: str) -> None:
    accepted = parse_range(text)
    assert [one for one in ("0.0.3", "1.0.0") if accepted.matches(Version.parse(one))] == matching.split()


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("", 1),
        (" ", 2),
        ("latest", 1),
        (">=1.2 <", 7),
        (">=1.2,", 7),
        (">=1.2,,<2", 7),
        ("1.2.3.4", 1),
        ("01.2", 1),
        ("1.2.3-", 1),
        ("1.2.3-01", 1),
        (">=1 || ", 8),
        ("1 | 2", 3),
        ("||", 1),
        ("1.2 - >2", 7),
        ("1 - 2 - 3", 7),
        (">=1.2 && <2", 7),
        ("1.2 -2", 5),
    ],
)
def test_a_bad_range_is_refused_with_its_column(text: str, column: int) -> None:
    with pytest.raises(BotError) as error:
        check_policy(Policy(semver=text))
    assert f"column {column}:" in error.value.message
    assert error.value.reason_code == "bad_range"
    assert error.value.fix


def test_a_bad_pattern_is_refused_with_its_column() -> None:
    with pytest.raises(BotError) as error:
        check_policy(Policy(alphabetical="asc", pattern="v(.*"))
    assert "column 2:" in error.value.message
    assert error.value.reason_code == "bad_pattern"


@pytest.mark.parametrize("policy", [Policy(), Policy(semver="*", numerical="asc"), Policy(pattern=".*")])
def test_a_policy_has_exactly_one_order(policy: Policy) -> None:
    with pytest.raises(BotError, match="exactly one"):
        check_policy(policy)


@pytest.mark.parametrize(
    "policy",
    [Policy(semver=">=1.2 <2"), Policy(numerical="desc"), Policy(alphabetical="asc", pattern=r"(?P<version>.+)-x")],
)
def test_a_good_policy_is_accepted(policy: Policy) -> None:
    check_policy(policy)


CALENDAR = Policy(numerical="asc", pattern=r"main-[0-9a-f]+-(?P<version>[0-9]+)")


@pytest.mark.parametrize(
    ("policy", "tags", "current", "selected"),
    [
        (Policy(semver="*"), "1.9.0 1.10.0 1.2.0", None, "1.10.0"),
        (Policy(semver="^1"), "1.9.0 2.0.0 v1.10.0", "1.9.0", "v1.10.0"),
        (Policy(semver="*"), "1.0.0-rc.1 latest 1.0", None, None),
        (Policy(semver=">=1.0.0-0"), "1.0.0-rc.2 1.0.0-rc.10 1.0.0-rc.9", None, "1.0.0-rc.10"),
        (Policy(semver="*"), "v1.0.0 1.0.0", None, "1.0.0"),
        (Policy(semver="*"), "v1.0.0 1.0.0", "v1.0.0", "v1.0.0"),
        (Policy(semver="^1"), "1.5.0", "2.0.0", "2.0.0"),
        (Policy(semver="*"), "1.5.0", "2.0.0-gone", "2.0.0-gone"),
        (Policy(semver="*"), "1.5.0", "latest", "1.5.0"),
        (Policy(semver="*"), "", "1.0.0", "1.0.0"),
        (Policy(semver="*"), "", None, None),
        (
            Policy(semver="*", pattern=r"(?P<version>.*)-debian"),
            "1.2.0-debian 1.9.0 1.1.0-debian",
            None,
            "1.2.0-debian",
        ),
        (Policy(semver="*", pattern=r"1\..*"), "1.2.0 2.0.0", None, "1.2.0"),
        (Policy(numerical="asc"), "9 10 1" + "0" * 60, None, "1" + "0" * 60),
        (Policy(numerical="desc"), "9 10 8", None, "8"),
        (Policy(numerical="desc"), "9 10 8", "7", "7"),
        (Policy(numerical="asc"), "7 007", None, "007"),
        (Policy(numerical="asc"), "7 007", "7", "7"),
        (CALENDAR, "main-abc-20 main-fff-3 dev-abc-99", "main-fff-3", "main-abc-20"),
        (Policy(alphabetical="asc"), "a c b", None, "c"),
        (Policy(alphabetical="desc"), "a c b", None, "a"),
        (Policy(alphabetical="asc"), "2026-01-02 2026-01-10", "2026-01-02", "2026-01-10"),
        (Policy(alphabetical="asc", pattern=r"(x-(?P<version>.*)|y)"), "x-1 y", None, "x-1"),
    ],
)
def test_the_newest_tag_by_the_policy_is_chosen(
    policy: Policy, tags: str, current: str | None, selected: str | None
) -> None:
    assert choose(tags.split(), policy, current).selected == selected
    assert choose(tags.split()[::-1], policy, current).selected == selected


def test_every_tag_that_lost_has_its_reason() -> None:
    tags = ["1.0.0", "1.2.0", "v1.2.0", "2.0.0", "1.3.0-rc.1", "latest", "not a tag", "1.0.0"]
    choice = choose(tags, Policy(semver="^1"), "1.0.0")
    assert choice.selected == "1.2.0"
    assert {one.tag: one.reason_code for one in choice.rejected} == {
        "1.0.0": "older",
        "v1.2.0": "equal",
        "2.0.0": "out_of_range",
        "1.3.0-rc.1": "prerelease",
        "latest": "not_semver",
        "not a tag": "not_a_tag",
    }
    assert all(one.reason for one in choice.rejected)


def test_tags_of_another_kind_are_named() -> None:
    choice = choose(["main-1", "main-x", "dev-1"], Policy(numerical="asc", pattern="main-(?P<version>.*)"), None)
    assert {one.tag: one.reason_code for one in choice.rejected} == {"main-x": "not_a_number", "dev-1": "pattern"}


def test_nothing_goes_back_behind_what_is_deployed() -> None:
    choice = choose(["1.0.0", "1.5.0", "v2.0.0"], Policy(semver="*"), "2.0.0")
    assert choice.selected == "2.0.0"
    assert {one.tag: one.reason_code for one in choice.rejected} == {
        "1.0.0": "older_than_current",
        "1.5.0": "older_than_current",
        "v2.0.0": "equal",
    }
    assert "2.0.0, which is deployed" in choice.rejected[0].reason


versions = st.from_regex(r"v?[0-2]\.[0-2]\.[0-2](-(rc|alpha)\.[0-2])?", fullmatch=True)


@given(st.lists(versions), versions | st.none(), st.sampled_from(["*", ">=0.0.0-0", "^1", "~1.1 || 2", "!=1.1"]))
def test_every_tag_is_chosen_or_rejected_and_order_does_not_matter(
    tags: list[str], current: str | None, accepted: str
) -> None:
    choice = choose(tags, Policy(semver=accepted), current)
    rejected = [one.tag for one in choice.rejected]
    assert sorted(rejected) == sorted(set(tags) - {choice.selected})
    assert choose(sorted(tags), Policy(semver=accepted), current).selected == choice.selected
    if current is not None:
        assert choice.selected is not None
        assert Version.parse(choice.selected.removeprefix("v")) >= Version.parse(current.removeprefix("v"))
        assert choose(tags, Policy(semver=accepted), choice.selected).selected == choice.selected
