"""What the approvals of a pull request come to, in one line for a commit status and wholly for a comment.

Both are plain text: who puts them into Markdown escapes them.
"""

from __future__ import annotations

from typing import NamedTuple

from bot.core.people import few, in_words

LONGEST = 140
"""Characters of a commit status' description: https://docs.github.com/en/rest/commits/statuses"""
MOST_NAMES = 20
"""People that one sentence names."""


class Ignored(NamedTuple):
    """A review that does not count as an approval: whose, a stable reason code, and why in words."""

    user: str
    reason_code: str
    reason: str


class Counted(NamedTuple):
    """The reviews in their kinds: those that count, those that do not, who asked for changes, who may still approve."""

    required: int
    given: tuple[str, ...]
    ignored: tuple[Ignored, ...]
    blockers: tuple[str, ...]
    may_give: tuple[str, ...]


def one_line(counted: Counted, *, named: bool) -> str:
    """How many there are of how many, and what holds; if approvers are `named`, who of them is left.

    At most 140 characters, with fewer names if need be.
    """
    texts = ("; ".join(_parts(counted, named, most)) for most in range(MOST_NAMES, -1, -1))
    return next(text for text in texts if len(text) <= LONGEST)


def explanation(counted: Counted, head: str) -> str:
    """Sentences: what counts at the commit `head` (as it is shown), what does not and why, and who can do what."""
    more = counted.required - len(counted.given)
    parts = [f"{_of(counted)} at commit {head}" if counted.required else "No approval is needed"]
    if counted.given:
        parts.append(f"Approved by {few(counted.given, MOST_NAMES)}")
    if counted.blockers:
        parts.append(f"Changes were asked for by {few(counted.blockers, MOST_NAMES)}: only their approval ends that")
    others = [f"{why.user} ({why.reason})" for why in counted.ignored if why.reason_code != "changes_requested"]
    if others:
        parts.append(f"Not counted: {few(others, MOST_NAMES)}")
    if more > 0 and counted.may_give:
        parts.append(f"{more} more can come from {few(in_words(counted.may_give), MOST_NAMES)}")
    elif more > 0:
        parts.append("Nobody is left who may approve: name more approvers in gitops.yaml, or want fewer approvals")
    return ". ".join(parts) + "."


def _parts(counted: Counted, named: bool, most: int) -> list[str]:
    unknown = [why.user for why in counted.ignored if why.reason_code == "forge_unavailable"]
    parts = [_of(counted) + (f" ({few(counted.given, most)})" if counted.given else "")]
    if counted.blockers:
        parts.append(f"{few(counted.blockers, most)} asked for changes")
    if unknown:
        parts.append(f"{few(unknown, most)} could not be looked up")
    if named and len(counted.given) < counted.required:
        parts.append(f"may approve: {few(in_words(counted.may_give), most) or 'nobody who is left'}")
    return parts


def _of(counted: Counted) -> str:
    if not counted.required:
        return "no approval needed"
    return f"{len(counted.given)} of {counted.required} approval{'' if counted.required == 1 else 's'}"
