"""The local forge's file: made, brought up and shared by many processes; no other file is touched."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from bot.core.errors import Unavailable
from bot.forges.local import LocalForge
from bot.forges.local_store import FIRST, TALK
from tests.forges.place import labeller

if TYPE_CHECKING:
    from pathlib import Path

    from tests.forges.local_place import LocalPlace


def first_version(database: Path) -> sqlite3.Connection:
    """An empty file of the first version, as that made it."""
    connection = sqlite3.connect(database)
    for statement in ("PRAGMA journal_mode = WAL", *FIRST, "PRAGMA user_version = 1"):
        connection.execute(statement)
    return connection


def test_a_database_of_the_first_version_keeps_what_is_in_it(local: LocalPlace) -> None:
    database = local.folder / "forge.sqlite"
    head = local.branch()
    connection = first_version(database)
    connection.execute(
        "INSERT INTO pull_requests (branch, head, title, body, author, created)"
        " VALUES ('bot/dev/shop', ?, 'Title', 'Body', 'gitops-bot', '2026-01-01T00:00:00+00:00')",
        (head,),
    )
    connection.execute(
        "INSERT INTO reviews (number, author, state, head, time)"
        " VALUES (1, 'alice', 'approved', ?, '2026-01-02T00:00:00+00:00')",
        (head,),
    )
    connection.execute(
        "INSERT INTO comments (number, author, body, time) VALUES (1, 'alice', '/status', '2026-01-03T00:00:00+00:00')"
    )
    connection.commit()
    connection.close()
    found = local.forge.pull_request(1)
    assert (found.request.head, found.request.title, found.request.labels) == (head, "Title", frozenset())
    assert [review[:3] for review in found.request.reviews] == [("alice", "approved", head)]
    [comment] = local.again().comments_since(datetime(2026, 1, 3, 1, tzinfo=timezone(timedelta(hours=1))))
    assert (comment.author, comment.body, comment.edited) == ("alice", "/status", False)
    local.forge.set_label(1, "hold", present=True)
    assert local.again().pull_request(1).request.labels == {"hold"}


def test_of_a_label_of_an_earlier_version_nobody_knows_who_put_it_on(local: LocalPlace) -> None:
    head = local.branch()
    with closing(first_version(local.folder / "forge.sqlite")) as connection:
        for statement in (*TALK, "PRAGMA user_version = 2"):
            connection.execute(statement)
        connection.execute(
            "INSERT INTO pull_requests (branch, head, title, body, author, created)"
            " VALUES ('bot/dev/shop', ?, 'Title', 'Body', 'gitops-bot', '2026-01-01T00:00:00+00:00')",
            (head,),
        )
        connection.execute("INSERT INTO labels VALUES (1, 'hotfix')")
        connection.commit()
    assert local.forge.pull_request(1).request.labels == {"hotfix"}
    assert local.forge.labelled_by(1, "hotfix") is None
    local.forge.label(1, "alice", "hotfix")
    assert local.forge.labelled_by(1, "hotfix") is None, "it is on already"
    local.forge.label(1, "alice", "hotfix", present=False)
    local.forge.label(1, "alice", "hotfix")
    assert labeller(local.forge, 1, "hotfix") == "alice"


@pytest.mark.parametrize("old", [False, True], ids=["new file", "old file"])
def test_processes_that_open_at_once_open_one(local: LocalPlace, old: bool) -> None:
    local.branch()
    if old:
        first_version(local.folder / "forge.sqlite").close()
    code = (
        "import sys, pathlib\nfrom tests.forges.local_place import Ticks\nfrom bot.git import Git\n"
        "from bot.forges.local import LocalForge\nroot = pathlib.Path(sys.argv[1])\n"
        "forge = LocalForge(Git(str(root / 'remote.git'), root / 'cache'), root / 'forge.sqlite', Ticks())\n"
        "sys.stdin.readline()\nprint(forge.open_pull_request('bot/dev/shop', 'Title', 'Body'))"
    )
    command = [sys.executable, "-c", code, str(local.folder)]
    pipe = subprocess.PIPE
    processes = [subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) for _ in range(4)]
    for process in processes:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [process.communicate(timeout=60) for process in processes] == [("1\n", "")] * 4
    assert len(local.forge.pull_requests()) == 1


def test_a_file_that_is_no_database_is_an_error_and_stays_as_it_is(local: LocalPlace) -> None:
    database = local.folder / "forge.sqlite"
    for content in (b"not a database at all, but long enough to be one" * 50, b"SQLite format 3\0" + b"\xff" * 4096):
        database.write_bytes(content)
        with pytest.raises(Unavailable) as error:
            local.forge.pull_requests()
        assert error.value.reason_code == "database_damaged"
        assert str(database) in error.value.message
        assert database.read_bytes() == content


def test_a_database_of_a_newer_version_or_another_program_is_left_alone(local: LocalPlace) -> None:
    for name, statement, reason in [
        ("newer", "PRAGMA user_version = 99", "database_too_new"),
        ("other", "CREATE TABLE recipes (name TEXT)", "database_damaged"),
    ]:
        connection = sqlite3.connect(local.folder / name)
        connection.execute(statement)
        connection.commit()
        connection.close()
        with pytest.raises(Unavailable) as error:
            LocalForge(local.git, local.folder / name, local.forge._clock).pull_requests()
        assert error.value.reason_code == reason


def test_a_folder_that_cannot_be_used_is_an_error(local: LocalPlace) -> None:
    (local.folder / "file").write_text("")
    with pytest.raises(Unavailable, match="cannot be used"):
        LocalForge(local.git, local.folder / "file" / "forge.sqlite", local.forge._clock).pull_requests()
