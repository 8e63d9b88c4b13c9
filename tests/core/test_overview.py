"""`status` shows what runs where, and the one thing that each environment waits for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bot.core.models import ImageVersion, Unknown
from bot.core.plan.overview import Row, overview
from tests.core.worlds import FOLLOWED, SHOP, TWO_APPLICATIONS, decide, digest, everywhere, running, settled, world

if TYPE_CHECKING:
    from bot.core.snapshot import Snapshot

V1, V2 = f"{SHOP}:1.0.0", f"{SHOP}:1.1.0"


def rows(snapshot: Snapshot) -> dict[tuple[str, str], Row]:
    found = overview(snapshot, decide(snapshot), {("dev", "shop"): "c" * 40})
    return {(r.environment, r.application): r for r in found}


def test_each_application_has_a_row_for_each_environment_in_the_order_of_the_file() -> None:
    files = everywhere("1.0.0") | everywhere("1.0.0", "desk")
    snapshot = world(TWO_APPLICATIONS, files, [V1, "registry.example.com/desk:1.0.0"])
    assert list(rows(snapshot)) == [(e, a) for a in ("shop", "desk") for e in ("dev", "staging", "prod")]


def test_a_row_says_what_runs_what_is_open_and_what_is_missing() -> None:
    snapshot = settled(world(FOLLOWED, running(dev="1.1.0", staging="1.0.0", prod="1.0.0"), [V1, V2]))
    there = rows(snapshot)
    version = {"shop": ImageVersion("1.1.0", digest(V2))}
    assert there["dev", "shop"] == Row("dev", "shop", version, None, "c" * 40, None, None)
    assert there["staging", "shop"].pull_request == 1
    assert there["staging", "shop"].waits_for == "1 more approval of #1"


def test_what_the_next_run_does_comes_first() -> None:
    snapshot = world(FOLLOWED, everywhere("1.0.0"), [V1, V2])
    assert rows(snapshot)["dev", "shop"].waits_for == "the next run: Open a pull request: dev: shop 1.1.0"


def test_pull_requests_that_could_not_be_read_are_not_shown_as_none_waiting() -> None:
    snapshot = settled(world(FOLLOWED, running(dev="1.1.0", staging="1.0.0", prod="1.0.0"), [V1, V2]))
    away = replace(snapshot, pull_requests=Unknown("the forge is away"))
    assert rows(away)["staging", "shop"].pull_request is None
    assert rows(away)["staging", "shop"].waits_for == "the forge is away"


def test_scripts_get_the_documented_shape() -> None:
    there = rows(world(FOLLOWED, everywhere("1.0.0"), [V1]))
    assert there["dev", "shop"].as_json() == {
        "environment": "dev",
        "application": "shop",
        "images": [{"name": "shop", "tag": "1.0.0", "digest": digest(V1)}],
        "chart": None,
        "commit": "c" * 40,
        "pull_request": None,
        "waits_for": None,
    }
