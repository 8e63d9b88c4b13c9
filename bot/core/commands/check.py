"""A command is checked against its verb's rule before anything runs; what is wrong comes back corrected."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from bot.core.commands.records import Mistake
from bot.core.commands.retype import retyped
from bot.core.commands.values import WORDING, fits
from bot.core.commands.verbs import VERBS, Rule, Verb, flag_usage
from bot.core.commands.words import Words, misplaced, shown, split_word, split_words

if TYPE_CHECKING:
    from bot.core.commands.records import Command


class Problem(NamedTuple):
    """What is wrong with a line, and the words to type it again with."""

    reason_code: str
    message: str
    instead: Words


def check(command: Command, rest: str, prefix: str) -> Command | Mistake:
    """The command with what stands behind its verb, or the first thing that is wrong with it.

    `prefix` is what the verb was typed with (`/`, `@bot `), and what a suggestion begins with.
    """
    if command.verb == "hold" and rest.strip().lower() == "cancel":
        # As other bots are told to end one; here it would be one more hold, for the reason "cancel".
        return Mistake("unknown_command", command.text, "a hold is ended by a command of its own", f"{prefix}unhold")
    rule = VERBS[command.verb]
    words = split_words(rest, first=rule.environment != "no" or bool(rule.argument))
    for find in (_broken, _unknown_flag, _repeated_flag, _bad_flag, _first, _argument, _one_of, _rest):
        problem = find(command.verb, rule, words)
        if problem is not None:
            instead = prefix + retyped(command.verb, problem.instead)
            return Mistake(problem.reason_code, command.text, problem.message, instead)
    if rule.argument:
        return command._replace(argument=words.first.lower().lstrip("/"), flags=dict(words.flags), reason=words.rest)
    return command._replace(environment=words.first or None, flags=dict(words.flags), reason=words.rest)


def _broken(_: Verb, __: Rule, words: Words) -> Problem | None:
    if not words.broken:
        return None
    name = re.split('[="\\s]', words.broken.removeprefix("--"), maxsplit=1)[0]
    message = f'{shown(words.broken)} cannot be read: a value has no blanks and quotes in it, or stands in `"…"`'
    return Problem("bad_value", message, words._replace(flags=(*words.flags, (name, ""))))


def _unknown_flag(verb: Verb, rule: Rule, words: Words) -> Problem | None:
    unknown = next((name for name, _ in words.flags if name not in rule.flags), None)
    if unknown is None:
        return None
    has = f"it has {', '.join(f'`--{flag}`' for flag in rule.flags)}" if rule.flags else "it has none"
    return Problem("unknown_flag", f"`{verb}` has no flag {shown(f'--{unknown}')}: {has}", words)


def _repeated_flag(_: Verb, __: Rule, words: Words) -> Problem | None:
    names = [name for name, _ in words.flags]
    twice = next((name for name in names if names.count(name) > 1), None)
    return Problem("repeated_flag", f"`--{twice}` stands there more than once", words) if twice is not None else None


def _bad_flag(_: Verb, rule: Rule, words: Words) -> Problem | None:
    for name, value in words.flags:
        shape = rule.flags[name]
        if shape == "none" and value is not True:
            return Problem("bad_value", f"`--{name}` takes no value", words)
        if shape != "none" and value is True:
            return Problem("bad_value", f"`--{name}` needs a value: {WORDING[shape]}", words)
        if shape != "none" and not fits(str(value), shape):
            return Problem(
                "bad_value", f"{shown(str(value))} is no value for `--{name}`: it is {WORDING[shape]}", words
            )
    return None


def _first(verb: Verb, rule: Rule, words: Words) -> Problem | None:
    if rule.environment == "no" or (not words.first and rule.environment == "optional"):
        return None
    if words.first:
        bad = not fits(words.first, "name")
        message = f"{shown(words.first)} cannot be an environment: that is {WORDING['name']}"
        return Problem("bad_value", message, words) if bad else None
    name, rest = split_word(words.rest)
    instead = words._replace(first=name, rest=rest) if fits(name, "name") else words
    return Problem("missing_environment", f"`{verb}` needs an environment, right behind it", instead)


def _argument(verb: Verb, rule: Rule, words: Words) -> Problem | None:
    given = words.first
    if rule.argument == "commit" and not given:
        return Problem("missing_commit", f"`{verb}` needs the commit that you looked at: {WORDING['commit']}", words)
    if rule.argument == "commit" and not fits(given, "commit"):
        return Problem("bad_value", f"{shown(given)} is no commit to approve: write {WORDING['commit']}", words)
    if rule.argument == "application" and given and not fits(given, "name"):
        return Problem("bad_value", f"{shown(given)} cannot be an application: that is {WORDING['name']}", words)
    if rule.argument == "verb" and given and given.lower().removeprefix("/") not in VERBS:
        return Problem("unknown_command", f"{shown(given)} is none of my commands", words)
    return None


def _one_of(verb: Verb, rule: Rule, words: Words) -> Problem | None:
    given = [name for name, _ in words.flags if name in rule.one_of]
    ways = " or ".join(f"`{flag_usage(flag, rule.flags[flag])}`" for flag in rule.one_of)
    if rule.one_of and not given and not misplaced(words.rest, rule.one_of):
        return Problem("missing_flag", f"`{verb}` needs its end: {ways}", words)
    if len(given) > 1:
        return Problem("conflicting_flags", f"`{verb}` takes only one of {ways}", words)
    return None


def _rest(verb: Verb, rule: Rule, words: Words) -> Problem | None:
    astray = misplaced(words.rest, rule.flags)
    if astray is not None:
        message = f"{shown(split_word(astray[1])[0])} stands too late: flags come before the other words"
        return Problem("misplaced_flag", message, words)
    if rule.reason == "no" and words.rest:
        return Problem("unexpected_text", f"`{verb}` does not understand {shown(words.rest)}", words)
    if rule.reason == "required" and words.rest in ("", "<reason>"):
        return Problem("missing_reason", f"`{verb}` needs a reason, as its last words", words._replace(rest=""))
    return None
