"""Which release an environment should get, and every reason why that cannot be told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.core.actions import OpenPullRequest, SetStatus, UpdatePullRequest
from bot.core.events import Promote, Reconcile
from bot.core.models import ImageInfo, ImageVersion, Release, Unknown
from bot.core.plan.interest import image_references
from bot.core.plan.rendering import render
from bot.core.references import parse
from bot.core.snapshot import Snapshot, ValuesSource
from tests.core.worlds import (
    FOLLOWED,
    NOW,
    SHOP,
    TWO_APPLICATIONS,
    TWO_IMAGES,
    actions,
    after,
    decide,
    digest,
    everywhere,
    looked_up,
    only,
    pinned,
    running,
    sha,
    skip,
    values,
    with_file,
    with_image,
    world,
)

V1, V2, V3 = (f"{SHOP}:{tag}" for tag in ("1.0.0", "1.1.0", "2.0.0"))
AWAY = Unknown("registry.example.com cannot be reached", "unavailable")
MOVED = ImageInfo(digest("moved"), {}, NOW)
SYNCED = FOLLOWED + "    values: {git: https://git.example.com/values.git}\n"


def followed(*pushed: str, **tags: str) -> Snapshot:
    return world(FOLLOWED, running(**{"dev": "1.0.0", "staging": "1.0.0", "prod": "1.0.0"} | tags), pushed)


def test_the_first_environment_gets_what_its_policy_chooses() -> None:
    action = only(followed(V1, V2, f"{SHOP}:9.0.0", f"{SHOP}:latest"), OpenPullRequest)
    assert (action.environment, action.title) == ("dev", "dev: shop 1.1.0")
    assert [(c.path, c.old, c.new) for c in action.changes] == [("/shop/tag", pinned(V1), pinned(V2))]


@pytest.mark.parametrize("kind", ["chart", "application/vnd.example+json"])
def test_a_tag_that_names_no_image_is_passed_over_and_named(kind: str) -> None:
    newest = f"{SHOP}:2.0.0"
    snapshot = followed(V1, V2, newest)
    other = looked_up(with_image(snapshot, newest, ImageInfo(digest("chart"), {}, NOW, kind=kind)))
    action = only(other, OpenPullRequest)
    assert [(c.path, c.new) for c in action.changes] == [("/shop/tag", pinned(V2))]
    current = with_file(other, "envs/dev/shop/values.yaml", values({"shop": pinned(V2)}))
    assert "2.0.0 is not taken: it is a" in skip(current, "dev").reason


def test_the_others_get_what_the_one_before_has_and_nothing_newer() -> None:
    snapshot = followed(V1, V2, V3, dev="2.0.0", staging="1.1.0")
    assert [(a.environment, a.title) for a in actions(snapshot, OpenPullRequest)] == [
        ("staging", "staging: shop 2.0.0"),
        ("prod", "prod: shop 1.1.0"),
    ]


def test_the_policy_never_goes_back() -> None:
    snapshot = followed(V1, dev="1.1.0")
    assert actions(snapshot, OpenPullRequest, Promote("dev", by="dana")) == []


NONE = dict.fromkeys((f"envs/{e}/shop/values.yaml" for e in ("dev", "staging", "prod")), b"a: 1\n")


@pytest.mark.parametrize(
    ("changes", "reason_code", "words"),
    [
        ({"tags": {parse(SHOP): AWAY}}, "unavailable", AWAY.reason),
        ({"tags": {parse(SHOP): ("latest", "9.0.0")}, "files": NONE}, "no_tag", "none of the 2 tags"),
        ({"images": {parse(V2): AWAY}}, "unavailable", AWAY.reason),
        ({"images": {parse(V2): None}}, "image_missing", f"{V2} is not in its registry"),
    ],
)
def test_a_first_environment_whose_release_cannot_be_told_says_why(
    changes: dict[str, Any], reason_code: str, words: str
) -> None:
    files = changes.pop("files", running(dev="1.0.0"))
    snapshot = world(FOLLOWED, {**everywhere("1.0.0"), **files}, [V1, V2])
    changes["images"] = {**snapshot.images, **changes.get("images", {})}
    why = skip(replace(snapshot, **changes), "dev")
    assert why.reason_code == reason_code
    assert words in why.reason


def test_a_tag_that_names_another_digest_now_is_refused_in_the_first_environment() -> None:
    snapshot = with_image(followed(V1), V1, MOVED)
    why = skip(snapshot, "dev")
    assert (why.reason_code, why.waits_for) == ("tag_moved", "a new tag")
    assert f"{V1} was promoted as {digest(V1)} and now names {MOVED.digest}" in why.reason
    assert decide(snapshot).actions == ()


@pytest.mark.parametrize(
    ("info", "reason_code"), [(MOVED, "tag_moved"), (AWAY, "unavailable"), (None, "image_missing")]
)
def test_only_the_very_image_that_the_environment_before_has_is_promoted(
    info: ImageInfo | Unknown | None, reason_code: str
) -> None:
    snapshot = with_image(followed(V1, V2, dev="1.1.0"), V2, info)
    assert actions(snapshot, OpenPullRequest) == []
    assert skip(snapshot, "staging").reason_code == reason_code


def test_a_tag_that_is_there_with_another_digest_is_not_promoted_over_it() -> None:
    other = {"envs/staging/shop/values.yaml": values({"shop": f"1.0.0@{MOVED.digest}"})}
    snapshot = world(FOLLOWED, everywhere("1.0.0") | other, [V1])
    assert decide(snapshot).actions == ()
    assert skip(snapshot, "staging").reason_code == "tag_moved"


def test_a_digest_is_filled_in_where_the_environment_before_has_none() -> None:
    bare = {"envs/dev/shop/values.yaml": values({"shop": "1.1.0"})}
    snapshot = world(FOLLOWED, everywhere("1.0.0") | bare, [V1, V2])
    assert {a.environment: a.changes[0].new for a in actions(snapshot, OpenPullRequest)} == {
        "dev": pinned(V2),
        "staging": pinned(V2),
    }


def test_an_image_that_is_named_by_its_digest_alone_is_promoted_by_it() -> None:
    fields = "shop:\n  repository: {}\n  digest: {}\n"
    files = {
        f"envs/{e}/shop/values.yaml": fields.format(SHOP, digest(reference)).encode()
        for e, reference in (("dev", V2), ("staging", V1), ("prod", V1))
    }
    snapshot = world(FOLLOWED, files, [V1, V2])
    (opened,) = (one for one in actions(snapshot, OpenPullRequest) if one.environment == "staging")
    assert [(one.path, one.new) for one in opened.changes] == [("/shop/digest", digest(V2))]
    tagged = files | {"envs/staging/shop/values.yaml": values({"shop": pinned(V1)})}
    why = skip(world(FOLLOWED, tagged, [V1, V2]), "staging")
    assert why.reason_code == "tag_unknown"
    assert why.reason.startswith("envs/staging/shop/values.yaml:3 /shop/tag: only the digest")


def test_an_environment_whose_predecessor_cannot_be_read_waits_for_that_file() -> None:
    snapshot = with_file(followed(V1, V2), "envs/dev/shop/values.yaml", values({"shop": "${TAG}"}))
    why = skip(snapshot, "staging")
    assert why.reason_code == "substituted"
    assert why.reason.startswith("dev: envs/dev/shop/values.yaml:3: ")
    assert skip(snapshot, "prod").reason_code == "up_to_date"


def two_images(*pushed: str) -> Snapshot:
    versions = {"shop": pinned(V1), "web": pinned("registry.example.com/web:1.0.0")}
    files = {f"envs/{e}/shop/values.yaml": values(versions) for e in ("dev", "staging", "prod")}
    return world(TWO_IMAGES, files, [V1, "registry.example.com/web:1.0.0", *pushed])


def test_the_images_of_an_application_are_one_release() -> None:
    action = only(two_images(V2, "registry.example.com/web:1.2.0"), OpenPullRequest)
    assert action.title == "dev: shop shop 1.1.0, web 1.2.0"
    assert [c.path for c in action.changes] == ["/shop/tag", "/web/tag"]


def test_one_image_that_cannot_be_told_holds_the_whole_release() -> None:
    snapshot = with_image(two_images(V2), "registry.example.com/web:1.0.0", AWAY)
    assert decide(snapshot).actions == ()
    assert skip(snapshot, "dev").reason == AWAY.reason


def test_applications_are_released_each_for_itself() -> None:
    files = everywhere("1.0.0") | everywhere("1.0.0", "desk")
    desk = "registry.example.com/desk:1.0.0"
    snapshot = with_image(world(TWO_APPLICATIONS, files, [V1, V2, desk]), desk, AWAY)
    assert only(snapshot, OpenPullRequest).application == "shop"
    assert skip(snapshot, "dev", "desk").reason_code == "unavailable"


def synced(source: ValuesSource | Unknown, deployed: str = "old") -> Snapshot:
    line = f"# Synced by gitops-bot from values.git values-dev.yaml at {sha(deployed)}; edit it there.\n"
    files = {f"envs/{e}/shop/values.yaml": values({"shop": pinned(V1)}, line) for e in ("dev", "staging", "prod")}
    return world(SYNCED, files, [V1], values={"shop": source})


def test_a_new_commit_of_the_values_source_is_a_release_of_its_own() -> None:
    content = values({"shop": "0"}) + b"replicas: 3\n"
    action = only(synced(ValuesSource(sha("new"), {sha("new"): {"dev": content}})), OpenPullRequest)
    assert action.title == "dev: shop 1.0.0"
    assert f"values at commit `{sha('new')}`" in action.body
    assert action.files is not None
    assert action.files["envs/dev/shop/values.yaml"].endswith(values({"shop": pinned(V1)}) + b"replicas: 3\n")


def test_a_values_source_that_cannot_be_read_holds_the_first_environment() -> None:
    assert decide(synced(AWAY)).actions == ()
    assert skip(synced(AWAY), "dev").reason == AWAY.reason


def test_a_values_source_that_cannot_be_read_is_not_taken_for_one_without_the_file() -> None:
    line = b"# Synced by gitops-bot from x at " + sha("new").encode() + b"; edit it there.\n"
    path = "envs/dev/shop/values.yaml"
    snapshot = with_file(synced(AWAY), path, line + values({"shop": pinned(V1)}))
    why = skip(snapshot, "staging")
    assert why.reason_code == "unavailable"
    assert AWAY.reason in why.reason


def test_an_environment_without_a_values_file_at_that_commit_is_told() -> None:
    snapshot = synced(ValuesSource(sha("new"), {sha("new"): {}}))
    why = skip(snapshot, "dev")
    assert why.reason_code == "values_missing"
    assert f"has no file values-dev.yaml at commit {sha('new')[:12]}; add it there" in why.reason


def asked(version: str, **changes: Any) -> Snapshot:
    """dana asks for a version in staging; dev has had 1.0.0 and 1.1.0 and has 2.0.0 now."""
    snapshot = followed(V1, V2, V3, dev="2.0.0", staging="1.0.0")
    past = [Release({"shop": ImageVersion(tag, digest(f"{SHOP}:{tag}"))}) for tag in ("2.0.0", "1.1.0", "1.0.0")]
    event = Promote("staging", (), version, "dana")
    return replace(snapshot, event=event, history={("dev", "shop"): tuple(past)}, **changes)


def test_a_version_asked_for_by_name_is_one_that_the_environment_before_had() -> None:
    action = only(asked("1.1.0"), OpenPullRequest)
    assert action.title == "staging: shop 1.1.0"
    assert "asked for by dana: version `1.1.0`" in action.body


@pytest.mark.parametrize("version", ["3.0.0", "a b", "", "1.1.0\nGitops-Bot-Asked-By: mallory"])
def test_a_version_that_the_environment_before_never_had_is_refused(version: str) -> None:
    snapshot = asked(version or "latest")
    assert decide(snapshot).actions == ()
    why = skip(snapshot, "staging")
    assert why.reason_code == "version_not_found"
    assert why.reason == f"dev never had shop {version or 'latest'}; it had 2.0.0, 1.1.0, 1.0.0"


@pytest.mark.parametrize(("version", "found"), [("1.1.0", True), ("3.0.0", False), ("a b", False)])
def test_the_first_environment_may_get_any_version_that_is_in_the_registry(version: str, *, found: bool) -> None:
    snapshot = followed(V1, V2, V3, dev="2.0.0", staging="2.0.0", prod="2.0.0")
    event = Promote("dev", (), version, "dana")
    if found:
        assert only(snapshot, OpenPullRequest, event).title == "dev: shop 1.1.0"
    else:
        assert skip(snapshot, "dev", event=event).reason == f"no image of shop has the tag {version}"


def test_a_moved_tag_is_refused_even_when_it_is_asked_for_by_name() -> None:
    snapshot = with_image(followed(V1), V1, MOVED)
    assert skip(snapshot, "dev", event=Promote("dev", (), "1.0.0", "dana")).reason_code == "tag_moved"


def test_a_version_asked_for_by_name_stays_when_something_newer_comes() -> None:
    opened = replace(after(asked("1.1.0"), only(asked("1.1.0"), OpenPullRequest)), event=Reconcile(), history={})
    assert actions(opened, UpdatePullRequest) == []
    newest = decide(opened, Promote("staging", by="erin"))
    (update,) = newest.actions
    assert isinstance(update, UpdatePullRequest)
    assert update.title == "staging: shop 2.0.0"


def test_the_kept_version_is_dropped_when_its_tag_moved() -> None:
    opened = replace(after(asked("1.1.0"), only(asked("1.1.0"), OpenPullRequest)), event=Reconcile(), history={})
    moved = with_image(opened, V2, MOVED)
    assert [a.status.state for a in actions(moved, SetStatus)] == ["pending"]
    assert len(decide(moved).actions) == 1
    assert skip(moved, "staging").reason_code == "tag_moved"


def test_a_promotion_decides_on_what_it_names_and_on_nothing_else() -> None:
    files = running(dev="1.1.0", staging="1.0.0", prod="1.0.0") | running(
        "desk", dev="1.1.0", staging="1.0.0", prod="1.0.0"
    )
    desks = [f"registry.example.com/desk:{tag}" for tag in ("1.0.0", "1.1.0")]
    snapshot = world(TWO_APPLICATIONS, files, [V1, V2, V3, *desks])
    planned = decide(snapshot, Promote("staging", ("desk",), by="dana"))
    assert [(a.environment, a.application) for a in planned.actions] == [("staging", "desk")]
    assert planned.skips == ()


def test_an_environment_that_has_its_release_already_needs_no_registry() -> None:
    snapshot = with_image(followed(V1), V1, AWAY)
    assert skip(snapshot, "dev").reason_code == "unavailable"
    assert skip(snapshot, "staging").reason_code == "up_to_date"


def test_a_release_goes_whole_or_not_at_all() -> None:
    files = {**two_images().files, "envs/staging/shop/values.yaml": values({"shop": pinned(V1), "web": "${WEB}"})}
    release = Release({"shop": ImageVersion("1.1.0", digest(V2))})
    rendered = render(world(TWO_IMAGES, files, [V1, V2]), "staging", "shop", release)
    assert [r.reason_code for r in rendered.refusals] == ["substituted"]
    assert rendered.files == {}


def test_only_images_that_are_on_their_way_are_looked_up() -> None:
    snapshot = followed(V1, V2, dev="1.1.0")
    assert image_references(snapshot) == {parse(V2)}


def test_a_version_that_was_asked_for_is_looked_up_until_it_is_decided() -> None:
    opened = replace(after(asked("1.1.0"), only(asked("1.1.0"), OpenPullRequest)), event=Reconcile(), history={})
    assert parse(V2) in image_references(opened)
