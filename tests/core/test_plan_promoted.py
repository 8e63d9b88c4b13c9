"""Values that travel with a release, and values that never do."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bot.core.actions import OpenPullRequest
from bot.core.messages import fingerprint
from bot.core.models import Carried, Release
from bot.core.snapshot import ValuesSource
from tests.core.worlds import (
    FOLLOWED,
    SHOP,
    actions,
    decide,
    looked_up,
    only,
    pinned,
    pull,
    settled,
    sha,
    skip,
    with_file,
    world,
)

if TYPE_CHECKING:
    from bot.core.snapshot import Snapshot

PROMOTE = (
    FOLLOWED
    + "    promote: ['values.yaml#/replicas', 'values.yaml#/limits/*']\n    keep: ['values.yaml#/limits/memory']\n"
)


def values(replicas: str = "1", cpu: str = "500m", memory: str = "1Gi", more: str = "") -> bytes:
    """A values file of the application."""
    return (
        f"shop:\n  repository: {SHOP}\n  tag: {pinned(f'{SHOP}:1.0.0')}\n"
        f"replicas: {replicas}\nlimits:\n  cpu: {cpu}\n  memory: {memory}\n{more}"
    ).encode()


def path(environment: str) -> str:
    """Where an environment has its values."""
    return f"envs/{environment}/shop/values.yaml"


def here(dev: bytes, other: bytes | None = None, config: str = PROMOTE) -> Snapshot:
    """A world whose dev has these values, and staging and prod others."""
    files = {path("dev"): dev, path("staging"): other or values(), path("prod"): other or values()}
    return world(config, files, [f"{SHOP}:1.0.0"])


def test_promoted_values_travel_and_kept_ones_stay_and_the_pull_request_shows_both() -> None:
    opened = only(here(values("3", "'2'", "4Gi")), OpenPullRequest)
    assert opened.environment == "staging"
    assert opened.files == {path("staging"): values("3", '"2"')}
    assert f"| `{path('staging')}:4` | `/replicas` | `1` | `3` |" in opened.body
    assert f"| `{path('staging')}:6` | `/limits/cpu` | `500m` | `2` |" in opened.body
    kept = f"Kept as they are here:\n\n| where | what | dev has | stays |\n|---|---|---|---|\n| `{path('staging')}` |"
    assert f"{kept} `/limits/memory` | `4Gi` | `1Gi` |" in opened.body


def test_they_go_through_all_environments_and_come_to_rest() -> None:
    snapshot = settled(here(values("3")))
    assert pull(snapshot).title.startswith("staging: shop 1.0.0")
    assert skip(snapshot, "prod").reason_code == "up_to_date"


def test_what_is_not_named_does_not_travel() -> None:
    assert not actions(here(values(more="debug: true\n")), OpenPullRequest)
    assert not actions(here(values("3", "2"), config=FOLLOWED), OpenPullRequest)


def test_a_value_that_only_a_star_names_and_that_is_only_on_one_side_is_left_alone() -> None:
    more = values().replace(b"limits:\n", b"limits:\n  disk: 1\n")
    assert not actions(here(more), OpenPullRequest)
    assert not actions(here(values(), more), OpenPullRequest)


def test_a_named_value_that_is_missing_before_holds_the_release() -> None:
    held = skip(here(values().replace(b"replicas: 1\n", b"")), "staging")
    assert held.reason_code == "path_missing"
    assert path("dev") in held.reason


def test_a_named_value_that_is_missing_here_holds_the_release() -> None:
    snapshot = here(values("3"), values().replace(b"replicas: 1\n", b""))
    held = skip(snapshot, "staging")
    assert held.reason_code == "path_missing"
    assert path("staging") in held.reason


@pytest.mark.parametrize("bad", [b"replicas: ${N}\n", b"replicas: {a: 1}\n", b"replicas:\n"])
def test_a_value_that_cannot_be_written_holds_the_release(bad: bytes) -> None:
    snapshot = here(values("3"), values().replace(b"replicas: 1\n", bad))
    assert skip(snapshot, "staging").reason_code in ("substituted", "not_a_scalar", "empty_value")
    assert not actions(snapshot, OpenPullRequest)


def test_the_first_environment_keeps_what_it_has() -> None:
    snapshot = looked_up(with_file(here(values("3"), values("3")), path("dev"), values("7")))
    assert [s.reason_code for s in decide(snapshot).skips if s.environment == "dev"] == ["up_to_date"]


def test_a_star_never_takes_the_version_of_an_image_or_chart() -> None:
    config = FOLLOWED + "    promote: ['values.yaml#/shop/*']\n"
    release = here(values(), config=config).deployed["dev", "shop"].release
    assert set(release.promoted) == {"values.yaml#/shop/repository"}


def test_a_release_without_promoted_values_is_marked_as_before() -> None:
    assert fingerprint(Release({}, "1", None)) == fingerprint(Release({}, "1", None, {}))
    assert fingerprint(Release({}, "1", None)) != fingerprint(Release({}, "1", None, {"v#/a": Carried("1")}))


# --- with a values source

SYNCED = (
    FOLLOWED
    + "    values: {git: 'https://git.example.com/values.git'}\n"
    + "    keep: ['values.yaml#/replicas', 'values.yaml#/limits/*']\n"
)


def synced(source: bytes, own: bytes) -> Snapshot:
    """A world whose values source has `source`, and dev `own`."""
    files = {path(e): own for e in ("dev", "staging", "prod")}
    snapshot = world(SYNCED, files, [f"{SHOP}:1.0.0"])
    return replace(snapshot, values={"shop": ValuesSource(sha("v"), {sha("v"): {"dev": source}})})


def test_a_kept_value_survives_the_sync_and_is_no_change() -> None:
    opened = only(synced(values("9", "9", "9Gi", "new: 1\n"), values("2", "'250m'")), OpenPullRequest)
    assert opened.files is not None
    body = opened.files[path("dev")]
    assert body is not None
    assert body.partition(b"\n")[2] == values("2", "250m", "1Gi", "new: 1\n")
    assert [c.path for c in opened.changes] == ["", "/new"]


def test_a_kept_value_that_the_source_no_longer_has_goes() -> None:
    opened = only(
        synced(values("9").replace(b"limits:\n  cpu: 500m\n  memory: 1Gi\n", b""), values("2")), OpenPullRequest
    )
    assert opened.files is not None
    assert b"limits" not in (opened.files[path("dev")] or b"")
    assert b"replicas: 2\n" in (opened.files[path("dev")] or b"")


def test_a_kept_value_that_cannot_be_read_is_not_lost() -> None:
    assert skip(synced(values("9"), values("${N}")), "dev").reason_code == "substituted"
