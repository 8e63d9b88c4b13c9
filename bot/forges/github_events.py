"""GitHub's webhooks: bytes and headers in, an event of ours out; nothing here reads, writes or waits.

https://docs.github.com/en/webhooks/webhook-events-and-payloads
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

from bot.core.events import Commented, Ignored, Reconcile
from bot.forges import deliveries
from bot.forges.deliveries import Delivery, lowered, read_payload

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bot.core.events import Event
    from bot.forges.deliveries import Payload

_PULL_REQUEST = frozenset(
    {"opened", "reopened", "closed", "synchronize", "edited", "labeled", "unlabeled", "ready_for_review"}
    | {"converted_to_draft"}
)
# What may change the bot's decision: the event, and its actions where not every one does.
_CHANGES: Mapping[str, frozenset[str] | None] = {
    "push": None,
    "status": None,
    "schedule": None,
    "workflow_dispatch": None,
    "repository_dispatch": None,
    "pull_request": _PULL_REQUEST,
    "pull_request_review": frozenset({"submitted", "dismissed"}),
    "check_run": frozenset({"completed"}),
    "check_suite": frozenset({"completed"}),
    "package": frozenset({"published", "updated"}),
    "registry_package": frozenset({"published", "updated"}),
}
# What may hold commands: the object with the text, the object with the number, the action that is no edit.
_COMMENTS = {
    "issue_comment": ("comment", "issue", "created"),
    "pull_request_review": ("review", "pull_request", "submitted"),
}
# All that a repository may be called in a git URL.
_URLS = ("full_name", "clone_url", "ssh_url")


def verify_github(headers: Mapping[str, str], body: bytes, secrets: Sequence[str]) -> None:
    """`BadSignature` unless `X-Hub-Signature-256` is the HMAC-SHA256 of the raw body under one of the secrets.

    https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
    """
    deliveries.check_size(body)
    given = lowered(headers).get("x-hub-signature-256", "")
    expected = [f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}" for secret in secrets if secret]
    deliveries.check_signed(deliveries.same(given, expected))


def parse_github(
    headers: Mapping[str, str], body: bytes, secrets: Sequence[str], *, bot: str, repository: str
) -> Delivery:
    """A delivery, verified, by its `X-GitHub-Delivery`; `bot` and `repository` as in `event_of`.

    Raises `BadSignature`, and `BadDelivery` for what is signed and no event.
    """
    verify_github(headers, body, secrets)
    given = lowered(headers)
    deliveries.check_content_type(given)
    name = given.get("x-github-event", "")
    event = event_of(name, read_payload(body), bot=bot, repository=repository)
    return Delivery(deliveries.delivery_id(given.get("x-github-delivery", "")), event)


def event_of(name: str, payload: Payload, *, bot: str, repository: str) -> Event | Ignored:
    """What an event means: its name (`issue_comment`, as GITHUB_EVENT_NAME has it), and its payload.

    `bot` is the bot's own login, `repository` the GitOps repository as `repository_path` gives it: a comment
    elsewhere is none of ours, whereas a push elsewhere may be to a source. `BadDelivery` for a comment that
    lacks what a comment has.
    """
    if name == "ping":
        return Ignored("ping", "a ping only shows that the webhook is set up")
    if name == "pull_request_review_comment":
        # The forge's listing has none of them: one could not be found again, nor told from one that was carried out.
        return Ignored("on_a_line", "commands count below the pull request or in a review's text, not on a line")
    # GitHub Actions names it so; what it runs with differs, what it means does not.
    name = "pull_request" if name == "pull_request_target" else name
    if name not in _CHANGES and name not in _COMMENTS:
        return Ignored("unknown_event", f"the bot takes nothing from the event {name[:50]!r}")
    action = payload.text("action")
    if name in _COMMENTS and action == _COMMENTS[name][2]:
        return _comment(name, payload, bot.lower(), repository)
    if name in _COMMENTS and action == "edited":
        return deliveries.edited()
    actions = _CHANGES.get(name, frozenset())
    if actions is None or action in actions:
        return Reconcile()
    return Ignored("no_effect", f"{name} {action[:50]!r} changes nothing that the bot decides on")


def _comment(name: str, payload: Payload, bot: str, repository: str) -> Event | Ignored:
    holder, place, _ = _COMMENTS[name]
    comment, number = payload.below(holder), payload.below(place).number("number")
    if holder == "review" and not comment.text("body").strip():
        return Reconcile()
    if not deliveries.is_called(repository, payload.below("repository"), _URLS):
        return Ignored("other_repository", "the comment is in another repository than the bot's")
    if "user" not in comment:
        return Ignored("no_author", "the comment's author has no account any more")
    author, sender = comment.below("user"), payload.below("sender")
    if ignored := deliveries.by_bot((author.name("login"), sender.name("login")), bot):
        return ignored
    if "Bot" in (author.text("type"), sender.text("type")):
        return Ignored("by_bot", "bots give no commands")
    # The node id is what GraphQL calls `id`: one kind of id for comments, reviews and review comments.
    return Commented(comment.token("node_id"), number)
