"""Do one action. Each may be done twice, or be killed at any point and done again, with the same end."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from bot.core.actions import (
    Action,
    BuildImage,
    ClosePullRequest,
    Comment,
    DeleteBranch,
    DisableAutoMerge,
    EnableAutoMerge,
    MergePullRequest,
    OpenPullRequest,
    PackageChart,
    Proposal,
    React,
    RecordDeployment,
    RequestReviews,
    SetLabel,
    SetStatus,
    TakeBack,
    UpdatePullRequest,
    WriteState,
)
from bot.core.errors import Conflict, NotFound, Refused
from bot.core.state import BRANCH as STATE_BRANCH

if TYPE_CHECKING:
    from bot.ports import Edges, Forge


def apply(action: Action, edges: Edges) -> None:
    """Do it. Raises `Conflict` when somebody else was faster, another `BotError` when it failed."""
    match action:
        case BuildImage():
            _build(action, edges)
        case PackageChart():
            _package(action, edges)
        case OpenPullRequest(branch=str(branch)):
            _push(action, edges)
            edges.forge.open_pull_request(branch, action.title, action.body)
        case UpdatePullRequest():
            _push(action, edges)
            edges.forge.update_pull_request(action.number, action.title, action.body)
        case DeleteBranch(branch=str(branch)):
            edges.git.push(branch, None, action.head)
        case WriteState():
            _write_state(action, edges)
        case TakeBack():
            _take_back(action, edges)
        case _:
            _on_the_forge(action, edges.forge)


def _on_the_forge(action: Action, forge: Forge) -> None:
    """What changes nothing but the forge."""
    match action:
        case SetStatus():
            forge.set_status(action.commit, action.status)
        case React():
            forge.react(action.comment, action.reaction)
        case RecordDeployment():
            forge.set_deployment(action.deployment)
        case MergePullRequest():
            forge.merge_pull_request(action.number, action.head)
        case EnableAutoMerge():
            forge.enable_auto_merge(action.number, action.head)
        case DisableAutoMerge():
            forge.disable_auto_merge(action.number)
        case _:
            _on_a_page(action, forge)


def _on_a_page(action: Action, forge: Forge) -> None:
    """What a person does on a pull request's page, and merges nothing."""
    match action:
        case ClosePullRequest():
            forge.comment(action.number, action.comment, f"I close this: {action.reason}.")
            forge.close_pull_request(action.number)
        case RequestReviews():
            forge.request_reviews(action.number, action.users, action.teams)
        case Comment():
            forge.comment(action.number, action.comment, action.body, on_issue=action.on_issue)
        case SetLabel():
            forge.set_label(action.number, action.label, present=action.present)
        case _:
            raise AssertionError(f"no way to do {action.kind}")


def _write_state(action: WriteState | TakeBack, edges: Edges) -> None:
    """Commits on the state branch, which only moves from where it was seen: its history is the audit log."""
    at, now = action.expected, edges.clock.now()
    if not action.steps:
        return
    for step in action.steps:
        at = edges.git.write([at] if at else [], step.files, step.message, now)
    edges.git.push(STATE_BRANCH, at, action.expected)


def _take_back(action: TakeBack, edges: Edges) -> None:
    """The record goes last: killed before, the next run takes the success off once more."""
    for commit in action.numbers:
        with contextlib.suppress(NotFound):  # what the forge does not have, nobody can merge
            edges.forge.set_status(commit, action.status)
    _write_state(action, edges)


def _push(action: Proposal, edges: Edges) -> None:
    """One commit on top of the default branch, put in the place of what the branch held."""
    if action.files is None:
        return
    assert action.branch is not None
    # Somebody may have merged and deleted this very branch since: then it would come back for nothing.
    edges.git.fetch()
    if edges.git.head().sha != action.parent:
        raise Conflict("the default branch moved meanwhile")
    commit = edges.git.write([action.parent], action.files, action.message, edges.clock.now())
    edges.git.push(action.branch, commit, action.expected)


def _build(action: BuildImage, edges: Edges) -> None:
    """Build, test, push. An image that somebody pushed in the meantime under that tag is left as it is."""
    order = action.order
    handle = edges.builder.build(order, edges.source(order.source))
    try:
        if action.test:
            _test(action, handle, edges)
        if edges.registry.digest(order.target) is None:
            edges.progress(f"Push {order.target}")
            edges.builder.push(handle, order.target)
    finally:
        edges.builder.discard(handle)


def _package(action: PackageChart, edges: Edges) -> None:
    """Package, push. A chart that somebody pushed in the meantime under that version is left as it is."""
    order = action.order
    package = edges.packager.package(order, edges.source(order.source))
    if edges.registry.digest(order.target) is None:
        edges.packager.push(package, order.target)


def _test(action: BuildImage, handle: str, edges: Edges) -> None:
    command = " ".join(action.test)
    edges.progress(f"Test {action.order.target}: {command}")
    run = edges.builder.test(handle, action.test, action.test_seconds, action.test_env)
    if run.exit_code:
        raise Refused(
            f"the test of {action.order.target} failed, exit code {run.exit_code}: {command}\n{run.output}".rstrip(),
            fix="nothing was pushed; correct the source or the test, and commit",
            reason_code="test_failed",
        )
