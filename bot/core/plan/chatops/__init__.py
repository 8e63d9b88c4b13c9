"""Commands in comments: which are still to be done, whether they may be, what they ask for, and what is answered."""

from bot.core.plan.chatops.answers import answers
from bot.core.plan.chatops.diffs import Question, questions
from bot.core.plan.chatops.effects import HOLD
from bot.core.plan.chatops.hearing import Hearing, hear
from bot.core.plan.chatops.nouns import Problem, Request
from bot.core.plan.chatops.requests import open_requests, speakers

__all__ = [
    "HOLD",
    "Hearing",
    "Problem",
    "Question",
    "Request",
    "answers",
    "hear",
    "open_requests",
    "questions",
    "speakers",
]
