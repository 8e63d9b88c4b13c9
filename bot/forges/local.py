"""A forge without a server: branches live in git, pull requests and what people say of them in one SQLite file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core.errors import Conflict, NotFound, Refused
from bot.core.identity import BOT_NAME
from bot.forges.local_records import (
    Comment,
    LocalPullRequest,
    check_approved,
    check_open,
    find,
    person,
    pull_request,
    storable,
    time_of,
)
from bot.forges.local_store import transaction
from bot.ports import reads

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence
    from pathlib import Path

    from bot.core.models import PullRequest, Status
    from bot.ports import Clock, GitRepository

__all__ = ["Comment", "LocalForge", "LocalPullRequest"]


class LocalForge:
    """`ports.Forge` on a git repository and a database file; and what people do on a forge's pages.

    Whether a pull request is merged is for git to say: one whose head is on the default branch is, whoever put it
    there and whatever was interrupted meanwhile. Names of people (`by`) are compared without case.
    """

    def __init__(self, git: GitRepository, database: Path, clock: Clock) -> None:
        self._git = git
        self._database = database
        self._clock = clock

    @reads
    def pull_requests(self) -> Sequence[PullRequest]:
        """See `ports.Forge`."""
        newest_closed = "SELECT max(number) FROM pull_requests WHERE state = 'closed' GROUP BY branch"
        wanted = f"branch GLOB 'bot/*' AND (state = 'open' OR number IN ({newest_closed}))"
        return tuple(each.request for each in self._select(wanted))

    @reads
    def all_pull_requests(self) -> Sequence[LocalPullRequest]:
        """All pull requests, merged ones too, by number."""
        return self._select("TRUE")

    @reads
    def pull_request(self, number: int) -> LocalPullRequest:
        """One pull request; `NotFound` if there is none of that number."""
        self._settle()
        with transaction(self._database) as db:
            return pull_request(db, find(db, number))

    def _select(self, condition: str) -> tuple[LocalPullRequest, ...]:
        self._settle()
        query = f"SELECT * FROM pull_requests WHERE {condition} ORDER BY number"  # noqa: S608 # only constants above
        with transaction(self._database) as db:
            return tuple(pull_request(db, row) for row in db.execute(query))

    @reads
    def comments(self, number: int) -> Sequence[Comment]:
        """All comments on a pull request, oldest first."""
        with transaction(self._database) as db:
            find(db, number)
            rows = db.execute("SELECT * FROM comments WHERE number = ? ORDER BY id", (number,)).fetchall()
        return tuple(Comment(row["author"], row["body"], time_of(row["time"]), row["key"]) for row in rows)

    def open_pull_request(self, branch: str, title: str, body: str) -> int:
        """See `ports.Forge`. `NotFound` without the branch, `Refused` if it has nothing that is not merged."""
        self._settle()
        head = self._git.head(branch).sha
        if self._is_in(self._git.head().sha, head):
            message = f"there is nothing to merge: all commits of {branch!r} are on the default branch"
            raise Refused(message, fix="push a commit to the branch first", reason_code="nothing_to_merge")
        with transaction(self._database) as db:
            old = db.execute(
                "SELECT number FROM pull_requests WHERE branch = ? AND state = 'open'", (branch,)
            ).fetchone()
            if old:
                return int(old["number"])
            values = (branch, head, storable(title), storable(body), BOT_NAME, self._now())
            new = db.execute(
                "INSERT INTO pull_requests (branch, head, title, body, author, created) VALUES (?, ?, ?, ?, ?, ?)",
                values,
            )
            return int(new.lastrowid or 0)

    def update_pull_request(self, number: int, title: str, body: str) -> None:
        """See `ports.Forge`."""
        with transaction(self._database) as db:
            find(db, number)
            values = (storable(title), storable(body), number)
            db.execute("UPDATE pull_requests SET title = ?, body = ? WHERE number = ?", values)

    def close_pull_request(self, number: int) -> None:
        """See `ports.Forge`. The branch stays."""
        self._settle()
        with transaction(self._database) as db:
            find(db, number)
            db.execute("UPDATE pull_requests SET state = 'closed' WHERE number = ? AND state = 'open'", (number,))

    def close(self, number: int, by: str) -> None:
        """A person closes without merging; a comment says who."""
        self.add_comment(number, by, "Closed.")
        self.close_pull_request(number)

    def merge_pull_request(self, number: int, head: str) -> None:
        """See `ports.Forge`, and `merge`."""
        self._merge(number, BOT_NAME, head)

    def merge(self, number: int, by: str, head: str) -> None:
        """A person merges what they saw: the full SHA `head`. Merging what is merged does nothing.

        `Refused`: `needs_approval` without a successful status `gitops-bot/approval` on `head`,
        `closed_pull_request`. `Conflict`: the branch is not at `head` any more, a file was also changed on the
        default branch, or that one moved meanwhile.
        """
        self._merge(number, person(by), head)

    def comment(self, number: int, key: str, body: str) -> None:
        """See `ports.Forge`."""
        with transaction(self._database) as db:
            find(db, number)
            db.execute(
                "INSERT INTO comments (number, key, author, body, time) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT (number, key) DO UPDATE SET body = excluded.body",
                (number, key, BOT_NAME, storable(body), self._now()),
            )

    def add_comment(self, number: int, by: str, body: str) -> None:
        """A person comments."""
        values = (number, person(by), storable(body), self._now())
        with transaction(self._database) as db:
            find(db, number)
            db.execute("INSERT INTO comments (number, author, body, time) VALUES (?, ?, ?, ?)", values)

    def set_status(self, commit: str, status: Status) -> None:
        """See `ports.Forge`. `NotFound` for a commit that is not there."""
        values = (self._git.commit_of(commit).sha, status.context, status.state, storable(status.description))
        with transaction(self._database) as db:
            db.execute(
                "INSERT OR REPLACE INTO statuses (head, context, state, description) VALUES (?, ?, ?, ?)", values
            )

    def approve(self, number: int, by: str) -> None:
        """A person approves the branch's present head. `Refused`: `own_pull_request`, `closed_pull_request`."""
        self._review(number, by, "approved")

    def request_changes(self, number: int, by: str) -> None:
        """A person objects to the branch's present head. `Refused` as in `approve`."""
        self._review(number, by, "changes_requested")

    def _review(self, number: int, by: str, state: str) -> None:
        self._settle()
        with transaction(self._database) as db:
            row = find(db, number)
            if by.lower() == row["author"]:
                message = f"#{number} is by {row['author']}, who cannot review it too"
                raise Refused(message, fix="ask somebody else for a review", reason_code="own_pull_request")
            author = person(by)
            check_open(row)
            db.execute(
                "INSERT INTO reviews (number, author, state, head, time) VALUES (?, ?, ?, ?, ?)",
                (number, author, state, row["head"], self._now()),
            )

    def _merge(self, number: int, by: str, head: str) -> None:
        """Each step may be the last before a kill: `_settle` finds out from git what was done."""
        self._settle()
        with transaction(self._database) as db:
            row = find(db, number)
            if row["head"] != head:
                raise Conflict(f"#{number} is at {row['head']}, not at {head}", fix="look at it again, then merge")
            if row["state"] != "merged":
                check_open(row)
                check_approved(db, number, head)
        if row["state"] != "merged":
            row = self._merge_into_default(row, by)
        self._delete_branch(row)
        self._set_merged(row, head)

    def _merge_into_default(self, row: sqlite3.Row, by: str) -> sqlite3.Row:
        """Returns the row with the merge noted before it is done: who finds it done later knows whose it was."""
        message = f"Merge pull request #{row['number']} from {row['branch']}\n\n{row['title']}\n\nMerged-by: {by}\n"
        base = self._git.head().sha
        commit = self._git.merge(base, row["head"], message, self._clock.now())
        with transaction(self._database) as db:
            values = (commit, by, row["number"])
            db.execute(
                "UPDATE pull_requests SET merge_commit = ?, merged_by = ? WHERE number = ? AND state = 'open'", values
            )
            row = find(db, row["number"])
        self._git.push(self._git.default_branch(), commit, base)
        return row

    def _delete_branch(self, row: sqlite3.Row) -> None:
        try:
            self._git.push(row["branch"], None, row["head"])
        except Conflict:
            # It is gone already, or has newer commits that are not merged: those are not ours to delete.
            return

    def _settle(self) -> None:
        """Record what git says of the open pull requests: where they are, and whether they are merged or gone."""
        with transaction(self._database) as db:
            rows = db.execute("SELECT * FROM pull_requests WHERE state = 'open'").fetchall()
        # Only after the rows were read: the branch of each was there before, so one that is missing was deleted.
        self._git.fetch()
        default = self._git.head().sha if rows else ""
        for row in rows:
            tip = self._tip(row["branch"])
            if self._is_in(default, tip or row["head"]):
                self._set_merged(row, tip or row["head"])
            elif tip != row["head"]:
                values = (tip or row["head"], "open" if tip else "closed", row["number"])
                with transaction(self._database) as db:
                    db.execute(
                        "UPDATE pull_requests SET head = ?, state = ? WHERE number = ? AND state = 'open'", values
                    )

    def _set_merged(self, row: sqlite3.Row, head: str) -> None:
        # A merge commit of ours that did not get through means that somebody else merged the branch.
        ours = row["merge_commit"] is not None and self._is_in(self._git.head().sha, row["merge_commit"])
        values = (head, *((row["merge_commit"], row["merged_by"]) if ours else (None, None)), row["number"])
        with transaction(self._database) as db:
            db.execute(
                "UPDATE pull_requests SET state = 'merged', head = ?, merge_commit = ?, merged_by = ?"
                " WHERE number = ? AND state = 'open'",
                values,
            )

    def _tip(self, branch: str) -> str | None:
        try:
            return self._git.head(branch).sha
        except NotFound:
            return None

    def _is_in(self, tip: str, commit: str) -> bool:
        try:
            return self._git.merge_base(tip, commit) == commit
        except NotFound:
            return False

    def _now(self) -> str:
        return self._clock.now().isoformat()
