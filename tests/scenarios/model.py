"""What people may expect of prod's one pull request, told apart from how the bot works it out: the model's memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

APPROVERS = ("alice", "bob", "erin")
Verdict = Literal["approved", "changes_requested"]


@dataclass
class Said:
    """A command that somebody wrote, and the bot has not had its last word on."""

    by: str
    verb: str
    number: int


@dataclass
class Model:
    """What people did, and what of it the bot has read: `reviews` by commit and person, `said` in order of time."""

    approvals: int = 2
    reviews: dict[str, dict[str, Verdict]] = field(default_factory=dict)
    said: list[Said] = field(default_factory=list)
    held: dict[int, str] = field(default_factory=dict)
    labelled: set[int] = field(default_factory=set)
    frozen: bool = False
    locked_by: str = ""
    cancelled: set[int] = field(default_factory=set)
    closed: set[int] = field(default_factory=set)
    unreadable: set[str] = field(default_factory=set)

    def hear(self) -> None:
        """What a run does first: everything that was said takes effect, one after the other."""
        for one in self.said:
            if one.number not in self.closed | self.cancelled or one.verb in ("freeze", "unfreeze"):
                getattr(self, f"_{one.verb}")(one)
        self.said.clear()

    def may_be_merged(self, number: int, head: str, newest: str) -> bool:
        """Whether a person may merge that commit of that pull request into prod; `newest` is the only open head."""
        return not list(self.objections(number, head, newest))

    def objections(self, number: int, head: str, newest: str) -> Iterator[str]:
        """Why it must not be merged."""
        given = self.reviews.get(head, {})
        if head != newest:
            yield "it is no open head"
        if number in self.held or number in self.labelled:
            yield "it is held"
        if self.frozen:
            yield "prod is frozen"
        if self.locked_by:
            yield "prod is locked"
        if number in self.cancelled | self.closed:
            yield "it was turned down"
        if self.unreadable:
            yield f"unreadable: {self.unreadable}"
        if "changes_requested" in given.values():
            yield "changes are asked for"
        if sum(verdict == "approved" for verdict in given.values()) < self.approvals:
            yield "approvals are missing"

    def _hold(self, one: Said) -> None:
        self.held.setdefault(one.number, one.by)

    def _unhold(self, one: Said) -> None:
        self.held.pop(one.number, None)
        self.labelled.discard(one.number)

    def _freeze(self, one: Said) -> None:
        self.frozen = self.frozen or one.by == "root"

    def _unfreeze(self, one: Said) -> None:
        self.frozen = self.frozen and one.by != "root"

    def _lock(self, one: Said) -> None:
        self.locked_by = self.locked_by or one.by

    def _unlock(self, one: Said) -> None:
        self.locked_by = "" if self.locked_by == one.by else self.locked_by

    def _cancel(self, one: Said) -> None:
        self.cancelled.add(one.number)
