"""Programs that work on what strangers wrote are kept to their own files: nothing else is read, written or reached."""

from bot.confine.environment import forget
from bot.confine.programs import arguments, how, lend, room, show

__all__ = ["arguments", "forget", "how", "lend", "room", "show"]
