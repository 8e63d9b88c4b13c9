"""A line that was wrong, typed as it would be right: what was right in it stays, what is missing is named in `<…>`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core.commands.values import fits
from bot.core.commands.verbs import VERBS, flag_usage
from bot.core.commands.words import nearest

if TYPE_CHECKING:
    from bot.core.commands.verbs import Rule, Takes, Verb
    from bot.core.commands.words import Words

LONGEST_SHOWN = 200


def retyped(verb: Verb, words: Words) -> str:
    """The verb with those words as its rule wants them, without `/`."""
    rule = VERBS[verb]
    first = _argument(rule, words.first) if rule.argument else _name(words.first, rule.environment)
    reason = words.rest[:LONGEST_SHOWN] or "<reason>"
    asked = rule.reason == "required" or (rule.reason == "optional" and words.rest)
    return " ".join(filter(None, [verb, first, *_flags(rule, words), reason if asked else ""]))


def _name(word: str, takes: Takes) -> str:
    if takes == "no":
        return ""
    fitting = next((name for name in (word, word.lower()) if fits(name, "name")), "")
    return fitting or ("<environment>" if takes == "required" or word else "")


def _argument(rule: Rule, word: str) -> str:
    if rule.argument == "commit":
        return word if fits(word, "commit") else "<commit>"
    if rule.argument == "verb":
        return nearest(word.lower().removeprefix("/"), VERBS) or ""
    return "" if not word else word.lower() if fits(word.lower(), "name") else "<application>"


def _flags(rule: Rule, words: Words) -> list[str]:
    given = {name: value for name, value in reversed(words.flags) if name in rule.flags}
    chosen = next((name for name, _ in words.flags if name in rule.one_of), next(iter(rule.one_of), ""))
    names = [name for name in rule.flags if name == chosen or (name in given and name not in rule.one_of)]
    return [_flag(rule, name, given.get(name)) for name in names]


def _flag(rule: Rule, name: str, value: str | bool | None) -> str:
    shape = rule.flags[name]
    if shape == "none" or not isinstance(value, str) or not fits(value, shape):
        return flag_usage(name, shape)
    return f'--{name}="{value}"' if " " in value else f"--{name}={value}"
