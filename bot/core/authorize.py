"""Who may do what, and whether enough people approved exactly what would be merged; not to know means no.

People are those of the forge (`ports.Forge.person`); what they may do stands in `gitops.yaml` on the default branch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bot.core.approval_words import MOST_NAMES, Counted, Ignored, explanation, one_line
from bot.core.models import Review, Unknown
from bot.core.people import few, in_words, is_bot, qualifies

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from bot.core.commands.verbs import Level
    from bot.core.config import Config, Environment
    from bot.core.models import Person, PullRequest

_UNASKED = Unknown("it was not asked")


class Verdict(NamedTuple):
    """Whether a person may do something; if not, a stable reason code, and why in words."""

    allowed: bool
    reason_code: str = ""
    reason: str = ""


class Approval(NamedTuple):
    """What the reviews of a pull request come to.

    `required` approvals are wanted, `given` are those that count, in the order of time; it may be merged when
    `missing` is 0. `blockers` asked for changes, and keep `missing` above 0 until they approve or the review is
    dismissed. `may_give`: who may still approve, written as in the configuration. `text` is one line for a commit
    status, `explanation` says it all; both are plain text, not Markdown.
    """

    required: int
    given: tuple[str, ...]
    ignored: tuple[Ignored, ...]
    blockers: tuple[str, ...]
    may_give: tuple[str, ...]
    missing: int
    text: str
    explanation: str


def may(config: Config, person: Person | Unknown, name: str, level: Level, environment: str | None = None) -> Verdict:
    """Whether the user `name`, who is `person` on the forge, may do what needs `level`.

    Deployers and approvers are those of `environment`: who is not among them where some are named is none, whatever
    the permission. Reason codes of a refusal: `forge_unavailable` if the person is not known, `unknown_environment`,
    `permission_denied`.
    """
    if isinstance(person, Unknown):
        return Verdict(False, "forge_unavailable", f"the forge could not say what {name} may do: {_why(person)}")
    if level in ("deployer", "approver") and environment not in config.environments:
        reason = f"there is no such environment; there are {few(list(config.environments), MOST_NAMES)}"
        return Verdict(False, "unknown_environment", reason)
    wanted = _wanted(config, level, environment or "")
    if qualifies(wanted, name, person):
        return Verdict(True)
    reason = f"{name} may not do this; who may: {few(in_words(wanted), MOST_NAMES)}"
    return Verdict(False, "permission_denied", reason)


def approval(
    environment: Environment,
    pull_request: PullRequest,
    invoker: str | None,
    *,
    people: Mapping[str, Person | Unknown],
    given: Iterable[tuple[str, str, datetime]] = (),
    same: frozenset[str] = frozenset(),
) -> Approval:
    """Count each person's latest review of a promotion into `environment`.

    `people` are by their names in lower case; who is not among them is not known. `given` are approvals by command:
    user, commit, time. `same` are earlier heads whose merge has the same tree as that of the present head.

    A review counts if it approves exactly the head commit, or one of `same` where the environment keeps approvals, and
    its author is one of the environment's `approvers` (has write permission, if none are named), but not the pull
    request's author, not one of its `pushers`, not the `invoker` who asked for the promotion, and not a bot. As on a
    forge, a later request for changes or a dismissal takes an approval back, a comment does not:
    https://docs.github.com/en/pull-requests/collaborating-with-pull-requests/reviewing-changes-in-pull-requests
    Somebody unknown who asked for changes holds the promotion as an approver would.
    """
    barred = {user.lower(): "pusher" for user in pull_request.pushers} | {pull_request.author.lower(): "author"}
    barred |= {invoker.lower(): "invoker"} if invoker else {}
    heads = {pull_request.head, *(same if environment.keep_approvals else ())} - {""}
    counts, blockers, ignored = list[str](), list[str](), list[Ignored]()
    for review in _latest([*pull_request.reviews, *(Review(user, "approved", at, when) for user, at, when in given)]):
        person = people.get(review.author.lower(), _UNASKED)
        why = _excluded(review.author, person, environment, barred) or _without_effect(review, pull_request.head, heads)
        if why is None:
            counts.append(review.author)
            continue
        ignored.append(why)
        if review.state == "changes_requested" and why.reason_code in ("changes_requested", "forge_unavailable"):
            blockers.append(review.author)
    gone = {*barred, *(user.lower() for user in counts)}
    may_give = tuple(who for who in _approvers(environment) if who.lower() not in gone and not is_bot(who))
    counted = Counted(environment.approvals, tuple(counts), tuple(ignored), tuple(blockers), may_give)
    missing = max(environment.approvals - len(counts), 1 if blockers else 0)
    words = one_line(counted, named=bool(environment.approvers)), explanation(counted, _short(pull_request.head))
    return Approval(*counted, missing, *words)


def _wanted(config: Config, level: Level, environment: str) -> tuple[str, ...]:
    match level:
        case "deployer":
            return config.environments[environment].deployers or ("permission:write",)
        case "approver":
            return _approvers(config.environments[environment])
        case "admin":
            return config.admins or ("permission:admin",)
        case _:
            return (f"permission:{level}",)


def _approvers(environment: Environment) -> tuple[str, ...]:
    return environment.approvers or ("permission:write",)


def _latest(reviews: Iterable[Review]) -> Iterator[Review]:
    # Sorting is stable: of two reviews at the same time the one that the forge lists last is the later.
    decisive = sorted((review for review in reviews if review.state != "commented"), key=lambda review: review.time)
    latest = {review.author.lower(): review for review in decisive}
    yield from sorted(latest.values(), key=lambda review: review.time)


def _excluded(
    user: str, person: Person | Unknown, environment: Environment, barred: Mapping[str, str]
) -> Ignored | None:
    part = barred.get(user.lower())
    if is_bot(user):
        return Ignored(user, "bot", "a bot cannot approve")
    if part == "author":
        return Ignored(user, part, "the author of the pull request cannot approve it")
    if part == "invoker":
        return Ignored(user, part, "who asked for the promotion cannot approve it")
    if part == "pusher":
        return Ignored(user, part, "whose commits are in the pull request cannot approve it")
    if isinstance(person, Unknown):
        return Ignored(user, "forge_unavailable", f"the forge could not say who that is here: {_why(person)}")
    if not qualifies(_approvers(environment), user, person):
        access = f"has {person.permission} permission" if person.permission != "none" else "has no access"
        return Ignored(user, "not_an_approver", f"{access}, and is not among those who may approve")
    return None


def _without_effect(review: Review, head: str, heads: set[str]) -> Ignored | None:
    if review.state == "changes_requested":
        return Ignored(review.author, "changes_requested", "asked for changes")
    if review.state == "dismissed":
        return Ignored(review.author, "dismissed", "the review was dismissed")
    if review.commit not in heads:
        reason = f"approved {_short(review.commit)}, but the pull request is now at {_short(head)}"
        return Ignored(review.author, "stale", reason)
    return None


def _short(commit: str) -> str:
    return commit[:7] or "no commit"


def _why(unknown: Unknown) -> str:
    return " ".join(unknown.reason.split())
