"""A git repository without a checkout, by the git program: nothing here knows what the files mean."""

from bot.git.repository import Git

__all__ = ["Git"]
