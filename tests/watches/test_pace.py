"""How fast something moves, from the percentages that were seen."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from bot.reply import plain
from bot.watches.observers.pace import Pace, rate, standing

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
GIB = 1024**3


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def seen(*looks: tuple[float, int]) -> Pace:
    about: Mapping[str, str] = {}
    for seconds, percent in looks:
        pace = Pace.seen(about, percent, after(seconds))
        about = pace.about()
    return pace


def test_one_look_tells_no_speed() -> None:
    assert plain(seen((0, 40)).bar(GIB, START).text) == "▓▓▓▓▓▓▓▓░░░░░░░░░░░░ 40 %"


def test_speed_and_time_left_follow_from_what_was_seen() -> None:
    bar = plain(seen((0, 10), (20, 20), (40, 30)).bar(10 * GIB, after(40)).text)
    assert bar == "▓▓▓▓▓▓░░░░░░░░░░░░░░ 30 % · 51.2 MiB/s · about 2 min 20 s left"


def test_without_a_size_only_the_time_left_is_said() -> None:
    bar = plain(seen((0, 10), (20, 20)).bar(None, after(20)).text)
    assert "/s" not in bar
    assert "left" in bar


def test_a_percentage_that_falls_is_a_new_beginning() -> None:
    pace = seen((0, 80), (20, 90), (30, 5))
    assert (pace.first, pace.percent, pace.moved_at) == (5, 5, after(30))


@pytest.mark.parametrize(("still", "stalled"), [(119, False), (120, True)])
def test_a_stall_is_two_minutes_without_a_move(still: float, stalled: bool) -> None:
    assert seen((0, 10), (still, 10)).has_stalled(after(still)) is stalled


@pytest.mark.parametrize(("still", "stalled"), [(1199, False), (1200, True)])
def test_what_is_slow_has_not_stalled(still: float, stalled: bool) -> None:
    assert seen((0, 10), (600, 11)).has_stalled(after(600 + still)) is stalled


@pytest.mark.parametrize(("still", "pause"), [(0, 5), (30, 5), (120, 20), (3600, 60)])
def test_what_does_not_move_is_looked_at_more_seldom(still: float, pause: float) -> None:
    assert seen((0, 10)).pause(after(still)) == timedelta(seconds=pause)


@pytest.mark.parametrize(
    ("speed", "text"),
    [(10, "10 B/s"), (1024, "1 KiB/s"), (105 * 1024**2, "105 MiB/s"), (2.5 * GIB, "2.5 GiB/s")],
)
def test_a_rate_is_said_in_the_unit_that_fits(speed: float, text: str) -> None:
    assert rate(speed) == text


@pytest.mark.parametrize(
    ("speed", "text"),
    [
        (999, "999 B/s"),
        (1000, "0.977 KiB/s"),
        (999 * 1024, "999 KiB/s"),
        (999 * GIB, "999 GiB/s"),
        (1000 * GIB, "1e+03 GiB/s"),
        (0.5, "0.5 B/s"),
    ],
)
def test_a_rate_goes_to_the_next_unit_at_a_thousand(speed: float, text: str) -> None:
    assert rate(speed) == text


@pytest.mark.parametrize(
    ("looks", "bar"),
    [
        (((0, 50), (9, 60)), "▓▓▓▓▓▓▓▓▓▓▓▓░░░░░░░░ 60 %"),
        (((0, 50), (10, 60)), "▓▓▓▓▓▓▓▓▓▓▓▓░░░░░░░░ 60 % · about 40 s left"),
        (((0, 0), (100, 97)), "▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓░ 97 % · about 5 s left"),
        (((0, 0), (60, 64)), "▓▓▓▓▓▓▓▓▓▓▓▓░░░░░░░░ 64 % · about 35 s left"),
        (((0, 0), (60, 50)), "▓▓▓▓▓▓▓▓▓▓░░░░░░░░░░ 50 % · about 1 min left"),
        (((0, 0), (65, 50)), "▓▓▓▓▓▓▓▓▓▓░░░░░░░░░░ 50 % · about 1 min left"),
        (((0, 0), (66, 50)), "▓▓▓▓▓▓▓▓▓▓░░░░░░░░░░ 50 % · about 1 min 10 s left"),
        (((0, 0), (596, 50)), "▓▓▓▓▓▓▓▓▓▓░░░░░░░░░░ 50 % · about 10 min left"),
        (((0, 0), (630, 50)), "▓▓▓▓▓▓▓▓▓▓░░░░░░░░░░ 50 % · about 10 min left"),
        (((0, 0), (600, 50)), "▓▓▓▓▓▓▓▓▓▓░░░░░░░░░░ 50 % · about 10 min left"),
        (((0, 0), (640, 50)), "▓▓▓▓▓▓▓▓▓▓░░░░░░░░░░ 50 % · about 11 min left"),
        (((0, 0), (60, 100)), "▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓ 100 %"),
        (((0, 10), (60, 10)), "▓▓░░░░░░░░░░░░░░░░░░ 10 %"),
    ],
)
def test_the_time_left_is_rounded_to_what_people_want_to_know(
    looks: tuple[tuple[float, int], ...], bar: str
) -> None:
    assert plain(seen(*looks).bar(None, after(looks[-1][0])).text) == bar


def test_what_has_stalled_tells_no_speed() -> None:
    pace = seen((0, 0), (20, 20))
    assert "left" in plain(pace.bar(GIB, after(139)).text)
    assert plain(pace.bar(GIB, after(140)).text) == "▓▓▓▓░░░░░░░░░░░░░░░░ 20 %"


def test_what_was_seen_is_kept_as_texts_and_read_back() -> None:
    pace = seen((0, 10), (20, 20), (30, 20))
    assert pace == Pace(10, START, 20, after(20))
    assert pace.about() == {
        "first": "10",
        "first_at": START.isoformat(),
        "percent": "20",
        "moved_at": after(20).isoformat(),
    }
    assert pace.left == timedelta(seconds=160)
    assert seen((0, 10)).left is None


def test_a_bar_without_history_shows_how_far_it_is() -> None:
    assert plain(standing(None)) == "progress not known yet"
    assert plain(standing(37)) == "▓▓▓▓▓▓▓░░░░░░░░░░░░░ 37 %"
    assert plain(standing(0)) == "░░░░░░░░░░░░░░░░░░░░ 0 %"
