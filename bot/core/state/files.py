"""Records ↔ files of the branch `gitops-bot/state`: the same record is the same bytes, and only those are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.core.state.records import Freeze, GivenApproval, Hold, Lock, State

BRANCH = "gitops-bot/state"


def read_state(files: Mapping[str, bytes]) -> State:
    """All files of the branch, by path → the state. Never raises: what cannot be understood is kept as damaged."""
    raise NotImplementedError


def with_lock(lock: Lock) -> tuple[str, bytes]:
    """The file that makes the lock: path and content."""
    raise NotImplementedError


def without_lock(environment: str) -> tuple[str, None]:
    """The file whose deletion ends the lock."""
    raise NotImplementedError


def with_freeze(freeze: Freeze) -> tuple[str, bytes]:
    """The file that makes the freeze: path and content."""
    raise NotImplementedError


def without_freeze(environment: str | None) -> tuple[str, None]:
    """The file whose deletion ends the freeze of an environment, or (None) that of everywhere."""
    raise NotImplementedError


def with_hold(hold: Hold) -> tuple[str, bytes]:
    """The file that makes the hold: path and content."""
    raise NotImplementedError


def without_hold(number: int) -> tuple[str, None]:
    """The file whose deletion ends the hold."""
    raise NotImplementedError


def with_approval(approval: GivenApproval) -> tuple[str, bytes]:
    """The file that makes the approval, in place of the user's earlier one: path and content."""
    raise NotImplementedError


def without_approval(number: int, user: str) -> tuple[str, None]:
    """The file whose deletion takes the approval back."""
    raise NotImplementedError
