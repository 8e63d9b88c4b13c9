"""How long a server asks to be left alone, by the header `Retry-After` of its answer."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


def retry_after(headers: Mapping[str, str], now: datetime) -> float:
    """The seconds from `now` (UTC) on; 0 for a time that is over, and where the header is not there or says neither.

    It holds seconds, or a date: https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
    """
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max(0.0, (parsedate_to_datetime(text) - now).total_seconds())
    except (ValueError, TypeError):
        return 0.0
