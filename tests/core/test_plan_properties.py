"""Whatever the world looks like: nothing is decided on a guess, nothing goes back, nothing is left out in silence."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st
from semver import Version

from bot.core.actions import (
    Action,
    ClosePullRequest,
    DeleteBranch,
    MergePullRequest,
    OpenPullRequest,
    Proposal,
    SetStatus,
)
from bot.core.models import ImageInfo, ImageVersion, PullRequest, Unknown
from bot.core.plan import plan
from bot.core.plan.interest import image_references
from bot.core.references import Reference, parse
from tests.core.worlds import (
    FOLLOWED,
    NOW,
    TWO_APPLICATIONS,
    TWO_IMAGES,
    after,
    digest,
    looked_up,
    pinned,
    recorded,
    settled,
    values,
    world,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bot.core.snapshot import Snapshot

ENVIRONMENTS = ("dev", "staging", "prod")
TAGS = ("1.0.0", "1.1.0", "2.0.0")
AWAY = Unknown("it is away", "unavailable")
tags = st.sampled_from(TAGS)


def repository(name: str) -> str:
    return f"registry.example.com/{name}"


@st.composite
def worlds(draw: st.DrawFn) -> Snapshot:
    """A few environments, applications and images at any version, after a few runs and approvals."""
    config = draw(st.sampled_from([FOLLOWED, TWO_IMAGES, TWO_APPLICATIONS]))
    merge = draw(st.sampled_from(["manual", "auto"]))
    config = config.replace("after: dev,", f"after: dev, merge: {merge},")
    folders = {"shop": ["shop", "web"] if config == TWO_IMAGES else ["shop"], "desk": ["desk"]}
    files = {
        f"envs/{e}/{a}/values.yaml": values({n: pinned(f"{repository(n)}:{draw(tags)}") for n in names})
        for a, names in folders.items()
        for e in ENVIRONMENTS
    }
    images = [n for names in folders.values() for n in names]
    pushed = [f"{repository(n)}:{tag}" for n in images for tag in draw(st.sets(tags, min_size=1))]
    snapshot = world(config, files, pushed)
    for _ in range(draw(st.integers(0, 4))):
        snapshot = after(snapshot, *plan(snapshot).actions)
    return snapshot


@st.composite
def doubtful(draw: st.DrawFn) -> Snapshot:
    """Such a world, in which some reads fail and some tags have moved or are gone."""
    snapshot = draw(worlds())
    answers: st.SearchStrategy[ImageInfo | Unknown | None] = st.sampled_from(
        [AWAY, None, ImageInfo(digest("moved"), {}, NOW)]
    )
    images = draw(st.dictionaries(st.sampled_from(sorted(snapshot.images, key=str)), answers, max_size=3))
    listings = draw(st.sets(st.sampled_from(sorted(snapshot.tags)), max_size=1))
    unread = draw(st.sampled_from([snapshot.pull_requests, snapshot.pull_requests, AWAY]))
    there: Any = replace(
        snapshot,
        images={**snapshot.images, **images},
        tags={**snapshot.tags, **dict.fromkeys(listings, AWAY)},
        pull_requests=unread,
    )
    return looked_up(there)


def proposals(actions: tuple[Action, ...]) -> Iterator[Proposal]:
    return (a for a in actions if isinstance(a, Proposal))


def proposed(snapshot: Snapshot, action: Proposal) -> Mapping[str, ImageVersion]:
    """The images of an environment once a pull request is merged."""
    if action.files is None:
        return {}
    numbered = after(replace(snapshot, branches={}, pull_requests=()), as_new(action))
    merge = MergePullRequest(
        application=action.application,
        environment=action.environment,
        branch=action.branch,
        title="",
        number=1,
        head=numbered.branches[str(action.branch)].head.sha,
    )
    merged = after(recorded(numbered, merge.head), merge)
    return merged.deployed[str(action.environment), action.application].release.images


def as_new(action: Proposal) -> OpenPullRequest:
    """The same content as a pull request that is opened now."""
    names = [f.name for f in fields(OpenPullRequest)]
    return OpenPullRequest(**{n: getattr(action, n) for n in names if hasattr(action, n)} | {"expected": None})


@given(doubtful())
@settings(deadline=None)
def test_every_environment_and_application_has_an_action_or_a_reason(snapshot: Snapshot) -> None:
    planned = plan(snapshot)
    told = {(a.environment, a.application) for a in planned.actions}
    told |= {(s.environment, s.application) for s in planned.skips}
    assert told >= {(e, a) for e in snapshot.config.environments for a in snapshot.config.applications}
    assert all(s.reason and s.reason_code for s in planned.skips)


@given(doubtful())
@settings(deadline=None)
def test_the_same_snapshot_always_leads_to_the_same_plan(snapshot: Snapshot) -> None:
    assert plan(snapshot) == plan(snapshot)


@given(doubtful())
@settings(deadline=None)
def test_a_tag_never_gets_another_digest_and_only_what_the_registry_has_is_proposed(snapshot: Snapshot) -> None:
    for action in proposals(plan(snapshot).actions):
        here = snapshot.deployed[str(action.environment), action.application].release.images
        for name, version in proposed(snapshot, action).items():
            if version == here[name]:
                continue
            info = snapshot.images[parse(repository(name)).with_tag(version.tag)]
            assert isinstance(info, ImageInfo)
            assert version.digest == info.digest
            assert version.tag != here[name].tag


@given(doubtful())
@settings(deadline=None)
def test_the_first_environment_never_goes_back_and_the_others_get_only_what_the_one_before_has(
    snapshot: Snapshot,
) -> None:
    for action in proposals(plan(snapshot).actions):
        environment = str(action.environment)
        before = snapshot.config.environments[environment].after
        here = snapshot.deployed[environment, action.application].release.images
        new = proposed(snapshot, action)
        if before is None:
            assert all(Version.parse(v.tag) >= Version.parse(here[n].tag) for n, v in new.items())
        elif new:
            assert new == snapshot.deployed[before, action.application].release.images


@given(doubtful())
@settings(deadline=None)
def test_what_cannot_be_read_closes_merges_rewrites_and_opens_nothing(snapshot: Snapshot) -> None:
    planned = plan(snapshot)
    if isinstance(snapshot.pull_requests, Unknown):
        assert planned.actions == ()
    for action in planned.actions:
        if action.environment and not isinstance(action, SetStatus | DeleteBranch):
            assert AWAY not in dependencies(snapshot, action), action


def dependencies(snapshot: Snapshot, action: Action) -> list[object]:
    """What a decision about an application in an environment rests on."""
    environment = str(action.environment)
    before = snapshot.config.environments[environment].after
    found: list[object] = []
    for name, image in snapshot.config.applications[action.application].images.items():
        here = snapshot.deployed[environment, action.application].release.images[name]
        if before is None:
            found.append(snapshot.tags[parse(image.repository)])
        else:
            there = snapshot.deployed[before, action.application].release.images[name]
            if there != here:
                found.append(snapshot.images[parse(image.repository).with_tag(there.tag)])
    return found


@given(worlds())
@settings(deadline=None)
def test_run_upon_run_comes_to_rest_with_one_pull_request_a_branch(snapshot: Snapshot) -> None:
    quiet = settled(snapshot)
    assert not isinstance(quiet.pull_requests, Unknown)
    branches = [p.branch for p in quiet.pull_requests if p.state == "open"]
    assert len(branches) == len(set(branches))
    assert set(branches) == set(quiet.branches)


@given(doubtful())
@settings(deadline=None)
def test_a_pull_request_is_merged_or_closed_only_at_the_head_that_was_seen(snapshot: Snapshot) -> None:
    for action in plan(snapshot).actions:
        if isinstance(action, MergePullRequest | ClosePullRequest):
            (request,) = [p for p in pulls(snapshot) if p.number == action.number]
            assert (request.state, request.head) == ("open", action.head)


def pulls(snapshot: Snapshot) -> tuple[PullRequest, ...]:
    assert not isinstance(snapshot.pull_requests, Unknown)
    return snapshot.pull_requests


class Recorder(dict[Reference, Any]):
    """What the registry says, and what was asked."""

    def __init__(self, known: Mapping[Reference, Any]) -> None:
        super().__init__(known)
        self.asked: set[Reference] = set()

    def __getitem__(self, key: Reference) -> Any:
        self.asked.add(key)
        return super().__getitem__(key)

    def get(self, key: Reference, default: Any = None) -> Any:
        self.asked.add(key)
        return super().get(key, default)


@given(worlds())
@settings(deadline=None)
def test_the_plan_asks_for_no_image_that_is_not_looked_up_for_it(snapshot: Snapshot) -> None:
    recorder = Recorder(snapshot.images)
    plan(replace(snapshot, images=recorder))
    assert recorder.asked <= image_references(snapshot)
