"""All that people ask for in one round, in the order of its time: each request judged on the world after those before.

So what stops counts from the moment that it is seen, whatever else is done in the same round, and an answer can say
what is true at the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bot.core.actions import SetLabel, StateChange
from bot.core.events import Promote
from bot.core.models import Unknown
from bot.core.plan.chatops.effects import after, effect_of, state_change
from bot.core.plan.chatops.nouns import Problem
from bot.core.plan.chatops.requests import open_requests
from bot.core.plan.chatops.verdicts import ask_of, contradiction, problem
from bot.core.state import records_of

if TYPE_CHECKING:
    from bot.core.models import PullRequest, UserComment
    from bot.core.plan.chatops.nouns import Request
    from bot.core.snapshot import Snapshot


class Heard(NamedTuple):
    """A request, what is wrong with it, and else what it changes on the state branch, and asks for."""

    request: Request
    problems: tuple[Problem, ...] = ()
    changes: tuple[StateChange, ...] = ()
    asks: tuple[Promote, ...] = ()

    @property
    def comment(self) -> UserComment:
        """The comment that it stands in."""
        return self.request.comment


class Hearing(NamedTuple):
    """What is to be done, the oldest first, and the world once all of it is.

    `before` is the world as it was read. `cancelled`: by pull request, who cancelled it.
    """

    before: Snapshot
    heard: tuple[Heard, ...]
    after: Snapshot
    cancelled: dict[int, str]

    def still_to_write(self) -> tuple[StateChange, ...]:
        """The changes of the state branch, in their order, of each file that is not at the end as it is now."""
        if isinstance(self.before.state, Unknown) or isinstance(self.after.state, Unknown):
            return ()
        now, then = records_of(self.before.state), records_of(self.after.state)
        differs = {path for path in {*now, *then} if now.get(path) != then.get(path)}
        return tuple(c for heard in self.heard for c in heard.changes if differs & set(c.files))

    def still_to_label(self) -> tuple[SetLabel, ...]:
        """The labels that are to be put on pull requests or taken off."""
        now, then = _open(self.before), _open(self.after)
        changed = [(number, now[number].labels ^ then[number].labels) for number in then]
        return tuple(_label(n, name, present=name in then[n].labels) for n, names in changed for name in sorted(names))


def hear(snapshot: Snapshot) -> Hearing:
    """Every open request, one after the other. With any problem in a request nothing of it is done."""
    world, found, cancelled = snapshot, list[Heard](), dict[int, str]()
    for request in open_requests(snapshot):
        heard, then = _hear(world, request)
        for pull in (p for n, p in _open(world).items() if n not in _open(then)):
            cancelled[pull.number] = request.comment.author
        found.append(heard)
        world = then
    return Hearing(snapshot, tuple(found), world, cancelled)


def _hear(world: Snapshot, request: Request) -> tuple[Heard, Snapshot]:
    """One request, and the world after it."""
    wrong = request.mistakes or contradiction(request)
    if wrong:
        return Heard(request, wrong), world
    then, problems, changes, asks = world, list[Problem](), list[StateChange](), list[Promote]()
    for command in request.commands:
        found = problem(then, request.comment, command)
        if found:
            problems.append(found)
            continue
        asks += [ask] if (ask := ask_of(then, request.comment, command)) else []
        effect = effect_of(then, request.comment, command)
        changes += [state_change(request.comment, effect.title, effect.files)] if effect.files else []
        then = after(then, request.comment, command, effect)
    if problems:
        return Heard(request, tuple(problems)), world
    return Heard(request, (), tuple(changes), tuple(asks)), then


def _label(number: int, label: str, *, present: bool) -> SetLabel:
    title = f"{'Put' if present else 'Take'} the label {label} {'on' if present else 'off'} #{number}"
    return SetLabel(application="", title=title, number=number, label=label, present=present)


def _open(world: Snapshot) -> dict[int, PullRequest]:
    pulls = () if isinstance(world.pull_requests, Unknown) else world.pull_requests
    return {p.number: p for p in pulls if p.state == "open"}
