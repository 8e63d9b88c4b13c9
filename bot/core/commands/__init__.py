"""What people tell the bot in comments: the text becomes commands and mistakes here, and nowhere else."""

from bot.core.commands.parse import naming, parse
from bot.core.commands.records import Command, Mistake
from bot.core.commands.values import duration, until
from bot.core.commands.verbs import VERBS, Level, Rule, Verb, usage

__all__ = ["VERBS", "Command", "Level", "Mistake", "Rule", "Verb", "duration", "naming", "parse", "until", "usage"]
