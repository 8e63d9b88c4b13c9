"""Which image is built: a tag is taken once, a newer base gets a second tag, nothing is built on a guess."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bot.core.actions import BuildImage, OpenPullRequest, SetStatus
from bot.core.events import Build, Event, Promote, Reconcile
from bot.core.models import Commit, ImageInfo, Unknown
from bot.core.plan.builds import BASE_DIGEST, REVISION
from bot.core.references import parse
from tests.core.worlds import (
    BASE,
    BUILT,
    NOW,
    SHOP,
    SOURCE,
    actions,
    after,
    commit,
    decide,
    digest,
    everywhere,
    only,
    skip,
    with_image,
    world,
)

if TYPE_CHECKING:
    from bot.core.snapshot import Snapshot

HEAD = commit("source")
BASE_NOW = digest(BASE)
FIRST = f"{SHOP}:11-{HEAD.sha[:7]}"
SECOND = f"{FIRST}-{digest(BASE).removeprefix('sha256:')[:8]}"
AWAY = Unknown("git.example.com cannot be reached", "unavailable")
OTHER = commit("another source").sha


def built(
    config: str = BUILT,
    source: Commit | Unknown = HEAD,
    base: str | Unknown = BASE_NOW,
    first: ImageInfo | Unknown | None = None,
    second: ImageInfo | Unknown | None = None,
) -> Snapshot:
    """A world whose source is at `source`; `first` and `second` are what the registry has under the two tags."""
    old = ImageInfo(digest(f"{SHOP}:1.0.0"), {}, NOW)
    there = {parse(f"{SHOP}:1.0.0"): old, parse(FIRST): first, parse(SECOND): second}
    return world(config, everywhere("1.0.0"), sources={("shop", "shop"): source}, bases={BASE: base}, images=there)


def image(reference: str, revision: str = HEAD.sha, base: str = BASE_NOW) -> ImageInfo:
    return ImageInfo(digest(reference), {REVISION: revision, BASE_DIGEST: base}, NOW)


def test_a_commit_without_an_image_is_built_and_its_release_waits() -> None:
    snapshot = built()
    action = only(snapshot, BuildImage)
    assert action.order.target == parse(FIRST)
    assert (action.order.commit, action.order.source) == (HEAD.sha, SOURCE)
    assert action.order.base == parse("registry.example.com/base").with_digest(digest(BASE))
    assert action.title == f"Build {FIRST} from {HEAD.sha[:12]} on {BASE}@{digest(BASE)}"
    why = skip(snapshot, "dev")
    assert (why.reason_code, why.waits_for) == ("building", "the build")


def test_the_labels_say_what_the_image_is_made_of() -> None:
    assert only(built(), BuildImage).order.labels == {
        "org.opencontainers.image.source": SOURCE,
        "org.opencontainers.image.revision": HEAD.sha,
        "org.opencontainers.image.created": "2026-03-01T12:00:00Z",
        "org.opencontainers.image.version": FIRST.rpartition(":")[2],
        "org.opencontainers.image.base.name": BASE,
        "org.opencontainers.image.base.digest": digest(BASE),
    }


def test_an_image_of_this_commit_on_this_base_is_released_as_it_is() -> None:
    action = only(built(first=image(FIRST)), OpenPullRequest)
    assert (action.environment, action.title) == ("dev", f"dev: shop {FIRST.rpartition(':')[2]}")
    assert action.changes[0].new == f"{FIRST.rpartition(':')[2]}@{digest(FIRST)}"


def test_a_newer_base_is_built_under_a_second_tag() -> None:
    snapshot = built(first=image(FIRST, base=digest("older base")))
    assert only(snapshot, BuildImage).order.target == parse(SECOND)


def test_what_was_built_on_the_newer_base_is_released() -> None:
    snapshot = built(first=image(FIRST, base=digest("older base")), second=image(SECOND))
    assert only(snapshot, OpenPullRequest).title == f"dev: shop {SECOND.rpartition(':')[2]}"


@pytest.mark.parametrize(
    ("images", "taken"),
    [
        pytest.param({"first": image(FIRST, revision=OTHER)}, FIRST, id="first tag of another commit"),
        pytest.param({"first": ImageInfo(digest("x"), {}, NOW)}, FIRST, id="first tag without labels"),
        pytest.param(
            {"first": image(FIRST, base=digest("old")), "second": image(SECOND, revision=OTHER)},
            SECOND,
            id="second tag of another commit",
        ),
        pytest.param(
            {"first": image(FIRST, base=digest("old")), "second": image(SECOND, base=digest("older"))},
            SECOND,
            id="both tags on other bases",
        ),
    ],
)
def test_a_tag_that_is_taken_is_never_overwritten(images: dict[str, ImageInfo], taken: str) -> None:
    snapshot = built(first=images.get("first"), second=images.get("second"))
    assert decide(snapshot).actions == ()
    why = skip(snapshot, "dev")
    assert why.reason_code == "tag_taken"
    assert why.reason == f"{taken} is there and was not built from {HEAD.sha[:12]}: a tag is never overwritten"


@pytest.mark.parametrize(
    "snapshot",
    [
        pytest.param(built(source=AWAY), id="source"),
        pytest.param(built(base=AWAY), id="base"),
        pytest.param(built(first=AWAY), id="registry, first tag"),
        pytest.param(built(first=image(FIRST, base=digest("old")), second=AWAY), id="registry, second tag"),
    ],
)
def test_what_cannot_be_read_is_not_built_and_says_why(snapshot: Snapshot) -> None:
    assert decide(snapshot).actions == ()
    why = skip(snapshot, "dev")
    assert (why.reason_code, why.reason) == (AWAY.reason_code, AWAY.reason)


def test_a_build_that_failed_in_this_run_is_not_tried_again() -> None:
    snapshot = built()
    failed = replace(snapshot, failures={only(snapshot, BuildImage).key: "the test failed"})
    assert decide(failed).actions == ()
    why = skip(failed, "dev")
    assert (why.reason_code, why.reason) == ("build_failed", "the test failed")
    assert why.waits_for == "a new commit in the source, or a corrected configuration"


@pytest.mark.parametrize(
    ("event", "builds"),
    [
        (Reconcile(), True),
        (Build(), True),
        (Build(("shop",)), True),
        (Build(("desk",)), False),
        (Promote("dev", by="dana"), True),
        (Promote("dev", ("shop",), by="dana"), True),
        (Promote("dev", ("desk",), by="dana"), False),
        (Promote("dev", (), "1.0.0", "dana"), False),
        (Promote("prod", by="dana"), False),
    ],
)
def test_only_what_the_event_needs_is_built(event: Event, *, builds: bool) -> None:
    config = BUILT + "  desk: {}\n"
    assert bool(actions(built(config), BuildImage, event)) is builds


def test_a_build_alone_opens_and_merges_nothing() -> None:
    snapshot = built(first=image(FIRST))
    opened = after(snapshot, only(snapshot, OpenPullRequest))
    assert actions(opened, SetStatus)
    for each in (snapshot, opened):
        assert decide(each, Build()) == ((), ())


def test_a_build_alone_says_why_it_builds_nothing() -> None:
    why = skip(built(source=AWAY), None, event=Build())
    assert (why.application, why.reason) == ("shop", AWAY.reason)


def test_an_image_that_is_missing_where_it_was_promoted_from_is_not_built_again() -> None:
    snapshot = with_image(built(first=image(FIRST)), f"{SHOP}:1.0.0", None)
    assert [a.kind for a in decide(snapshot).actions] == ["open_pull_request"]
