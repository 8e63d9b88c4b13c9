"""Records ↔ files of the branch `gitops-bot/state`: one record a file, the same record always the same bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core.state.paths import KINDS, README, freeze_path, granted_path, hold_path, lock_path, path_of
from bot.core.state.records import Damaged, FirstSeen, Freeze, GivenApproval, Granted, Hold, Lock, Rebuild, State
from bot.core.state.shapes import content_of, record_from

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bot.core.state.records import Record

BRANCH = "gitops-bot/state"


def read_state(files: Mapping[str, bytes]) -> State:
    """All files of the branch, by path → the state. Never raises: what cannot be understood is kept as damaged."""
    return _state([_read(path, files[path]) for path in sorted(files) if path != README])


def records_of(state: State) -> dict[str, Record | Damaged]:
    """What lies on the branch, by path: the other way round from `read_state`."""
    seen = [FirstSeen(repository, versions) for repository, versions in state.seen.items()]
    records: list[Record] = [*state.locks.values(), *state.freezes.values(), *state.holds.values(), *state.approvals]
    records += [*state.rebuilds.values(), *seen, *state.granted.values()]
    return {path_of(record): record for record in records} | {one.path: one for one in state.damaged}


def changed(state: State, files: Mapping[str, bytes | None]) -> State:
    """The state once these files of the branch are written (None: deleted)."""
    there = {path: record for path, record in records_of(state).items() if path not in files}
    return _state([*there.values(), *(_read(path, content) for path, content in files.items() if content is not None)])


def _state(read: Iterable[Record | Damaged]) -> State:
    read = tuple(read)
    approvals = [record for record in read if isinstance(record, GivenApproval)]
    return State(
        locks={record.environment: record for record in read if isinstance(record, Lock)},
        freezes={record.environment: record for record in read if isinstance(record, Freeze)},
        holds={record.number: record for record in read if isinstance(record, Hold)},
        approvals=tuple(sorted(approvals, key=lambda approval: (approval.time, approval.number, approval.user))),
        rebuilds={record.application: record for record in read if isinstance(record, Rebuild)},
        seen={record.repository: record.versions for record in read if isinstance(record, FirstSeen)},
        granted={record.commit: record for record in read if isinstance(record, Granted)},
        damaged=tuple(record for record in read if isinstance(record, Damaged)),
    )


def with_lock(lock: Lock) -> tuple[str, bytes]:
    """The file that makes the lock: path and content."""
    return path_of(lock), content_of(lock)


def without_lock(environment: str) -> tuple[str, None]:
    """The file whose deletion ends the lock."""
    return lock_path(environment), None


def with_freeze(freeze: Freeze) -> tuple[str, bytes]:
    """The file that makes the freeze: path and content."""
    return path_of(freeze), content_of(freeze)


def without_freeze(environment: str | None) -> tuple[str, None]:
    """The file whose deletion ends the freeze of an environment, or (None) that of everywhere."""
    return freeze_path(environment), None


def with_hold(hold: Hold) -> tuple[str, bytes]:
    """The file that makes the hold: path and content."""
    return path_of(hold), content_of(hold)


def without_hold(number: int) -> tuple[str, None]:
    """The file whose deletion ends the hold."""
    return hold_path(number), None


def with_approval(approval: GivenApproval) -> tuple[str, bytes]:
    """The file that makes the approval, in place of the user's earlier one: path and content."""
    return path_of(approval), content_of(approval)


def with_rebuild(rebuild: Rebuild) -> tuple[str, bytes]:
    """The file that asks for the rebuild, in place of the application's earlier one: path and content."""
    return path_of(rebuild), content_of(rebuild)


def with_first_seen(seen: FirstSeen) -> tuple[str, bytes]:
    """The file that says when versions of a repository were first seen, in place of the earlier one."""
    return path_of(seen), content_of(seen)


def with_granted(granted: Granted) -> tuple[str, bytes]:
    """The file that says that a commit may be merged: path and content."""
    return path_of(granted), content_of(granted)


def without_granted(commit: str) -> tuple[str, None]:
    """The file whose deletion says that the commit may not be merged any more, or is."""
    return granted_path(commit), None


def _read(path: str, content: bytes) -> Record | Damaged:
    kind = path.partition("/")[0]
    if kind not in KINDS:
        return Damaged(path, "no such file belongs on this branch")
    try:
        record = record_from(kind, content)
    except UnicodeDecodeError:
        return Damaged(path, "it is not UTF-8")
    except ValueError as error:
        return Damaged(path, f"{error}")
    right = path_of(record)
    return record if right == path else Damaged(path, f"what it holds belongs into {right}")
