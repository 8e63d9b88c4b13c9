"""What is said on the local forge: comments, texts of reviews, and the bot's reactions to both."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, NamedTuple

from bot.core.errors import NotFound, Refused
from bot.core.identity import BOT_NAME
from bot.core.models import UserComment
from bot.core.people import is_bot
from bot.forges.local_records import person, storable, time_of

if TYPE_CHECKING:
    import sqlite3
    from datetime import datetime

    from bot.core.models import Reaction

_ORDER = "ORDER BY time, kind, place"
_TABLES = {"comment": "comments", "review": "reviews"}


class Comment(NamedTuple):
    """Something said: a comment, or the text of a review. `key` marks the bot's own, which are edited in place."""

    id: str
    author: str
    body: str
    time: datetime
    key: str | None
    edited: bool
    reactions: frozenset[Reaction]


def said_on(db: sqlite3.Connection, number: int) -> tuple[Comment, ...]:
    """All that was said on a pull request, the bot's too, oldest first."""
    rows = db.execute(f"SELECT * FROM said WHERE number = ? {_ORDER}", (number,)).fetchall()  # noqa: S608 # a constant
    return tuple(
        Comment(
            id=row["id"],
            author=row["author"],
            body=row["body"],
            time=time_of(row["time"]),
            key=row["key"],
            edited=bool(row["edited"]),
            reactions=_reactions(db, row["id"]),
        )
        for row in rows
    )


def said_by_others(db: sqlite3.Connection, since: datetime) -> tuple[UserComment, ...]:
    """What people and other bots said at `since` or later, oldest first."""
    values = (BOT_NAME, since.astimezone(UTC).isoformat())
    query = f"SELECT * FROM said WHERE author != ? AND time >= ? {_ORDER}"  # noqa: S608 # a constant
    return tuple(_user_comment(db, row) for row in db.execute(query, values).fetchall())


def user_comment(db: sqlite3.Connection, comment: str) -> UserComment:
    """One of them by its id; `NotFound` if it is not there."""
    row = db.execute("SELECT * FROM said WHERE id = ?", (comment,)).fetchone()
    if row is None:
        raise NotFound(f"there is no comment {comment[:100]!r}")
    return _user_comment(db, row)


def react(db: sqlite3.Connection, comment: str, reaction: Reaction) -> None:
    """The bot's reaction; `NotFound` if the comment is not there."""
    db.execute("INSERT OR IGNORE INTO reactions VALUES (?, ?)", (user_comment(db, comment).id, reaction))


def edit(db: sqlite3.Connection, comment: str, by: str, body: str) -> None:
    """Change one's own text. `NotFound` if it is not there, `Refused` (`not_yours`) if somebody else wrote it."""
    old = user_comment(db, comment)
    if old.author != person(by):
        raise Refused(f"{comment} is by {old.author}", fix="write one of your own", reason_code="not_yours")
    kind, _, place = comment.partition(":")
    if old.body != storable(body):
        query = f"UPDATE {_TABLES[kind]} SET body = ?, edited = 1 WHERE id = ?"  # noqa: S608 # two constants
        db.execute(query, (storable(body), place))


def _user_comment(db: sqlite3.Connection, row: sqlite3.Row) -> UserComment:
    return UserComment(
        id=row["id"],
        number=row["number"],
        author=row["author"],
        body=row["body"],
        time=time_of(row["time"]),
        on_pull_request=True,
        is_bot=is_bot(row["author"]),
        edited=bool(row["edited"]),
        reactions=_reactions(db, row["id"]),
    )


def _reactions(db: sqlite3.Connection, comment: str) -> frozenset[Reaction]:
    rows = db.execute("SELECT reaction FROM reactions WHERE said = ?", (comment,))
    return frozenset(row["reaction"] for row in rows)
