"""A version without a date gets old from when it was first seen: recorded once, and never older than that."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.actions import OpenPullRequest, WriteState
from bot.core.events import Build, Promote
from bot.core.models import ChartVersion, ImageInfo, Unknown
from bot.core.plan import plan
from bot.core.plan.first_seen import recorded
from bot.core.references import parse
from bot.core.state import MOST_SEEN, FirstSeen, State, read_state, with_first_seen
from tests.core import test_plan_charts
from tests.core.test_plan_charts import CHARTS, listing
from tests.core.worlds import (
    FOLLOWED,
    NOW,
    SHOP,
    TWO_APPLICATIONS,
    TWO_IMAGES,
    actions,
    after,
    digest,
    everywhere,
    looked_up,
    only,
    pinned,
    pull,
    settled,
    skip,
    values,
    world,
)

if TYPE_CHECKING:
    from bot.core.models import ChartListing
    from bot.core.snapshot import Snapshot

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
OLD = "policy: {semver: '>=1 <9', min_age: 3d}"
AWAY = Unknown("the branch gitops-bot/state could not be read", "unavailable")
V1, V2 = f"{SHOP}:1.1.0", f"{SHOP}:1.2.0"


def aged(config: str) -> str:
    """Every policy asks for an age of three days."""
    return config.replace("policy: {semver: '>=1 <9'}", OLD)


def undated(*pushed: str, config: str = FOLLOWED, **fields: Any) -> Snapshot:
    """A world in which every environment has 1.0.0, and these images, by builds that write no date, are there."""
    there = (f"{SHOP}:1.0.0", *pushed)
    images = {parse(one): ImageInfo(digest(one), {}, EPOCH) for one in there}
    return world(aged(config), everywhere("1.0.0"), there, **{"images": images} | fields)


def charted(found: ChartListing, **fields: Any) -> Snapshot:
    """A world in which every environment has the chart 1.0.0."""
    files = test_plan_charts.everywhere("1.0.0")
    return world(aged(test_plan_charts.FOLLOWED), files, charts={(CHARTS, "shop"): found}, **fields)


def later(snapshot: Snapshot, time: timedelta) -> Snapshot:
    """The same world after that time."""
    return looked_up(replace(snapshot, now=snapshot.now + time))


def seen(snapshot: Snapshot) -> dict[str, dict[str, datetime]]:
    """What the state branch says."""
    assert isinstance(snapshot.state, State)
    return {repository: dict(times) for repository, times in snapshot.state.seen.items()}


def test_the_first_run_records_it_and_a_later_one_takes_it() -> None:
    snapshot = undated(V1)
    written = only(snapshot, WriteState)
    assert (written.title, written.application) == (f"Record when this was first seen: {SHOP} 1.1.0", "state")
    assert f"- {SHOP} {pinned(V1)}\n" in written.steps[0].message
    assert skip(snapshot, "dev").reason == (
        f"dev has the newest release that may go there; {SHOP}: 1.1.0 is not taken: nobody knows when it was made: "
        "it is recorded as first seen now, and is old enough from 2026-03-04 12:01 UTC on"
    )
    snapshot = after(snapshot, written)
    assert seen(snapshot) == {SHOP: {pinned(V1): NOW}}

    early = later(snapshot, 3 * DAY - timedelta(seconds=1))
    assert plan(early).actions == ()
    assert "it was first seen 2026-03-01 12:00 UTC, and less than 3d ago until" in skip(early, "dev").reason
    opened = only(later(snapshot, 3 * DAY), OpenPullRequest)
    assert opened.title == "dev: shop 1.1.0"


def test_what_is_old_enough_stays_so_while_its_pull_request_is_open_and_a_newer_one_comes() -> None:
    snapshot = later(settled(undated(V1, config=FOLLOWED.replace(", merge: auto", ""))), 3 * DAY)
    snapshot = settled(snapshot)
    assert pull(snapshot, "bot/dev/shop").title == "dev: shop 1.1.0"
    newer = undated(V1, V2)
    snapshot = settled(replace(snapshot, tags=newer.tags, images=newer.images))
    assert pull(snapshot, "bot/dev/shop").title == "dev: shop 1.1.0"
    assert seen(snapshot) == {SHOP: {pinned(V1): NOW, pinned(V2): NOW + 3 * DAY}}


def test_another_image_under_the_same_tag_is_seen_for_the_first_time() -> None:
    snapshot = later(settled(undated(V1)), 9 * DAY)
    moved = replace(snapshot, images={parse(V1): ImageInfo(digest("moved"), {}, EPOCH)})
    assert only(moved, WriteState).steps[0].files
    assert actions(moved, OpenPullRequest) == []


def test_all_that_is_new_is_one_change_of_the_branch() -> None:
    web = "registry.example.com/web"
    both = world(
        aged(TWO_IMAGES),
        {"envs/dev/shop/values.yaml": values({"shop": "1.0.0", "web": "1.0.0"})},
        [V1, V2, f"{web}:1.1.0"],
        images={parse(one): ImageInfo(digest(one), {}, None) for one in (V1, V2, f"{web}:1.1.0")},
        state_head="0" * 40,
    )
    (written,) = actions(both, WriteState)
    assert written.title == f"Record when these were first seen: {SHOP} 1.2.0, {SHOP} 1.1.0, {web} 1.1.0"
    assert sorted(written.steps[0].files) == [
        "seen/registry.example.com%2Fshop.json",
        "seen/registry.example.com%2Fweb.json",
    ]
    assert written.expected == "0" * 40


@pytest.mark.parametrize(
    ("one", "version"), [(ChartVersion("1.1.0"), "1.1.0"), (ChartVersion("1.1.0", None, "ab"), "1.1.0@ab")]
)
def test_a_chart_without_a_date_waits_as_an_image_does(one: ChartVersion, version: str) -> None:
    snapshot = charted(listing()._replace(versions=(one, ChartVersion("1.0.0"), ChartVersion("9.0.0"))))
    assert "the chart shop: 1.1.0 is not taken: nobody knows when it was made" in skip(snapshot, "dev").reason
    snapshot = settled(snapshot)
    assert seen(snapshot) == {f"{CHARTS}/shop": {version: NOW}}
    assert plan(later(snapshot, 2 * DAY)).actions == ()
    assert only(later(snapshot, 3 * DAY), OpenPullRequest).title == "dev: shop chart 1.1.0"


def test_where_no_date_decides_nothing_is_recorded() -> None:
    dated = {parse(V1): ImageInfo(digest(V1), {}, NOW - DAY)}
    assert plan(undated(V1, images=dated)).actions == ()
    assert actions(world(FOLLOWED, everywhere("1.0.0"), [V1]), WriteState) == []
    assert actions(undated(f"{SHOP}:0.9.0", f"{SHOP}:9.9.9"), WriteState) == []
    assert actions(undated(V1, tags={parse(SHOP): AWAY}), WriteState) == []


def test_a_build_records_nothing_and_a_promotion_does() -> None:
    assert actions(undated(V1), WriteState, Build(())) == []
    assert len(actions(undated(V1), WriteState, Promote("dev", (), None, "dana"))) == 1


def test_a_state_that_could_not_be_read_holds_the_release_and_closes_nothing() -> None:
    snapshot = settled(later(settled(undated(V1, config=FOLLOWED.replace(", merge: auto", ""))), 3 * DAY))
    away = replace(snapshot, state=AWAY)
    assert [a.kind for a in plan(away).actions] == ["set_status"]
    assert plan(settled(away)).actions == ()
    held = skip(away, "dev")
    assert held.reason_code == "unavailable"
    assert held.reason.startswith(f"when {SHOP} {pinned(V1)} was first seen could not be read: the branch")
    chart = skip(charted(listing("1.1.0"), state=AWAY), "dev")
    assert (chart.reason_code, chart.reason) == (
        "unavailable",
        f"when {CHARTS}/shop 1.1.0 was first seen could not be read: {AWAY.reason}",
    )


def test_a_damaged_record_makes_nothing_older_and_is_written_anew() -> None:
    path, _ = with_first_seen(FirstSeen(SHOP, {}))
    snapshot = undated(V1, state=read_state({path: b'{"repository": '}))
    mended = after(snapshot, only(snapshot, WriteState))
    assert mended.state == State(seen={SHOP: {pinned(V1): NOW}})
    assert plan(mended).actions == ()


@pytest.mark.parametrize("time", [NOW + timedelta(seconds=1), datetime(9999, 12, 31, 23, 59, tzinfo=UTC)])
def test_a_time_that_is_still_to_come_is_written_anew(time: datetime) -> None:
    snapshot = settled(undated(V1, state=State(seen={SHOP: {pinned(V1): time, "0.1.0": NOW}})))
    assert seen(snapshot) == {SHOP: {pinned(V1): NOW, "0.1.0": NOW}}
    assert only(later(snapshot, 3 * DAY), OpenPullRequest).title == "dev: shop 1.1.0"


def test_what_could_not_be_written_is_told_and_nothing_is_taken() -> None:
    snapshot = undated(V1)
    failed = replace(snapshot, failures={only(snapshot, WriteState).key: "the branch is protected"})
    assert plan(failed).actions == ()
    told = skip(failed, None, "state")
    assert told.reason_code == "failed"
    assert "the branch is protected" in told.reason


# --- what a file holds


def test_a_full_file_drops_the_oldest_that_decides_nothing() -> None:
    before = {f"1.{number}.0": NOW + number * DAY for number in range(MOST_SEEN)}
    after_it = recorded(before, ["2.1.0", "2.0.0", "1.0.0"], NOW)
    assert len(after_it) == MOST_SEEN
    assert before.keys() - after_it.keys() == {"1.1.0", "1.2.0"}
    assert {"1.0.0", "2.0.0", "2.1.0"} <= after_it.keys()


def test_what_waits_in_a_full_file_keeps_its_place() -> None:
    before = {f"1.{number}.0": NOW for number in range(MOST_SEEN)}
    assert recorded(before, ["2.0.0", *before], NOW + DAY) == before


names = st.sampled_from([f"1.{number}.0" for number in range(9)])
times = st.datetimes(datetime(2026, 1, 1), datetime(2026, 2, 1), timezones=st.just(UTC))  # noqa: DTZ001 -- a zone is added


@given(st.dictionaries(names, times), st.lists(names))
def test_nothing_that_is_recorded_ever_gets_another_time(before: dict[str, datetime], deciding: list[str]) -> None:
    versions = recorded(before, deciding, NOW)
    assert versions == {**dict.fromkeys(deciding, NOW), **before}


@given(
    st.lists(
        st.tuples(st.sampled_from(["push", "wait", "damage", "lose"]), st.integers(1, 8), st.integers(1, 60)),
        min_size=1,
        max_size=12,
    )
)
@settings(deadline=None, max_examples=60)
def test_nothing_is_taken_before_it_has_been_seen_for_its_age(steps: list[tuple[str, int, int]]) -> None:
    """Whatever comes when, and whatever becomes of the branch, by a clock that moves on."""
    snapshot = undated(config=TWO_APPLICATIONS, tags={parse(SHOP): (), parse(f"{SHOP[:-4]}desk"): ()})
    first, taken = dict[str, datetime](), "1.0.0"
    for what, number, hours in steps:
        if what == "push":
            tag = f"1.{number}.0"
            one, listed = parse(f"{SHOP}:{tag}"), snapshot.tags[parse(SHOP)]
            assert not isinstance(listed, Unknown)
            tags = (*(other for other in listed if other != tag), tag)
            snapshot = replace(
                snapshot,
                tags={**snapshot.tags, one.repository: tags},
                images={**snapshot.images, one: ImageInfo(digest(str(one)), {}, None)},
            )
            first.setdefault(tag, snapshot.now)
        elif what in ("damage", "lose"):
            broken = {"seen/registry.example.com%2Fshop.json": b""} if what == "damage" else {}
            snapshot = replace(snapshot, state=read_state(broken))
            first = {tag: time if tag == taken else snapshot.now for tag, time in first.items()}
        snapshot = settled(later(snapshot, timedelta(hours=hours)))
        taken = snapshot.deployed["dev", "shop"].release.images["shop"].tag
        assert taken == "1.0.0" or snapshot.now - first[taken] >= 3 * DAY


def test_versions_that_come_every_day_are_taken_one_after_the_other() -> None:
    """What is better and younger does not keep what is old enough from being taken."""
    snapshot = undated()
    taken = []
    for number in range(1, 9):
        pushed = [f"{SHOP}:1.{n}.0" for n in range(1, number + 1)]
        newer = undated(*pushed)
        snapshot = settled(replace(later(snapshot, DAY), tags=newer.tags, images=newer.images))
        taken.append(snapshot.deployed["dev", "shop"].release.images["shop"].tag)
    assert taken == ["1.0.0", "1.0.0", "1.0.0", "1.1.0", "1.2.0", "1.3.0", "1.4.0", "1.5.0"]
