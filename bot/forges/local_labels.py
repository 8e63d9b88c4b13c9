"""Labels on the local forge's pull requests, and who put them there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core.errors import Refused
from bot.core.models import Labelled
from bot.forges.local_records import find, storable, time_of

if TYPE_CHECKING:
    import sqlite3

LONGEST = 50
"""Characters, as on GitHub."""


def name(label: str) -> str:
    """A label's name without outer blanks; `Refused` (`bad_label`) if it cannot be one."""
    short = label.strip()
    if not short or len(short) > LONGEST or not short.isprintable():
        fix = f"use 1 to {LONGEST} characters on one line"
        raise Refused(f"{label[:100]!r} cannot be a label", fix=fix, reason_code="bad_label")
    return short


def set_label(db: sqlite3.Connection, number: int, by: str, when: str, label: str, *, present: bool) -> None:
    """Put a label on or take it off; who puts on what is there already has done nothing. `NotFound` for the number."""
    find(db, number)
    put = "INSERT OR IGNORE INTO labels (number, label, author, time) VALUES (?, ?, ?, ?)"
    if present:
        db.execute(put, (number, storable(label), by, when))
    else:
        db.execute("DELETE FROM labels WHERE number = ? AND label = ?", (number, storable(label)))


def labelled_by(db: sqlite3.Connection, number: int, label: str) -> Labelled | None:
    """Who put a label on that is on it, and when; None if that is not so or not known. `NotFound` for the number."""
    find(db, number)
    values = (number, storable(label))
    row = db.execute("SELECT author, time FROM labels WHERE number = ? AND label = ?", values).fetchone()
    return Labelled(row["author"], time_of(row["time"])) if row and row["author"] and row["time"] else None
