"""What is a calendar version, and which comes first."""

from __future__ import annotations

import pytest

from bot.core.versions.calver import calendar_version


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("2024.01.15", (2024, 1, 15)),
        ("2024-1-15", (2024, 1, 15)),
        ("2024_01", (2024, 1)),
        ("v24.04", (2024, 4)),
        ("24.04.1", (2024, 4, 1)),
        ("20240115", (2024, 1, 15)),
        ("20240115.2", (2024, 1, 15, 2)),
        ("202401151230", (2024, 1, 15, 12, 30)),
        ("20240115-123059", (2024, 1, 15, 123059)),
        ("20240115123059", (2024, 1, 15, 12, 30, 59)),
        ("2024.1.15-3", (2024, 1, 15, 3)),
        ("2024.99.1" + "0" * 30, (2024, 99, 10**30)),
    ],
)
def test_a_calendar_version_is_numbers_that_begin_with_a_year(text: str, numbers: tuple[int, ...]) -> None:
    assert calendar_version(text) == numbers


@pytest.mark.parametrize(
    "text",
    [
        *("", "v", "2024", "24", "1.2.3", "124.1", "8080.1", "3024.1", "2024.1-rc1", "2024.1b2", "2024..1", "2024.1."),
        *("20240230", "20241301", "202401", "2024011", "202401152460", "20240115126060", "latest", "2024.\u0661"),
    ],
)
def test_anything_else_is_none(text: str) -> None:
    assert calendar_version(text) is None
