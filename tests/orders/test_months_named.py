"""Which month a text names, and which a sentence is about."""

import pytest

from bot.orders.months import Month, parse, spoken


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("11", Month(2025, 11)),
        ("11月", Month(2025, 11)),
        ("十一月份", Month(2025, 11)),
        ("1", Month(2026, 1)),
        ("2026-11", Month(2026, 11)),
        ("2026年11月", Month(2026, 11)),
        ("13", None),
        ("二十一月", None),
    ],
)
def test_without_a_year_it_is_the_last_such_month(text: str, meant: Month | None) -> None:
    assert parse(text, Month(2026, 1)) == meant


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ("what did 2025-11 cost", "2025-11"),
        ("11月花了多少", "11月"),
        ("what did order 1287-12 cost", ""),
        ("order 12025-11", ""),
        ("二十一月", ""),
    ],
)
def test_a_number_with_a_dash_is_no_month_by_itself(sentence: str, said: str) -> None:
    assert spoken(sentence) == said
