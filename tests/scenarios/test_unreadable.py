"""One branch that cannot be read is that branch's trouble: everything else goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.cli.demo.world import APPLICATION, git
from bot.core.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.scenarios.story import Story


def _orphan(story: Story, branch: str) -> None:
    tree = git(story.world.gitops, "mktree", "--missing").strip()
    made = git(story.world.gitops, *MALLORY, "commit-tree", tree, "-m", "Nothing").strip()
    git(story.world.gitops, "update-ref", f"refs/heads/{branch}", made)


MALLORY = ("-c", "user.name=m", "-c", "user.email=m@example.com")


def _without_committer(story: Story, branch: str) -> None:
    _by_hand(story, branch, "author x <x@example.com> 1 +0000\n\nNobody\n")


def _in_no_encoding(story: Story, branch: str) -> None:
    who = "x <x@example.com> 1767225600 +0000"
    _by_hand(story, branch, f"author {who}\ncommitter {who}\nencoding undefined\n\nStrange\n")


def _by_hand(story: Story, branch: str, headers: str) -> None:
    parent = git(story.world.gitops, "rev-parse", "main").strip()
    tree = git(story.world.gitops, "rev-parse", "main^{tree}").strip()
    file = story.world.folder / "commit"
    file.write_text(f"tree {tree}\nparent {parent}\n{headers}")
    made = git(story.world.gitops, "hash-object", "-t", "commit", "--literally", "-w", str(file)).strip()
    (story.world.gitops / "refs" / "heads" / branch).parent.mkdir(parents=True, exist_ok=True)
    (story.world.gitops / "refs" / "heads" / branch).write_text(made + "\n")


@pytest.mark.parametrize("broken", [_orphan, _without_committer, _in_no_encoding])
@pytest.mark.parametrize("branch", ["bot/zzz", f"bot/prod/{APPLICATION}", "bot/prod/unknown"])
def test_a_strange_branch_of_the_bots_stops_nothing_else(
    story: Story, broken: Callable[[Story, str], None], branch: str
) -> None:
    broken(story, branch)
    report = story.run()
    assert story.running("dev").tag != "4.2.0"
    story.approve("staging", "alice")
    story.merge("staging", "alice")
    assert story.running("staging") == story.running("dev")
    told = [s for s in report.left.skips if s.reason_code in ("branch_unreadable", "foreign_commit")]
    assert branch in git(story.world.gitops, "for-each-ref", "--format=%(refname:short)")
    if broken is _orphan:
        assert [branch in s.reason for s in told] == [True]
        assert told[0].waits_for == f"the branch {branch} to be deleted"


def test_a_request_whose_branch_cannot_be_read_any_more_is_not_merged(in_dev: Story) -> None:
    in_dev.approve("staging", "alice")
    _orphan(in_dev, f"bot/staging/{APPLICATION}")
    in_dev.run()
    (status,) = in_dev.pull("staging").statuses
    assert status.state == "failure"
    with pytest.raises(Refused):
        in_dev.forge().merge(in_dev.number("staging"), "alice", in_dev.pull("staging").head)
    assert in_dev.run().done == ()


def test_a_default_branch_that_was_replaced_leaves_nothing_mergeable_and_goes_on(in_dev: Story) -> None:
    in_dev.approve("staging", "alice")
    tree = git(in_dev.world.gitops, "rev-parse", "main^{tree}").strip()
    new = git(in_dev.world.gitops, *MALLORY, "commit-tree", tree, "-m", "A new beginning").strip()
    git(in_dev.world.gitops, "update-ref", "refs/heads/main", new)
    in_dev.run()
    (status,) = in_dev.pull("staging").statuses
    assert (status.state, "delete this branch" in status.description) == ("failure", True)
    git(in_dev.world.gitops, "update-ref", "-d", f"refs/heads/bot/staging/{APPLICATION}")
    in_dev.run()
    in_dev.approve("staging", "alice")
    in_dev.merge("staging", "alice")
    assert in_dev.running("staging") == in_dev.running("dev")
