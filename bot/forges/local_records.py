"""What the local forge's rows mean: nouns made of them, and the rules on who may do what."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Literal, NamedTuple

from bot.core.errors import Conflict, NotFound, Refused
from bot.core.identity import BOT_NAME
from bot.core.models import PullRequest, Review, Status

if TYPE_CHECKING:
    import sqlite3

APPROVAL = "gitops-bot/approval"
_USER = re.compile(r"^[a-z0-9][a-z0-9._-]{0,62}(\[bot\])?$")


class LocalPullRequest(NamedTuple):
    """A pull request with what only this forge tells. A merged one has `request.state` `closed`.

    `merge_commit` and `merged_by` are None unless it was merged here; `reviewers` are the people and teams
    (`org/team`) whose review was asked for.
    """

    request: PullRequest
    state: Literal["open", "closed", "merged"]
    created: datetime
    merge_commit: str | None
    merged_by: str | None
    reviewers: frozenset[str]


def find(db: sqlite3.Connection, number: int) -> sqlite3.Row:
    """The row of a pull request; `NotFound` if there is none of that number."""
    row: sqlite3.Row | None = db.execute("SELECT * FROM pull_requests WHERE number = ?", (number,)).fetchone()
    if row is None:
        raise NotFound(f"there is no pull request #{number}", fix="`gitops-bot pr list` shows those that are there")
    return row


def pull_request(db: sqlite3.Connection, row: sqlite3.Row) -> LocalPullRequest:
    """A row of `pull_requests`, with reviews, comments, and the statuses of its head."""
    number, head = row["number"], row["head"]
    reviews = db.execute("SELECT author, state, head, time FROM reviews WHERE number = ? ORDER BY id", (number,))
    statuses = db.execute("SELECT context, state, description FROM statuses WHERE head = ? ORDER BY context", (head,))
    comments = db.execute("SELECT key, body FROM comments WHERE number = ? AND key IS NOT NULL ORDER BY id", (number,))
    labels = db.execute("SELECT label FROM labels WHERE number = ?", (number,))
    reviewers = db.execute("SELECT name FROM reviewers WHERE number = ?", (number,))
    own = row["branch"].startswith("bot/")
    request = PullRequest(
        number=number,
        branch=row["branch"],
        head=head,
        title=row["title"],
        body=row["body"],
        author=row["author"],
        state="open" if row["state"] == "open" else "closed",
        reviews=tuple(Review(author, state, commit, time_of(time)) for author, state, commit, time in reviews),
        statuses=tuple(Status(*status) for status in statuses),
        comments=dict(comments.fetchall()) if own else {},
        labels=frozenset(row["label"] for row in labels),
        own=own,
    )
    return LocalPullRequest(
        request=request,
        state=row["state"],
        created=time_of(row["created"]),
        merge_commit=row["merge_commit"] if row["state"] == "merged" else None,
        merged_by=row["merged_by"] if row["state"] == "merged" else None,
        reviewers=frozenset(row["name"] for row in reviewers),
    )


def check_head(row: sqlite3.Row, head: str) -> None:
    """`Conflict` unless its branch is at the full SHA `head`: somebody saw something else than what is there."""
    if row["head"] != head:
        fix = "look at it again, then decide"
        raise Conflict(f"#{row['number']} is at {row['head']}, not at {head}", fix=fix)


def check_open(row: sqlite3.Row) -> None:
    """`Refused` (`closed_pull_request`) if it is closed or merged."""
    if row["state"] != "open":
        message = f"#{row['number']} is {row['state']}"
        raise Refused(
            message, fix="only an open pull request can be reviewed and merged", reason_code="closed_pull_request"
        )


def check_approved(db: sqlite3.Connection, number: int, head: str) -> None:
    """`Refused` (`needs_approval`) without a successful approval status, whose description is repeated."""
    values = (head, APPROVAL)
    status = db.execute("SELECT state, description FROM statuses WHERE head = ? AND context = ?", values).fetchone()
    if status is None or status["state"] != "success":
        why = status["description"] if status else "the bot has not looked at it yet"
        message = f"#{number} cannot be merged: {APPROVAL} is not successful on {head[:12]}: {why}"
        raise Refused(message, fix="get the approvals that are missing, then run the bot", reason_code="needs_approval")


def person(name: str) -> str:
    """A person's name in lower case, or another bot's; `Refused` (`bad_name`, `reserved_name`) if it cannot be one."""
    lower = name.lower()
    if not _USER.fullmatch(lower):
        fix = "use letters, digits, `.`, `_` and `-`, beginning with a letter or digit"
        raise Refused(f"{name[:100]!r} cannot be a person's name", fix=fix, reason_code="bad_name")
    if lower == BOT_NAME:
        raise Refused(f"{BOT_NAME} is the bot, not a person", fix="use your own name", reason_code="reserved_name")
    return lower


def storable(text: str) -> str:
    """The text without what is no UTF-8 (file names may hold such bytes), which the database does not take."""
    return text.encode("utf-8", "replace").decode("utf-8")


def time_of(text: str) -> datetime:
    """The time that was stored (ISO 8601, UTC)."""
    return datetime.fromisoformat(text)
