"""Why each tag lost, in words and with a stable code."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bot.core.versions.choose import by_date, unsuitable
from bot.core.versions.reading import Candidate, Rejected
from bot.core.versions.rules import Rules

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from bot.core.config.models import Policy
    from bot.core.versions.choose import Choice, Facts


def explain(
    tags: Sequence[str],
    policy: Policy,
    choice: Choice,
    current: str | None = None,
    facts: Facts | None = None,
    now: datetime | None = None,
) -> tuple[Rejected, ...]:
    """What `choose` was given, and what it chose → every other tag with its reason, in the order of the tags."""
    contest = _Contest(Rules(policy), choice, current, facts or {}, now)
    winner = contest.placed(choice.selected) if choice.selected else None
    return tuple(contest.lost(tag, winner) for tag in dict.fromkeys(tags) if tag != choice.selected)


class _Contest(NamedTuple):
    rules: Rules
    choice: Choice
    current: str | None
    facts: Facts
    now: datetime | None

    def placed(self, tag: str) -> Candidate | None:
        """The tag with what is compared; None if that is not known."""
        one = self.rules.place(tag)
        if one is None or self.rules.kind != "newest":
            return one
        return next(iter(by_date([one], self.facts)), None)

    def lost(self, tag: str, winner: Candidate | None) -> Rejected:
        """Why the tag is not the chosen one: it is not taken, or another is better."""
        one = self.rules.place(tag)
        if one is None:
            refused = self.rules.unplaced(tag)
        else:
            refused = self.rules.refusal(one) or unsuitable(self.rules, tag, self.facts, self.now)
        return refused or self.beaten(tag, winner)

    def beaten(self, tag: str, winner: Candidate | None) -> Rejected:
        """Why a tag that the policy takes is not the chosen one."""
        one = self.placed(tag)
        if one is None or winner is None:
            return Rejected(tag, "undecided", self.choice.reason)
        stays = winner.tag == self.current
        if self.rules.compare(one, winner) == 0:
            why = "is deployed" if stays else "comes first by its text"
            return Rejected(tag, "equal", f"it is equal to {winner.tag}, which {why}")
        if stays:
            return Rejected(tag, "older_than_current", f"it comes before {winner.tag}, which is deployed")
        return Rejected(tag, "older", f"it comes before {winner.tag}")
