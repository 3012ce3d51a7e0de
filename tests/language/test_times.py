"""Moments as typed."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import Refused
from bot.language.times import moment

NOW = datetime(2026, 11, 23, 20, 30, tzinfo=UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")  # where it is the 24th already


@pytest.mark.parametrize(
    ("text", "begin", "end"),
    [
        ("2h", "2026-11-23T18:30+00:00", "2026-11-23T18:30+00:00"),
        (" 90 min ", "2026-11-23T19:00+00:00", "2026-11-23T19:00+00:00"),
        ("1W", "2026-11-16T20:30+00:00", "2026-11-16T20:30+00:00"),
        ("today", "2026-11-24T00:00+08:00", "2026-11-25T00:00+08:00"),
        ("Yesterday", "2026-11-23T00:00+08:00", "2026-11-24T00:00+08:00"),
        ("9am", "2026-11-23T09:00+08:00", "2026-11-23T09:00+08:00"),
        ("at 4", "2026-11-24T04:00+08:00", "2026-11-24T04:00+08:00"),
        ("yesterday at 21:30", "2026-11-23T21:30+08:00", "2026-11-23T21:30+08:00"),
        ("2026-11-01", "2026-11-01T00:00+08:00", "2026-11-02T00:00+08:00"),
        ("November", "2026-11-01T00:00+08:00", "2026-12-01T00:00+08:00"),
        ("dec", "2025-12-01T00:00+08:00", "2026-01-01T00:00+08:00"),
        ("november 2024", "2024-11-01T00:00+08:00", "2024-12-01T00:00+08:00"),
        ("last month", "2026-10-01T00:00+08:00", "2026-11-01T00:00+08:00"),
        ("上个月", "2026-10-01T00:00+08:00", "2026-11-01T00:00+08:00"),
        ("10月", "2026-10-01T00:00+08:00", "2026-11-01T00:00+08:00"),
        ("last week", "2026-11-16T00:00+08:00", "2026-11-23T00:00+08:00"),
        ("本周", "2026-11-23T00:00+08:00", "2026-11-30T00:00+08:00"),
        ("monday", "2026-11-23T00:00+08:00", "2026-11-24T00:00+08:00"),
        ("Tuesday", "2026-11-24T00:00+08:00", "2026-11-25T00:00+08:00"),
        ("last tuesday", "2026-11-17T00:00+08:00", "2026-11-18T00:00+08:00"),
        ("上周一", "2026-11-16T00:00+08:00", "2026-11-17T00:00+08:00"),
        ("周日", "2026-11-22T00:00+08:00", "2026-11-23T00:00+08:00"),
        ("2026-11-01T18:30", "2026-11-01T18:30+08:00", "2026-11-01T18:30+08:00"),
        ("2026-11-01 18:30", "2026-11-01T18:30+08:00", "2026-11-01T18:30+08:00"),
        ("2026-11-01T18:30+01:00", "2026-11-01T18:30+01:00", "2026-11-01T18:30+01:00"),
    ],
)
def test_a_moment_is_meant_in_the_persons_own_zone(text: str, begin: str, end: str) -> None:
    assert moment(text, NOW, SHANGHAI) == datetime.fromisoformat(begin)
    assert moment(text, NOW, SHANGHAI, end=True) == datetime.fromisoformat(end)


@given(st.text() | st.from_regex(r"\d{1,9}[mhdw]", fullmatch=True) | st.datetimes().map(str))
def test_any_text_is_an_aware_moment_or_refused(text: str) -> None:
    for end in (False, True):
        try:
            found = moment(text, NOW, SHANGHAI, end=end)
        except Refused:
            continue
        assert found.tzinfo is not None
