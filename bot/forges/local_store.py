"""The local forge's SQLite file: short transactions, durable when committed, versioned."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from bot.core.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FIRST = (
    """CREATE TABLE pull_requests (
        number INTEGER PRIMARY KEY AUTOINCREMENT, branch TEXT NOT NULL, head TEXT NOT NULL, title TEXT NOT NULL,
        body TEXT NOT NULL, author TEXT NOT NULL, created TEXT NOT NULL,
        state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'closed', 'merged')),
        merge_commit TEXT, merged_by TEXT)""",
    "CREATE UNIQUE INDEX one_open_a_branch ON pull_requests (branch) WHERE state = 'open'",
    """CREATE TABLE reviews (
        id INTEGER PRIMARY KEY, number INTEGER NOT NULL REFERENCES pull_requests, author TEXT NOT NULL,
        state TEXT NOT NULL, head TEXT NOT NULL, time TEXT NOT NULL)""",
    """CREATE TABLE comments (
        id INTEGER PRIMARY KEY, number INTEGER NOT NULL REFERENCES pull_requests, key TEXT, author TEXT NOT NULL,
        body TEXT NOT NULL, time TEXT NOT NULL, UNIQUE (number, key))""",
    """CREATE TABLE statuses (
        head TEXT NOT NULL, context TEXT NOT NULL, state TEXT NOT NULL, description TEXT NOT NULL,
        PRIMARY KEY (head, context))""",
)
TALK = (
    "ALTER TABLE reviews ADD COLUMN body TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE reviews ADD COLUMN edited INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE comments ADD COLUMN edited INTEGER NOT NULL DEFAULT 0",
    """CREATE VIEW said AS
        SELECT 'comment:' || id AS id, 'comment' AS kind, id AS place, number, author, body, time, key, edited
        FROM comments
        UNION ALL
        SELECT 'review:' || id, 'review', id, number, author, body, time, NULL, edited FROM reviews WHERE body != ''""",
    "CREATE TABLE reactions (said TEXT NOT NULL, reaction TEXT NOT NULL, PRIMARY KEY (said, reaction))",
    """CREATE TABLE labels (
        number INTEGER NOT NULL REFERENCES pull_requests, label TEXT NOT NULL, PRIMARY KEY (number, label))""",
    """CREATE TABLE reviewers (
        number INTEGER NOT NULL REFERENCES pull_requests, name TEXT NOT NULL, PRIMARY KEY (number, name))""",
    "CREATE TABLE people (name TEXT PRIMARY KEY, permission TEXT NOT NULL)",
    "CREATE TABLE members (team TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (team, name))",
    """CREATE TABLE deployments (
        id INTEGER PRIMARY KEY, environment TEXT NOT NULL, head TEXT NOT NULL, description TEXT NOT NULL)""",
)
LABELLED = ("ALTER TABLE labels ADD COLUMN author TEXT",)
LABELLED_WHEN = ("ALTER TABLE labels ADD COLUMN time TEXT",)
FORMATS = (FIRST, TALK, LABELLED, LABELLED_WHEN)
"""What makes each format of the file out of the one before; the first is made out of nothing."""


@contextmanager
def transaction(database: Path) -> Iterator[sqlite3.Connection]:
    """One transaction on the file, made if it is not there: committed at the end, undone by an exception.

    `Unavailable`: `database_too_new`, `database_damaged`, or it cannot be opened or is in use for 30 seconds.
    Settings: https://www.sqlite.org/pragma.html
    """
    try:
        database.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(database, timeout=30, isolation_level=None)) as connection:
            connection.row_factory = sqlite3.Row
            _prepare(connection, database)
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            # Without this line (an exception, a kill) closing the connection rolls everything back.
            connection.execute("COMMIT")
    except (OSError, sqlite3.OperationalError) as error:
        fix = "check that the folder can be written to and has space; if it is in use, try again"
        raise Unavailable(f"the pull requests in {database} cannot be used: {error}", fix=fix) from error
    except sqlite3.DatabaseError as error:
        raise _damaged(database, str(error)) from error


def _prepare(connection: sqlite3.Connection, database: Path) -> None:
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    if _version(connection, database) < len(FORMATS):
        _bring_up(connection, database)


def _bring_up(connection: sqlite3.Connection, database: Path) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("BEGIN IMMEDIATE")
    # Asked again: another process may have done it while this one waited.
    version = _version(connection, database)
    if version == 0 and connection.execute("SELECT 1 FROM sqlite_schema").fetchone():
        raise _damaged(database, "it holds the tables of something else")
    for statement in (s for statements in FORMATS[version:] for s in statements):
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {len(FORMATS)}")
    connection.execute("COMMIT")


def _version(connection: sqlite3.Connection, database: Path) -> int:
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > len(FORMATS):
        raise Unavailable(
            f"{database} was written by a newer gitops-bot (format {version}, this one knows {len(FORMATS)})",
            fix="use the newer gitops-bot",
            reason_code="database_too_new",
        )
    return version


def _damaged(database: Path, why: str) -> Unavailable:
    return Unavailable(
        f"{database} is not a readable database of pull requests: {why}",
        fix="restore it from a backup, or move it away: pull requests and reviews are lost then, branches are not",
        reason_code="database_damaged",
    )
