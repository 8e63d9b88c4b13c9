"""GitLab's webhooks: bytes and headers in, an event of ours out; nothing here reads, writes, waits or asks the time.

https://docs.gitlab.com/user/project/integrations/webhook_events/
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from typing import TYPE_CHECKING

from bot.core.events import Commented, Ignored, Reconcile
from bot.forges import deliveries
from bot.forges.deliveries import BadSignature, Delivery, lowered, read_payload, same

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from bot.core.events import Event
    from bot.forges.deliveries import Payload

SIGNING = "whsec_"
TOLERANCE = 300
"""Seconds that a signed delivery's time may be off."""

_FINISHED = frozenset({"success", "failed", "canceled", "skipped"})
_MERGE_REQUEST = frozenset(
    {"open", "reopen", "close", "merge", "approved", "unapproved", "approval", "unapproval"},
)
# All that a project may be called in a git URL.
_URLS = ("path_with_namespace", "git_http_url", "git_ssh_url")
_PLACES = {"MergeRequest": "merge_request", "Issue": "issue"}


def verify_gitlab(headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> None:
    """`BadSignature` unless the delivery is signed by one of the secrets, or, with none that signs, has one as token.

    A secret `whsec_…` signs, any other is a token. As soon as one signs, a token is no longer enough. `now`: UTC.
    https://docs.gitlab.com/user/project/integrations/webhooks/ and
    https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
    """
    deliveries.check_size(body)
    given = lowered(headers)
    keys = [secret for secret in secrets if secret.startswith(SIGNING)]
    token = given.get("x-gitlab-token", "")
    deliveries.check_signed(_is_signed(given, body, keys, now) if keys else same(token, [s for s in secrets if s]))


def _is_signed(headers: Mapping[str, str], body: bytes, keys: Sequence[str], now: datetime) -> bool:
    sent, time = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not sent or not re.fullmatch("[0-9]{1,12}", time) or abs(now.timestamp() - int(time)) > TOLERANCE:
        return False
    signed = f"{sent}.{time}.".encode(errors="replace") + body
    expected = [f"v1,{base64.b64encode(hmac.digest(_key(key), signed, hashlib.sha256)).decode()}" for key in keys]
    return any(same(given, expected) for given in headers.get("webhook-signature", "").split(" "))


def _key(secret: str) -> bytes:
    """The bytes of a signing secret. `BadSignature` for one that is none: anybody could have signed with nothing."""
    try:
        key = base64.b64decode(secret.removeprefix(SIGNING), validate=True)
    except ValueError as error:
        raise BadSignature("a signing secret of this bot is not base64") from error
    if not key:
        raise BadSignature("a signing secret of this bot is empty")
    return key


def parse_gitlab(
    headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime, *, bot: str, repository: str
) -> Delivery:
    """A delivery, verified, by its id; `bot` and `repository` as in `event_of`.

    Raises `BadSignature`, and `BadDelivery` for what is signed and no event.
    """
    verify_gitlab(headers, body, secrets, now)
    given = lowered(headers)
    deliveries.check_content_type(given)
    return Delivery(_delivery_id(given, body), event_of(read_payload(body), bot=bot, repository=repository))


def _delivery_id(headers: Mapping[str, str], body: bytes) -> str:
    """The signed id, or that of GitLab 17.4 and newer; for older ones what is the same when sent again."""
    if known := headers.get("webhook-id") or headers.get("idempotency-key"):
        return deliveries.delivery_id(known)
    # Hooks that set off other hooks share this one, so it takes the body to tell them apart.
    return deliveries.delivery_id(headers.get("x-gitlab-event-uuid", "")[:100] + ":" + hashlib.sha256(body).hexdigest())


def event_of(payload: Payload, *, bot: str, repository: str) -> Event | Ignored:
    """What an event means; its `object_kind` says which it is.

    `bot` is the bot's own user name, `repository` the GitOps repository as `repository_path` gives it: a note
    elsewhere is none of ours, whereas a push elsewhere may be to a source. `BadDelivery` for a note that lacks
    what a note has.
    """
    kind = payload.text("object_kind")
    if kind in ("push", "tag_push", "deployment"):
        return Reconcile()
    if kind == "note":
        return _note(payload, bot.lower(), repository)
    if kind == "merge_request":
        return _merge_request(payload)
    if kind == "pipeline":
        status = payload.below("object_attributes").text("status")
        return Reconcile() if status in _FINISHED else Ignored("no_effect", "the pipeline has not finished")
    return Ignored("unknown_event", f"the bot takes nothing from the event {kind[:50]!r}")


def _merge_request(payload: Payload) -> Event | Ignored:
    """An update is one of the commits only if it has `oldrev`; the bot's own rewriting of a text has none."""
    attributes = payload.below("object_attributes")
    action = attributes.text("action")
    labels = "changes" in payload and "labels" in payload.below("changes")
    if action in _MERGE_REQUEST or (action == "update" and ("oldrev" in attributes or labels)):
        return Reconcile()
    return Ignored("no_effect", f"merge_request {action[:50]!r} changes nothing that the bot decides on")


def _note(payload: Payload, bot: str, repository: str) -> Event | Ignored:
    note = payload.below("object_attributes")
    place = _PLACES.get(note.text("noteable_type"))
    if place is None:
        return Ignored("no_effect", "the note is on neither a merge request nor an issue")
    if note.text("action") != "create":
        return deliveries.edited()
    if note.flag("system"):
        return Ignored("by_bot", "GitLab itself wrote it")
    if not deliveries.is_called(repository, payload.below("project"), _URLS):
        return Ignored("other_repository", "the note is in another project than the bot's")
    author = payload.below("user").name("username")
    if ignored := deliveries.by_bot((author,), bot):
        return ignored
    # A note's number is one among all of GitLab; the forge's own listing names the note so too.
    return Commented(f"note:{note.number('id')}", payload.below(place).number("iid"))
