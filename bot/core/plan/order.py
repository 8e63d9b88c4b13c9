"""In which order a plan is carried out: what takes back first, what takes long last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core.actions import (
    BuildImage,
    Comment,
    DisableAutoMerge,
    PackageChart,
    React,
    SetLabel,
    SetStatus,
    TakeBack,
    WriteState,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bot.core.actions import Action


def in_order(actions: Iterable[Action]) -> tuple[Action, ...]:
    """The same actions: one that fails, or a process that is killed, leaves nothing to be merged that must not be.

    What lets something be merged comes after the record of it; a build, which may take minutes, after everything.
    """
    return tuple(sorted(actions, key=_rank))


def _rank(action: Action) -> int:
    match action:
        case SetStatus(status=status) if status.state != "success":
            return 0
        case DisableAutoMerge() | TakeBack():
            return 0
        case SetLabel(present=False):
            return 1
        case WriteState():
            return 2
        case SetLabel() | React():
            return 3
        case Comment(environment=None):
            return 3
        case BuildImage() | PackageChart():
            return 5
    return 4
