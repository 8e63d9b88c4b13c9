"""`gitops-bot init --forge gitlab --protect --apply`: what is printed is what is set, and only what is not so yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
import requests

from tests.cli.test_protect import protect as run
from tests.cli.test_protect import typed
from tests.forges.gitlab.fake import PROJECT, TOKEN, Fault
from tests.forges.gitlab.place import GitLabPlace
from tests.forges.gitlab.world import BOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from click.testing import Result

    from tests.forges.gitlab.world import World

RULES = (
    "merge requests are merged only when their pipeline succeeds",
    "`main` changes by merge request alone, merged by maintainers",
    "`gitops-bot/state` is pushed to by maintainers alone",
    "a push removes the approvals of an older commit",
    "code owners approve what goes into `main`",
)


@pytest.fixture
def gitlab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GitLabPlace]:
    """A GitLab on this machine, and settings that lead to it."""
    place = GitLabPlace(tmp_path)
    monkeypatch.setenv("GITOPS_BOT_FORGE_URL", place.server.url)
    monkeypatch.setenv("GITOPS_BOT_FORGE_TOKEN", TOKEN)
    monkeypatch.setenv("GITOPS_BOT_REPOSITORY", f"{place.server.url}/{PROJECT}.git")
    yield place
    place.stop()


def protect(*arguments: str) -> Result:
    return run("--forge", "gitlab", *arguments)


def rules_of(world: World) -> Any:
    """All that protects, without the numbers that GitLab gives."""
    branches = {
        rule["name"]: {
            "push": [level["access_level"] for level in rule["push_access_levels"]],
            "merge": [level["access_level"] for level in rule["merge_access_levels"]],
            "force": rule["allow_force_push"],
            "owners": rule.get("code_owner_approval_required"),
        }
        for rule in world.protected
    }
    return world.settings, world.approval_settings, branches


def changes(place: GitLabPlace) -> list[str]:
    """The requests that change something."""
    return [line for line in place.server.seen if not line.startswith("GET ")]


def test_what_is_set_is_what_is_printed(gitlab: GitLabPlace, tmp_path: Path) -> None:
    (tmp_path / "by hand").mkdir()
    by_hand = GitLabPlace(tmp_path / "by hand")
    for arguments, body in typed(tmp_path, "glab", protect().output):
        assert arguments[:2] == ["api", "--method"]
        method, path = arguments[2], arguments[3].replace(":id", quote(PROJECT, safe=""))
        url, bearer = f"{by_hand.server.url}/api/v4/{path}", {"Authorization": f"Bearer {TOKEN}"}
        requests.request(method, url, json=body, headers=bearer, timeout=10).raise_for_status()
    by_hand.stop()
    assert protect("--apply").exit_code == 0
    assert rules_of(gitlab.world) == rules_of(by_hand.world)
    assert rules_of(gitlab.world) == (
        {"only_allow_merge_if_pipeline_succeeds": True, "allow_merge_on_skipped_pipeline": False},
        {"reset_approvals_on_push": True},
        {
            "main": {"push": [0], "merge": [40], "force": False, "owners": True},
            "gitops-bot/state": {"push": [40], "merge": [0], "force": False, "owners": False},
        },
    )


def test_a_second_time_changes_nothing_and_says_so(gitlab: GitLabPlace) -> None:
    assert protect("--apply").output.splitlines() == [f"set: {rule}" for rule in RULES]
    gitlab.server.seen.clear()
    again = protect("--apply")
    assert (again.exit_code, again.output.splitlines()) == (0, [f"already so: {rule}" for rule in RULES])
    assert changes(gitlab) == []


def test_only_what_was_loosened_is_set_again(gitlab: GitLabPlace) -> None:
    protect("--apply")
    gitlab.world.settings["allow_merge_on_skipped_pipeline"] = True
    state = next(rule for rule in gitlab.world.protected if rule["name"] == "gitops-bot/state")
    state["push_access_levels"].append({"access_level": 40, "deploy_key_id": 3})
    lines = protect("--apply").output.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["set", "already so", "set", "already so", "already so"]
    assert rules_of(gitlab.world)[2]["gitops-bot/state"]["push"] == [40]


def test_without_premium_the_rest_is_set_and_what_is_missing_is_said(gitlab: GitLabPlace) -> None:
    gitlab.world.premium = False
    gitlab.world.protected.clear()
    gitlab.world.protect("main", push=40, merge=40)
    result = protect("--apply")
    assert result.exit_code == 1
    lines = result.output.splitlines()
    assert lines[:3] == [f"set: {rule}" for rule in RULES[:3]]
    assert lines[3] == f"not set: {RULES[3]}: this takes GitLab Premium"
    assert lines[5] == f"not set: {RULES[4]}: this takes GitLab Premium"
    assert "error: 2 of the rules of acme/gitops could not be set" in result.output
    assert rules_of(gitlab.world)[2]["main"]["push"] == [0]


@pytest.mark.parametrize(
    ("pattern", "inherited", "stopped"),
    [("*", False, 2), ("mai*", False, 1), ("main", True, 1), ("gitops-bot/*", True, 1)],
)
def test_another_rule_that_allows_more_is_named(
    gitlab: GitLabPlace, pattern: str, inherited: bool, stopped: int
) -> None:
    gitlab.world.protect(pattern, push=30, merge=30, inherited=inherited)
    result = protect("--apply")
    assert result.exit_code == 1
    assert result.output.count(f"the rule for {pattern!r} says otherwise") == stopped
    assert "the most permissive holds" in result.output
    assert gitlab.world.settings["only_allow_merge_if_pipeline_succeeds"] is True


@pytest.mark.parametrize("pattern", ["release-*", "ma", "main?", "m[a]in"])
def test_a_rule_for_other_branches_does_not_matter(gitlab: GitLabPlace, pattern: str) -> None:
    gitlab.world.protect(pattern, push=30, merge=30, force=True)
    assert protect("--apply").exit_code == 0
    assert rules_of(gitlab.world)[2][pattern]["push"] == [30]


def test_a_token_that_is_no_maintainers_changes_nothing(gitlab: GitLabPlace) -> None:
    gitlab.world.member(BOT, 30, bot=True)
    result = protect("--apply")
    assert result.exit_code == 1
    assert "GitLab refuses the token" in result.output
    assert "role Maintainer" in result.output
    assert changes(gitlab) == []


def test_one_refusal_leaves_the_other_rules_set(gitlab: GitLabPlace) -> None:
    gitlab.server.faults.append(("PUT /api/v4/projects", Fault(403, body=b'{"message": "403 Forbidden"}')))
    result = protect("--apply")
    assert result.exit_code == 1
    assert f"not set: {RULES[0]}: cannot set it: GitLab refuses the token" in result.output
    assert f"set: {RULES[1]}" in result.output
    assert "error: 1 of the rules" in result.output


def test_what_gitlab_takes_and_does_not_keep_is_not_called_set(gitlab: GitLabPlace) -> None:
    gitlab.server.faults.append(("PUT /api/v4/projects", Fault(200, (("Content-Type", "application/json"),), b"{}")))
    result = protect("--apply")
    assert result.exit_code == 1
    assert "GitLab took it, and did not keep it" in result.output


def test_a_rule_that_was_taken_away_and_not_made_anew_is_said(gitlab: GitLabPlace) -> None:
    gitlab.server.faults.append(("POST /api/v4/projects/acme%2Fgitops/protected_branches", Fault(500)))
    result = protect("--apply")
    assert result.exit_code == 1
    assert "the branch is not protected at all now" in result.output
    assert protect("--apply").exit_code == 0
    assert rules_of(gitlab.world)[2]["main"]["push"] == [0]


@pytest.mark.parametrize(
    "fault", [Fault(404), Fault(401), Fault(503), Fault(200, body=b"[]"), Fault(cut=True)], ids=str
)
def test_what_cannot_be_read_is_not_changed_and_no_token_is_shown(
    gitlab: GitLabPlace, monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    gitlab.server.faults += [("GET /api/v4/projects/acme%2Fgitops", fault)] * 4
    result = protect("--apply")
    assert result.exit_code == 1
    assert "error: " in result.output
    assert "→" in result.output
    assert TOKEN not in result.output
    assert changes(gitlab) == []


def test_a_project_in_a_group_of_a_group_is_asked_for_by_its_whole_path(
    gitlab: GitLabPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITOPS_BOT_REPOSITORY", "https://gitlab.example.com/acme/shop/gitops.git")
    protect("--apply")
    assert gitlab.server.seen[0] == "GET /api/v4/projects/acme%2Fshop%2Fgitops"


@pytest.mark.parametrize("name", ["GITOPS_BOT_REPOSITORY", "GITOPS_BOT_FORGE_TOKEN"])
def test_a_setting_that_is_missing_is_named(gitlab: GitLabPlace, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.delenv(name)
    result = protect("--apply")
    assert result.exit_code == 2
    assert f"{name} is not set" in result.output
    assert gitlab.server.seen == []
