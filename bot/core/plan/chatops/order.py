"""Which of two things that people asked for was asked for later: commands count in the order of their time."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from bot.core.commands import Command, parse
from bot.core.models import Unknown
from bot.core.plan.chatops.requests import named, names_of
from bot.core.state import Freeze, GivenApproval, Hold, Lock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.core.models import UserComment
    from bot.core.snapshot import Snapshot

Asked: TypeAlias = Lock | Freeze | Hold | GivenApproval
"""A record that a comment asked for."""
_FAMILIES: Mapping[str, frozenset[str]] = {
    verb: family
    for family in (frozenset({"hold", "unhold"}), frozenset({"lock", "unlock"}), frozenset({"freeze", "unfreeze"}))
    for verb in family
}
"""Verbs that undo each other: of two about the same thing the later one counts."""


def is_younger(world: Snapshot, record: Asked, comment: UserComment) -> bool:
    """Whether a record was asked for after this comment was written."""
    later = _is_later(world, record.comment, comment.id)
    time = record.time if isinstance(record, GivenApproval) else record.since
    return time > comment.time if later is None else later


def is_overtaken(world: Snapshot, comment: UserComment, command: Command) -> bool:
    """Whether a later command about the same thing was carried out already.

    That is so after a crash, or where a reaction could not be put: then the older of the two is found again.
    """
    family = _FAMILIES.get(command.verb)
    if not family or isinstance(world.comments, Unknown):
        return False
    later = [c for c in world.comments if "rocket" in c.reactions and _is_later(world, c.id, comment.id)]
    about = _about(comment, command)
    return any(other.verb in family and _about(c, other) == about for c in later for other in _commands(world, c))


def _is_later(world: Snapshot, one: str, other: str) -> bool | None:
    """Whether one comment stands behind the other where the forge lists them; None where it does not list both.

    A forge's times may be no finer than seconds, so that the list tells more than they do.
    """
    listed = () if isinstance(world.comments, Unknown) else [c.id for c in world.comments]
    return listed.index(one) > listed.index(other) if one in listed and other in listed else None


def _commands(world: Snapshot, comment: UserComment) -> list[Command]:
    return [named(world, c) for c in parse(comment.body, *names_of(world)) if isinstance(c, Command)]


def _about(comment: UserComment, command: Command) -> object:
    return comment.number if command.verb in ("hold", "unhold") else command.environment
