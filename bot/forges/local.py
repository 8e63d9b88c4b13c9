"""A forge without a server: branches live in git, pull requests and what people say of them in one SQLite file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core.errors import Refused
from bot.core.identity import BOT_NAME
from bot.core.models import Deployment
from bot.forges import local_labels, local_people, local_talk
from bot.forges.local_merging import Merging
from bot.forges.local_records import (
    LocalPullRequest,
    check_head,
    check_open,
    find,
    person,
    pull_request,
    storable,
)
from bot.forges.local_store import transaction
from bot.forges.local_talk import Comment
from bot.ports import reads

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime
    from pathlib import Path
    from sqlite3 import Connection

    from bot.core.models import Labelled, Person, PullRequest, Reaction, Status, UserComment
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
        self._merging = Merging(git, database, clock)

    @reads
    def pull_requests(self) -> Sequence[PullRequest]:
        """See `ports.Forge`."""
        newest_closed = "SELECT max(number) FROM pull_requests WHERE state = 'closed' GROUP BY branch"
        wanted = f"state = 'open' OR (branch GLOB 'bot/*' AND number IN ({newest_closed}))"
        return tuple(each.request for each in self._select(wanted))

    @reads
    def all_pull_requests(self) -> Sequence[LocalPullRequest]:
        """All pull requests, merged ones too, by number."""
        return self._select("TRUE")

    @reads
    def pull_request(self, number: int) -> LocalPullRequest:
        """One pull request; `NotFound` if there is none of that number."""
        self._merging.settle()
        with self._transaction() as db:
            return pull_request(db, find(db, number))

    def _select(self, condition: str) -> tuple[LocalPullRequest, ...]:
        self._merging.settle()
        query = f"SELECT * FROM pull_requests WHERE {condition} ORDER BY number"  # noqa: S608 # only constants above
        with self._transaction() as db:
            return tuple(pull_request(db, row) for row in db.execute(query))

    @reads
    def comments(self, number: int) -> Sequence[Comment]:
        """All comments on a pull request, and the texts of its reviews, oldest first."""
        with self._transaction() as db:
            find(db, number)
            return local_talk.said_on(db, number)

    def open_pull_request(self, branch: str, title: str, body: str) -> int:
        """See `ports.Forge`. `NotFound` without the branch, `Refused` if it has nothing that is not merged."""
        self._merging.settle()
        head = self._git.head(branch).sha
        if self._merging.is_in(self._git.head().sha, head):
            message = f"there is nothing to merge: all commits of {branch!r} are on the default branch"
            raise Refused(message, fix="push a commit to the branch first", reason_code="nothing_to_merge")
        with self._transaction() as db:
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
        with self._transaction() as db:
            find(db, number)
            values = (storable(title), storable(body), number)
            db.execute("UPDATE pull_requests SET title = ?, body = ? WHERE number = ?", values)

    def close_pull_request(self, number: int) -> None:
        """See `ports.Forge`. The branch stays."""
        self._merging.settle()
        with self._transaction() as db:
            find(db, number)
            db.execute("UPDATE pull_requests SET state = 'closed' WHERE number = ? AND state = 'open'", (number,))

    def close(self, number: int, by: str) -> None:
        """A person closes without merging; a comment says who."""
        self.add_comment(number, by, "Closed.")
        self.close_pull_request(number)

    def merge_pull_request(self, number: int, head: str) -> None:
        """See `ports.Forge`, and `merge`."""
        self._merging.merge(number, BOT_NAME, head)

    def enable_auto_merge(self, number: int, head: str) -> None:  # noqa: ARG002 # whatever the head, it cannot be done
        """See `ports.Forge`. `Refused` (`no_auto_merge`): nothing runs here that could merge later."""
        message = f"#{number} cannot be left to the forge: the local forge merges nothing by itself"
        fix = "write `merge: auto` for this environment in gitops.yaml: the bot merges then"
        raise Refused(message, fix=fix, reason_code="no_auto_merge")

    def disable_auto_merge(self, number: int) -> None:
        """See `ports.Forge`. It is never on here."""

    def merge(self, number: int, by: str, head: str) -> None:
        """A person merges what they saw: the full SHA `head`. Merging what is merged does nothing.

        `Refused`: `needs_approval` without a successful status `gitops-bot/approval` on `head`,
        `closed_pull_request`. `Conflict`: the branch is not at `head` any more, a file was also changed on the
        default branch, or that one moved meanwhile.
        """
        self._merging.merge(number, person(by), head)

    def comment(self, number: int, key: str, body: str, *, on_issue: bool = False) -> None:  # noqa: ARG002 # none here
        """See `ports.Forge`."""
        with self._transaction() as db:
            find(db, number)
            db.execute(
                "INSERT INTO comments (number, key, author, body, time) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT (number, key) DO UPDATE SET body = excluded.body",
                (number, key, BOT_NAME, storable(body), self._now()),
            )

    def add_comment(self, number: int, by: str, body: str) -> str:
        """A person comments; the id of what they wrote, as in `UserComment`."""
        values = (number, person(by), storable(body), self._now())
        with self._transaction() as db:
            find(db, number)
            new = db.execute("INSERT INTO comments (number, author, body, time) VALUES (?, ?, ?, ?)", values)
            return f"comment:{new.lastrowid}"

    def edit_comment(self, comment: str, by: str, body: str) -> None:
        """A person changes what they wrote. `Refused`: `not_yours`."""
        with self._transaction() as db:
            local_talk.edit(db, comment, by, body)

    def set_status(self, commit: str, status: Status) -> None:
        """See `ports.Forge`. `NotFound` for a commit that is not there."""
        with self._transaction() as db:
            # A commit whose branch is gone may be in no copy any more, and comes back with whoever has it.
            known = db.execute("SELECT 1 FROM statuses WHERE head = ?", (commit,)).fetchone()
            head = commit if known else self._git.commit_of(commit).sha
            values = (head, status.context, status.state, storable(status.description))
            db.execute(
                "INSERT OR REPLACE INTO statuses (head, context, state, description) VALUES (?, ?, ?, ?)", values
            )

    @reads
    def comments_since(self, since: datetime) -> Sequence[UserComment]:
        """See `ports.Forge`. Here all comments are on pull requests."""
        with self._transaction() as db:
            return local_talk.said_by_others(db, since)

    @reads
    def user_comment(self, comment: str) -> UserComment:
        """One of those, by its id; `NotFound` if it is not there."""
        with self._transaction() as db:
            return local_talk.user_comment(db, comment)

    def react(self, comment: str, reaction: Reaction) -> None:
        """See `ports.Forge`. `NotFound` for a comment that is not there."""
        with self._transaction() as db:
            local_talk.react(db, comment, reaction)

    @reads
    def person(self, name: str, teams: frozenset[str] = frozenset()) -> Person:
        """See `ports.Forge`. Whoever could be a person is one, and may write unless `set_person` said otherwise."""
        with self._transaction() as db:
            return local_people.person_named(db, name, teams)

    def set_person(self, name: str, permission: str, teams: Iterable[str] = ()) -> None:
        """Somebody gets a permission (`none`, `read`, `write`, `admin`) and is in these teams alone."""
        with self._transaction() as db:
            local_people.set_person(db, name, permission, teams)

    @reads
    def own_name(self) -> str:
        """See `ports.Forge`."""
        return BOT_NAME

    @reads
    def labelled_by(self, number: int, label: str) -> Labelled | None:
        """See `ports.Forge`. Of a label from before this was remembered nobody knows it."""
        with self._transaction() as db:
            return local_labels.labelled_by(db, number, label)

    def set_label(self, number: int, label: str, *, present: bool) -> None:
        """See `ports.Forge`."""
        with self._transaction() as db:
            local_labels.set_label(db, number, BOT_NAME, self._now(), label, present=present)

    def label(self, number: int, by: str, label: str, *, present: bool = True) -> None:
        """A person puts a label on or takes it off. `Refused`: `bad_label`, `closed_pull_request`."""
        self._merging.settle()
        with self._transaction() as db:
            check_open(find(db, number))
            local_labels.set_label(db, number, person(by), self._now(), local_labels.name(label), present=present)

    def request_reviews(self, number: int, users: Sequence[str], teams: Sequence[str] = ()) -> None:
        """See `ports.Forge`. A team that nobody is in cannot be asked."""
        with self._transaction() as db:
            local_people.ask(db, find(db, number), users, teams)

    @reads
    def deployments(self) -> Mapping[str, Deployment]:
        """See `ports.Forge`."""
        newest = "SELECT max(id) FROM deployments GROUP BY environment"
        query = f"SELECT environment, head, description FROM deployments WHERE id IN ({newest})"  # noqa: S608 # a constant
        with self._transaction() as db:
            return {row["environment"]: Deployment(*row) for row in db.execute(query)}

    def set_deployment(self, deployment: Deployment) -> None:
        """See `ports.Forge`. `NotFound` for a commit that is not there."""
        commit = self._git.commit_of(deployment.commit).sha
        wanted = (storable(deployment.environment), commit, storable(deployment.description))
        newest = "SELECT environment, head, description FROM deployments WHERE environment = ? ORDER BY id DESC"
        with self._transaction() as db:
            row = db.execute(newest, wanted[:1]).fetchone()
            if row is None or tuple(row) != wanted:
                db.execute("INSERT INTO deployments (environment, head, description) VALUES (?, ?, ?)", wanted)

    def approve(self, number: int, by: str, body: str = "", head: str | None = None) -> str:
        """A person approves the branch's present head; `head` is the full SHA that they saw, if they say it.

        Returns the review's id, as in `UserComment` if there is a text. `Refused`: `own_pull_request`,
        `closed_pull_request`. `Conflict`: the branch is not at `head` any more.
        """
        return self._review(number, by, "approved", body, head)

    def request_changes(self, number: int, by: str, body: str = "", head: str | None = None) -> str:
        """A person objects to the branch's present head. In all else as `approve`."""
        return self._review(number, by, "changes_requested", body, head)

    def _review(self, number: int, by: str, state: str, body: str, head: str | None) -> str:
        self._merging.settle()
        with self._transaction() as db:
            row = find(db, number)
            if by.lower() == row["author"]:
                message = f"#{number} is by {row['author']}, who cannot review it too"
                raise Refused(message, fix="ask somebody else for a review", reason_code="own_pull_request")
            author = person(by)
            check_open(row)
            check_head(row, head or row["head"])
            new = db.execute(
                "INSERT INTO reviews (number, author, state, head, time, body) VALUES (?, ?, ?, ?, ?, ?)",
                (number, author, state, row["head"], self._now(), storable(body)),
            )
            return f"review:{new.lastrowid}"

    def _transaction(self) -> AbstractContextManager[Connection]:
        return transaction(self._database)

    def _now(self) -> str:
        return self._clock.now().isoformat()
