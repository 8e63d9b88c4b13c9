"""One branch that cannot be read is that branch's trouble: everything else goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bot.cli.demo.world import APPLICATION, git
from bot.core.errors import Refused
from bot.core.plan.places import APPROVAL
from bot.core.state import BRANCH

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
    _set(story, branch, made)


def _set(story: Story, branch: str, sha: str) -> None:
    """Whatever it is: git itself would let no branch be at anything but a commit."""
    path = os.fsencode(story.world.gitops / "refs" / "heads") + b"/" + os.fsencode(branch)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    Path(os.fsdecode(path)).write_text(f"{sha}\n")


def _no_commit(story: Story, branch: str) -> None:
    _set(story, branch, git(story.world.gitops, "rev-parse", "main:gitops.yaml").strip())


def _of_very_many_files(story: Story, branch: str) -> None:
    _with_tree(story, branch, "".join(f"100644 blob {_blob(story)}\t{n}\n" for n in range(1_001)))


def _of_names_that_are_no_text(story: Story, branch: str) -> None:
    _with_tree(story, branch, f"100644 blob {_blob(story)}\t\udcff\x1b[2J\n120000 blob {_blob(story)}\tenvs\n")


def _out_of_its_folder(story: Story, branch: str) -> None:
    inner = _tree(story, f"100644 blob {_blob(story)}\tconfig\n")
    _with_tree(story, branch, f"040000 tree {inner}\t.git\n160000 commit {'1' * 40}\tenvs\n")


def _with_tree(story: Story, branch: str, lines: str) -> None:
    made = git(story.world.gitops, *MALLORY, "commit-tree", _tree(story, lines), "-p", "main", "-m", "Strange").strip()
    _set(story, branch, made)


def _blob(story: Story) -> str:
    return git(story.world.gitops, "rev-parse", "main:gitops.yaml").strip()


def _tree(story: Story, lines: str) -> str:
    command = ["git", "mktree", "--missing"]
    stdin = lines.encode("utf-8", "surrogateescape")
    return (
        subprocess.run(command, cwd=story.world.gitops, input=stdin, check=True, stdout=subprocess.PIPE)
        .stdout.decode()
        .strip()
    )


STRANGE = [
    _orphan,
    _without_committer,
    _in_no_encoding,
    _no_commit,
    _of_very_many_files,
    _of_names_that_are_no_text,
    _out_of_its_folder,
]


@pytest.mark.parametrize("broken", STRANGE)
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
    if broken in (_orphan, _no_commit, _of_very_many_files):
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


# The local forge itself lists nothing while the branch of a request has a commit without a committer.
@pytest.mark.parametrize("broken", [one for one in STRANGE if one is not _without_committer])
def test_a_strange_branch_of_somebodys_own_changes_nothing_for_others(
    story: Story, broken: Callable[[Story, str], None]
) -> None:
    git(story.world.checkout, "push", "-q", "origin", "HEAD:refs/heads/theirs")
    story.commit_gitops({"README.txt": "hello\n"})
    git(story.world.gitops, *MALLORY, "update-ref", "refs/heads/theirs", "main")
    story.run()
    sha = git(story.world.gitops, *MALLORY, "commit-tree", "main^{tree}", "-p", "main", "-m", "Mine").strip()
    _set(story, "theirs", sha)
    story.forge().open_pull_request("theirs", "Mine", "")
    broken(story, "theirs")
    story.run()
    story.approve("staging", "alice")
    story.merge("staging", "alice")
    assert story.running("staging") == story.running("dev")


# One without any file is one on which nothing is locked or held.
@pytest.mark.parametrize("broken", [one for one in STRANGE if one is not _orphan])
def test_a_strange_state_branch_lets_nothing_be_merged_and_ends_no_run(
    in_dev: Story, broken: Callable[[Story, str], None]
) -> None:
    in_dev.approve("staging", "alice")
    broken(in_dev, BRANCH)
    in_dev.run()
    (said,) = [s.state for s in in_dev.pull("staging").statuses if s.context == APPROVAL]
    assert said in ("pending", "failure")


@pytest.mark.parametrize(
    "name", ["bot/\udcff\udcfe", "bot/a\x85b", "bot/\u202ecod", f"bot/prod/{APPLICATION}/x", "bot/-x"]
)
def test_a_strange_name_of_a_branch_stops_nothing(story: Story, name: str) -> None:
    _set(story, name, git(story.world.gitops, *MALLORY, "commit-tree", "main^{tree}", "-p", "main", "-m", "x").strip())
    story.run()
    assert story.running("dev").tag != "4.2.0"
    command = [sys.executable, "-m", "bot", "plan", "--json"]
    done = subprocess.run(command, env={**os.environ, **story.world.environ()}, capture_output=True)
    assert (done.returncode, done.stderr.count(b"Traceback")) == (0, 0)
    assert json.loads(done.stdout)["actions"] == []


@pytest.mark.parametrize("branch", ["bot/staging", f"bot/staging/{APPLICATION}/x"])
def test_a_branch_in_the_way_of_another_is_named_and_stops_that_one_alone(story: Story, branch: str) -> None:
    _set(
        story, branch, git(story.world.gitops, *MALLORY, "commit-tree", "main^{tree}", "-p", "main", "-m", "x").strip()
    )
    report = story.try_run()
    assert story.running("dev").tag != "4.2.0"
    [(_, reason)] = report.failed
    assert f"'bot/staging/{APPLICATION}' cannot be made beside the branch {branch!r}" in reason


def test_a_branch_that_can_never_be_written_is_one_failure_and_the_run_ends(story: Story) -> None:
    """A lock that a crash left on the server looks each time as if somebody else were faster."""
    _set(story, f"bot/staging/{APPLICATION}.lock", "")
    report = story.try_run()
    assert story.running("dev").tag != "4.2.0"
    [(_, reason)] = report.failed
    assert "was changed by somebody else meanwhile" in reason
