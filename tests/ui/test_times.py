"""Times are worded one way on every page, by the reader's own clock."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from builder.ui.times import words_for_moment

NOW = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("then", "words"),
    [
        (datetime(2026, 11, 21, 9, 5, tzinfo=UTC), "09:05"),
        (datetime(2026, 11, 20, 23, 59, tzinfo=UTC), "20 Nov"),
        (datetime(2025, 2, 3, 4, 5, tzinfo=UTC), "3 Feb 2025"),
    ],
)
def test_a_moment_is_a_clock_time_today_and_a_date_before(then: datetime, words: str) -> None:
    assert words_for_moment(then.timestamp(), NOW.timestamp(), UTC) == words


def test_the_clock_is_the_readers() -> None:
    then = datetime(2026, 11, 21, 9, 5, tzinfo=UTC).timestamp()
    assert words_for_moment(then, NOW.timestamp(), ZoneInfo("Asia/Tokyo")) == "18:05"
