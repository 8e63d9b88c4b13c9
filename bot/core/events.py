"""What can set the bot in motion. Whatever it was, the way is the same: observe, plan, apply, report."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias


class Reconcile(NamedTuple):
    """Something may have changed anywhere: a tick of the clock, a push, a review, a person at the keyboard."""


class Build(NamedTuple):
    """A person wants images built, and no more than that. No applications named: all of them."""

    applications: tuple[str, ...] = ()


class Promote(NamedTuple):
    """A person wants an environment to get a release: the newest allowed one, or the one with that image tag.

    `rollback`: one that this environment had before, past the order of the environments; without a version the
    one before the present one. `refresh`: the open pull request is made anew on the default branch of now.
    `dry`: only to be told what would change.
    """

    environment: str
    applications: tuple[str, ...] = ()
    version: str | None = None
    by: str = ""
    rollback: bool = False
    refresh: bool = False
    dry: bool = False

    def covers(self, environment: str, application: str) -> bool:
        """Whether this asks for that application in that environment."""
        return environment == self.environment and (not self.applications or application in self.applications)


class Commented(NamedTuple):
    """Somebody wrote a comment, which may hold commands: its id on the forge, and its issue's or pull request's number.

    It says where to look. What the comment says, and whose it is, the forge is asked: an event may come from a file
    that others wrote.
    """

    comment: str
    number: int


class Ignored(NamedTuple):
    """A delivery that means nothing to the bot, and why: a stable reason code and the reason."""

    reason_code: str
    reason: str


Event: TypeAlias = Reconcile | Build | Promote | Commented
