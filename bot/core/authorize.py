"""Who may approve a promotion, and whether enough of them have, at exactly the commit that would be merged."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bot.core.identity import BOT_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.core.config import Environment
    from bot.core.models import PullRequest, Review


class Ignored(NamedTuple):
    """A review that does not count as an approval: whose, a stable reason code, and why in words."""

    user: str
    reason_code: str
    reason: str


class Approval(NamedTuple):
    """What the reviews of a pull request come to.

    `required` approvals are wanted, `given` are those that count, in the order of time; it may be merged when
    `missing` is 0. Changes that an approver asked for keep `missing` above 0 until that approver approves or the
    review is dismissed. `text` says all this in one line.
    """

    required: int
    given: tuple[str, ...]
    missing: int
    ignored: tuple[Ignored, ...]
    text: str


def approval(environment: Environment, pull_request: PullRequest, invoker: str | None) -> Approval:
    """Count each person's latest review of a promotion into `environment`.

    It counts if it approves exactly the head commit and its author is one of the environment's `approvers` (anyone,
    if none are named), but not the pull request's author, not the `invoker` who asked for the promotion, and not a
    bot. As on a forge, a later request for changes or a dismissal takes an approval back, a comment does not:
    https://docs.github.com/en/pull-requests/collaborating-with-pull-requests/reviewing-changes-in-pull-requests
    Names are compared without regard to case.
    """
    given: list[str] = []
    ignored: list[Ignored] = []
    blockers: list[str] = []
    for review in _latest(pull_request.reviews):
        why = _excluded(review.author, environment, pull_request, invoker) or _without_effect(review, pull_request)
        if why is None:
            given.append(review.author)
            continue
        ignored.append(why)
        if why.reason_code == "changes_requested":
            blockers.append(review.author)
    missing = max(environment.approvals - len(given), 1 if blockers else 0)
    text = _text(environment.approvals, given, blockers)
    return Approval(environment.approvals, tuple(given), missing, tuple(ignored), text)


def is_bot(user: str) -> bool:
    """Whether the name is this bot's own or marked as a bot's, as GitHub marks the names of apps."""
    return user.casefold() == BOT_NAME or user.casefold().endswith("[bot]")


def _latest(reviews: tuple[Review, ...]) -> Iterator[Review]:
    # Sorting is stable: of two reviews at the same time the one that the forge lists last is the later.
    decisive = sorted((review for review in reviews if review.state != "commented"), key=lambda review: review.time)
    latest = {review.author.casefold(): review for review in decisive}
    yield from sorted(latest.values(), key=lambda review: review.time)


def _excluded(user: str, environment: Environment, pull_request: PullRequest, invoker: str | None) -> Ignored | None:
    name = user.casefold()
    if is_bot(user):
        return Ignored(user, "bot", "a bot cannot approve")
    if name == pull_request.author.casefold():
        return Ignored(user, "author", "the author of the pull request cannot approve it")
    if invoker is not None and name == invoker.casefold():
        return Ignored(user, "invoker", "who asked for the promotion cannot approve it")
    if environment.approvers and name not in {approver.casefold() for approver in environment.approvers}:
        return Ignored(user, "not_an_approver", "is not among the environment's `approvers`")
    return None


def _without_effect(review: Review, pull_request: PullRequest) -> Ignored | None:
    if review.state == "changes_requested":
        return Ignored(review.author, "changes_requested", "asked for changes")
    if review.state == "dismissed":
        return Ignored(review.author, "dismissed", "the review was dismissed")
    if not pull_request.head or review.commit != pull_request.head:
        reason = f"approved {_short(review.commit)}, but the pull request is now at {_short(pull_request.head)}"
        return Ignored(review.author, "stale", reason)
    return None


def _short(commit: str) -> str:
    return commit[:7] or "no commit"


def _text(required: int, given: list[str], blockers: list[str]) -> str:
    wanted = f"{len(given)} of {required} approval{'' if required == 1 else 's'}"
    text = wanted if required else "no approval needed"
    if given:
        text += f" ({', '.join(given)})"
    return f"{text}; {', '.join(blockers)} asked for changes" if blockers else text
