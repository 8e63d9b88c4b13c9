"""Read what people say and decided: comments, who they are, the state branch, and what approvals were given for."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.core.config import teams
from bot.core.errors import Refused
from bot.core.models import Labelled, Unknown
from bot.core.plan.chatops import HOLD, hear, open_requests, speakers
from bot.core.plan.contributions import reviewers
from bot.core.plan.stops import HOTFIX, hotfixes
from bot.core.state import BRANCH, State, read_state
from bot.engine.brought import MOST_BYTES, brought, contents
from bot.engine.unforeseen import known

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.core.models import Branch, Person, PullRequest, UserComment
    from bot.core.snapshot import Snapshot
    from bot.ports import Edges

SWEEP = timedelta(days=3)
"""How far back a command is found whose webhook was lost."""
MOST_RECORDS = 10_000


class Listener:
    """Hears what was said since a few days; who somebody is, is asked once a run."""

    def __init__(self, edges: Edges) -> None:
        self._edges = edges
        self._people: dict[str, Person | Unknown] = {}

    def hear(self, snapshot: Snapshot) -> Snapshot:
        """The snapshot with comments, people, state, deployments, and what the comments ask for."""
        comments = self._comments(snapshot)
        state, state_head = self._state()
        heard = replace(
            snapshot,
            comments=comments,
            state=state,
            state_head=state_head,
            deployments=known(self._edges.forge.deployments),
            own_name=known(self._edges.forge.own_name),
        )
        heard = replace(heard, labelled=self._labelled(heard))
        heard = replace(heard, people=self._who(heard), same_trees=self._same_trees(heard))
        heard = replace(heard, landed=self._landed(heard))
        return replace(heard, asks=tuple(ask for one in hear(heard).heard for ask in one.asks))

    def _comments(self, snapshot: Snapshot) -> tuple[UserComment, ...] | Unknown:
        """What was written in the last days, as the forge says: whatever an event's file says of a comment."""
        return known(lambda: tuple(self._edges.forge.comments_since(snapshot.now - SWEEP)))

    def _state(self) -> tuple[State | Unknown, str | None]:
        read = known(self._read_state)
        return (read, None) if isinstance(read, Unknown) else read

    def _read_state(self) -> tuple[State, str | None]:
        git = self._edges.git
        head = git.branches(BRANCH).get(BRANCH)
        if head is None:
            return State(), None
        entries = git.entries(head)
        if len(entries) > MOST_RECORDS:
            raise Refused(f"{BRANCH} has more than {MOST_RECORDS:,} files", fix="take out what is none of the bot's")
        return read_state(git.read(head, [e.path for e in entries], MOST_BYTES)), head

    def _labelled(self, snapshot: Snapshot) -> dict[tuple[int, str], Labelled | Unknown | None]:
        """Who put the label `hotfix` on what a freeze would stop, and `hold` on what somebody wants to end."""
        forge = self._edges.forge
        wanted = [(n, HOTFIX) for n in hotfixes(snapshot)] + [(n, HOLD) for n in _to_unhold(snapshot)]
        return {(n, name): known(lambda n=n, name=name: forge.labelled_by(n, name)) for n, name in wanted}  # type: ignore[misc]

    def _landed(self, snapshot: Snapshot) -> frozenset[str]:
        """Of the commits that may be merged by what is recorded: those that are."""
        granted = () if isinstance(snapshot.state, Unknown) else snapshot.state.granted
        heads = {c.pull_request.head for c in snapshot.contributions}
        if not isinstance(snapshot.pull_requests, Unknown):
            heads |= {p.head for p in snapshot.pull_requests if p.state == "open"}
        return frozenset(commit for commit in granted if commit not in heads and self._is_merged(snapshot, commit))

    def _is_merged(self, snapshot: Snapshot, commit: str) -> bool:
        return known(lambda: self._edges.git.merge_base(snapshot.head.sha, commit)) == commit

    def _who(self, snapshot: Snapshot) -> Mapping[str, Person | Unknown]:
        """Everybody whose permission the plan will ask for: by a command, a review, a label, an approval by command."""
        names = {name.lower() for name in speakers(snapshot)}
        names |= {put.by.lower() for put in snapshot.labelled.values() if isinstance(put, Labelled)}
        pulls: tuple[PullRequest, ...] = () if isinstance(snapshot.pull_requests, Unknown) else snapshot.pull_requests
        opened = [p for p in pulls if p.state == "open"]
        names |= {r.author.lower() for p in opened for r in p.reviews} | reviewers(snapshot)
        if not isinstance(snapshot.state, Unknown):
            numbers = {p.number for p in opened}
            names |= {a.user.lower() for a in snapshot.state.approvals if a.number in numbers}
        wanted = teams(snapshot.config)
        for name in sorted(names - set(self._people)):
            self._people[name] = known(lambda name=name: self._edges.forge.person(name, wanted))  # type: ignore[misc]
        return dict(self._people)

    def _same_trees(self, snapshot: Snapshot) -> dict[str, frozenset[str]]:
        """By branch: the earlier commits that somebody approved and that would have changed just the same."""
        pulls: tuple[PullRequest, ...] = () if isinstance(snapshot.pull_requests, Unknown) else snapshot.pull_requests
        if not any(e.keep_approvals for e in snapshot.config.environments.values()):
            return {}
        found: dict[str, frozenset[str]] = {}
        for pull in pulls:
            branch = snapshot.branches.get(pull.branch)
            if branch and pull.state == "open":
                earlier = {r.commit for r in pull.reviews} | self._approved(snapshot, pull.number)
                found[pull.branch] = frozenset(c for c in earlier - {pull.head} if self._is_same(snapshot, c, branch))
        return found

    def _approved(self, snapshot: Snapshot, number: int) -> set[str]:
        """The commits of a pull request that were approved by command."""
        if isinstance(snapshot.state, Unknown):
            return set()
        return {a.commit for a in snapshot.state.approvals if a.number == number}

    def _is_same(self, snapshot: Snapshot, commit: str, branch: Branch) -> bool:
        git = self._edges.git
        there = known(lambda: contents(git, commit, brought(git, snapshot.head.sha, commit).paths))
        return there == dict(branch.files)


def _to_unhold(snapshot: Snapshot) -> set[int]:
    """The pull requests with the label `hold` whose hold somebody wants to end."""
    pulls: tuple[PullRequest, ...] = () if isinstance(snapshot.pull_requests, Unknown) else snapshot.pull_requests
    held = {p.number for p in pulls if p.state == "open" and HOLD in p.labels}
    requests = [r for r in open_requests(snapshot) if r.comment.number in held] if held else []
    return {r.comment.number for r in requests if any(c.verb == "unhold" for c in r.commands)}
