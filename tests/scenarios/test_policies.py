"""Images that others push are chosen by what the registry says of them, and one moving tag by its digest."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from bot.cli.demo.world import commit, git
from bot.core.events import Reconcile
from bot.core.references import parse
from bot.engine import handle
from bot.ports import reads
from tests.registries.images import layer_tar, make_image, push_index
from tests.scenarios.story import Story
from tests.scenarios.test_pipeline import followed

if TYPE_CHECKING:
    from pathlib import Path

    from bot.engine import Report

RANGE = "{semver: '>=4.0 <5'}"


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return Story(tmp_path / "world")


def follow(story: Story, policy: str) -> None:
    """A person sets the image's policy."""
    story.rewrite_config(lambda text: followed(text).replace(RANGE, policy))


def push(story: Story, tag: str, days: float, *platforms: str) -> str:
    """Somebody pushes an image that was made so many days ago."""
    return push_dated(story, tag, (datetime.now(UTC) - timedelta(days=days)).isoformat(), *platforms)


def push_dated(story: Story, tag: str, created: str, *platforms: str) -> str:
    """Somebody pushes an image that says when it was made."""
    reference = parse(f"{story.world.repository}:{tag}")
    files = {f"{tag}-{created}": (b"", 0o644, 0, 0)}
    image = make_image([layer_tar(files)], {"created": created})
    return push_index(story.edges().registry, reference, dict.fromkeys(platforms or ("linux/amd64",), image))


def record(story: Story) -> str:
    """The only file of the state branch that says what was seen."""
    (path,) = git(story.world.gitops, "ls-tree", "-r", "--name-only", "gitops-bot/state", "seen/").splitlines()
    return path


class LaterClock:
    """The present time, and so many days."""

    def __init__(self, days: float) -> None:
        self.ahead = timedelta(days=days)

    @reads
    def now(self) -> datetime:
        return datetime.now(UTC).replace(microsecond=0) + self.ahead


def run_later(story: Story, days: float) -> Report:
    """`gitops-bot run`, so many days from now."""
    report = handle(Reconcile(), story.edges()._replace(clock=LaterClock(days)))
    assert not report.failed
    return report


def test_an_image_waits_until_it_is_old_enough(story: Story) -> None:
    follow(story, "{semver: '>=4.0 <5', min_age: 3d}")
    push(story, "4.3.0", 9)
    push(story, "4.4.0", 4)
    push(story, "4.5.0", 2)
    story.run()
    assert story.running("dev").tag == "4.4.0"
    assert "4.5.0 is not taken: it is younger than 3d, until " in story.skip("dev").reason
    push(story, "4.5.0", 3.1)
    story.run()
    assert story.running("dev").tag == "4.5.0"


def test_an_image_without_a_date_waits_from_when_it_was_first_seen(story: Story) -> None:
    follow(story, "{semver: '>=4.0 <5', min_age: 3d}")
    push(story, "4.3.0", 9)
    new = push_dated(story, "4.4.0", "1970-01-01T00:00:00Z")
    assert [a.title for a in story.plan().actions if a.kind == "write_state"] == [
        f"Record when this was first seen: {story.world.repository} 4.4.0"
    ]
    report = story.run()
    assert sum("first seen" in a.title for a in report.done) == 1
    assert story.running("dev").tag == "4.3.0"
    assert "4.4.0 is not taken: nobody knows when it was made" in story.skip("dev").reason
    path = record(story)
    assert json.loads(story.file(path, "gitops-bot/state"))["versions"].keys() == {f"4.4.0@{new}"}
    assert git(story.world.gitops, "log", "--format=%b", "gitops-bot/state").rstrip().endswith(f"4.4.0@{new}")

    assert story.run().done == run_later(story, 2.9).done == ()
    run_later(story, 3.1)
    assert story.running("dev") == ("4.4.0", new)
    assert story.run().done == ()


def test_a_damaged_record_of_what_was_seen_is_written_anew_and_the_image_waits_again(story: Story) -> None:
    follow(story, "{semver: '>=4.0 <5', min_age: 3d}")
    push(story, "4.3.0", 9)
    push_dated(story, "4.4.0", "1970-01-01T00:00:00Z")
    story.run()
    path = record(story)
    checkout = story.world.checkout
    git(checkout, "fetch", "-q", "origin")
    git(checkout, "checkout", "-q", "-b", "damaged", "origin/gitops-bot/state")
    commit(checkout, {path: story.file(path, "gitops-bot/state").removesuffix("}\n")}, "By hand")
    git(checkout, "push", "-q", "origin", "HEAD:gitops-bot/state")
    git(checkout, "checkout", "-q", "main")
    assert [a.kind for a in run_later(story, 3.1).done if a.kind == "write_state"] == ["write_state"]
    assert story.running("dev").tag == "4.3.0"
    run_later(story, 6.2)
    assert story.running("dev").tag == "4.4.0"


def test_an_image_must_have_the_platforms(story: Story) -> None:
    follow(story, "{semver: '>=4.0 <5', platforms: [linux/amd64, linux/arm64]}")
    push(story, "4.3.0", 1, "linux/amd64", "linux/arm64")
    push(story, "4.4.0", 1)
    story.run()
    assert story.running("dev").tag == "4.3.0"
    assert "4.4.0 is not taken: it has no image for linux/arm64" in story.skip("dev").reason


def test_the_image_that_was_made_last_is_the_newest(story: Story) -> None:
    follow(story, "{newest: true, exclude: [/^broken-/]}")
    digests = {tag: push(story, tag, days) for tag, days in (("zeta", 9), ("alpha", 1), ("mid", 4), ("broken-1", 0))}
    story.run()
    assert story.running("dev") == ("alpha", digests["alpha"])
    story.run()
    assert story.running("dev").tag == "alpha"
    push(story, "beta", 0.5)
    story.run()
    assert story.running("dev").tag == "beta"


def test_a_moving_tag_is_followed_by_its_digest_from_environment_to_environment(story: Story) -> None:
    follow(story, "{digest: latest}")
    push(story, "4.9.0", 1)
    first = push(story, "latest", 2)
    story.run()
    assert story.running("dev") == ("latest", first)
    story.approve("staging", "alice")
    second = push(story, "latest", 1)
    story.merge("staging", "bob")
    assert story.running("staging") == ("latest", first)
    assert story.running("dev") == ("latest", second)
    assert second in story.pull("staging").body
    assert {s.reason_code for s in story.plan().skips} <= {"needs_approval", "up_to_date"}


def test_a_moving_tag_stays_where_it_is_until_it_is_old_enough(story: Story) -> None:
    follow(story, "{digest: latest, min_age: 3d}")
    old = push(story, "latest", 5)
    story.run()
    assert story.running("dev") == ("latest", old)
    push(story, "latest", 1)
    report = story.run()
    assert report.done == ()
    assert story.running("dev") == ("latest", old)
    assert "latest is not taken: it is younger than 3d" in story.skip("dev").reason


def test_a_first_version_that_no_policy_takes_is_told(story: Story) -> None:
    follow(story, "{newest: true, filter: '^4'}")
    story.commit_gitops({"envs/dev/micro-integrator/values.yaml": "image: {}\n"})
    push(story, "latest", 1)
    skip = story.skip("dev")
    assert (skip.reason_code, skip.waits_for) == ("no_tag", "a tag that satisfies the policy")
    assert "the only tag does not satisfy the policy" in skip.reason
