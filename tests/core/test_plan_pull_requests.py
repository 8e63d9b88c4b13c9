"""The one pull request of an application in an environment: opened, adopted, rewritten, closed or left alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bot.core.actions import (
    Action,
    ClosePullRequest,
    Comment,
    DeleteBranch,
    OpenPullRequest,
    SetStatus,
    UpdatePullRequest,
)
from bot.core.events import Promote, Reconcile
from bot.core.models import Branch, PullRequest, Release, Unknown
from tests.core.worlds import (
    FOLLOWED,
    NOW,
    SHOP,
    TWO_APPLICATIONS,
    actions,
    after,
    commit,
    decide,
    everywhere,
    only,
    pinned,
    pull,
    running,
    settled,
    sha,
    skip,
    values,
    with_file,
    with_pull,
    world,
)

if TYPE_CHECKING:
    from bot.core.snapshot import Snapshot

V1, V2, V3 = (f"{SHOP}:{tag}" for tag in ("1.0.0", "1.1.0", "2.0.0"))
BRANCH = "bot/staging/shop"
STAGING = "envs/staging/shop/values.yaml"
MANUAL = FOLLOWED.replace("after: dev,", "after: dev, promote: manual,")
BY_HAND = Promote("staging", by="dana")


def ready(config: str = FOLLOWED) -> Snapshot:
    """dev has 1.1.0, and staging has no pull request yet."""
    return world(config, running(dev="1.1.0", staging="1.0.0", prod="1.0.0"), [V1, V2])


def opened() -> Snapshot:
    """staging has its pull request, and all is said on it."""
    return settled(ready())


def newer(snapshot: Snapshot) -> Snapshot:
    """dev has 2.0.0 meanwhile."""
    there = world(FOLLOWED, running(dev="2.0.0", staging="1.0.0", prod="1.0.0"), [V1, V2, V3])
    return replace(there, pull_requests=snapshot.pull_requests, branches=snapshot.branches)


def foreign(snapshot: Snapshot, name: str = BRANCH) -> Snapshot:
    """erin has pushed a commit of her own to the branch."""
    theirs = commit("erin's", by="erin@example.com")
    branch = Branch(name, theirs, {"NOTES.md": b"mine\n"}, theirs)
    there = replace(snapshot, branches={**snapshot.branches, name: branch})
    return with_pull(there, name, head=theirs.sha) if any(True for _ in _open(snapshot, name)) else there


def _open(snapshot: Snapshot, name: str) -> list[PullRequest]:
    assert not isinstance(snapshot.pull_requests, Unknown)
    return [p for p in snapshot.pull_requests if p.branch == name and p.state == "open"]


def closed_by_a_person(snapshot: Snapshot) -> Snapshot:
    return with_pull(snapshot, BRANCH, state="closed")


def test_a_pull_request_is_opened_on_the_default_branch_as_it_was_seen() -> None:
    snapshot = ready()
    action = only(snapshot, OpenPullRequest)
    assert (action.branch, action.parent, action.expected) == (BRANCH, snapshot.head.sha, None)
    assert action.files == {STAGING: values({"shop": pinned(V2)})}
    assert [(c.file, c.line, c.path, c.old, c.new) for c in action.changes] == [
        (STAGING, 3, "/shop/tag", pinned(V1), pinned(V2))
    ]


def test_a_pull_request_that_says_what_is_wanted_is_left_alone() -> None:
    snapshot = opened()
    assert decide(snapshot).actions == ()
    assert skip(snapshot, "staging").reason_code == "needs_approval"


def test_a_branch_that_holds_the_release_already_is_adopted_and_not_pushed_again() -> None:
    snapshot = replace(opened(), pull_requests=())
    action = only(snapshot, OpenPullRequest)
    assert action.files is None
    assert action.expected == snapshot.branches[BRANCH].head.sha


def test_a_branch_with_something_older_is_rewritten_under_the_lease_of_its_head() -> None:
    old = replace(opened(), pull_requests=())
    action = next(a for a in actions(newer(old), OpenPullRequest) if a.environment == "staging")
    assert action.files == {STAGING: values({"shop": pinned(V3)})}
    assert action.expected == old.branches[BRANCH].head.sha


def test_an_open_pull_request_is_rewritten_in_place_by_a_newer_release() -> None:
    snapshot = newer(opened())
    (action,) = actions(snapshot, UpdatePullRequest)
    assert (action.number, action.branch) == (pull(snapshot).number, BRANCH)
    assert action.title == "staging: shop 2.0.0"
    assert action.expected == pull(snapshot).head
    assert not actions(after(snapshot, action), UpdatePullRequest)


def test_a_branch_whose_files_changed_on_the_default_branch_is_made_anew_with_the_same_content() -> None:
    snapshot = with_file(opened(), STAGING, values({"shop": "1.0.0-hotfix"}))
    (action,) = actions(snapshot, UpdatePullRequest)
    assert action.files == snapshot.branches[BRANCH].files
    assert action.parent == snapshot.head.sha
    assert not actions(after(snapshot, action), UpdatePullRequest)


def test_text_that_was_left_stale_between_push_and_update_is_set_without_a_push() -> None:
    before = newer(opened())
    (update,) = actions(before, UpdatePullRequest)
    old = pull(before)
    crashed = with_pull(after(before, update), BRANCH, title=old.title, body=old.body)
    (again,) = actions(crashed, UpdatePullRequest)
    assert (again.title, again.files) == ("staging: shop 2.0.0", None)
    assert not actions(after(crashed, again), UpdatePullRequest)


def test_a_pull_request_whose_branch_moves_while_it_is_read_waits_for_the_next_run() -> None:
    for snapshot in (
        with_pull(opened(), BRANCH, head=sha("moved")),
        replace(opened(), branches={}),
    ):
        assert decide(snapshot).actions == ()
        assert skip(snapshot, "staging").reason_code == "head_moved"


def test_a_pull_request_that_would_change_nothing_is_closed_with_the_reason() -> None:
    snapshot = with_file(opened(), STAGING, values({"shop": pinned(V2)}))
    (close,) = actions(snapshot, ClosePullRequest)
    assert close.reason == "staging already has what this would bring to shop; there is nothing left to change"
    assert (close.number, close.head) == (pull(snapshot).number, pull(snapshot).head)


def test_the_branch_of_a_closed_pull_request_is_deleted_and_then_all_is_quiet() -> None:
    snapshot = with_file(opened(), STAGING, values({"shop": pinned(V2)}))
    closed = after(snapshot, *actions(snapshot, ClosePullRequest))
    (delete,) = actions(closed, DeleteBranch)
    assert (delete.branch, delete.head) == (BRANCH, snapshot.branches[BRANCH].head.sha)
    gone = after(closed, delete)
    assert not actions(gone, DeleteBranch)
    assert skip(gone, "staging").reason_code == "up_to_date"


def test_somebody_elses_commit_is_told_once_and_never_touched() -> None:
    snapshot = foreign(newer(opened()))
    status, comment = [a for a in decide(snapshot).actions if a.environment == "staging"]
    assert isinstance(comment, Comment)
    assert isinstance(status, SetStatus)
    assert (status.status.state, status.application) == ("failure", "shop")
    assert comment.comment == "foreign-commit"
    assert commit("erin's").sha[:12] in comment.body
    told = after(snapshot, comment, status)
    assert [a for a in decide(told).actions if a.environment == "staging"] == []
    why = skip(told, "staging")
    assert (why.reason_code, why.waits_for) == ("foreign_commit", f"the branch {BRANCH} to be deleted (#1)")


def test_somebody_elses_branch_without_a_pull_request_is_left_alone_too() -> None:
    snapshot = foreign(ready())
    assert decide(snapshot).actions == ()
    why = skip(snapshot, "staging")
    assert (why.reason_code, why.waits_for) == ("foreign_commit", f"the branch {BRANCH} to be deleted")


def test_deleting_the_branch_with_somebody_elses_commit_turns_nothing_down() -> None:
    theirs = foreign(opened())
    told = after(theirs, *decide(theirs).actions)
    gone = replace(with_pull(told, BRANCH, state="closed"), branches={})
    assert only(gone, OpenPullRequest).title == "staging: shop 1.1.0"


def test_not_even_a_promotion_by_hand_overwrites_somebody_elses_commit() -> None:
    snapshot = foreign(ready())
    assert decide(snapshot, BY_HAND).actions == ()


def test_a_release_that_a_person_turned_down_is_not_proposed_again() -> None:
    snapshot = closed_by_a_person(opened())
    assert [a.kind for a in decide(snapshot).actions] == ["delete_branch"]
    why = skip(snapshot, "staging")
    assert why.reason_code == "closed_by_person"
    assert why.waits_for == "a newer release, or `gitops-bot promote staging --app shop`"


def test_a_newer_release_is_proposed_after_one_that_was_turned_down() -> None:
    titles = [a.title for a in actions(newer(closed_by_a_person(opened())), OpenPullRequest)]
    assert titles == ["staging: shop 2.0.0"]


def test_a_person_may_ask_again_for_what_was_turned_down() -> None:
    assert only(closed_by_a_person(opened()), OpenPullRequest, BY_HAND).title == "staging: shop 1.1.0"


def test_what_the_bot_closed_itself_is_proposed_again() -> None:
    obsolete = with_file(opened(), STAGING, values({"shop": pinned(V2)}))
    quiet = settled(obsolete)
    reverted = with_file(quiet, STAGING, values({"shop": pinned(V1)}))
    assert [a.title for a in actions(reverted, OpenPullRequest)] == ["staging: shop 1.1.0"]


def test_an_environment_that_is_promoted_by_hand_waits_for_the_command() -> None:
    snapshot = ready(MANUAL)
    assert decide(snapshot).actions == ()
    why = skip(snapshot, "staging")
    assert (why.reason_code, why.waits_for) == ("promote_manually", "gitops-bot promote staging --app shop")
    assert only(snapshot, OpenPullRequest, BY_HAND).title == "staging: shop 1.1.0"


def test_who_asked_for_a_version_stays_with_its_pull_request_when_it_is_rewritten() -> None:
    history = {("dev", "shop"): (Release(ready().deployed["dev", "shop"].release.images),)}
    asked = Promote("staging", (), "1.1.0", "dana")
    snapshot = after(opened(), only(replace(opened(), history=history), UpdatePullRequest, asked))
    assert "asked for by dana: version `1.1.0`" in pull(snapshot).body
    assert "Gitops-Bot-Asked-By: dana\nGitops-Bot-Version: 1.1.0" in snapshot.branches[BRANCH].head.message
    assert not actions(snapshot, UpdatePullRequest)
    moved_on = with_file(snapshot, STAGING, b"# a comment\n" + values({"shop": pinned(V1)}))
    (update,) = actions(moved_on, UpdatePullRequest)
    assert "asked for by dana: version `1.1.0`" in update.body
    assert "Gitops-Bot-Version: 1.1.0" in update.message


def test_asking_twice_for_the_same_changes_nothing() -> None:
    history = {("dev", "shop"): (Release(ready().deployed["dev", "shop"].release.images),)}
    asked = Promote("staging", (), "1.1.0", "dana")
    first = replace(ready(), history=history)
    there = after(first, only(first, OpenPullRequest, asked))
    assert actions(there, UpdatePullRequest, asked) == []
    assert actions(there, OpenPullRequest, asked) == []


def test_a_pull_request_for_what_is_no_longer_configured_is_closed_and_its_branch_deleted() -> None:
    name = "bot/qa/shop"
    branch = Branch(name, commit("qa", by="gitops-bot@localhost"), {"envs/qa/shop/values.yaml": b""})
    request = PullRequest(7, name, branch.head.sha, "qa: shop 1.0.0", "", "gitops-bot", "open")
    snapshot = replace(opened(), branches={**opened().branches, name: branch})
    snapshot = replace(snapshot, pull_requests=(request, pull(snapshot)))
    (close,) = actions(snapshot, ClosePullRequest)
    assert (close.number, close.reason) == (7, f"gitops.yaml no longer has what the branch {name} is for")
    (delete,) = actions(after(snapshot, close), DeleteBranch)
    assert delete.branch == name


def test_somebody_elses_commit_keeps_even_a_branch_that_is_no_longer_configured() -> None:
    snapshot = foreign(world(FOLLOWED, everywhere("1.0.0"), [V1]), "bot/qa/shop")
    assert decide(snapshot).actions == ()


def test_leftovers_are_not_cleared_by_a_promotion() -> None:
    snapshot = with_file(opened(), STAGING, values({"shop": pinned(V2)}))
    closed = after(snapshot, *actions(snapshot, ClosePullRequest))
    assert actions(closed, DeleteBranch)
    assert actions(closed, DeleteBranch, Promote("prod", by="dana")) == []


def test_nothing_is_decided_on_pull_requests_that_could_not_be_read() -> None:
    for snapshot in (ready(), opened(), newer(opened())):
        away = replace(snapshot, pull_requests=Unknown("the forge is away", "unavailable"))
        assert decide(away).actions == ()
        assert {(s.environment, s.reason) for s in decide(away).skips} == {
            (e, "the forge is away") for e in ("dev", "staging", "prod")
        }


def test_a_file_that_must_not_be_edited_holds_only_its_own_environment() -> None:
    snapshot = world(FOLLOWED, running(dev="1.1.0", prod="1.0.0") | {STAGING: values({"shop": "${TAG}"})}, [V1, V2, V3])
    assert [a.environment for a in decide(snapshot).actions] == ["dev"]
    why = skip(snapshot, "staging")
    assert (why.reason_code, why.waits_for) == ("substituted", "that file to be changed")
    assert why.reason.startswith(f"{STAGING}:3 /shop/tag: ")
    assert skip(snapshot, "prod").reason_code == "substituted"


def test_an_environment_that_does_not_name_the_image_is_refused() -> None:
    snapshot = world(FOLLOWED, running(dev="1.1.0", prod="1.0.0"), [V1, V2])
    why = skip(snapshot, "staging")
    assert (why.reason_code, "no folder envs/staging" in why.reason) == ("environment_missing", True)
    snapshot = with_file(snapshot, "envs/staging/shops/values.yaml", b"a: 1\n")
    why = skip(snapshot, "staging")
    assert (why.reason_code, "near it is envs/staging/shops" in why.reason) == ("application_missing", True)
    snapshot = with_file(snapshot, "envs/staging/shop/values.yaml", b"a: 1\n")
    assert skip(snapshot, "staging").reason_code == "image_field_missing"
    assert skip(snapshot, "prod").reason_code == "no_release"


@pytest.mark.parametrize("event", [Reconcile(), BY_HAND])
def test_what_failed_in_this_run_is_not_tried_again_and_the_rest_goes_on(event: Reconcile | Promote) -> None:
    files = running(dev="1.1.0", staging="1.0.0", prod="1.0.0")
    desk = running("desk", dev="1.1.0", staging="1.0.0", prod="1.0.0")
    pushed = [V1, V2, "registry.example.com/desk:1.0.0", "registry.example.com/desk:1.1.0"]
    snapshot = world(TWO_APPLICATIONS, files | desk, pushed)
    both: list[Action] = list(decide(snapshot, event).actions)
    failed = replace(snapshot, failures={both[0].key: "the disk is full"})
    assert list(decide(failed, event).actions) == both[1:]
    why = skip(failed, "staging", both[0].application, event)
    assert (why.reason_code, why.waits_for) == ("failed", "the next run")
    assert why.reason == f"{both[0].summary}: the disk is full"


def test_the_time_alone_changes_no_decision() -> None:
    later = replace(opened(), now=NOW.replace(year=2030))
    assert decide(later) == decide(opened())
