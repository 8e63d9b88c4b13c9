"""Who may do what on the local forge: everyone may write, unless something else was said of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core.errors import Refused
from bot.core.models import Person
from bot.forges.local_records import person

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable


def person_named(db: sqlite3.Connection, name: str, teams: Iterable[str]) -> Person:
    """The permission, and which of `teams` hold the person; a name that cannot be one has no permission."""
    try:
        known = person(name)
    except Refused:
        return Person("none")
    row = db.execute("SELECT permission FROM people WHERE name = ?", (known,)).fetchone()
    theirs = {r["team"] for r in db.execute("SELECT team FROM members WHERE name = ?", (known,))}
    return Person(row["permission"] if row else "write", frozenset(t for t in teams if t.lower() in theirs))


def set_person(db: sqlite3.Connection, name: str, permission: str, teams: Iterable[str]) -> None:
    """Write down somebody's permission and all their teams. `Refused` for a name that cannot be a person's."""
    db.execute("INSERT OR REPLACE INTO people VALUES (?, ?)", (person(name), permission))
    db.execute("DELETE FROM members WHERE name = ?", (person(name),))
    db.executemany("INSERT INTO members VALUES (?, ?)", {(team.lower(), person(name)) for team in teams})


def ask(db: sqlite3.Connection, row: sqlite3.Row, users: Iterable[str], teams: Iterable[str]) -> None:
    """Ask for reviews of that pull request, leaving out who has no permission and teams that hold nobody."""
    people = {user.lower() for user in users if person_named(db, user, ()).permission != "none"}
    peopled = {each["team"] for each in db.execute("SELECT team FROM members")}
    wanted = people - {row["author"]} | {team.lower() for team in teams} & peopled
    db.executemany("INSERT OR IGNORE INTO reviewers VALUES (?, ?)", {(row["number"], name) for name in wanted})
