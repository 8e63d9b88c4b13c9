"""Which tags are taken, or not yet, by when they were first seen, because nobody knows when they were made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core.versions.choose import TagFacts, deployed, lacks, stays
from bot.core.versions.rules import Rules

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bot.core.config.models import Policy
    from bot.core.versions.choose import Choice, Facts


def undated(
    tags: Sequence[str], policy: Policy, choice: Choice, current: str | None = None, facts: Facts | None = None
) -> Iterator[str]:
    """What `choose` was given, and what it chose → the chosen tag and better ones, if no date is known; best first.

    Only where a minimum age is asked for. Tags whose facts are not known yet are left out.
    """
    rules, known = Rules(policy), facts or {}
    here = deployed(rules, current, known)
    for one in rules.candidates(tags) if by_first_seen(policy) else ():
        if here and stays(rules, one, here):
            return
        fact = known.get(one.tag)
        if isinstance(fact, TagFacts) and not fact.date and rules.takes(one) and not lacks(rules, fact):
            yield one.tag
        if one.tag == choice.selected:
            return


def by_first_seen(policy: Policy) -> bool:
    """Whether it matters when a tag without a date was first seen; `newest` orders by dates, and takes none without."""
    return policy.min_age is not None and not policy.newest
