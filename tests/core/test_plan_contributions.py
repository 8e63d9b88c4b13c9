"""People's own pull requests: what `gitops-bot/approval` says of them, by the environments whose files they change."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bot.core.actions import MergePullRequest, SetStatus
from bot.core.events import Build, Promote
from bot.core.models import Branch, Commit, Contribution, Labelled, Person, PullRequest, Review, Status, Unknown
from bot.core.plan.contributions import judge, reviewers
from bot.core.plan.stops import HOTFIX, hotfixes
from bot.core.state import Freeze, Lock, State
from tests.core.worlds import FOLLOWED, NOW, SHOP, actions, decide, everywhere, recorded, sha, world

if TYPE_CHECKING:
    from bot.core.events import Event
    from bot.core.snapshot import Snapshot

HEAD = sha("a person's work")
STAGING, PROD, DEV = "envs/staging/shop/values.yaml", "envs/prod/shop/values.yaml", "envs/dev/shop/values.yaml"


def review(author: str, state: str = "approved", at: str = HEAD) -> Review:
    return Review(author, state, at, NOW)  # type: ignore[arg-type]  # one of the four


def contributed(*files: str, readable: bool = True, **fields: object) -> Snapshot:
    """A settled world in which erin proposes to change files."""
    pull = PullRequest(7, "more-memory", HEAD, "More memory", "", "erin", "open", own=False, **fields)  # type: ignore[arg-type]  # by name
    snapshot = world(FOLLOWED, everywhere("1.0.0"), [f"{SHOP}:1.0.0"])
    return replace(
        snapshot,
        contributions=(Contribution(pull, frozenset(files) if readable else Unknown("too long\n  → rebase it")),),
    )


def said(snapshot: Snapshot) -> tuple[str, str]:
    """State and text of the one status that is set."""
    [action] = actions(snapshot, SetStatus)
    assert (action.number, action.commit, action.status.context) == (7, HEAD, "gitops-bot/approval")
    return action.status.state, action.status.description


@pytest.mark.parametrize(
    "files", [(), ("README.md", "a/.github/workflows/ci.yml", ".gitlab-ci.yml.old"), ("envs/production/x.yaml", "envs")]
)
def test_what_changes_no_environment_needs_nobody(files: tuple[str, ...]) -> None:
    assert said(contributed(*files)) == ("success", "it changes no environment, and nothing that decides over one")


def test_a_base_is_a_part_of_each_environment_that_reaches_it() -> None:
    overlay = b"resources: [../../base]\n"
    files = everywhere("1.0.0") | {
        "base/kustomization.yaml": b"resources: [pod.yaml]\nconfigMapGenerator: [{name: a, files: [a.txt]}]\n",
        "base/pod.yaml": b"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n",
        "base/a.txt": b"",
        "envs/staging/kustomization.yaml": overlay,
        "envs/prod/kustomization.yaml": overlay,
    }
    snapshot = world(FOLLOWED, files, [f"{SHOP}:1.0.0"])
    for file in ("base/pod.yaml", "base/kustomization.yaml", "base/a.txt"):
        asked = contributed(file, reviews=(review("alice"),))
        found = said(replace(snapshot, contributions=asked.contributions))
        assert found == ("pending", "prod: 1 of 2 approvals (alice); may approve: bob, carol")


def test_each_changed_environment_wants_its_own_approvals() -> None:
    assert said(contributed(DEV)) == ("success", "dev: no approval needed")
    assert said(contributed(STAGING)) == ("pending", "staging: 0 of 1 approval")
    one = contributed(STAGING, PROD, reviews=(review("alice"),))
    assert said(one) == ("pending", "prod: 1 of 2 approvals (alice); may approve: bob, carol")
    both = contributed(STAGING, PROD, reviews=(review("alice"), review("bob")))
    assert said(both) == ("success", "staging: 2 of 1 approval (alice, bob); prod: 2 of 2 approvals (alice, bob)")


@pytest.mark.parametrize(
    "file",
    [
        "gitops.yaml",
        ".github",
        ".github/workflows/gitops-bot.yml",
        ".github/actions/x/action.yml",
        ".github/CODEOWNERS",
        ".gitlab-ci.yml",
        ".gitlab/CODEOWNERS",
        "CODEOWNERS",
        "docs/CODEOWNERS",
        None,
    ],
)
def test_what_decides_over_them_and_what_cannot_be_read_count_as_every_environment(file: str | None) -> None:
    readable, files = file is not None, (file,) if file else ()
    approvals = (review("alice"), review("carol"))
    why = "" if readable else "counts as all (too long → rebase it): "
    assert said(contributed(*files, readable=readable)) == ("pending", f"{why}staging: 0 of 1 approval")
    state, text = said(contributed(*files, readable=readable, reviews=approvals))
    assert state == "success"
    assert text.startswith("dev: no approval needed (alice, carol); staging: 2 of 1 approval (alice, carol); prod: ")


@pytest.mark.parametrize(
    "vote",
    [
        review("erin"),
        review("rita"),
        review("renovate[bot]"),
        review("nobody"),
        review("dana", at=sha("an earlier head")),
        review("dana", "commented"),
        review("dana", "changes_requested"),
    ],
)
def test_neither_authors_nor_readers_bots_strangers_and_stale_reviews_count(vote: Review) -> None:
    assert said(contributed(STAGING, reviews=(vote,)))[0] == "pending"


def test_a_link_in_the_place_of_the_folder_changes_the_environment() -> None:
    assert said(contributed("envs/staging")) == ("pending", "staging: 0 of 1 approval")


@pytest.mark.parametrize("first", [True, False])
def test_two_with_one_head_are_both_stopped_by_what_is_missing_to_either(first: bool) -> None:
    snapshot = contributed(STAGING, reviews=(review("dana"),))
    assert said(snapshot)[0] == "success"
    [contribution] = snapshot.contributions
    pull = replace(contribution.pull_request, number=8, author="dana", reviews=(review("dana"),))
    other = contribution._replace(pull_request=pull)
    both = (other, contribution) if first else (contribution, other)
    [action] = decide(replace(snapshot, contributions=both)).actions
    assert isinstance(action, SetStatus)
    assert (action.number, action.commit, action.status.state) == (8, HEAD, "pending")
    assert action.status.description == "#8 has this commit: staging: 0 of 1 approval"


def test_of_a_head_that_is_the_bots_own_pull_requests_too_that_one_decides() -> None:
    snapshot = contributed(STAGING, reviews=(review("dana"),))
    own = PullRequest(3, "bot/staging/other", HEAD, "Other", "", "gitops-bot", "open")
    snapshot = replace(snapshot, pull_requests=(own,))
    assert not list(judge(snapshot))
    closed = replace(snapshot, pull_requests=(replace(own, state="closed"),))
    assert [action.status.state for action in judge(closed)] == ["success"]


def test_one_of_the_bots_with_somebody_elses_commit_fails_whether_or_not_it_is_configured() -> None:
    commit = Commit(HEAD, "erin@example.com", NOW, "Mine")
    for name in ("bot/prod/shop", "bot/prod/another"):
        own = PullRequest(3, name, HEAD, "Shop", "", "gitops-bot", "open")
        snapshot = replace(contributed(), contributions=(), pull_requests=(own,))
        foreign = replace(snapshot, branches={name: Branch(name, commit, {}, commit, False, sha("base"))})
        [action] = judge(foreign)
        assert (action.number, action.commit, action.status.state) == (3, HEAD, "failure")
        assert action.status.description.startswith(f"{HEAD[:12]} is no commit of the bot: delete this branch")
        ours = replace(snapshot, branches={name: Branch(name, commit, {}, None, False, sha("base"))})
        assert not list(judge(ours))
        said_already = replace(own, statuses=(action.status,))
        assert not list(judge(replace(foreign, pull_requests=(said_already,))))


def test_whose_commits_it_holds_does_not_approve_it() -> None:
    approvals = (review("dana"),)
    assert said(contributed(STAGING, reviews=approvals))[0] == "success"
    assert said(contributed(STAGING, reviews=approvals, pushers=frozenset({"Dana"})))[0] == "pending"


def test_holds_locks_and_freezes_stop_people_too() -> None:
    approvals = (review("alice"), review("bob"))
    approved = contributed(PROD, reviews=approvals)
    later = NOW + timedelta(hours=1)
    lock = Lock("prod", "carol", 3, "c1", "we restore a backup", NOW, later)
    state, text = said(replace(approved, state=State(locks={"prod": lock})))
    assert state == "pending"
    assert text.startswith("prod: prod is locked")
    freeze = Freeze(None, "carol", "c1", "holidays", NOW, later)
    assert said(replace(approved, state=State(freezes={None: freeze})))[0] == "pending"
    assert said(contributed(PROD, reviews=approvals, labels=frozenset({"hold"})))[0] == "failure"
    assert said(replace(approved, state=Unknown("git does not answer")))[0] == "pending"
    assert said(replace(contributed("README.md"), state=Unknown("git does not answer")))[0] == "success"


def test_an_admins_hotfix_passes_a_freeze() -> None:
    freeze = Freeze(None, "carol", "c1", "holidays", NOW, NOW + timedelta(hours=1))
    hotfix = contributed(STAGING, reviews=(review("dana"),), labels=frozenset({"hotfix"}))
    frozen = replace(hotfix, state=State(freezes={None: freeze}))
    assert hotfixes(frozen) == (7,)
    assert hotfixes(hotfix) == ()
    people = {**frozen.people, "root": Person("admin")}
    assert said(replace(frozen, labelled={(7, HOTFIX): Labelled("dana", NOW)}))[0] == "pending"
    assert said(replace(frozen, labelled={(7, HOTFIX): Labelled("root", NOW)}, people=people)) == (
        "success",
        "staging: 1 of 1 approval (dana)",
    )


def test_it_is_said_once_and_nothing_is_merged() -> None:
    done = Status("gitops-bot/approval", "success", "dev: no approval needed")
    assert decide(recorded(contributed(DEV, statuses=(done,)), HEAD)).actions == ()
    assert not [a for a in decide(contributed(DEV)).actions if isinstance(a, MergePullRequest)]


def test_a_promotion_that_was_asked_for_leaves_them_alone() -> None:
    snapshot = replace(contributed(STAGING), event=Promote("staging", (), None, "bob"))
    assert decide(snapshot).actions == ()


@pytest.mark.parametrize("event", [Promote("staging", (), None, "bob"), Build(("shop",))])
def test_what_is_not_approved_any_more_is_taken_back_whatever_a_run_is_about(event: Event) -> None:
    success = Status("gitops-bot/approval", "success", "staging: 1 of 1 approval (dana)")
    objection = review("dana", "changes_requested")
    snapshot = replace(contributed(STAGING, statuses=(success,), reviews=(objection,)), event=event)
    assert said(snapshot)[0] == "pending"


def test_a_long_text_is_cut_to_what_a_forge_takes() -> None:
    names = [f"reviewer-with-a-long-name-{i}" for i in range(9)]
    state, text = said(contributed(STAGING, reviews=tuple(review(n, "changes_requested") for n in names)))
    assert (state, len(text) <= 140) == ("pending", True)


def test_permissions_are_asked_for_only_where_they_decide() -> None:
    assert reviewers(contributed("README.md", reviews=(review("Dana"),))) == frozenset()
    assert reviewers(contributed(STAGING, reviews=(review("Dana"),))) == {"dana"}
