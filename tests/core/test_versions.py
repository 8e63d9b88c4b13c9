"""A policy chooses one tag, never one behind the deployed one, and gives the reason of every other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.config import Policy
from bot.core.models import Unknown
from bot.core.versions import MOST_LOOKED_AT, Choice, PolicyError, TagFacts, check_policy, choose, explain, undated
from bot.core.versions.calver import calendar_version
from bot.core.versions.semantic import parse_version

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


def days(number: float, *platforms: str) -> TagFacts:
    """Made so many days ago."""
    return TagFacts(NOW - timedelta(days=number), frozenset(platforms))


def codes(tags: Sequence[str], policy: Policy, current: str | None = None, **more: Any) -> dict[str, str]:
    """The reason code of each tag that lost."""
    choice = choose(tags, policy, current, **more)
    rejected = explain(tags, policy, choice, current, **more)
    assert all(one.reason for one in rejected)
    return {one.tag: one.reason_code for one in rejected}


SIGNED = f"sha256-{'a' * 64}"
SIGNATURES = f"{SIGNED} {SIGNED}.sig {SIGNED}.att {SIGNED}.sbom web-1.0.sig"
EXTRACTED = "1.28.0.5999-x 1.28.0.6100-y 1.27.0.9999-z"


@pytest.mark.parametrize(
    ("policy", "key"),
    [
        (Policy(), ()),
        (Policy(semver="*", numerical="asc"), ()),
        (Policy(newest=True, digest="latest"), ()),
        (Policy(filter=".*"), ()),
        (Policy(semver=">>1"), ("semver",)),
        (Policy(numerical="asc", extract="$1"), ("extract",)),
        (Policy(numerical="asc", filter="("), ("filter",)),
        (Policy(numerical="asc", loose=True), ("loose",)),
        (Policy(numerical="asc", exclude=("1", "/(/")), ("exclude", 1)),
        (Policy(numerical="asc", min_age="31d"), ("min_age",)),
        (Policy(digest="latest", filter="x"), ("filter",)),
        (Policy(digest="latest", exclude=("x",)), ("exclude",)),
        (Policy(digest="latest", allow_downgrade=True), ("allow_downgrade",)),
    ],
)
def test_a_bad_policy_is_refused_with_its_key(policy: Policy, key: tuple[str | int, ...]) -> None:
    with pytest.raises(PolicyError) as error:
        check_policy(policy)
    assert error.value.key == key
    assert error.value.fix


@pytest.mark.parametrize(
    "policy",
    [
        Policy(semver=">=1.2 <2", loose=True, min_age="3d", platforms=("linux/arm64",)),
        Policy(numerical="desc", exclude=("7", "/^9/")),
        Policy(alphabetical="asc", filter="(?P<version>.+)-x", extract="$version", allow_downgrade=True),
        Policy(digest="latest", min_age="1h", platforms=("linux/arm/v7",)),
    ],
)
def test_a_good_policy_is_accepted(policy: Policy) -> None:
    check_policy(policy)


BUILDS = Policy(numerical="asc", filter=r"^main-[0-9a-f]+-(?P<ts>[0-9]+)$", extract="$ts")


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
        (Policy(semver="*"), "", "1.0.0", None),
        (Policy(semver="*"), "latest", "1.0.0", None),
        (Policy(semver="*", exclude=("1.6.0", "/^1.5/")), "1.5.0 1.5.1 1.6.0 1.4.0 1x6x0", None, "1.4.0"),
        (Policy(semver="*", exclude=("/",)), "1.5.0", None, "1.5.0"),
        (Policy(semver="*", allow_downgrade=True), "1.5.0 1.4.0", "2.0.0", "1.5.0"),
        (Policy(semver="*", allow_downgrade=True), "1.5.0 v1.5.0 1.6.0", "v1.5.0", "1.6.0"),
        (Policy(semver="*", allow_downgrade=True), "1.5.0 v1.5.0", "v1.5.0", "v1.5.0"),
        (Policy(semver="1"), "1 1.2 v1.10 01.3", None, None),
        (Policy(semver="1", loose=True), "1 1.2 v1.10 01.3", None, "v1.10"),
        (Policy(semver="*", loose=True), "1.2.0+b 1.2.0+a", None, "1.2.0+b"),
        (Policy(semver="*", loose=True), "1.2.0+20240101 1.2.0+20240301", "1.2.0+20240101", "1.2.0+20240301"),
        (Policy(numerical="asc"), "1.5 1.10 2 1.9", None, "2"),
        (Policy(numerical="desc"), "1.5 1.10 2 1.9", None, "1.10"),
        (Policy(semver="*", filter="^(?P<v>[0-9]+.[0-9]+.[0-9]+)", extract="$v"), EXTRACTED, None, "1.28.0.6100-y"),
        (
            Policy(semver="*", filter="^(?P<v>[0-9]+.[0-9]+.[0-9]+)", extract="$v"),
            EXTRACTED,
            "1.28.0.5999-x",
            "1.28.0.6100-y",
        ),
        (Policy(alphabetical="asc"), f"20240101 {SIGNATURES}", None, "20240101"),
        (Policy(newest=True), SIGNATURES, None, None),
        (Policy(semver="*"), "2024.01.15 1.2 v1.2-alpha.1", None, "2024.01.15"),
        (Policy(semver="*", loose=True), "1.2.0+b 1.2.0+a", "1.2.0+b", "1.2.0+b"),
        (Policy(calver="asc"), "2024.01.15 24.04 2024.10 20240401 1.2.3", None, "2024.10"),
        (Policy(calver="desc"), "2024.01.15 24.04 2024.10", None, "2024.01.15"),
        (Policy(calver="asc"), "2024.04 24.4", None, "2024.04"),
        (Policy(calver="asc"), "2024.01.15", "2024.01.15-1", "2024.01.15-1"),
        (Policy(digest="latest"), "1.0.0 latest", "latest", "latest"),
        (Policy(digest="latest"), "1.0.0 latest", "1.0.0", "latest"),
        (Policy(digest="latest"), "1.0.0", "latest", None),
        (Policy(semver="*"), "", None, None),
        (
            Policy(semver="*", filter="^(.*)-debian$", extract="$1"),
            "1.2.0-debian 1.9.0 1.1.0-debian",
            None,
            "1.2.0-debian",
        ),
        (Policy(semver="*", filter=r"^1\."), "1.2.0 2.0.0", None, "1.2.0"),
        (Policy(numerical="asc"), "9 10 1" + "0" * 60, None, "1" + "0" * 60),
        (Policy(numerical="desc"), "9 10 8", None, "8"),
        (Policy(numerical="desc"), "9 10 8", "7", "7"),
        (Policy(numerical="asc"), "7 007", None, "007"),
        (Policy(numerical="asc"), "7 007", "7", "7"),
        (BUILDS, "main-abc-20 main-fff-3 dev-abc-99", "main-fff-3", "main-abc-20"),
        (Policy(alphabetical="asc"), "a c b", None, "c"),
        (Policy(alphabetical="desc"), "a c b", None, "a"),
        (Policy(alphabetical="asc"), "2026-01-02 2026-01-10", "2026-01-02", "2026-01-10"),
        (Policy(alphabetical="asc", filter="^(x-(.*)|y)$", extract="$2"), "x-1 y", None, "x-1"),
    ],
)
def test_the_newest_tag_by_the_policy_is_chosen(
    policy: Policy, tags: str, current: str | None, selected: str | None
) -> None:
    assert choose(tags.split(), policy, current).selected == selected
    assert choose(tags.split()[::-1], policy, current).selected == selected


def test_every_tag_that_lost_has_its_reason() -> None:
    tags = ["1.0.0", "1.2.0", "v1.2.0", "2.0.0", "1.3.0-rc.1", "latest", "not a tag", "1.0.0", "1.2.1"]
    policy = Policy(semver="^1", exclude=("1.2.1",))
    assert choose(tags, policy, "1.0.0").selected == "1.2.0"
    assert codes(tags, policy, "1.0.0") == {
        "1.0.0": "older",
        "v1.2.0": "equal",
        "2.0.0": "out_of_range",
        "1.3.0-rc.1": "prerelease",
        "latest": "not_semver",
        "not a tag": "not_a_tag",
        "1.2.1": "excluded",
    }


def test_tags_of_another_kind_are_named() -> None:
    numbers = Policy(numerical="asc", filter="^main-(.*)", extract="$1")
    assert codes(["main-1", "main-x", "dev-1"], numbers) == {"main-x": "not_a_number", "dev-1": "filtered"}
    assert codes(["24.04", "x"], Policy(calver="asc")) == {"x": "not_calver"}
    assert codes(["latest", "x"], Policy(digest="latest")) == {"x": "other_tag"}


def test_nothing_goes_back_behind_what_is_deployed() -> None:
    tags = ["1.0.0", "1.5.0", "v2.0.0"]
    choice = choose(tags, Policy(semver="*"), "2.0.0")
    assert choice.selected == "2.0.0"
    rejected = explain(tags, Policy(semver="*"), choice, "2.0.0")
    assert [one.reason_code for one in rejected] == ["older_than_current", "older_than_current", "equal"]
    assert "2.0.0, which is deployed" in rejected[0].reason


def test_nothing_is_chosen_of_nothing() -> None:
    assert "empty list" in choose((), Policy(semver="*"), "1.0.0").reason
    assert "none of the 2 tags" in choose(("a", "b"), Policy(semver="*"), "1.0.0").reason


FACTS = {
    "1.0.0": days(30, "linux/amd64", "linux/arm64"),
    "1.1.0": days(5, "linux/amd64", "linux/arm64/v8"),
    "1.2.0": days(2, "linux/amd64"),
    "1.3.0": TagFacts(None, frozenset({"linux/amd64"})),
    "1.4.0": TagFacts(datetime(1970, 1, 1, tzinfo=UTC), frozenset({"linux/amd64"})),
    "1.5.0": None,
}


@pytest.mark.parametrize(
    ("policy", "selected", "lost"),
    [
        (
            Policy(semver="*", min_age="3d"),
            "1.1.0",
            {
                "1.0.0": "older",
                "1.2.0": "too_young",
                "1.3.0": "age_unknown",
                "1.4.0": "age_unknown",
                "1.5.0": "image_missing",
            },
        ),
        (
            Policy(semver="*", platforms=("linux/amd64", "linux/arm64")),
            "1.1.0",
            {
                "1.0.0": "older",
                **dict.fromkeys(("1.2.0", "1.3.0", "1.4.0"), "platform_missing"),
                "1.5.0": "image_missing",
            },
        ),
        (
            Policy(newest=True),
            "1.2.0",
            {
                "1.0.0": "older",
                "1.1.0": "older",
                "1.3.0": "date_unknown",
                "1.4.0": "date_unknown",
                "1.5.0": "image_missing",
            },
        ),
        (
            Policy(semver="*", platforms=("linux/s390x",)),
            None,
            {**dict.fromkeys(FACTS, "platform_missing"), "1.5.0": "image_missing"},
        ),
    ],
)
def test_what_is_known_of_an_image_decides(policy: Policy, selected: str | None, lost: dict[str, str]) -> None:
    choice = choose(tuple(FACTS), policy, facts=FACTS, now=NOW)
    assert choice == Choice(selected, choice.reason)
    assert codes(tuple(FACTS), policy, facts=FACTS, now=NOW) == lost


def test_a_tag_that_is_too_young_says_until_when() -> None:
    policy = Policy(semver="*", min_age="3d")
    (rejected,) = explain(("1.0.0",), policy, Choice(None), facts={"1.0.0": days(2)}, now=NOW)
    assert "younger than 3d, until 2026-03-11 12:01 UTC" in rejected.reason


def test_a_date_at_the_end_of_time_is_too_young() -> None:
    made = TagFacts(datetime(9999, 12, 31, 23, 59, tzinfo=UTC))
    assert "younger than 3d, until 9999" in choose(("1.0.0",), OLD, facts={"1.0.0": made}, now=NOW).reason


def looked_up(
    tags: Sequence[str], policy: Policy, current: str | None, know: Callable[[str], Any]
) -> tuple[Choice, int]:
    """The choice once everything that it asks for is known, and how much that was."""
    facts: dict[str, Any] = {}
    choice = choose(tags, policy, current, facts, NOW)
    while choice.needed:
        assert not choice.selected
        assert not facts.keys() & set(choice.needed)
        facts.update({tag: know(tag) for tag in choice.needed})
        choice = choose(tags, policy, current, facts, NOW)
    return choice, len(facts)


MANY = [f"1.{number}.0" for number in range(1000)]
OLD = Policy(semver="*", min_age="3d")


def test_only_what_may_be_chosen_is_looked_up_best_first() -> None:
    assert looked_up(MANY, OLD, None, lambda _: days(9)) == (Choice("1.999.0"), 1)
    assert looked_up(MANY, OLD, "1.999.0", lambda _: days(9)) == (Choice("1.999.0"), 0)
    assert looked_up(MANY, OLD, "1.996.0", lambda _: days(1)) == (
        Choice("1.996.0", "1.999.0 is not taken: it is younger than 3d, until 2026-03-12 12:01 UTC"),
        3,
    )
    young = {f"1.{number}.0" for number in range(990, 1000)}
    choice, asked = looked_up(MANY, OLD, None, lambda tag: days(1 if tag in young else 9))
    assert choice.selected == "1.989.0"
    assert asked <= 16


def test_the_number_of_images_that_are_looked_up_is_bounded() -> None:
    choice, asked = looked_up(MANY, OLD, None, lambda _: days(1))
    assert (choice.selected, asked) == (None, MOST_LOOKED_AT)
    assert f"best {MOST_LOOKED_AT} tags" in choice.reason
    choice, asked = looked_up(MANY, Policy(newest=True), None, lambda _: days(1))
    assert (choice.selected, asked) == (None, 0)
    assert "narrow them by `filter`" in choice.reason
    assert looked_up(MANY, Policy(newest=True, filter="99.\\."), None, lambda _: days(1)) == (Choice("1.990.0"), 10)


@pytest.mark.parametrize("policy", [OLD, Policy(newest=True), Policy(semver="*", platforms=("linux/amd64",))])
def test_nothing_is_chosen_while_a_better_tag_is_unknown(policy: Policy) -> None:
    away = Unknown("it cannot be reached")
    facts: Mapping[str, Any] = {"1.0.0": days(9, "linux/amd64"), "1.1.0": away}
    assert choose(("1.0.0", "1.1.0"), policy, "0.9.0", facts, NOW) == Choice(None, away.reason, unknown=away)


def test_the_newest_never_comes_before_the_deployed_one() -> None:
    facts = {"a": days(3), "b": days(2), "c": days(1), "d": TagFacts()}
    newest = Policy(newest=True)
    assert choose(tuple("ab"), newest, "c", facts).selected == "c"
    assert choose(tuple("abc"), newest, "b", facts).selected == "c"
    assert choose(tuple("abcd"), newest, "d", facts).selected == "d"
    assert codes(tuple("abcd"), newest, "d", facts=facts) == dict.fromkeys("abc", "undecided")
    assert choose(tuple("abc"), newest, "gone", facts).selected == "c"
    assert choose(tuple("abc"), Policy(newest=True, exclude=("c",)), "c", facts).selected == "c"


def test_a_followed_tag_waits_until_it_is_old_enough() -> None:
    policy = Policy(digest="latest", min_age="3d")
    assert choose(("latest",), policy, "latest").needed == ("latest",)
    assert choose(("latest",), policy, "latest", {"latest": days(4)}, NOW).selected == "latest"
    assert choose(("latest",), policy, "latest", {"latest": days(2)}, NOW).selected is None


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("created", [None, EPOCH])
def test_a_tag_without_a_date_gets_old_from_when_it_was_first_seen(created: datetime | None) -> None:
    fact = TagFacts(created, first_seen=NOW)
    for late, code, reason in (
        (timedelta(), "age_unknown", "recorded as first seen now, and is old enough from 2026-03-13 12:01 UTC on"),
        (
            timedelta(days=3, seconds=-1),
            "too_young",
            "first seen 2026-03-10 12:00 UTC, and less than 3d ago until",
        ),
    ):
        choice = choose(("1.0.0",), OLD, facts={"1.0.0": fact}, now=NOW + late)
        assert choice.selected is None
        assert reason in choice.reason
        (rejected,) = explain(("1.0.0",), OLD, choice, facts={"1.0.0": fact}, now=NOW + late)
        assert rejected.reason_code == code
    assert choose(("1.0.0",), OLD, facts={"1.0.0": fact}, now=NOW + timedelta(days=3)).selected == "1.0.0"


def test_a_date_that_is_known_counts_and_the_first_sight_does_not() -> None:
    facts = {"1.0.0": days(2)._replace(first_seen=NOW - timedelta(days=9))}
    assert choose(("1.0.0",), OLD, facts=facts, now=NOW).selected is None


def test_the_newest_is_never_told_by_when_it_was_first_seen() -> None:
    facts = {"a": TagFacts(first_seen=NOW - timedelta(days=4)), "b": days(5)}
    policy = Policy(newest=True, min_age="3d")
    choice = choose(tuple("ab"), policy, facts=facts, now=NOW)
    assert choice.selected == "b"
    assert list(undated(tuple("ab"), policy, choice, facts=facts)) == []


ARM = Policy(semver="*", min_age="3d", platforms=("linux/arm64",), exclude=("1.9.0",))


@pytest.mark.parametrize(
    ("policy", "current", "selected", "found"),
    [
        (OLD, None, None, ["1.9.0", "1.4.0", "1.2.0"]),
        (OLD, "1.2.0", "1.2.0", ["1.9.0", "1.4.0"]),
        (OLD, "1.1.0", "1.3.0", ["1.9.0", "1.4.0"]),
        (OLD, "1.1.0", "1.4.0", ["1.9.0", "1.4.0"]),
        (ARM, None, None, ["1.2.0"]),
        (Policy(semver="<1.5", min_age="3d"), "1.2.0", "1.2.0", ["1.4.0"]),
        (Policy(semver="*"), None, None, []),
    ],
)
def test_tags_without_a_date_decide_down_to_the_chosen_one(
    policy: Policy, current: str | None, selected: str | None, found: list[str]
) -> None:
    facts: dict[str, Any] = {
        "1.9.0": TagFacts(None),
        "1.8.0": None,
        "1.4.0": TagFacts(EPOCH),
        "1.3.0": days(5, "linux/arm64"),
        "1.2.0": TagFacts(EPOCH, frozenset({"linux/arm64"})),
    }
    tags = ("1.2.0", "1.4.0", "1.9.0", "1.3.0", "1.8.0", "1.7.0")
    assert list(undated(tags, policy, Choice(selected), current, facts)) == found


SEMANTIC = st.from_regex(r"v?[0-2]\.[0-2]\.[0-2](-(rc|alpha)\.[0-2])?(\+[ab])?", fullmatch=True)
LOOSE = st.from_regex(r"v?0?[0-2](\.[0-2]){0,2}(-rc\.[0-2])?", fullmatch=True)
NUMBERS = st.from_regex("0{0,2}[0-9]{1,25}", fullmatch=True)
DATES = st.from_regex(r"v?(20)?2[3-5][.-]0?[1-3]([.-]0?[1-3])?|2024010[1-3]", fullmatch=True)
WORDS = st.from_regex("[a-c]{1,3}", fullmatch=True)
KEYS: dict[str, Callable[[str], Any]] = {
    "semver": lambda text: parse_version(text, loose=True),
    "numerical": int,
    "calver": calendar_version,
    "alphabetical": str,
}
WORLDS = st.one_of(
    st.tuples(
        st.sampled_from(["*", ">=0.0.0-0", "^1", "~1.1 || 2", "!=1.1"]).map(lambda r: Policy(semver=r)),
        st.just(SEMANTIC),
    ),
    st.tuples(st.sampled_from(["*", "1"]).map(lambda r: Policy(semver=r, loose=True)), st.just(LOOSE)),
    st.tuples(st.just(Policy(numerical="asc")), st.just(NUMBERS)),
    st.tuples(st.just(Policy(calver="asc")), st.just(DATES)),
    st.tuples(st.just(Policy(alphabetical="asc", exclude=("/^b/",))), st.just(WORDS)),
)


@given(st.data())
def test_every_tag_is_chosen_or_rejected_and_order_does_not_matter(data: st.DataObject) -> None:
    policy, texts = data.draw(WORLDS)
    tags = data.draw(st.lists(texts))
    current = data.draw(texts | st.none())
    choice = choose(tags, policy, current)
    rejected = [one.tag for one in explain(tags, policy, choice, current)]
    assert sorted(rejected) == sorted(set(tags) - {choice.selected})
    assert choose(data.draw(st.permutations(tags)), policy, current) == choice
    if choice.selected is not None:
        assert choose(tags, policy, choice.selected).selected == choice.selected
        assert choice.selected in (*tags, current)


@given(st.data())
def test_nothing_ever_goes_back(data: st.DataObject) -> None:
    policy, texts = data.draw(WORLDS)
    current = data.draw(texts)
    selected = choose(data.draw(st.lists(texts)), policy, current).selected
    key = next(key for kind, key in KEYS.items() if getattr(policy, kind))
    if selected is not None:
        assert key(selected) >= key(current)


AGES = st.dictionaries(WORDS, st.integers(0, 5).map(days) | st.just(TagFacts()), max_size=8)


@given(AGES, WORDS | st.none(), st.data())
def test_the_newest_is_stable_and_never_goes_back(
    facts: dict[str, TagFacts], current: str | None, data: st.DataObject
) -> None:
    newest = Policy(newest=True)
    choice = choose(tuple(facts), newest, current, facts)
    assert choose(tuple(data.draw(st.permutations(list(facts)))), newest, current, facts) == choice
    if choice.selected is None:
        return
    assert choose(tuple(facts), newest, choice.selected, facts).selected == choice.selected
    before = facts[current].date if current in facts else None
    if before:
        after = facts[choice.selected].date
        assert after
        assert after >= before


def test_many_policies_over_many_tags_take_no_time() -> None:
    tags = tuple(f"v{number % 7}.{number % 90}.{number}" for number in range(10_000))
    start = datetime.now(UTC)
    chosen = {choose(tags, Policy(semver=f"~{n % 7}.{n}"), None).selected for n in range(90)}
    assert len(chosen) > 80
    assert datetime.now(UTC) - start < timedelta(seconds=5)
