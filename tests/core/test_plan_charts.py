"""Which version of its chart an application gets: followed by policy, or packaged from git, never on a guess."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from bot.core.actions import OpenPullRequest, PackageChart
from bot.core.chart_metadata import later_version
from bot.core.config import Policy
from bot.core.events import Build, Promote, Reconcile
from bot.core.models import ChartListing, ChartVersion, Commit, ImageInfo, Unknown
from bot.core.plan.builds import REVISION
from bot.core.plan.charts import newest_version
from bot.core.references import parse
from bot.core.snapshot import SourceChart
from bot.core.versions import TagFacts
from bot.core.versions.ranges import parse_range
from bot.core.versions.semantic import parse_version
from tests.core.worlds import (
    ENVIRONMENTS,
    NOW,
    actions,
    after,
    commit,
    decide,
    digest,
    only,
    pull,
    settled,
    skip,
    with_image,
    world,
)

if TYPE_CHECKING:
    from bot.core.snapshot import Snapshot

CHARTS = "https://charts.example.com"
GIT = "https://git.example.com/chart.git"
APPLICATION = ENVIRONMENTS.removesuffix("    images:\n")
FOLLOWED = APPLICATION + f"    chart: {{repository: '{CHARTS}', name: shop, policy: {{semver: '>=1 <9'}}}}\n"
PLAIN = APPLICATION.replace("  shop:\n", "  shop: {}\n")
PACKAGED = APPLICATION + (
    f"    chart: {{repository: 'oci://registry.example.com/charts', name: shop, source: {{git: '{GIT}'}}}}\n"
)
TARGET = "registry.example.com/charts/shop"
HEAD = Commit("0123456789" * 4, "dana@example.com", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "Change it")
LATER = "1.2.4-0.20260102030405-012345678901"
SOURCE = SourceChart(HEAD, "1.2.3")
AWAY = Unknown("charts.example.com cannot be reached", "unavailable")


def release(version: str, kind: str = "HelmRelease") -> bytes:
    """The file that names the chart's version."""
    if kind == "OCIRepository":
        return (
            "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: shop}\n"
            "spec:\n  chartRef: {kind: OCIRepository, name: shop}\n---\n"
            "apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata: {name: shop}\n"
            f"spec:\n  ref: {version}\n"
        ).encode()
    return (
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: shop}\n"
        f"spec:\n  chart:\n    spec:\n      chart: shop\n      version: {version}\n"
    ).encode()


def everywhere(version: str) -> dict[str, bytes]:
    """The same version in dev, staging and prod."""
    return {f"envs/{e}/shop/release.yaml": release(version) for e in ("dev", "staging", "prod")}


def listing(*versions: str, ignored: tuple[str, ...] = ()) -> ChartListing:
    """A chart with these versions."""
    return ChartListing(tuple(map(ChartVersion, versions)), ignored)


def facts(*versions: str) -> dict[str, TagFacts | Unknown | None]:
    """These versions, of which nothing more is known."""
    return dict.fromkeys(versions, TagFacts())


def followed(current: str, found: ChartListing | Unknown, **fields: Any) -> Snapshot:
    """A world in which every environment has `current`, and the repository says `found`."""
    return world(FOLLOWED, everywhere(current), charts={(CHARTS, "shop"): found}, **fields)


def packaged(
    source: SourceChart | Unknown = SOURCE,
    first: ImageInfo | Unknown | None = None,
    second: ImageInfo | Unknown | None = None,
    current: str = "1.0.0",
) -> Snapshot:
    """A world whose chart in git is `source`; `first` and `second` are what is there under its two versions."""
    there = {parse(f"{TARGET}:1.2.3"): first, parse(f"{TARGET}:{LATER}"): second}
    return world(PACKAGED, everywhere(current), source_charts={"shop": source}, images=there)


def package(revision: str = HEAD.sha) -> ImageInfo:
    """What the registry says of a package of that commit."""
    return ImageInfo(digest(revision), {REVISION: revision}, NOW)


# --- followed


def test_the_first_environment_gets_the_newest_version_and_the_pull_request_says_so() -> None:
    snapshot = followed("1.2.0", listing("1.2.0", "1.10.0", "1.9.0", "9.0.0"))
    opened = only(snapshot, OpenPullRequest)
    assert opened.title == "dev: shop chart 1.10.0"
    assert opened.files == {"envs/dev/shop/release.yaml": release("1.10.0")}
    assert "- chart `1.2.0` → `1.10.0`" in opened.body


def test_the_others_get_it_with_the_release() -> None:
    snapshot = settled(followed("1.2.0", listing("1.10.0")))
    assert pull(snapshot).title == "staging: shop chart 1.10.0"
    assert snapshot.deployed["dev", "shop"].release.chart == "1.10.0"
    assert skip(snapshot, "prod").reason_code == "up_to_date"


def test_a_version_is_never_taken_back() -> None:
    snapshot = followed("1.10.0", listing("1.2.0", "1.9.0"))
    assert {s.reason_code for s in decide(snapshot).skips} == {"up_to_date"}


@pytest.mark.parametrize("unknown", [AWAY, Unknown("no chart 'shop'", "not_found")])
def test_an_index_that_is_not_known_holds_the_release(unknown: Unknown) -> None:
    held = skip(followed("1.0.0", unknown), "dev")
    assert (held.reason_code, held.reason) == (unknown.reason_code, unknown.reason)


def test_an_index_that_is_not_known_holds_the_images_too() -> None:
    config = FOLLOWED + "    images: {web: {repository: registry.example.com/web, policy: {semver: '>=1'}}}\n"
    files = everywhere("1.0.0")
    files |= {
        f"envs/{e}/shop/values.yaml": b"web: {repository: registry.example.com/web, tag: 1.0.0}\n"
        for e in ("dev", "staging", "prod")
    }
    pushed = ["registry.example.com/web:1.0.0", "registry.example.com/web:1.1.0"]
    snapshot = world(config, files, pushed, charts={(CHARTS, "shop"): AWAY})
    assert skip(snapshot, "dev").reason_code == "unavailable"
    known = replace(snapshot, charts={(CHARTS, "shop"): listing("1.1.0")})
    opened = only(known, OpenPullRequest)
    assert opened.title == "dev: shop 1.1.0"
    assert "- chart `1.0.0` → `1.1.0`" in opened.body


@pytest.mark.parametrize("versions", [[], ["9.1.0"], ["latest"]])
def test_where_no_version_satisfies_the_policy_the_release_is_held_and_the_reason_says_what_was_ignored(
    versions: list[str],
) -> None:
    why = "line 3: the entry has no version that is a text"
    held = skip(followed("1.0.0", listing(*versions, ignored=(why,))), "dev")
    assert held.reason_code == "no_chart_version"
    assert f"of the {len(versions)} versions of the chart shop none is chosen: " in held.reason
    assert why in held.reason


def test_without_a_place_for_the_version_nothing_is_done_and_the_reason_says_where_it_belongs() -> None:
    files = dict.fromkeys(everywhere("1"), b"a: 1\n")
    snapshot = world(FOLLOWED, files, charts={(CHARTS, "shop"): listing("1.1.0")})
    held = skip(snapshot, "dev")
    assert held.reason_code == "chart_field_missing"
    assert "envs/dev/shop" in held.reason
    assert "spec.chart.spec.version" in held.reason


def test_a_chart_that_nothing_follows_travels_as_before() -> None:
    config = APPLICATION + "    images: {}\n"
    files = everywhere("1.0.0") | {"envs/dev/shop/release.yaml": release("2.0.0")}
    assert [a.title for a in actions(world(config, files), OpenPullRequest)] == ["staging: shop chart 2.0.0"]


@pytest.mark.parametrize(
    ("versions", "policy", "current", "newest"),
    [
        (["1.2", "v1.3", "1.2.9"], ">=1", "1.2.0", "v1.3"),
        (["1.2", "1.2.0"], ">=1", None, "1.2"),
        (["1.2.0"], ">=1", "1.2", "1.2"),
        (["1.2.0+b", "1.2.0+a"], ">=1", "1.1.0", "1.2.0+b"),
        (["1.2.0+b"], ">=1", "1.2.0+a", "1.2.0+b"),
        (["1.3.0-rc.1", "1.2.0"], ">=1", "1.1.0", "1.2.0"),
        (["1.3.0-rc.1", "1.2.0"], ">=1-0", "1.1.0", "1.3.0-rc.1"),
        (["latest", "sha256-abc.sig", "1.x", ""], ">=1", None, None),
        (["1.2.0"], ">=1", "1.x", "1.2.0"),
        ([], ">=1", "1.2.0", None),
    ],
)
def test_chart_versions_are_loose(versions: list[str], policy: str, current: str | None, newest: str | None) -> None:
    for order in (versions, versions[::-1]):
        assert newest_version(facts(*order), Policy(semver=policy), current, NOW).selected == newest


def test_other_policies_read_the_version_as_it_is_written() -> None:
    policy = Policy(numerical="asc", filter=r"^0\.0\.(?P<n>\d+)\+main$", extract="$n")
    assert newest_version(facts("0.0.9+main", "0.0.10+main", "0.0.11"), policy, None, NOW).selected == "0.0.10+main"


def test_a_version_that_is_too_young_waits() -> None:
    known = {
        "1.1.0": TagFacts(NOW - timedelta(hours=1)),
        "1.0.1": TagFacts(NOW - timedelta(days=9)),
        "1.2.0": TagFacts(),
    }
    policy = Policy(semver=">=1", min_age="2d")
    assert newest_version(known, policy, "1.0.0", NOW).selected == "1.0.1"
    assert newest_version(known, policy, "1.0.0", NOW + timedelta(days=3)).selected == "1.1.0"


# --- an OCIRepository


def test_the_tag_of_an_oci_repository_is_edited_where_a_release_refers_to_one() -> None:
    files = {f"envs/{e}/shop/all.yaml": release("{tag: 1.0.0}", "OCIRepository") for e in ("dev", "staging", "prod")}
    snapshot = world(FOLLOWED, files, charts={(CHARTS, "shop"): listing("1.1.0+x")})
    opened = only(snapshot, OpenPullRequest)
    assert opened.files == {"envs/dev/shop/all.yaml": release("{tag: 1.1.0_x}", "OCIRepository")}
    merged = settled(snapshot)
    assert merged.deployed["dev", "shop"].release.chart == "1.1.0+x"


@pytest.mark.parametrize("ref", ["{tag: 1.0.0, digest: x}", "{}"])
def test_an_oci_repository_without_a_tag_that_counts_has_no_place(ref: str) -> None:
    files = {f"envs/{e}/shop/all.yaml": release(ref, "OCIRepository") for e in ("dev", "staging", "prod")}
    snapshot = world(FOLLOWED, files, charts={(CHARTS, "shop"): listing("1.1.0")})
    assert skip(snapshot, "dev").reason_code == "chart_field_missing"


@pytest.mark.parametrize("ref", ["{semver: 1.x}", "{tag: 1.0.0, semver: 1.x}"])
def test_a_range_of_an_oci_repository_is_made_one_version_and_never_promoted(ref: str) -> None:
    files = {f"envs/{e}/shop/all.yaml": release(ref, "OCIRepository") for e in ("dev", "staging", "prod")}
    snapshot = world(FOLLOWED, files, charts={(CHARTS, "shop"): listing("1.1.0")})
    opened = only(snapshot, OpenPullRequest)
    assert opened.files == {"envs/dev/shop/all.yaml": release(ref.replace("1.x", "1.1.0"), "OCIRepository")}
    why = skip(snapshot, "staging")
    assert (why.reason_code, why.reason.startswith("dev: envs/dev/shop/all.yaml:")) == ("version_range", True)
    assert "the range 1.x" in why.reason


def test_a_chart_is_promoted_by_its_digest() -> None:
    first, second = f"{{digest: {digest('a')}}}", f"{{digest: {digest('b')}}}"
    files = {f"envs/{e}/shop/all.yaml": release(first, "OCIRepository") for e in ("dev", "staging", "prod")}
    files["envs/dev/shop/all.yaml"] = release(second, "OCIRepository")
    opened = only(world(PLAIN, files), OpenPullRequest)
    assert opened.files == {"envs/staging/shop/all.yaml": release(second, "OCIRepository")}
    files["envs/staging/shop/all.yaml"] = release("{tag: 1.0.0}", "OCIRepository")
    assert skip(world(PLAIN, files), "staging").reason_code == "bad_version"


# --- packaged


def test_a_commit_takes_the_version_of_its_chart() -> None:
    action = only(packaged(), PackageChart)
    order = action.order
    assert action.title == f"Package {TARGET}:1.2.3 from {HEAD.sha[:12]}"
    assert (str(order.target), order.version, order.folder, order.created) == (
        f"{TARGET}:1.2.3",
        "1.2.3",
        ".",
        HEAD.time,
    )
    assert order.annotations == {
        "org.opencontainers.image.title": "shop",
        "org.opencontainers.image.version": "1.2.3",
        "org.opencontainers.image.created": "2026-01-02T03:04:05Z",
        "org.opencontainers.image.source": GIT,
        REVISION: HEAD.sha,
    }
    assert skip(packaged(), "dev").reason_code == "building"


def test_another_commit_with_that_version_takes_a_later_one() -> None:
    action = only(packaged(first=package("f" * 40)), PackageChart)
    assert (action.order.version, action.order.target.tag) == (LATER, LATER)


@pytest.mark.parametrize(
    ("first", "second", "version"),
    [(package(), None, "1.2.3"), (package("f" * 40), package(), LATER), (None, package(), LATER)],
)
def test_what_is_packaged_is_promoted(first: ImageInfo | None, second: ImageInfo | None, version: str) -> None:
    assert only(packaged(first=first, second=second), OpenPullRequest).title == f"dev: shop chart {version}"


def test_a_version_that_is_taken_by_something_else_is_never_overwritten() -> None:
    snapshot = packaged(first=package("f" * 40), second=ImageInfo(digest("x"), {}, None))
    assert skip(snapshot, "dev").reason_code == "tag_taken"
    assert not actions(snapshot, PackageChart)


@pytest.mark.parametrize("place", ["1.2.3", LATER])
def test_nothing_is_packaged_on_a_guess(place: str) -> None:
    snapshot = with_image(packaged(), f"{TARGET}:{place}", AWAY)
    assert skip(snapshot, "dev").reason_code == "unavailable"
    assert not actions(snapshot, PackageChart)


def test_a_source_that_cannot_be_read_holds_the_release() -> None:
    held = skip(packaged(Unknown("its Chart.yaml is none", "bad_chart")), "dev")
    assert (held.reason_code, held.reason) == ("bad_chart", "its Chart.yaml is none")


def test_what_failed_is_not_tried_again_and_says_why() -> None:
    snapshot = packaged()
    failed = replace(snapshot, failures={only(snapshot, PackageChart).key: "no dependencies"})
    assert not actions(failed, PackageChart)
    held = skip(failed, "dev")
    assert (held.reason_code, held.reason) == ("build_failed", "no dependencies")


def test_build_and_promote_package_as_they_build() -> None:
    assert len(actions(packaged(), PackageChart, Build(()))) == 1
    assert actions(packaged(), PackageChart, Promote("prod", (), None, "dana")) == []
    assert len(actions(packaged(), PackageChart, Promote("dev", (), None, "dana"))) == 1
    assert len(actions(packaged(), PackageChart, Reconcile())) == 1


def test_a_packaged_release_goes_on_to_the_next_environment() -> None:
    snapshot = settled(packaged(first=package()))
    assert snapshot.deployed["dev", "shop"].release.chart == "1.2.3"
    (opened,) = [p for p in snapshot.pull_requests if p.state == "open"]  # type: ignore[union-attr]  # it is known
    assert opened.title == "staging: shop chart 1.2.3"
    assert after(snapshot) == snapshot


# --- the versions of other commits


@pytest.mark.parametrize(
    ("version", "later"),
    [
        ("1.2.3", LATER),
        ("1.2.3+meta", LATER),
        ("1.2.3-rc.1", "1.2.3-rc.1.0.20260102030405-012345678901"),
    ],
)
def test_a_later_version_follows_its_own_and_comes_before_the_next(version: str, later: str) -> None:
    from semver import Version

    assert later_version(version, HEAD) == later
    newer = later_version(version, commit("another")._replace(time=datetime(2026, 1, 2, 3, 4, 6, tzinfo=UTC)))
    following = Version.parse("1.2.3-rc.2" if "rc" in version else "1.2.4")
    assert Version.parse(version) < Version.parse(later) < Version.parse(newer) < following
    masterminds = parse_version(later)
    assert masterminds is not None
    assert parse_range(">=1.2.3-0").matches(masterminds)
