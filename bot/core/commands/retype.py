"""A line that was wrong, typed as it would be right: what was right in it stays, what is missing is named in `<…>`.

A flag is never dropped: without `--dry-run`, misspelt or in the wrong place, the rest would do more than was meant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core.commands.values import fits
from bot.core.commands.verbs import VERBS, flag_usage
from bot.core.commands.words import BLANK, Words, misplaced, nearest, split_words

if TYPE_CHECKING:
    from bot.core.commands.verbs import Rule, Takes, Verb


def retyped(verb: Verb, words: Words) -> str:
    """The verb with those words as its rule wants them, without `/`; the help on it, if they cannot be told."""
    rule = VERBS[verb]
    mended = _mended(rule, words)
    if mended is None:
        return f"help {verb}"
    first = _argument(rule, mended.first) if rule.argument else _name(mended.first, rule.environment)
    asked = rule.reason == "required" or (rule.reason == "optional" and mended.rest)
    reason = (mended.rest or "<reason>") if asked else ""
    return " ".join(filter(None, [verb, first, *_flags(rule, mended), reason]))


def _mended(rule: Rule, words: Words) -> Words | None:
    """The same with each flag before the other words and by its right name; None if one cannot be made out."""
    before, behind = "", split_words(words.rest, first=False)
    flags = (*words.flags, *behind.flags)
    while not behind.broken and (astray := misplaced(behind.rest, rule.flags)):
        before = f"{before} {astray[0]}".strip(BLANK)
        behind = split_words(astray[1], first=False)
        flags += behind.flags
    named = [(name if name in rule.flags else nearest(name, rule.flags) or "", value) for name, value in flags]
    rest = f"{before} {behind.rest}".strip(BLANK)
    lost = rule.reason == "no" and any(nearest(word.strip("-"), rule.flags) for word in rest.split())
    return (
        None if behind.broken or lost or not all(name for name, _ in named) else Words(words.first, tuple(named), rest)
    )


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
    given = dict(reversed(words.flags))
    chosen = next((name for name, _ in words.flags if name in rule.one_of), next(iter(rule.one_of), ""))
    names = [name for name in rule.flags if name == chosen or (name in given and name not in rule.one_of)]
    return [_flag(rule, name, given.get(name)) for name in names]


def _flag(rule: Rule, name: str, value: str | bool | None) -> str:
    shape = rule.flags[name]
    if shape == "none" or not isinstance(value, str) or not fits(value, shape):
        return flag_usage(name, shape)
    return f'--{name}="{value}"' if " " in value else f"--{name}={value}"
