"""`Retry-After` as seconds or as a date; whatever else a server writes there asks for no wait."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.core.retry_after import retry_after

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 7 ", 7.0),
        ("9" * 400, 999_999_999.0),
        ("Sun, 01 Mar 2026 12:01:30 GMT", 90.0),
        ("Sun, 01 Mar 2026 13:01:30 +0100", 90.0),
        ("Sun, 01 Mar 2026 11:59:00 GMT", 0.0),
        ("Sun, 01 Mar 2026 12:01:30 -0000", 0.0),
        ("-5", 0.0),
        ("1.5", 0.0),
        ("٣", 0.0),
        ("soon", 0.0),
        ("", 0.0),
    ],
)
def test_the_wait_is_what_the_server_asks_for(text: str, seconds: float) -> None:
    assert retry_after({"Retry-After": text}, NOW) == seconds


def test_a_server_that_asks_for_none_gets_none() -> None:
    assert retry_after({}, NOW) == 0.0
