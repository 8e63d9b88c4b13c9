"""Handle an event: observe → plan → apply, until nothing changes, and report."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from bot.core.actions import Comment, Plan, RecordDeployment, RequestReviews, SetStatus, WriteState
from bot.core.errors import BotError, Conflict, Unauthorised, Unavailable
from bot.core.plan import plan
from bot.engine.apply import apply
from bot.engine.observe import Observer
from bot.engine.unforeseen import take_back, unforeseen
from bot.engine.waiting import waiting

if TYPE_CHECKING:
    from bot.core.actions import Action
    from bot.core.events import Event
    from bot.core.snapshot import Snapshot
    from bot.ports import Edges

PATIENCE = 5
"""So often somebody else may be faster at one thing; then it has failed, and the others go on."""
ROUNDS = 60
"""Far more than any configuration needs: an application takes four rounds in each environment."""


QUIET = (SetStatus, Comment, RecordDeployment, RequestReviews)
"""Deeds that say something and change nothing that is decided on: after these alone there is nothing more to see."""


class Report(NamedTuple):
    """What a run did: the actions done, those that failed with the reason, and what is left, with its skips."""

    done: tuple[Action, ...]
    failed: tuple[tuple[Action, str], ...]
    left: Plan
    snapshot: Snapshot

    @property
    def ok(self) -> bool:
        """Whether nothing failed."""
        return not self.failed


def look(event: Event, edges: Edges) -> tuple[Snapshot, Plan]:
    """Observe and plan, and change nothing."""
    with waiting(edges.progress, "Looking at git, the forge and the registries"):
        snapshot = Observer(edges, event).observe({})
    return snapshot, plan(snapshot)


def handle(event: Event, edges: Edges) -> Report:
    """Run until nothing changes. Raises `BotError` when not even the configuration can be read.

    Whatever ends it, what the bot let be merged is taken back before, unless that is only that nothing could be read.
    """
    try:
        return _handle(event, edges)
    except (Unavailable, Unauthorised):
        raise
    except Exception as error:
        take_back(edges, error)
        raise


def _handle(event: Event, edges: Edges) -> Report:
    observer = Observer(edges, event)
    done: list[Action] = []
    failed: dict[str, tuple[Action, str]] = {}
    lost: Counter[str] = Counter()
    for _ in range(ROUNDS):
        with waiting(edges.progress, "Looking at git, the forge and the registries"):
            snapshot = observer.observe({key: reason for key, (_, reason) in failed.items()})
        planned = plan(snapshot)
        if not planned.actions:
            return Report(tuple(done), tuple(failed.values()), planned, snapshot)
        before = len(done)
        for action in planned.actions:
            if not _one(action, edges, done, failed, lost) and isinstance(action, WriteState):
                # What lets be merged comes behind it: not before it is recorded, and not past a stop of somebody else.
                break
        if len(done) - before == len(planned.actions) and all(_is_quiet(a) for a in planned.actions):
            return Report(tuple(done), tuple(failed.values()), Plan((), planned.skips), snapshot)
    raise BotError(
        f"nothing came to rest after {ROUNDS} rounds; the last action was: {done[-1].summary if done else 'none'}",
        fix="run `gitops-bot plan` and look at what it would do again; somebody else may be changing the same things",
        reason_code="not_settled",
    )


def _is_quiet(action: Action) -> bool:
    return isinstance(action, QUIET) and not (isinstance(action, SetStatus) and action.awaited)


def _one(
    action: Action, edges: Edges, done: list[Action], failed: dict[str, tuple[Action, str]], lost: Counter[str]
) -> bool:
    """Do one action; whether it was done. Whatever is raised is this action's failure, and no other's.

    Somebody else being faster is no failure, unless that never ends: the next round sees what they did.
    """
    edges.progress(action.summary)
    try:
        with waiting(edges.progress, f"Still at it: {action.summary}"):
            apply(action, edges)
    except Conflict as conflict:
        edges.progress(f"{conflict.message}; looking again")
        lost[action.key] += 1
        if lost[action.key] >= PATIENCE:
            failed[action.key] = (action, str(conflict))
        return False
    except BotError as error:
        failed[action.key] = (action, str(error))
        return False
    except Exception as error:  # noqa: BLE001 # what one application's input makes fail must not stop the others
        failed[action.key] = (action, unforeseen(error))
        return False
    done.append(action)
    return True
