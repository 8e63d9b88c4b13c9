"""Which tag of an image that others push is the newest by its policy, and why each other tag is not."""

from bot.core.versions.choose import Choice, Rejected, check_policy, choose

__all__ = ["Choice", "Rejected", "check_policy", "choose"]
