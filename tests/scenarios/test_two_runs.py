"""Two runs at once on one repository: nothing is lost, nothing is there twice, and the end is that of one run."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from bot.cli.demo.world import APPLICATION, git

if TYPE_CHECKING:
    from tests.scenarios.story import Story

DEV, STAGING, PROD = (f"bot/{e}/{APPLICATION}" for e in ("dev", "staging", "prod"))


def run_twice_at_once(story: Story) -> list[str]:
    """`gitops-bot run` in two processes; the second has a cache of its own, as on another machine."""
    command = [sys.executable, "-m", "bot", "run"]
    environ = os.environ | story.world.environ()
    caches = [str(story.world.folder / name) for name in ("cache", "cache-elsewhere")]
    running = [
        subprocess.Popen(command, env=environ | {"GITOPS_BOT_CACHE": cache}, stderr=subprocess.PIPE, text=True)
        for cache in caches
    ]
    said = [process.communicate()[1] for process in running]
    assert [process.returncode for process in running] == [0, 0], said
    return said


def test_two_runs_at_once_end_as_one_does(story: Story) -> None:
    run_twice_at_once(story)
    first = story.running("dev")
    assert [(p.branch, p.state) for p in story.pulls()] == [(DEV, "merged"), (STAGING, "open")]
    assert story.tags() == (first.tag,)

    story.commit({"second.car": "2\n"})
    run_twice_at_once(story)
    second = story.running("dev")
    assert second != first
    assert sorted((p.branch, p.state) for p in story.pulls()) == [(DEV, "merged"), (DEV, "merged"), (STAGING, "open")]
    assert second.tag in story.pull("staging").title
    assert str(second) in story.file(f"envs/staging/{APPLICATION}/values.yaml", STAGING)

    story.forge().approve(story.number("staging"), "alice")
    run_twice_at_once(story)
    story.forge().merge(story.number("staging"), "alice", story.pull("staging").head)
    run_twice_at_once(story)
    assert story.running("staging") == second
    assert [p.branch for p in story.pulls() if p.state == "open"] == [PROD]
    assert [s.reason_code for s in story.plan().skips] == ["up_to_date", "up_to_date", "needs_approval"]
    assert story.run().done == ()
    assert git(story.world.gitops, "branch", "--list", "bot/*").split() == [PROD]
    merges = git(story.world.gitops, "log", "--merges", "--format=%s", "main").splitlines()
    assert len(merges) == 3
