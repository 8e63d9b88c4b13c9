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
