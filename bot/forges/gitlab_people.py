"""Who somebody is on GitLab: the role in the project, inherited or invited, and the groups."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal

from bot.core.errors import NotFound, Unavailable
from bot.core.models import Person

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.forges.gitlab_api import Api

_NOBODY = Person("none")
_NAME = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.-]{0,254}")


def user_id(api: Api, name: str) -> int | None:
    """The number of the user with that name, compared without case; None if there is none."""
    if not _NAME.fullmatch(name):  # GitLab would list everybody for an empty one
        return None
    with api.translated(f"look up the user {name[:100]!r}"):
        found = api.gl.users.list(username=name, iterator=True)
        return next((int(u.id) for u in found if str(u.username).casefold() == name.casefold()), None)


def person(api: Api, name: str, teams: frozenset[str]) -> Person:
    """See `ports.Forge.person`; who is no member has no permission, also where the project is public.

    Direct, inherited and invited members: https://docs.gitlab.com/api/project_members/
    """
    user = user_id(api, name)
    if user is None:
        return _NOBODY
    what = f"read the role of {name[:100]!r}"
    try:
        with api.translated(what):
            permission = _permission(api.project.members_all.get(user).attributes)
    except NotFound:
        permission = "none"
    return Person(permission, frozenset(team for team in teams if _is_in(api, team, user)))


def _is_in(api: Api, team: str, user: int) -> bool:
    group = api.gl.groups.get(team, lazy=True)
    try:
        with api.translated(f"read the members of {team!r}"):
            return _permission(group.members_all.get(user).attributes) != "none"
    except NotFound:
        _check_visible(api, team)
        return False


def _check_visible(api: Api, team: str) -> None:
    """GitLab says 404 for both: that the user is not in the group, and that we may not see the group."""
    try:
        with api.translated(f"read the group {team!r}"):
            api.gl.groups.get(team, with_projects=False)
    except NotFound as error:
        message = f"cannot tell who is in {team!r}: GitLab shows this token no such group"
        fix = "correct the group's full path, or let the token's user see it"
        raise Unavailable(message, fix=fix) from error


def _permission(member: Mapping[str, Any]) -> Literal["none", "read", "write", "admin"]:
    """https://docs.gitlab.com/api/access_requests/#valid-access-levels; somebody blocked or waiting has none."""
    level = int(member["access_level"])
    if member["state"] != "active" or level < 10:
        return "none"
    return "admin" if level >= 40 else "write" if level >= 30 else "read"
