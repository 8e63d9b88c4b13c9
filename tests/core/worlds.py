"""Snapshots written by hand, and what they become once actions are done: values only, nothing is read or kept."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from bot.core.actions import (
    Action,
    ClosePullRequest,
    Comment,
    DeleteBranch,
    DisableAutoMerge,
    EnableAutoMerge,
    MergePullRequest,
    OpenPullRequest,
    Proposal,
    RequestReviews,
    SetStatus,
    TakeBack,
    UpdatePullRequest,
    WriteState,
)
from bot.core.config import load_config
from bot.core.deployed import deployed_everywhere
from bot.core.identity import BOT_EMAIL, BOT_NAME
from bot.core.models import Branch, Commit, ImageInfo, Person, PullRequest, Review, Unknown
from bot.core.plan import plan
from bot.core.plan.interest import image_references
from bot.core.references import parse
from bot.core.snapshot import Snapshot
from bot.core.state import Granted, changed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bot.core.actions import Plan, Skip
    from bot.core.events import Event
    from bot.core.references import Reference

A = TypeVar("A", bound=Action)

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SOURCE = "https://git.example.com/shop.git"
BASE = "registry.example.com/base:11"
SHOP = "registry.example.com/shop"
ENVIRONMENTS = """\
version: 1
environments:
  dev: {path: envs/dev, merge: auto}
  staging: {path: envs/staging, after: dev, approvals: 1}
  prod: {path: envs/prod, after: staging, approvals: 2, approvers: [alice, bob, carol]}
applications:
  shop:
    images:
"""
FOLLOWED = ENVIRONMENTS + f"      shop: {{repository: {SHOP}, policy: {{semver: '>=1 <9'}}}}\n"
BUILT = ENVIRONMENTS + f"      shop: {{repository: {SHOP}, build: {{git: '{SOURCE}', base: '{BASE}'}}}}\n"
TWO_IMAGES = FOLLOWED + "      web: {repository: registry.example.com/web, policy: {semver: '>=1 <9'}}\n"
TWO_APPLICATIONS = FOLLOWED + (
    "  desk:\n    images:\n      desk: {repository: registry.example.com/desk, policy: {semver: '>=1 <9'}}\n"
)

PEOPLE = {
    **dict.fromkeys(("alice", "bob", "carol", "dana", "erin", "mallory", "gitops-bot"), Person("write")),
    "rita": Person("read"),
}


def sha(text: str) -> str:
    """A full git SHA that stands for the text."""
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def digest(reference: str) -> str:
    """The digest that an image reference has in these worlds."""
    return f"sha256:{hashlib.sha256(reference.encode()).hexdigest()}"


def pinned(reference: str) -> str:
    """`tag@digest` of a reference."""
    return f"{reference.rpartition(':')[2]}@{digest(reference)}"


def commit(text: str, by: str = "dana@example.com", message: str = "Change it") -> Commit:
    """A commit whose SHA stands for the text."""
    return Commit(sha(text), by, NOW, message)


def values(images: Mapping[str, str], first_line: str = "") -> bytes:
    """A values file that names images: name → tag, or what stands in the tag's place."""
    blocks = [f"{n}:\n  repository: registry.example.com/{n}\n  tag: {t}\n" for n, t in images.items()]
    return (first_line + "".join(blocks)).encode()


def running(application: str = "shop", **tags: str) -> dict[str, bytes]:
    """The files of an application whose one image has its name: environment → tag, pinned to its digest."""
    reference = f"registry.example.com/{application}"
    return {
        f"envs/{e}/{application}/values.yaml": values({application: pinned(f"{reference}:{tag}")})
        for e, tag in tags.items()
    }


def everywhere(tag: str, application: str = "shop") -> dict[str, bytes]:
    """The same tag in dev, staging and prod."""
    return running(application, dev=tag, staging=tag, prod=tag)


def world(config: str, files: Mapping[str, bytes], pushed: Iterable[str] = (), **fields: Any) -> Snapshot:
    """A snapshot with these files on the default branch and these images (`repository:tag`) in the registry."""
    loaded = load_config(config.encode())
    references = [parse(text) for text in pushed]
    tags: dict[Reference, Any] = {
        parse(i.repository): () for app in loaded.applications.values() for i in app.images.values()
    }
    for reference in references:
        tags[reference.repository] = (*tags.get(reference.repository, ()), reference.tag)
    everywhere = deployed_everywhere(loaded, files)
    given: dict[str, Any] = {
        "now": NOW,
        "head": commit("main"),
        "config": loaded,
        "files": dict(files),
        "deployed": everywhere.deployed,
        "reached": everywhere.reached,
        "applied": everywhere.applied,
        "pull_requests": (),
        "branches": {},
        "tags": tags,
        "images": {
            named: ImageInfo(digest(str(r)), {}, NOW)
            for r in references
            for named in (r, r.repository.with_digest(digest(str(r))))
        },
        "people": PEOPLE,
    }
    return looked_up(Snapshot(**given | fields))


def looked_up(snapshot: Snapshot) -> Snapshot:
    """Each image that the plan asks for, absent where the registry has no such tag."""
    absent = dict.fromkeys(image_references(snapshot))
    return replace(snapshot, images={**absent, **snapshot.images})


def with_image(snapshot: Snapshot, reference: str, info: ImageInfo | Unknown | None) -> Snapshot:
    """The registry says something else of one image."""
    return replace(snapshot, images={**snapshot.images, parse(reference): info})


def with_file(snapshot: Snapshot, path: str, content: bytes) -> Snapshot:
    """Somebody changed a file on the default branch."""
    files = {**snapshot.files, path: content}
    head = commit(f"{snapshot.head.sha} {path} {content!r}")
    everywhere = deployed_everywhere(snapshot.config, files)
    branches = {n: replace(b, outdated=b.outdated or path in b.files) for n, b in snapshot.branches.items()}
    return looked_up(
        replace(
            snapshot,
            head=head,
            files=files,
            branches=branches,
            deployed=everywhere.deployed,
            reached=everywhere.reached,
            applied=everywhere.applied,
        )
    )


def decide(snapshot: Snapshot, event: Event | None = None) -> Plan:
    """`plan`, of another event if one is given."""
    return plan(looked_up(replace(snapshot, event=event)) if event else snapshot)


def actions(snapshot: Snapshot, kind: type[A], event: Event | None = None) -> list[A]:
    """The planned actions of one kind."""
    return [a for a in decide(snapshot, event).actions if isinstance(a, kind)]


def only(snapshot: Snapshot, kind: type[A], event: Event | None = None) -> A:
    """The only planned action, which is of this kind."""
    (action,) = decide(snapshot, event).actions
    assert isinstance(action, kind), action
    return action


def skip(snapshot: Snapshot, environment: str | None, application: str = "shop", event: Event | None = None) -> Skip:
    """The only reason why not more is done there."""
    (found,) = [
        s for s in decide(snapshot, event).skips if (s.environment, s.application) == (environment, application)
    ]
    return found


def pull(snapshot: Snapshot, branch: str = "bot/staging/shop") -> PullRequest:
    """The open pull request of a branch."""
    assert not isinstance(snapshot.pull_requests, Unknown)
    return next(p for p in snapshot.pull_requests if p.branch == branch and p.state == "open")


def with_pull(snapshot: Snapshot, branch: str, **changes: Any) -> Snapshot:
    """The open pull request of a branch is otherwise."""
    changed = replace(pull(snapshot, branch), **changes)
    assert not isinstance(snapshot.pull_requests, Unknown)
    return replace(
        snapshot, pull_requests=tuple(changed if p.number == changed.number else p for p in snapshot.pull_requests)
    )


def approved(snapshot: Snapshot, branch: str, *people: str) -> Snapshot:
    """People approve the open pull request of a branch as it is now."""
    there = pull(snapshot, branch)
    reviews = tuple(Review(p, "approved", there.head, NOW) for p in people)
    return with_pull(snapshot, branch, reviews=there.reviews + reviews)


def recorded(snapshot: Snapshot, *heads: str) -> Snapshot:
    """It is on the state branch already that these commits may be merged."""
    assert not isinstance(snapshot.state, Unknown)
    records = {head: Granted(head, 1) for head in heads}
    return replace(snapshot, state=replace(snapshot.state, granted={**snapshot.state.granted, **records}))


def after(snapshot: Snapshot, *done: Action) -> Snapshot:
    """The snapshot as it is read again once these actions are done."""
    for action in done:
        snapshot = looked_up(_after(snapshot, action))
    return snapshot


def settled(snapshot: Snapshot, rounds: int = 20) -> Snapshot:
    """The snapshot after run upon run, until there is nothing more to do; builds are not done."""
    for _ in range(rounds):
        planned = plan(snapshot)
        if not planned.actions:
            return snapshot
        snapshot = after(snapshot, *planned.actions)
    raise AssertionError(f"still to do: {[a.summary for a in planned.actions]}")


def _after(snapshot: Snapshot, action: Action) -> Snapshot:
    pulls = snapshot.pull_requests
    assert not isinstance(pulls, Unknown)
    match action:
        case OpenPullRequest(branch=str(branch)):
            branches = _pushed(snapshot, action)
            new = PullRequest(
                1 + max((p.number for p in pulls), default=0),
                branch,
                branches[branch].head.sha,
                action.title,
                action.body,
                BOT_NAME,
                "open",
            )
            return replace(snapshot, branches=branches, pull_requests=(*pulls, new))
        case UpdatePullRequest(branch=str(branch)):
            branches = _pushed(snapshot, action)
            moved = replace(snapshot, branches=branches)
            return with_pull(moved, branch, head=branches[branch].head.sha, title=action.title, body=action.body)
        case ClosePullRequest(branch=str(branch)):
            closed = {"closed": action.reason, **pull(snapshot, branch).comments}
            return with_pull(snapshot, branch, state="closed", comments=closed)
        case MergePullRequest(branch=str(branch)):
            return _merged(snapshot, branch)
        case DeleteBranch(branch=str(branch)):
            return replace(snapshot, branches={n: b for n, b in snapshot.branches.items() if n != branch})
        case SetStatus(branch=str(branch)):
            others = tuple(s for s in pull(snapshot, branch).statuses if s.context != action.status.context)
            return with_pull(snapshot, branch, statuses=(*others, action.status))
        case WriteState() | TakeBack():
            return _recorded(snapshot, action)
    return _after_on_a_page(snapshot, action)


def _recorded(snapshot: Snapshot, action: WriteState | TakeBack) -> Snapshot:
    """The state branch has what was written."""
    state = snapshot.state
    assert not isinstance(state, Unknown)
    assert action.expected == snapshot.state_head, "a lease that does not hold"
    before = state.damaged
    for step in action.steps:
        state = changed(state, step.files)
    assert set(state.damaged) <= set(before), "the bot reads what it wrote"
    head = sha(f"{action.expected} {[step.message for step in action.steps]}")
    landed = snapshot.landed & set(state.granted)
    return replace(snapshot, state=state, state_head=head, landed=landed)


def _after_on_a_page(snapshot: Snapshot, action: Action) -> Snapshot:
    """What leaves branches as they are."""
    match action:
        case RequestReviews():
            return snapshot
        case EnableAutoMerge(branch=str(branch)):
            return with_pull(snapshot, branch, auto_merge=True)
        case DisableAutoMerge(branch=str(branch)):
            return with_pull(snapshot, branch, auto_merge=False)
        case Comment(branch=str(branch)):
            said = {**pull(snapshot, branch).comments, action.comment: action.body}
            return with_pull(snapshot, branch, comments=said)
    raise AssertionError(f"no way to do {action.kind}")


def _pushed(snapshot: Snapshot, action: Proposal) -> dict[str, Branch]:
    name = str(action.branch)
    if action.files is None:
        return dict(snapshot.branches)
    there = snapshot.branches.get(name)
    assert action.expected == (there.head.sha if there else None), "a lease that does not hold"
    head = Commit(sha(f"{action.parent} {action.message} {action.files}"), BOT_EMAIL, NOW, action.message)
    return {**snapshot.branches, name: Branch(name, head, action.files)}


def _merged(snapshot: Snapshot, branch: str) -> Snapshot:
    """The branch is on the default branch, and gone."""
    files = dict(snapshot.files)
    for path, content in snapshot.branches[branch].files.items():
        assert content is not None
        files[path] = content
    number, head = pull(snapshot, branch).number, pull(snapshot, branch).head
    assert not isinstance(snapshot.pull_requests, Unknown)
    granted = () if isinstance(snapshot.state, Unknown) else snapshot.state.granted
    assert head in granted, "what is merged is recorded first"
    everywhere = deployed_everywhere(snapshot.config, files)
    return replace(
        snapshot,
        head=commit(f"{snapshot.head.sha} and {branch}"),
        files=files,
        deployed=everywhere.deployed,
        reached=everywhere.reached,
        applied=everywhere.applied,
        pull_requests=tuple(p for p in snapshot.pull_requests if p.number != number),
        branches={n: b for n, b in snapshot.branches.items() if n != branch},
        landed=snapshot.landed | {head},
    )
