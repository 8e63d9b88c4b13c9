"""GitLab's rules that make `gitops-bot/approval` binding: what they are, and setting them through its API.

Sources: https://docs.gitlab.com/api/protected_branches/, https://docs.gitlab.com/api/projects/#edit-a-project,
https://docs.gitlab.com/api/merge_request_approvals/, and where several rules match a branch
https://docs.gitlab.com/user/project/repository/branches/protection_rules/
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from bot.core.errors import BotError, Conflict, NotFound, Refused, Unauthorised
from bot.core.state.files import BRANCH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from bot.forges.gitlab_api import Api

_NOBODY, _MAINTAINERS = 0, 40
_TIER = "this takes GitLab Premium"
_WITHOUT = "without Premium the rest holds: the bot counts no approval of an older commit, and asks no code owners"


class Rules(NamedTuple):
    """What GitLab is to be told, as its API takes it; the last two with Premium alone."""

    project: dict[str, Any]
    branches: tuple[dict[str, Any], ...]
    approvals: dict[str, Any]
    owners: dict[str, Any]


def rules(default: str) -> Rules:
    """The rules of a project with this default branch, which is the first of the branches."""
    pipeline = {"only_allow_merge_if_pipeline_succeeds": True, "allow_merge_on_skipped_pipeline": False}
    by_request = {"push_access_level": _NOBODY, "merge_access_level": _MAINTAINERS, "allow_force_push": False}
    by_push = {"push_access_level": _MAINTAINERS, "merge_access_level": _NOBODY, "allow_force_push": False}
    branches = ({"name": default, **by_request}, {"name": BRANCH, **by_push})
    return Rules(pipeline, branches, {"reset_approvals_on_push": True}, {"code_owner_approval_required": True})


def apply(api: Api) -> Iterator[str]:
    """Set the rules that are not set yet; yields a line for each, which says so, and why one could not be set.

    Raises `BotError` `not_protected` in the end if one could not, and before anything is changed `Unauthorised`,
    `NotFound` or `Unavailable` if the project cannot be read.
    """
    with api.translated(f"read the project {api.path}"):
        default = api.gl.projects.get(api.path).attributes["default_branch"]
        _protected(api)
    if not default:
        raise NotFound(f"{api.path} has no default branch yet", fix="push the GitOps repository first")
    failed = 0
    for step in _steps(api, str(default)):
        try:
            with api.translated("set it"):
                line = _done(step)
        except (Unauthorised, NotFound, Refused, Conflict) as error:
            failed += 1
            line = f"not set: {step.what}: {error}"
        yield line
    if failed:
        message = f"{failed} of the rules of {api.path} could not be set"
        raise BotError(message, fix="do what is said at each, and run this again", reason_code="not_protected")


class _Step(NamedTuple):
    """One rule: in words, whether GitLab has it now, and how it gets it."""

    what: str
    is_set: Callable[[], bool]
    set: Callable[[], object]


def _done(step: _Step) -> str:
    """Nothing is believed but what GitLab says afterwards."""
    if step.is_set():
        return f"already so: {step.what}"
    step.set()
    if not step.is_set():
        raise Refused("GitLab took it, and did not keep it", fix="look for a rule of the group or instance against it")
    return f"set: {step.what}"


def _steps(api: Api, default: str) -> Iterator[_Step]:
    wanted = rules(default)
    branch, state = wanted.branches

    def pipeline() -> bool:
        now = api.gl.projects.get(api.path).attributes
        return all(now.get(key) == value for key, value in wanted.project.items())

    yield _Step(
        "merge requests are merged only when their pipeline succeeds",
        pipeline,
        lambda: api.gl.projects.update(api.path, wanted.project),
    )
    yield _branch(api, branch, f"`{default}` changes by merge request alone, merged by maintainers")
    yield _branch(api, state, f"`{BRANCH}` is pushed to by maintainers alone")
    yield _Step(
        "a push removes the approvals of an older commit",
        lambda: _approvals(api).items() >= wanted.approvals.items(),
        lambda: api.project.approvals.update(new_data=wanted.approvals),
    )
    yield _Step(
        f"code owners approve what goes into `{default}`",
        lambda: _owners(api, default),
        lambda: api.project.protectedbranches.update(default, wanted.owners),
    )


def _branch(api: Api, wanted: dict[str, Any], what: str) -> _Step:
    def is_set() -> bool:
        own, others = _matching(_protected(api), wanted["name"])
        for other in others:
            if not _is_as(other, wanted):
                fix = "delete that rule or make it the same: of several rules for a branch the most permissive holds"
                raise Refused(f"the rule for {api.clean(other['name'])!r} says otherwise", fix=fix)
        return own is not None and _is_as(own, wanted)

    return _Step(what, is_set, lambda: _protect(api, wanted))


def _protect(api: Api, wanted: dict[str, Any]) -> None:
    """Every tier takes a rule that is made anew; to change one in place takes the ids of all its levels."""
    name = wanted["name"]
    own, _ = _matching(_protected(api), name)
    if own:
        api.project.protectedbranches.delete(name)
    try:
        with api.translated("make the rule anew"):
            api.project.protectedbranches.create(wanted)
    except BotError as error:
        if own:
            error.fix = f"the branch is not protected at all now: {error.fix}"
        raise


def _protected(api: Api) -> list[Mapping[str, Any]]:
    """All rules for branches, those of the groups above as well."""
    return [rule.attributes for rule in api.project.protectedbranches.list(iterator=True)]


def _matching(there: list[Mapping[str, Any]], name: str) -> tuple[Mapping[str, Any] | None, list[Mapping[str, Any]]]:
    """The project's own rule for the branch, and all others for it: the group's, and those with a wildcard."""
    of_it = [rule for rule in there if re.fullmatch(".*".join(map(re.escape, rule["name"].split("*"))), name)]
    own = next((rule for rule in of_it if rule["name"] == name and not rule.get("inherited")), None)
    return own, [rule for rule in of_it if rule is not own]


def _is_as(rule: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether just that role may do each thing, no user, group or deploy key beside it."""
    levels = [
        [(at["access_level"], *(at.get(key) for key in ("user_id", "group_id", "deploy_key_id"))) for at in rule[key]]
        for key in ("push_access_levels", "merge_access_levels")
    ]
    roles = [[(wanted[key], None, None, None)] for key in ("push_access_level", "merge_access_level")]
    return levels == roles and rule["allow_force_push"] is wanted["allow_force_push"]


def _approvals(api: Api) -> Mapping[str, Any]:
    """How the project treats approvals. `Refused` where GitLab has no such settings."""
    try:
        with api.translated("read the approval settings"):
            return api.project.approvals.get().attributes
    except NotFound as error:
        raise Refused(_TIER, fix=_WITHOUT) from error


def _owners(api: Api, default: str) -> bool:
    """Whether the default branch's own rule wants code owners. `Refused` where GitLab knows no such thing."""
    own, _ = _matching(_protected(api), default)
    if own is None:
        raise Refused(f"`{default}` has no rule of its own", fix="see why the rule for it could not be set")
    if own.get("code_owner_approval_required") is None:
        raise Refused(_TIER, fix=_WITHOUT)
    return own["code_owner_approval_required"] is True
