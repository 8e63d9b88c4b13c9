"""Which of the tags that others push is the best by a policy, and why each other tag is not."""

from bot.core.versions.choose import MOST_LOOKED_AT, Choice, TagFacts, choose
from bot.core.versions.explain import explain
from bot.core.versions.reading import Rejected
from bot.core.versions.rules import PolicyError, check_policy

__all__ = ["MOST_LOOKED_AT", "Choice", "PolicyError", "Rejected", "TagFacts", "check_policy", "choose", "explain"]
