"""People's own pull requests on a real repository: `gitops-bot/approval` is by what their merge would change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.cli.demo.world import commit, git

if TYPE_CHECKING:
    from bot.core.models import Status
    from tests.scenarios.story import Story

FILE = "envs/prod/notes.yaml"


def approval(story: Story, branch: str) -> Status:
    """What the bot says of the pull request of a branch."""
    story.run()
    pull = next(p for p in story.forge().pull_requests() if p.branch == branch)
    [status] = [s for s in pull.statuses if s.context == "gitops-bot/approval"]
    return status


def propose(story: Story, branch: str) -> None:
    """Push what is checked out as a branch, with a pull request."""
    git(story.world.checkout, "push", "-q", "origin", f"HEAD:refs/heads/{branch}")
    story.forge().open_pull_request(branch, "More memory", "")


def test_what_a_branch_changes_is_judged_by_environment(in_dev: Story) -> None:
    checkout = in_dev.world.checkout
    git(checkout, "pull", "-q", "--ff-only")
    commit(checkout, {"README.txt": "hello\n"}, "Explain it")
    propose(in_dev, "explained")
    assert approval(in_dev, "explained").state == "success"
    commit(checkout, {FILE: "a: 1\n"}, "Change prod")
    propose(in_dev, "changed")
    assert approval(in_dev, "changed").state == "pending"
    assert approval(in_dev, "changed").description.startswith("prod: 0 of 2 approvals")


@pytest.mark.parametrize("later", ["side", "main"])
def test_what_a_merge_takes_back_counts_though_it_is_as_at_one_merge_base(
    in_dev: Story, later: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The branch merges both sides of a merge that the default branch has too, and keeps the older of two files."""
    checkout = in_dev.world.checkout
    git(checkout, "config", "user.name", "erin")
    git(checkout, "config", "user.email", "erin@example.com")
    in_dev.commit_gitops({FILE: "version: old\n"})
    git(checkout, "checkout", "-q", "-b", "side")
    monkeypatch.setenv("GIT_COMMITTER_DATE", f"{2040 if later == 'side' else 2030}-01-01T00:00:00Z")
    side = commit(checkout, {"README.txt": "hello\n"}, "Explain it", "erin")
    git(checkout, "checkout", "-q", "main")
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2035-01-01T00:00:00Z")
    newer = in_dev.commit_gitops({FILE: "version: new\n"})
    git(checkout, "merge", "-q", "--no-ff", "-m", "Merge side", "side")
    git(checkout, "push", "-q", "origin", "HEAD:main")
    git(checkout, "checkout", "-q", "-b", "evil", side)
    git(checkout, "merge", "-q", "--no-commit", newer)
    commit(checkout, {FILE: "version: old\n"}, "Nothing to see", "erin")
    propose(in_dev, "evil")
    git(checkout, "checkout", "-q", "main")
    git(checkout, "merge", "-q", "-m", "As a forge merges it", "evil")
    assert (checkout / FILE).read_text() == "version: old\n"
    assert approval(in_dev, "evil").state == "pending"


def moved(story: Story, old: str, new: str) -> None:
    """A person moves a file or folder on the default branch."""
    checkout = story.world.checkout
    git(checkout, "fetch", "-q")
    git(checkout, "checkout", "-q", "-B", "moving", "origin/main")
    (checkout / new).parent.mkdir(parents=True, exist_ok=True)
    git(checkout, "mv", old, new)
    commit(checkout, {}, "Move it")
    git(checkout, "push", "-q", "origin", "HEAD:main")


LIMITS = "".join(f"limit{n}: {n}\n" for n in range(20))


@pytest.mark.parametrize("where", ["edited", "added", "edited and taken back"])
def test_what_lands_in_an_environment_once_it_is_merged_counts(in_dev: Story, where: str) -> None:
    """Git follows what the default branch has moved since: judged anew whenever that moves."""
    checkout = in_dev.world.checkout
    in_dev.commit_gitops({"drafts/limits.yaml": LIMITS, "drafts/more.yaml": "a: 1\n"})
    if where == "added":
        commit(checkout, {"drafts/new.yaml": "replicas: 0\n"}, "Add a draft")
    else:
        commit(checkout, {"drafts/limits.yaml": LIMITS.replace("limit3: 3", "limit3: 0")}, "Edit a draft")
    if where == "edited and taken back":
        # A rebase replays both commits, each where git follows it to.
        commit(checkout, {"drafts/limits.yaml": LIMITS}, "Take it back")
        commit(checkout, {"drafts/limits.yaml": LIMITS.replace("limit9: 9", "limit9: 0")}, "Edit it otherwise")
    propose(in_dev, "drafted")
    assert approval(in_dev, "drafted").state == "success"
    moved(in_dev, "drafts", "envs/prod/extra")
    said = approval(in_dev, "drafted")
    assert (said.state, said.description.partition(":")[0]) == ("pending", "prod")


def test_what_a_moved_folder_takes_along_of_the_default_branch_counts(in_dev: Story) -> None:
    """The branch moves a folder beside the environments; what the default branch adds to it would follow into one."""
    checkout = in_dev.world.checkout
    in_dev.commit_gitops({f"drafts/{n}.yaml": f"{n}: {n}\n{LIMITS}" for n in range(4)})
    git(checkout, "checkout", "-q", "-B", "away", "origin/main")
    git(checkout, "fetch", "-q")
    git(checkout, "reset", "-q", "--hard", "origin/main")
    for n in range(4):
        git(checkout, "mv", f"drafts/{n}.yaml", f"envs/{n}.yaml")
    commit(checkout, {}, "Move the drafts")
    propose(in_dev, "away")
    assert approval(in_dev, "away").state == "success"
    git(checkout, "checkout", "-q", "-B", "main", "origin/main")
    in_dev.commit_gitops({"drafts/prod/evil.yaml": "replicas: 0\n", "drafts/note.yaml": "a: note\n"})
    assert approval(in_dev, "away").description.startswith("prod: ")
