"""What GitHub answered is asked for again at no cost, from run to run of one process, and never given to others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.bootstrap import open_edges
from bot.core.errors import Unauthorised
from bot.core.models import Person
from bot.forges.github import GitHubForge
from bot.forges.github_auth import app_access, token_access
from bot.forges.github_kept import Kept, KeptAnswers
from bot.settings import read_settings
from tests.forges.github.fake import serve
from tests.forges.github.test_app import make_key
from tests.forges.github.world import BOT, TOKEN
from tests.git_remote import Person as Somebody

if TYPE_CHECKING:
    from pathlib import Path

    from tests.forges.github.place import GitHubPlace


def statuses(place: GitHubPlace) -> list[int]:
    """Of the answers to questions for somebody's permission."""
    return [seen.status for seen in place.github.asked("/permission")]


def test_a_later_run_of_the_process_asks_only_whether_it_still_holds(tmp_path: Path) -> None:
    Somebody(tmp_path / "remote.git", tmp_path / "alice").push({"a": "1"})
    with serve(tmp_path / "remote.git", "/api/v3") as github:
        environ = {
            "GITOPS_BOT_FORGE": "github",
            "GITOPS_BOT_FORGE_URL": f"http://{github.host}",
            "GITOPS_BOT_FORGE_TOKEN": TOKEN,
            "GITOPS_BOT_REPOSITORY": f"http://{github.host}/acme/gitops.git",
            "GITOPS_BOT_CACHE": str(tmp_path / "cache"),
        }
        github.world.people["carol"] = "admin"
        kept = KeptAnswers()
        for _ in range(2):
            edges = open_edges(read_settings(environ), lambda _: None, kept)
            assert edges.forge.person("carol") == Person("admin")
        github.world.people["carol"] = "read"
        assert edges.forge.person("carol") == Person("read")
        assert [seen.status for seen in github.asked("/permission")] == [200, 304, 200]


def test_what_one_token_was_told_another_one_has_to_ask_for(github: GitHubPlace) -> None:
    kept = KeptAnswers()
    github.person("carol", "admin")
    github.world.tokens["ghp_another"] = BOT
    for token in (TOKEN, "ghp_another"):
        forge = GitHubForge("acme/gitops", token_access(token), github.github.url, kept=kept)
        assert forge.person("carol") == Person("admin")
    assert statuses(github) == [200, 200]


def test_a_token_that_is_taken_back_is_told_nothing_any_more(github: GitHubPlace) -> None:
    github.person("carol", "admin")
    assert github.forge.person("carol") == Person("admin")
    del github.world.tokens[TOKEN]
    with pytest.raises(Unauthorised):
        github.forge.person("carol")


def test_the_address_tells_answers_apart(github: GitHubPlace, tmp_path: Path) -> None:
    kept = KeptAnswers()
    github.person("carol", "admin")
    with serve(github.alice.remote, "/api/v3") as other:
        other.world.people["carol"] = "read"
        told = [
            GitHubForge("acme/gitops", token_access(TOKEN), url, kept=kept).person("carol")
            for url in (github.github.url, other.url, github.github.url)
        ]
        assert told == [Person("admin"), Person("read"), Person("admin")]
        assert [seen.status for seen in other.asked("/permission")] == [200]
    assert statuses(github) == [200, 304]


def test_what_was_used_longest_ago_is_forgotten_first() -> None:
    kept = KeptAnswers(most=2)
    for address in ("a", "b"):
        kept.keep("me", address, Kept("1", address))
    assert kept.get("me", "a") == Kept("1", "a")
    kept.keep("me", "c", Kept("1", "c"))
    assert [kept.get("me", address) is not None for address in "abc"] == [True, False, True]


def test_an_owner_is_told_from_others_without_showing_a_secret() -> None:
    key = make_key()[0]
    accesses = [token_access("ghp_one"), token_access("ghp_two"), app_access("7", key), app_access("8", key)]
    owners = [access.owner for access in (*accesses, app_access("7", key, 3))]
    assert len(set(owners)) == len(owners)
    assert owners[0] == token_access("ghp_one").owner
    assert not any("ghp" in owner for owner in owners)
