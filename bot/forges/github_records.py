"""What GitHub's JSON means: nouns made of it; what it does not say is unknown, never good.

https://docs.github.com/en/graphql/reference/objects
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, cast
from urllib.parse import quote, unquote

from bot.core.models import Labelled, Person, PullRequest, Review, Status, UserComment

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bot.core.models import Reaction

REACTIONS: Mapping[Reaction, str] = {"eyes": "EYES", "rocket": "ROCKET", "-1": "THUMBS_DOWN", "confused": "CONFUSED"}
LONGEST_BODY = 65536
"""Characters; GitHub refuses longer comments and bodies."""

_MARK = re.compile(r"<!-- gitops-bot:(\S+) -->\n(.*)", re.DOTALL)
_LOGIN = re.compile(r"[A-Za-z0-9_-]{1,100}(?:\[bot\])?")
_GHOST = "ghost"
"""Whom GitHub shows in place of an account that was deleted."""

_PERMISSIONS: Mapping[str, Literal["none", "read", "write", "admin"]] = {
    "admin": "admin", "maintain": "write", "write": "write", "triage": "read", "read": "read",
}  # fmt: skip
_PASSED = {"SUCCESS", "NEUTRAL", "SKIPPED"}


def marked(key: str, body: str) -> str:
    """A comment's text with the mark that names its key."""
    return f"<!-- gitops-bot:{quote(key, safe='/:@._-')} -->\n{storable(body)}"


def storable(text: str) -> str:
    """The text as GitHub can keep it: no lone surrogates, and line ends as it gives them back to the bot."""
    return lines(text.encode("utf-8", "replace").decode("utf-8"))


def lines(text: str) -> str:
    """The text with line ends `\\n`: a form in a browser sends `\\r\\n`."""
    return text.replace("\r\n", "\n")


def own_comments(nodes: Iterable[Any]) -> dict[str, tuple[str, str]]:
    """The bot's marked comments by key: id and body. Of two with one key the older counts.

    Only what the bot's own account wrote: anybody can write a mark.
    """
    found: dict[str, tuple[str, str]] = {}
    for node in nodes:
        mark = _MARK.fullmatch(lines(node["body"]))
        if mark and node["viewerDidAuthor"]:
            found.setdefault(unquote(mark[1]), (str(node["fullDatabaseId"]), mark[2]))
    return found


def login(actor: Any) -> str:
    """An actor's name as REST, web pages and `@` mentions have it: an App's ends in `[bot]`, here it does not."""
    if actor is None:
        return _GHOST
    name = str(actor["login"])
    return f"{name}[bot]" if actor["__typename"] == "Bot" and not name.endswith("[bot]") else name


def labeller(event: Any) -> Labelled | None:
    """Who put a label on by this event, and when; None for one that took it off, or if nobody can be sure who that was.

    The event may name the label as it is now: whoever may rename labels could make `hotfix` of one that somebody
    else has put on. A placeholder that an import made for somebody (a mannequin) is nobody.
    """
    if event is None or event["__typename"] != "LabeledEvent":
        return None
    actor, changed = event["actor"], event["label"]["updatedAt"]
    if actor is None or actor["__typename"] not in ("User", "Bot"):
        return None
    when = time_of(event["createdAt"])
    return None if changed and time_of(changed) > when else Labelled(login(actor), when)


def is_login(name: str) -> bool:
    """Whether an account can have that name: nothing else may become a part of a URL's path."""
    return _LOGIN.fullmatch(name) is not None


def time_of(text: str) -> datetime:
    """ISO 8601 → datetime, UTC."""
    return datetime.fromisoformat(text)


def reviews(nodes: Iterable[Any]) -> tuple[Review, ...]:
    """Submitted reviews, as GitHub lists them. One of a commit that is gone is of no commit."""
    return tuple(
        Review(
            login(node["author"]),
            cast("Literal['approved', 'changes_requested', 'commented', 'dismissed']", node["state"].lower()),
            (node["commit"] or {}).get("oid", ""),
            time_of(node["submittedAt"]),
        )
        for node in nodes
        if node["state"] != "PENDING" and node["submittedAt"]
    )


def statuses(nodes: Iterable[Any], own_workflow: str) -> tuple[Status, ...]:
    """Commit statuses and check runs, without those of the workflow that the bot itself runs in."""
    return tuple(_status(node) for node in nodes if not own_workflow or _workflow(node) != own_workflow)


def _workflow(node: Any) -> str:
    """The file name of the workflow that a check run belongs to, "" if to none."""
    run = (node.get("checkSuite") or {}).get("workflowRun")
    return str(run["workflow"]["resourcePath"]).rpartition("/")[2] if run else ""


def _status(node: Any) -> Status:
    if node["__typename"] == "StatusContext":
        return Status(node["context"], state(node["state"]), node["description"] or "")
    if node["status"] != "COMPLETED":
        return Status(node["name"], "pending", node["title"] or "")
    passed = node["conclusion"] in _PASSED
    return Status(node["name"], "success" if passed else "failure", node["title"] or "")


def state(text: str) -> Literal["pending", "success", "failure"]:
    """A commit status's state; one that is not known is not decided."""
    if text in ("ERROR", "FAILURE"):
        return "failure"
    return "success" if text == "SUCCESS" else "pending"


def pull_request(
    node: Any,
    labels: Iterable[Any],
    comments: Iterable[Any],
    reviewed: Iterable[Any],
    seen: tuple[Status, ...],
    commits: Iterable[Any],
) -> PullRequest:
    """A pull request of its node and the whole of each list in it."""
    return PullRequest(
        number=node["number"],
        branch=node["headRefName"],
        head=node["headRefOid"],
        title=node["title"],
        body=lines(node["body"]),
        author=login(node["author"]),
        state="open" if node["state"] == "OPEN" else "closed",
        reviews=reviews(reviewed),
        statuses=seen,
        comments={key: body for key, (_, body) in own_comments(comments).items()},
        labels=frozenset(label["name"] for label in labels),
        own=is_own(node),
        pushers=pushers(commits),
        auto_merge=node["autoMergeRequest"] is not None,
    )


def is_own(node: Any) -> bool:
    """Whether it is the bot's: from a branch `bot/…` of this repository, not of a fork."""
    return not node["isCrossRepository"] and str(node["headRefName"]).startswith("bot/")


def pushers(nodes: Iterable[Any]) -> frozenset[str]:
    """The accounts that GitHub takes for the authors and committers of commits; it knows no more than their e-mail."""
    actors = (node["commit"][role] for node in nodes for role in ("author", "committer"))
    return frozenset(actor["user"]["login"] for actor in actors if actor and actor["user"])


def user_comment(node: Any, number: int, *, on_pull_request: bool) -> UserComment:
    """A comment or a review's body; a review counts from when it was submitted."""
    author = node["author"]
    names = {content: reaction for reaction, content in REACTIONS.items()}
    own = {group["content"] for group in node["reactionGroups"] or () if group["viewerHasReacted"]}
    return UserComment(
        id=node["id"],
        number=number,
        author=login(author),
        body=lines(node["body"]),
        time=said_at(node),
        on_pull_request=on_pull_request,
        is_bot=author is not None and author["__typename"] == "Bot",
        edited=node["lastEditedAt"] is not None,
        reactions=frozenset(names[content] for content in own & set(names)),
    )


def said_at(node: Any) -> datetime:
    """When a comment was written, or a review submitted."""
    return time_of(node.get("submittedAt") or node["createdAt"])


def person(answer: Any, name: str, teams: frozenset[str]) -> Person:
    """A user's permission; an answer on somebody else gives none.

    https://docs.github.com/en/rest/collaborators/collaborators#get-repository-permissions-for-a-user
    """
    user = (answer.get("user") or {}).get("login", "")
    same = str(user).casefold() == name.casefold()
    return Person(_PERMISSIONS.get(str(answer.get("permission")), "none") if same else "none", teams)
