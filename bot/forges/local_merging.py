"""How the local forge merges: git has the last word on what is merged, the database follows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core.errors import Conflict, NotFound
from bot.forges.local_records import check_approved, check_head, check_open, find
from bot.forges.local_store import transaction

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    from bot.ports import Clock, GitRepository


class Merging:
    """The pull requests of a database against the branches of a git repository."""

    def __init__(self, git: GitRepository, database: Path, clock: Clock) -> None:
        self._git = git
        self._database = database
        self._clock = clock

    def merge(self, number: int, by: str, head: str) -> None:
        """Merge what is still at `head`; see `LocalForge.merge`.

        Each step may be the last before a kill: `settle` finds out from git what was done.
        """
        self.settle()
        with transaction(self._database) as db:
            row = find(db, number)
            check_head(row, head)
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

    def settle(self) -> None:
        """Record what git says of the open pull requests: where they are, and whether they are merged or gone."""
        with transaction(self._database) as db:
            rows = db.execute("SELECT * FROM pull_requests WHERE state = 'open'").fetchall()
        # Only after the rows were read: the branch of each was there before, so one that is missing was deleted.
        self._git.fetch()
        default = self._git.head().sha if rows else ""
        for row in rows:
            tip = self._tip(row["branch"])
            if self.is_in(default, tip or row["head"]):
                self._set_merged(row, tip or row["head"])
            elif tip != row["head"]:
                values = (tip or row["head"], "open" if tip else "closed", row["number"])
                with transaction(self._database) as db:
                    db.execute(
                        "UPDATE pull_requests SET head = ?, state = ? WHERE number = ? AND state = 'open'", values
                    )

    def _set_merged(self, row: sqlite3.Row, head: str) -> None:
        # A merge commit of ours that did not get through means that somebody else merged the branch.
        ours = row["merge_commit"] is not None and self.is_in(self._git.head().sha, row["merge_commit"])
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

    def is_in(self, tip: str, commit: str) -> bool:
        """Whether `commit` is `tip` or one of its ancestors."""
        try:
            return self._git.merge_base(tip, commit) == commit
        except NotFound:
            return False
