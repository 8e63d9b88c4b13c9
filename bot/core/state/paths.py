"""Where each record of the state branch lies: a name becomes one part of a path, and nothing can climb out of it."""

from __future__ import annotations

import re
from urllib.parse import quote

from bot.core.state.records import FirstSeen, Freeze, GivenApproval, Granted, Hold, Lock, Rebuild, Record

KINDS = ("locks", "freezes", "holds", "approvals", "rebuilds", "seen", "granted")
"""The folders of the branch."""
README = "README.md"
"""The one other file that may lie there, for people."""
_CLEAR = re.compile(
    r"(?!locks/all\.json)(?:locks|freezes)/(?:%61ll|[a-z0-9][a-z0-9._-]{0,62})\.json"
    r"|holds/[1-9][0-9]*\.json"
    r"|(?:approvals|rebuilds|seen|granted)/.*",
    re.DOTALL,
)


def lock_path(environment: str) -> str:
    """The file of an environment's lock."""
    return f"locks/{_environment(environment)}.json"


def freeze_path(environment: str | None) -> str:
    """The file of an environment's freeze, or (None) of that of everywhere."""
    return "freezes/all.json" if environment is None else f"freezes/{_environment(environment)}.json"


def hold_path(number: int) -> str:
    """The file of a pull request's hold."""
    return f"holds/{number}.json"


def approval_path(number: int, user: str) -> str:
    """The file of a user's approval; users are told apart without regard to case, as on a forge."""
    return f"approvals/{number}/{quote(user.casefold(), safe='')}.json"


def rebuild_path(application: str) -> str:
    """The file of an application's newest rebuild."""
    return f"rebuilds/{quote(application, safe='')}.json"


def seen_path(repository: str) -> str:
    """The file of the versions of a repository."""
    return f"seen/{quote(repository, safe='')}.json"


def granted_path(commit: str) -> str:
    """The file of a commit that may be merged."""
    return f"granted/{commit}.json"


def path_of(record: Record) -> str:
    """The one file where a record may lie."""
    match record:
        case Lock():
            return lock_path(record.environment)
        case Freeze():
            return freeze_path(record.environment)
        case Hold():
            return hold_path(record.number)
        case GivenApproval():
            return approval_path(record.number, record.user)
        case Rebuild():
            return rebuild_path(record.application)
        case FirstSeen():
            return seen_path(record.repository)
        case Granted():
            return granted_path(record.commit)


def is_clear(path: str) -> bool:
    """Whether the path alone tells what its record is about, whatever the file holds."""
    return _CLEAR.fullmatch(path) is not None


def _environment(name: str) -> str:
    # An environment that is called `all` must not be taken for everywhere.
    return "%61ll" if name == "all" else quote(name, safe="")
