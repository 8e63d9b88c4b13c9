"""`pr`: people list, read, approve, merge, close and discuss pull requests without a server."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from bot.cli.demo.world import APPLICATION
from tests.cli.test_commands import answer, call
from tests.scenarios.story import Story

if TYPE_CHECKING:
    from pathlib import Path

BRANCH = f"bot/staging/{APPLICATION}"


@pytest.fixture
def in_dev(tmp_path: Path) -> Story:
    """The first release is in dev; #2 proposes it for staging."""
    story = Story(tmp_path / "world")
    story.run()
    return story


def test_the_list_shows_all_of_them_newest_first(in_dev: Story) -> None:
    tag = in_dev.running("dev").tag
    title = f"{APPLICATION} {tag}"
    lines = call(in_dev, "pr", "list").stdout.splitlines()
    rows = [line.split() for line in lines if line.lstrip().startswith("#")]
    assert [(row[0], row[1], row[-1]) for row in rows] == [
        ("#2", "open", BRANCH),
        ("#1", "merged", f"bot/dev/{APPLICATION}"),
    ]
    listed = answer(in_dev, "pr", "list")
    assert [(p["number"], p["state"], p["title"]) for p in listed] == [
        (2, "open", f"staging: {title}"),
        (1, "merged", f"dev: {title}"),
    ]
    assert listed[0]["head"] == in_dev.pull("staging").head
    assert listed[0]["statuses"] == [
        {"context": "gitops-bot/approval", "state": "pending", "description": f"{tag}: 0 of 1 approval"}
    ]


def test_one_is_shown_with_all_that_was_said_and_its_diff(in_dev: Story) -> None:
    call(in_dev, "pr", "comment", "2", "Wait for Monday.", "--as", "erin")
    version = in_dev.running("dev")
    shown = call(in_dev, "pr", "show", "2")
    assert shown.exit_code == 0
    lines = shown.stdout.splitlines()
    assert lines[0] == f"#2 staging: {APPLICATION} {version.tag}"
    assert f"gitops-bot/approval: pending: {version.tag}: 0 of 1 approval" in lines
    assert "erin: Wait for Monday." in lines
    assert f'+      imageTag: "{version}"' in lines
    told = answer(in_dev, "pr", "show", "2")
    assert {"author": "erin", "body": "Wait for Monday."} in told["comments"]
    assert told["diff"] in shown.stdout
    assert told["body"].rstrip() in shown.stdout


def test_an_approval_is_heard_by_the_bot_at_once_and_lets_the_merge_through(in_dev: Story) -> None:
    early = call(in_dev, "pr", "merge", "2", "--as", "mallory")
    assert (early.exit_code, early.stdout) == (1, "")
    assert "0 of 1 approval" in early.stderr

    approved = call(in_dev, "pr", "approve", "2", "--as", "alice")
    assert (approved.exit_code, approved.stdout) == (0, "#2 is approved by alice\n")
    (two,) = [p for p in answer(in_dev, "pr", "list") if p["number"] == 2]
    assert two["reviews"] == [{"author": "alice", "state": "approved", "commit": two["head"]}]
    assert two["statuses"][0]["description"] == f"{in_dev.running('dev').tag}: 1 of 1 approval (alice)"

    merged = call(in_dev, "pr", "merge", "2", "--as", "alice")
    assert (merged.exit_code, merged.stdout) == (0, "#2 is merged\n")
    assert in_dev.running("staging") == in_dev.running("dev")
    assert in_dev.number("prod") == 3, "the bot has looked at once"
    again = call(in_dev, "pr", "merge", "2", "--as", "alice")
    assert (again.exit_code, again.stdout) == (0, "#2 is merged\n")


def test_who_asks_for_changes_takes_back_their_approval(in_dev: Story) -> None:
    call(in_dev, "pr", "approve", "2", "--as", "alice")
    asked = call(in_dev, "pr", "request-changes", "2", "--as", "alice")
    assert (asked.exit_code, asked.stdout) == (0, "alice asks for changes to #2\n")
    (two,) = [p for p in answer(in_dev, "pr", "list") if p["number"] == 2]
    assert [r["state"] for r in two["reviews"]] == ["approved", "changes_requested"]
    assert two["statuses"][0]["state"] == "pending", "the bot has looked at once"
    early = call(in_dev, "pr", "merge", "2", "--as", "alice")
    assert (early.exit_code, early.stdout) == (1, "")


def test_labels_reactions_and_who_was_asked_are_shown(in_dev: Story) -> None:
    plain = call(in_dev, "pr", "show", "2").stdout.splitlines()
    assert not [line for line in plain if line.startswith(("labels:", "review asked of:"))]
    forge = in_dev.forge()
    for label in ("hold", "hotfix"):
        forge.set_label(2, label, present=True)
    forge.request_reviews(2, ["frank", "erin"])
    comment = forge.add_comment(2, "erin", "Wait for Monday.")
    forge.edit_comment(comment, "erin", "Wait for Tuesday.")
    forge.react(comment, "eyes")
    forge.react(comment, "confused")
    forge.approve(2, "frank", "Fine with me.")
    lines = call(in_dev, "pr", "show", "2").stdout.splitlines()
    for line in (
        "labels: hold, hotfix",
        "review asked of: erin, frank",
        "erin (edited, 😕, 👀): Wait for Tuesday.",
        "frank: Fine with me.",
    ):
        assert line in lines


def test_a_label_is_heard_by_the_bot_at_once_and_can_be_taken_off(in_dev: Story) -> None:
    put = call(in_dev, "pr", "label", "2", "hold", "--as", "erin")
    assert (put.exit_code, put.stdout) == (0, "#2 has the label hold now\n")
    put_on = in_dev.forge().labelled_by(2, "hold")
    assert put_on
    assert put_on.by == "erin"
    (two,) = [p for p in answer(in_dev, "pr", "list") if p["number"] == 2]
    assert two["statuses"][0]["description"] == "#2 has the label hold"
    taken = call(in_dev, "pr", "label", "2", "hold", "--remove", "--as", "frank")
    assert (taken.exit_code, taken.stdout) == (0, "#2 has the label hold no more\n")
    (two,) = [p for p in answer(in_dev, "pr", "list") if p["number"] == 2]
    assert two["statuses"][0]["description"] == f"{in_dev.running('dev').tag}: 0 of 1 approval"


def test_a_comment_is_heard_by_the_bot_at_once_and_its_answer_is_shown(in_dev: Story) -> None:
    asked = call(in_dev, "pr", "comment", "2", "/help status", "--as", "erin")
    first, *answer_ = asked.stdout.splitlines()
    assert (asked.exit_code, first) == (0, "#2 has your comment")
    assert answer_[0].startswith("gitops-bot: ")
    assert "`/status [environment]`" in "\n".join(answer_)
    lines = call(in_dev, "pr", "show", "2").stdout.splitlines()
    (mine,) = [line for line in lines if line.startswith("erin")]
    assert re.fullmatch(r"erin \(.*🚀\): /help status", mine)
    thanked = call(in_dev, "pr", "comment", "2", "Thanks!", "--as", "erin")
    assert (thanked.exit_code, thanked.stdout) == (0, "#2 has your comment\n")


def test_a_release_that_is_turned_down_stays_down(in_dev: Story) -> None:
    closed = call(in_dev, "pr", "close", "2", "--as", "alice")
    assert (closed.exit_code, closed.stdout) == (0, "#2 is closed\n")
    states = {p["number"]: p["state"] for p in answer(in_dev, "pr", "list")}
    assert states == {2: "closed", 1: "merged"}
    skips = {s["environment"]: s["reason_code"] for s in answer(in_dev, "run")["skips"]}
    assert skips["staging"] == "closed_by_person"


def test_who_does_not_say_who_they_are_is_the_user_of_the_settings(in_dev: Story) -> None:
    assert call(in_dev, "pr", "approve", "2").stdout == "#2 is approved by dana\n"
    assert answer(in_dev, "pr", "show", "2")["reviews"][0]["author"] == "dana"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("show", "99"), 1, "99"),
        (("approve", "99", "--as", "alice"), 1, "99"),
        (("request-changes", "99", "--as", "alice"), 1, "99"),
        (("request-changes", "1", "--as", "alice"), 1, "#1"),
        (("merge", "99", "--as", "alice"), 1, "99"),
        (("close", "99", "--as", "alice"), 1, "99"),
        (("label", "99", "hold", "--as", "alice"), 1, "99"),
        (("label", "1", "hold", "--as", "alice"), 1, "#1 is merged"),
        (("label", "2", "a\nb", "--as", "alice"), 1, "cannot be a label"),
        (("label", "2", "hold", "--as", "gitops-bot"), 1, "error: "),
        (("comment", "99", "hello", "--as", "alice"), 1, "99"),
        (("approve", "2", "--as", "gitops-bot"), 1, "cannot review it too"),
        (("approve", "1", "--as", "alice"), 1, "#1"),
        (("approve", "2", "--as", "a\nb"), 1, "error: "),
        (("approve", "2", "--as", "GITOPS-BOT"), 1, "error: "),
        (("show", "0"), 2, "Invalid value for 'NUMBER'"),
        (("show", "two"), 2, "Invalid value for 'NUMBER'"),
        (("show",), 2, "Missing argument 'NUMBER'"),
        (("reopen", "2"), 2, "No such command"),
    ],
)
def test_what_cannot_be_done_says_why(in_dev: Story, arguments: tuple[str, ...], code: int, words: str) -> None:
    before = state(in_dev)
    result = call(in_dev, "pr", *arguments)
    assert (result.exit_code, result.stdout) == (code, ""), result.output
    assert words in result.stderr
    assert state(in_dev) == before


def state(story: Story) -> Any:
    return json.loads(call(story, "pr", "list", "--json").stdout)
