"""GitHub's auto-merge: the repository allows it, the status is required, and GitHub has something to wait for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.core.errors import Refused
from tests.forges.github.fake import Fault
from tests.forges.test_contract_auto_merge import CI, is_on, waiting

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.forges.github.place import GitHubPlace

LOST = [Fault("", status=502), Fault("", cut=True), Fault("", done=True), Fault("")]


def test_a_repository_that_does_not_allow_it_is_told_which_setting_does(github: GitHubPlace) -> None:
    number, head = waiting(github)
    github.world.auto_merge_allowed = False
    with pytest.raises(Refused) as error:
        github.forge.enable_auto_merge(number, head)
    assert error.value.reason_code == "auto_merge_off"
    assert "Allow auto-merge" in error.value.fix
    assert not github.github.asked("PUT")


def test_a_check_that_github_does_not_require_does_not_keep_it_from_merging(github: GitHubPlace) -> None:
    number, head = github.approved()
    github.status(head, "ci/not-required", "pending")
    github.forge.enable_auto_merge(number, head)
    assert github.on_main() == "tag: 2\n"


def test_what_became_ready_while_it_was_looked_at_is_merged(github: GitHubPlace) -> None:
    number, head = waiting(github)
    asked: list[str] = []

    def ready(_method: str, path: str) -> None:
        asked.append(path)
        if len(asked) == 2:
            github.world.statuses[head][CI] = ("success", "")

    github.github.before = ready
    github.forge.enable_auto_merge(number, head)
    assert github.on_main() == "tag: 2\n"


def test_any_other_refusal_is_githubs_own_words(github: GitHubPlace) -> None:
    number, head = waiting(github)
    words = {"errors": [{"type": "UNPROCESSABLE", "message": '["Pull request is in draft state"]'}], "data": None}
    github.github.faults = [Fault("graphql", status=200, body=words, after=1)]
    with pytest.raises(Refused, match=r"turn auto-merge of #1 on: .*in draft state"):
        github.forge.enable_auto_merge(number, head)
    assert not is_on(github)
    github.forge.enable_auto_merge(number, head)
    github.github.faults = [Fault("graphql", status=200, body=words, after=1)]
    with pytest.raises(Refused, match="turn auto-merge of #1 off"):
        github.forge.disable_auto_merge(number)


@pytest.mark.parametrize("fault", LOST, ids=["502", "cut", "dropped when done", "dropped"])
def test_an_answer_that_is_lost_leaves_it_as_it_was_asked_for(github: GitHubPlace, fault: Fault) -> None:
    number, head = waiting(github)
    steps: list[tuple[Callable[[], None], bool]] = [
        (lambda: github.forge.enable_auto_merge(number, head), True),
        (lambda: github.forge.disable_auto_merge(number), False),
    ]
    for after in range(2):  # each request once
        for action, on in steps:
            github.github.faults = [Fault(fault.part, fault.status, cut=fault.cut, done=fault.done, after=after)]
            action()
            assert is_on(github) is on
