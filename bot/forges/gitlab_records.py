"""What GitLab's answers mean: nouns made of JSON, and nothing else."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from bot.core.errors import NotFound
from bot.core.models import Labelled, PullRequest, Reaction, Review, Status, UserComment
from bot.forges.gitlab_api import moment
from bot.forges.gitlab_queries import is_own, whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from bot.forges.gitlab_queries import Kind, Node

State = Literal["pending", "success", "failure"]
EMOJI: dict[Reaction, str] = {"eyes": "eyes", "rocket": "rocket", "-1": "thumbsdown", "confused": "confused"}
"""https://docs.gitlab.com/api/emoji_reactions/; the names are GitLab's own."""
_REACTIONS = {name: reaction for reaction, name in EMOJI.items()}
_MARK = re.compile(r"<!-- gitops-bot:(\S+) -->(?:\n|\Z)")
_COMMENT = re.compile(r"note:([1-9][0-9]{0,17})")
_ENDED: dict[str, State] = {"success": "success", "skipped": "success", "failed": "failure", "canceled": "failure"}


def marked(key: str, body: str) -> str:
    """A comment's text with the bot's hidden mark as its first line."""
    return f"<!-- gitops-bot:{key} -->\n{body}"


def mark(text: str) -> tuple[str, str] | None:
    """Key and body of a marked comment; only a mark that is the first line counts, not one that is quoted."""
    found = _MARK.match(text)
    return (found[1], text[found.end() :]) if found else None


def comment_id(global_id: str) -> str:
    """`gid://gitlab/DiffNote/302` → `note:302`, the id of a `UserComment`, as the webhooks name it."""
    return f"note:{int(global_id.rpartition('/')[2])}"


def global_id(comment: str) -> str:
    """`note:302` → `gid://gitlab/Note/302`. `NotFound` for what is not a comment's id."""
    found = _COMMENT.fullmatch(comment)
    if not found:
        raise NotFound(f"{comment[:100]!r} is not a comment on GitLab")
    return f"gid://gitlab/Note/{found[1]}"


def pull_request(
    node: Node,
    me: str,
    reviews: Sequence[Review],
    statuses: Sequence[Status],
    pushers: frozenset[str] = frozenset(),
) -> PullRequest:
    """A merge request, read by `gitlab_queries.DETAILS`, with all its notes."""
    own = (mark(note["body"]) for note in node["notes"] if not note["system"] and _author(note) == me)
    comments: dict[str, str] = {}
    for found in own:
        if found:
            comments.setdefault(*found)
    return PullRequest(
        number=int(node["iid"]),
        branch=node["sourceBranch"],
        head=node["diffHeadSha"] or "",
        title=node["title"],
        body=node["description"] or "",
        author=_author(node),
        state="open" if node["state"] == "opened" else "closed",
        reviews=tuple(reviews),
        statuses=tuple(statuses),
        comments=comments,
        labels=frozenset(label["title"] for label in whole(node["labels"])),
        own=is_own(node),
        pushers=pushers,
        auto_merge=node["autoMergeEnabled"] is True,
    )


def approvals(approved_by: Iterable[Mapping[str, Any]], versions: Iterable[Mapping[str, Any]]) -> list[Review]:
    """The approvals that stand, each for the commit that the merge request was at when it was given.

    GitLab's approvals name no commit. Both times are of GitLab's own clock: that of the approval, and that at which
    it noticed a push (the version of the diff). An approval from before any version, or one without a time, is for
    no commit. https://docs.gitlab.com/api/merge_request_approvals/ and
    https://docs.gitlab.com/api/merge_requests/#list-merge-request-diff-versions
    """
    heads = sorted((moment(version["created_at"]), version["head_commit_sha"]) for version in versions)
    found = []
    for approval in approved_by:
        name, when = approval["user"]["username"], approval.get("approved_at")
        time = moment(when) if when else heads[-1][0]
        seen = [head for since, head in heads if when and since < time]
        found.append(Review(name, "approved", seen[-1] if seen else "", time))
    return found


def objections(node: Node, given: Sequence[Review]) -> list[Review]:
    """The reviewers whose word now is that they want changes: it comes last, whatever they had approved before."""
    asked = [r["username"] for r in whole(node["reviewers"]) if _wants_changes(r["mergeRequestInteraction"])]
    time = max([moment(node["updatedAt"]), *(review.time for review in given)]) + timedelta(seconds=1)
    return [Review(name, "changes_requested", node["diffHeadSha"] or "", time) for name in asked]


def labeller(labels: Iterable[Node], events: Iterable[Mapping[str, Any]], label: str) -> Labelled | None:
    """Who put a label on last, and when; None if it is not among the `labels` that are on, or nobody can be sure of it.

    An event names the label as it is now: whoever may rename labels could make `hotfix` of one that somebody else has
    put on. So it must be younger than the label's last change.
    https://docs.gitlab.com/api/resource_label_events/
    """
    on = {int(each["id"].rpartition("/")[2]): moment(each["updatedAt"]) for each in labels if each["title"] == label}
    ours = [e for e in events if e["label"] is not None and e["label"]["id"] in on]
    last = max(ours, key=lambda event: int(event["id"]), default=None)
    if last is None or last["action"] != "add" or last["user"] is None:
        return None
    when = moment(last["created_at"])
    return Labelled(str(last["user"]["username"]), when) if when >= on[last["label"]["id"]] else None


def _wants_changes(interaction: Node | None) -> bool:
    return interaction is not None and interaction["reviewState"] == "REQUESTED_CHANGES"


def latest(statuses: Iterable[Mapping[str, Any]], me: str) -> dict[str, Mapping[str, Any]]:
    """The newest status of each name, by name, of those on a commit.

    Whoever may push may set a status of any name: of `gitops-bot/…` only the bot's own count.
    """
    ordered = sorted(statuses, key=lambda status: int(status["id"]))
    return {s["name"]: s for s in ordered if not s["name"].startswith("gitops-bot/") or _author(s) == me}


def status(record: Mapping[str, Any]) -> Status:
    """A commit status or job. What may fail counts as success once it has ended, as it does for GitLab."""
    state = _state(record["status"])
    may_fail = record.get("allow_failure") is True and record["status"] in ("failed", "canceled", "manual")
    return Status(record["name"], "success" if may_fail else state, record["description"] or "")


def head_pipeline(node: Node) -> list[Status]:
    """The merge request's pipeline, if it runs on another commit (merged results): its jobs are not the head's."""
    pipeline = node["headPipeline"]
    if pipeline is None or pipeline["sha"] == node["diffHeadSha"]:
        return []
    name = pipeline["status"].lower()
    return [Status("gitlab/pipeline", _state(name), f"the pipeline of the merged result is {name}")]


def _state(name: str) -> State:
    """Also a state that is not known yet is one to wait for: https://docs.gitlab.com/api/commits/"""
    return _ENDED.get(name, "pending")


def user_comments(kind: Kind, node: Node, me: str, since: datetime) -> list[UserComment]:
    """What others wrote on a merge request or issue since then; times are whole seconds."""
    wanted = (n for n in node["notes"] if not n["system"] and _author(n) not in ("", me))
    new = (n for n in wanted if moment(n["createdAt"]) >= since.replace(microsecond=0))
    return [_user_comment(kind, node["iid"], note, me) for note in new]


def _user_comment(kind: Kind, number: str, note: Node, me: str) -> UserComment:
    return UserComment(
        id=comment_id(note["id"]),
        number=int(number),
        author=_author(note),
        body=note["body"],
        time=moment(note["createdAt"]),
        on_pull_request=kind == "mergeRequest",
        is_bot=note["author"]["bot"] is not False,
        edited=note["lastEditedAt"] is not None,
        reactions=reactions(note, me),
    )


def reactions(note: Node, me: str) -> frozenset[Reaction]:
    """The bot's own reactions on a note."""
    names = [a["name"] for a in note["awardEmoji"]["nodes"] if (a["user"] or {}).get("username") == me]
    return frozenset(_REACTIONS[name] for name in names if name in _REACTIONS)


def _author(node: Mapping[str, Any]) -> str:
    """Who wrote it; nobody, if GitLab does not say."""
    return str((node["author"] or {}).get("username", ""))
