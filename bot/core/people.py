"""Who is meant by a name, a team or a permission of the configuration, and how people are named in a sentence.

Names are compared without regard to case, as forges do.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bot.core.identity import BOT_NAME

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bot.core.models import Person

_RANKS = {"none": 0, "read": 1, "write": 2, "admin": 3}
# GitLab's bot users: https://docs.gitlab.com/user/project/settings/project_access_tokens/#bot-users-for-projects
_GITLAB_BOT = re.compile(r"(project|group)_\d+_bot(_?[0-9a-z]+)?")


def is_bot(user: str) -> bool:
    """Whether the name is this bot's own or marked as a bot's, as GitHub marks those of apps, GitLab of tokens."""
    name = user.lower()
    return name == BOT_NAME or name.endswith("[bot]") or _GITLAB_BOT.fullmatch(name) is not None


def qualifies(who: Iterable[str], name: str, person: Person) -> bool:
    """Whether the user `name` is one of `who`: names, `team:…`, `permission:…`, as the configuration writes them.

    Nobody without any permission on the repository is: a name in a file may outlive the person's access.
    """
    return person.permission != "none" and any(_is(one, name, person) for one in who)


def in_words(who: Iterable[str]) -> tuple[str, ...]:
    """Entries of the configuration as they are said: `alice`, `the team acme/ops`, `anyone with write permission`."""
    return tuple(_in_words(one) for one in who)


def few(words: Sequence[str], most: int) -> str:
    """At most so many of the names, and how many there are besides: `alice, bob and 3 others`."""
    if len(words) <= most:
        return ", ".join(words)
    if not most:
        return "somebody" if len(words) == 1 else f"{len(words)} of them"
    more = len(words) - most
    return f"{', '.join(words[:most])} and {more} other{'' if more == 1 else 's'}"


def _is(who: str, name: str, person: Person) -> bool:
    kind, _, value = who.rpartition(":")
    if kind == "permission":
        return _RANKS[person.permission] >= _RANKS[value]
    if kind == "team":
        return value.lower() in {team.lower() for team in person.teams}
    return value.lower() == name.lower()


def _in_words(who: str) -> str:
    kind, _, value = who.rpartition(":")
    if kind == "permission":
        return f"anyone with {value} permission"
    return f"the team {value}" if kind == "team" else value
