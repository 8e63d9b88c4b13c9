"""What the fake GitLab answers about a project's settings and the rules for its branches, to maintainers alone.

https://docs.gitlab.com/api/protected_branches/, https://docs.gitlab.com/api/merge_request_approvals/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tests.forges.gitlab.world import BOT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.forges.gitlab.world import World


class Answer(NamedTuple):
    """What a path answers: status and JSON; a list is given by pages."""

    status: int
    body: Any


def _for_maintainers(action: Callable[..., Answer]) -> Callable[..., Answer]:
    def answer(world: World, _path: str, *parts: str, given: dict[str, Any]) -> Answer:
        if world.members[BOT] < 40:
            return Answer(403, {"message": "403 Forbidden"})
        return action(world, *parts, given)

    return answer


@_for_maintainers
def _set_up(world: World, given: dict[str, Any]) -> Answer:
    known = {key: value for key, value in given.items() if key in world.settings}
    if not known:
        return Answer(400, {"error": "at least one parameter must be provided"})
    world.settings |= known
    return Answer(200, {"id": 7, **world.settings})


@_for_maintainers
def _list(world: World, given: dict[str, Any]) -> Answer:
    return Answer(200, world.protected)


@_for_maintainers
def _protect(world: World, given: dict[str, Any]) -> Answer:
    name, force = given["name"], given.get("allow_force_push", False)
    if any(rule["name"] == name and not rule.get("inherited") for rule in world.protected):
        return Answer(409, {"message": f"Protected branch '{name}' already exists"})
    push, merge = given.get("push_access_level", 40), given.get("merge_access_level", 40)
    return Answer(201, world.protect(name, push=push, merge=merge, force=force))


@_for_maintainers
def _change(world: World, name: str, given: dict[str, Any]) -> Answer:
    """A free GitLab takes what it does not know, and leaves it."""
    rule = _own_rule(world, name)
    rule.update({key: value for key, value in given.items() if key in rule})
    return Answer(200, rule)


@_for_maintainers
def _unprotect(world: World, name: str, given: dict[str, Any]) -> Answer:
    world.protected.remove(_own_rule(world, name))
    return Answer(204, None)


def _own_rule(world: World, name: str) -> dict[str, Any]:
    """The group's rules cannot be changed here. `KeyError` for what is not there, which is answered with 404."""
    own = {rule["name"]: rule for rule in world.protected if not rule.get("inherited")}
    return own[name]


@_for_maintainers
def _approvals(world: World, given: dict[str, Any]) -> Answer:
    """Of a GitLab with Premium; a free one has no such path."""
    if not world.premium:
        raise KeyError("Path")
    world.approval_settings |= {key: value for key, value in given.items() if key in world.approval_settings}
    return Answer(201 if given else 200, world.approval_settings)


_P = "/projects/([^/]+)"
ROUTES: Sequence[tuple[str, str, Callable[..., Answer]]] = (
    ("PUT", _P, _set_up),
    ("GET", _P + "/protected_branches", _list),
    ("POST", _P + "/protected_branches", _protect),
    ("PATCH", _P + "/protected_branches/([^/]+)", _change),
    ("DELETE", _P + "/protected_branches/([^/]+)", _unprotect),
    ("GET", _P + "/approvals", _approvals),
    ("POST", _P + "/approvals", _approvals),
)
