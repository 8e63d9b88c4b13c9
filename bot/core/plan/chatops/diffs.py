"""What a promotion would change, for those who ask by `/diff`: value by value, and object by object where rendered."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bot.core import messages
from bot.core.models import Unknown
from bot.core.plan.chatops.hearing import hear
from bot.core.plan.rendering import Rendered, render
from bot.core.plan.sections import rendered_objects, told

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bot.core.commands import Command
    from bot.core.snapshot import Snapshot

ROOM = 20_000
"""Characters of rendered objects in one answer, which holds five commands at most."""


class Question(NamedTuple):
    """A promotion that somebody wants to see: `files` (path → bytes) on top of the default branch, and its folder.

    `key` names it among the inspections, and cannot be a branch's name.
    """

    key: str
    folder: str
    files: Mapping[str, bytes]


def questions(snapshot: Snapshot) -> Iterator[Question]:
    """What must be rendered before the open requests can be answered, and is not yet."""
    for heard in hear(snapshot).heard:
        for command in heard.request.commands if not heard.problems else ():
            if asks_to_see(command) and _source(snapshot, command):
                yield _question(snapshot, command)


def asks_to_see(command: Command) -> bool:
    """Whether it wants to know what would change, and no more."""
    return command.verb == "diff" or (command.verb == "promote" and "dry-run" in command.flags)


def difference(snapshot: Snapshot, command: Command) -> str:
    """The answer (Markdown): what a promotion into the environment would change."""
    environment, source = str(command.environment), _source(snapshot, command)
    if not source:
        return f"{environment} gets its releases from the sources; it has no environment before it"
    lines = []
    for one in _rendered(snapshot, command):
        lines += [f"- {messages.code(messages.change_line(c))}" for c in one.changes[: messages.MOST_ROWS]]
        lines += [f"- {messages.code(f'{r.file}:{r.line}')} {messages.plain(r.reason)}" for r in one.refusals]
    head = f"{source} → {environment}:\n" + ("\n".join(lines) or "nothing differs")
    return f"{head}\n\n{_objects(snapshot, command)}" if lines else head


def _objects(snapshot: Snapshot, command: Command) -> str:
    found = snapshot.inspections.get(_key(snapshot, command), Unknown("it was not asked"))
    if isinstance(found, Unknown):
        return f"**Rendered**: not looked up: {told(found.reason)}"
    return rendered_objects(found, ROOM, "the pull request will show the changed files")


def _question(snapshot: Snapshot, command: Command) -> Question:
    files = {path: content for one in _rendered(snapshot, command) for path, content in one.files.items()}
    folder = snapshot.config.environments[str(command.environment)].path
    return Question(_key(snapshot, command), folder, files)


def _key(snapshot: Snapshot, command: Command) -> str:
    return f"{_source(snapshot, command)} → {command.environment} {','.join(command.applications)}"


def _rendered(snapshot: Snapshot, command: Command) -> Iterator[Rendered]:
    """Each application's files with the release of the environment before."""
    environment, source = str(command.environment), _source(snapshot, command)
    for application in command.applications or tuple(snapshot.config.applications):
        yield render(snapshot, environment, application, snapshot.deployed[source, application].release)


def _source(snapshot: Snapshot, command: Command) -> str:
    """The environment whose releases are meant; empty for the first one, whose come from the sources."""
    after = snapshot.config.environments[str(command.environment)].after
    return str(command.flags.get("from") or after or "")
