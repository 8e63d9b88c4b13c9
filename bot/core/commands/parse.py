"""A comment's text becomes commands, and mistakes that say what to type instead; nothing else of it counts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bot.core.commands.check import check
from bot.core.commands.records import Command, Mistake
from bot.core.commands.verbs import VERBS
from bot.core.commands.words import BLANK, nearest, shown, split_word

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from bot.core.commands.verbs import Verb

MOST_COMMANDS = 5
LONGEST_BODY = 65_536
"""Characters of a comment on GitHub; what is longer (GitLab allows a million) is not parsed."""
LONGEST_LINE = 1000
"""Characters of a line with a command, so that a reason stays one that people read."""
_SURROGATE = re.compile("[\ud800-\udfff]")


def parse(body: str, bot: str, *aliases: str) -> tuple[Command | Mistake, ...]:
    """A comment (Markdown) and the bot's names → what it asks for, in the order of its lines. Never raises.

    A command is a line of open text, `/verb …` or `@bot verb …`, indented by three blanks at most. Unknown `/words`
    say nothing, unless they are within two edits of a verb; whatever is said to `@bot` comes back as something.
    """
    text = re.sub(r"\r\n?", "\n", _SURROGATE.sub("\ufffd", body)).replace("\0", "\ufffd")
    start = _start((bot, *aliases))
    if not start.search(text):
        return ()
    if len(text) > LONGEST_BODY:
        return _too_long(text, start)
    # Only now, and only for comments that may hold a command: the parser takes a while to import and to run.
    from bot.core.commands.markdown import spoken_lines

    found = [read for number, line in spoken_lines(text) if (read := _read(line, number, start))]
    if len(found) <= MOST_COMMANDS:
        return tuple(found)
    message = f"a comment may hold {MOST_COMMANDS} commands, this one holds {len(found)}: none was run"
    return (Mistake("too_many_commands", found[MOST_COMMANDS].text, message, found[0].text),)


def naming(command: Command, environments: Collection[str]) -> Command:
    """The command with the first word of its reason as its environment, if it is one: `/unfreeze prod done`.

    Only `unfreeze` changes: its environment may be left out, and no flag stands between it and the reason.
    """
    word, rest = split_word(command.reason)
    if command.verb != "unfreeze" or word not in environments or not rest:
        return command
    return command._replace(environment=word, reason=rest)


def _start(names: Iterable[str]) -> re.Pattern[str]:
    """What a line begins with that is said to the bot. GitHub mentions an app without the `[bot]` of its name."""
    any_of = "|".join(re.escape(name.removesuffix("[bot]")) for name in names)
    return re.compile(rf"^ {{0,3}}(?:/(?=[^ \t\n/])|(?P<mention>@(?:{any_of}))(?=[ \t\n]|\Z))", re.M | re.A | re.I)


def _too_long(text: str, start: re.Pattern[str]) -> tuple[Mistake, ...]:
    for found in start.finditer(text):
        line = text[found.end() : found.end() + 100].partition("\n")[0]
        if found["mention"] or _verb(split_word(line)[0]):
            message = f"the comment has more than {LONGEST_BODY:,} characters, so I did not read it"
            return (Mistake("too_long", f"{found[0]}{line}".strip(BLANK), message, f"{found[0]}{line}".strip(BLANK)),)
    return ()


def _read(line: str, number: int, start: re.Pattern[str]) -> Command | Mistake | None:
    found = start.match(line)
    if found is None:
        return None
    mention = found["mention"]
    prefix = f"{mention} " if mention else "/"
    word, rest = split_word(line[found.end() :].strip(BLANK))
    verb = _verb(word)
    text = line.strip(BLANK)
    near = nearest(word.lower().lstrip("/"), VERBS)
    if len(text) > LONGEST_LINE and (verb or near or mention):
        message = f"the line has more than {LONGEST_LINE:,} characters"
        return Mistake("too_long", text, message, f"{prefix}help {near or ''}".strip(BLANK))
    if verb is not None:
        return check(Command(verb, None, {}, "", line=number, text=text), rest, prefix)
    if near is None and not mention:
        return None
    message = f"{shown(word)} is none of my commands" if word else "there is no command behind my name"
    return Mistake("unknown_command", text, message, _meant(near, rest, prefix))


def _meant(near: Verb | None, rest: str, prefix: str) -> str:
    """The line with the verb that was meant, as it would be right."""
    if near is None:
        return f"{prefix}help"
    read = check(Command(near, None, {}, ""), rest, prefix)
    return read.suggestion if isinstance(read, Mistake) else f"{prefix}{near} {rest}".strip(BLANK)


def _verb(word: str) -> Verb | None:
    # Lower-casing makes a `k` of the Kelvin sign: what is not ASCII is no verb.
    return next((verb for verb in VERBS if word.isascii() and word.lower() == verb), None)
