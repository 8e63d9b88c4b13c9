"""What a webhook's bytes must be before they are believed: small enough, signed, JSON, of the right types."""

from __future__ import annotations

import hmac
import json
import re
from typing import TYPE_CHECKING, NamedTuple

from bot.core.errors import Refused
from bot.core.events import Ignored
from bot.core.people import is_bot

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bot.core.events import Event

LIMIT = 8 * 1024 * 1024
"""Bytes of a body. A note of a million characters, GitLab's most, fits twice; GitHub would send up to 25 MB."""

_NAME = re.compile(r"[A-Za-z0-9._-]{1,255}(?:\[bot\])?")
_TOKEN = re.compile(r"[!-~]{1,255}")
_SURROGATE = re.compile("[\ud800-\udfff]")
_SCHEME = re.compile(r"^[a-z]+://[^/]+/|^[^/:]+:/*")


class BadSignature(Refused):
    """Nobody who knows the secret sent this; that is all that is said."""

    reason_code = "bad_signature"


class BadDelivery(Refused):
    """It is signed, or need not be, and is no event of this forge. Codes: `bad_delivery`, `too_large`, `not_json`."""

    reason_code = "bad_delivery"


class Delivery(NamedTuple):
    """One delivery of a webhook: the forge's id of it, the same when it is sent again, and what it means."""

    id: str
    event: Event | Ignored


class Payload:
    """An object of the JSON that a forge sent: each value is asked for by its type. `BadDelivery` if it is another."""

    __slots__ = ("_value", "_where")

    def __init__(self, value: object, where: str = "") -> None:
        if not isinstance(value, dict):
            raise BadDelivery(f"the event's {where.rstrip('.') or 'payload'} is no JSON object")
        self._value = value
        self._where = where

    def __contains__(self, key: str) -> bool:
        return self._value.get(key) is not None

    def below(self, key: str) -> Payload:
        """The object below `key`."""
        return Payload(self._value.get(key), f"{self._where}{key}.")

    def text(self, key: str) -> str:
        """A text; empty if it is null or not there. Halves of characters, which no file can hold, become �."""
        value = self._value.get(key)
        if value is not None and not isinstance(value, str):
            raise self._wrong(key, "text")
        return _SURROGATE.sub("�", value or "")

    def name(self, key: str) -> str:
        """A user's name: ASCII as both forges demand, so that no two names look alike."""
        return self._matching(key, _NAME, "user's name")

    def token(self, key: str) -> str:
        """An opaque identifier in printable ASCII."""
        return self._matching(key, _TOKEN, "identifier")

    def number(self, key: str) -> int:
        """A whole number above zero."""
        value = self._value.get(key)
        if type(value) is not int or value <= 0:
            raise self._wrong(key, "number")
        return value

    def flag(self, key: str) -> bool:
        """True or false."""
        value = self._value.get(key)
        if not isinstance(value, bool):
            raise self._wrong(key, "true or false")
        return value

    def _matching(self, key: str, form: re.Pattern[str], what: str) -> str:
        text = self.text(key)
        if not form.fullmatch(text):
            raise self._wrong(key, what)
        return text

    def _wrong(self, key: str, what: str) -> BadDelivery:
        return BadDelivery(f"the event's {self._where}{key} is no {what}")


def lowered(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers by lower-case name: https://www.rfc-editor.org/rfc/rfc9110#section-5.1"""
    return {name.lower(): value for name, value in headers.items()}


def same(given: str, expected: Iterable[str]) -> bool:
    """Whether the text is one of those expected. How long that takes tells nothing of where they differ."""
    found = [hmac.compare_digest(given.encode(errors="replace"), text.encode()) for text in expected]
    return any(found)


def check_size(body: bytes) -> None:
    """`BadDelivery` `too_large` for a body that is not even to be hashed."""
    if len(body) > LIMIT:
        raise BadDelivery(f"the event is larger than {LIMIT} bytes", reason_code="too_large")


def check_signed(good: bool) -> None:
    """`BadSignature`, in the same words whatever is wrong, unless it is good."""
    if not good:
        raise BadSignature("the delivery is not signed with a secret of this bot")


def read_payload(body: bytes) -> Payload:
    """The JSON object that a body is. `BadDelivery` (`too_large`, `not_json`) if it is none."""
    check_size(body)
    try:
        # Strictly UTF-8: https://www.rfc-editor.org/rfc/rfc8259#section-8.1
        return Payload(json.loads(body.decode()))
    except (ValueError, RecursionError) as error:
        raise BadDelivery("the event is not JSON", reason_code="not_json") from error


def check_content_type(headers: Mapping[str, str]) -> None:
    """`BadDelivery` `not_json` unless the (lower-case) headers say that the body is JSON."""
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        fix = "set the webhook's content type to application/json"
        raise BadDelivery("the delivery is not of the type application/json", fix=fix, reason_code="not_json")


def delivery_id(text: str) -> str:
    """The forge's id of a delivery. `BadDelivery` if it is none."""
    if not _TOKEN.fullmatch(text):
        raise BadDelivery("the delivery has no id")
    return text


def edited() -> Ignored:
    """Why a comment that somebody changed counts for nothing."""
    return Ignored("edited", "an edited comment is no command: a new one is")


def by_bot(names: Iterable[str], bot: str) -> Ignored | None:
    """Why a comment of somebody with one of these names counts for nothing: the bot's own (lower-case), or a bot's."""
    if bot in {name.lower() for name in names}:
        return Ignored("own_comment", "the bot wrote it")
    return Ignored("by_bot", "bots give no commands") if any(map(is_bot, names)) else None


def is_called(repository: str, place: Payload, keys: Iterable[str]) -> bool:
    """Whether one of the texts below these keys, all that `place` may be called in a git URL, has the path
    `repository`: a server may live below a path of its host.
    """
    return repository in {repository_path(url) for url in map(place.text, keys) if url}


def repository_path(url: str) -> str:
    """The path of a repository on its forge, lower-case: `https://host/Owner/name.git` → `owner/name`.

    The host is left out: a bot may reach its forge by another name than the forge's own.
    """
    return _SCHEME.sub("", url.lower(), count=1).rstrip("/").removesuffix(".git")
