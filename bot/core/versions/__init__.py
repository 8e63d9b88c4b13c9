"""Which of the tags that others push is the best by a policy, and why each other tag is not."""

from bot.core.versions.choose import MOST_LOOKED_AT, Choice, Facts, TagFacts, choose
from bot.core.versions.explain import explain
from bot.core.versions.reading import Rejected
from bot.core.versions.rules import PolicyError, check_policy
from bot.core.versions.undated import by_first_seen, undated

__all__ = [
    "MOST_LOOKED_AT",
    "Choice",
    "Facts",
    "PolicyError",
    "Rejected",
    "TagFacts",
    "by_first_seen",
    "check_policy",
    "choose",
    "explain",
    "undated",
]
