"""What is said of the time that is left: as the moment beside it says, or less."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.ids import NodeId
from bot.model import OrderPhase, RentalOrder
from bot.orders.facts import Facts, pace, span
from bot.orders.schedule import DAY, HOUR, MINUTE
from bot.reply import line, say, world_time


@pytest.mark.parametrize(
    ("blocks", "told"),
    [
        (-5, "less than a minute"),
        (29 * MINUTE + 9, "29 minutes"),
        (49 * MINUTE + 3, "49 minutes"),
        (HOUR - 1, "59 minutes"),
        (2 * HOUR - 1, "2 hours"),
        (2 * HOUR - 6 * MINUTE, "110 minutes"),
        (6 * HOUR + 4 * MINUTE, "6 hours"),
        (6 * HOUR - 1, "6 hours"),
        (6 * HOUR - 6 * MINUTE, "5 hours and 50 minutes"),
        (6 * HOUR - 14 * MINUTE, "5 hours and 40 minutes"),
        (10 * HOUR - 1, "10 hours"),
        (10 * HOUR + 30 * MINUTE, "10 hours"),
        (71 * HOUR + 30 * MINUTE, "71 hours"),
        (3 * DAY, "3 days"),
        (4 * DAY - 1, "4 days"),
        (4 * DAY - 6 * MINUTE, "3 days"),
    ],
)
def test_time_left_is_as_the_moment_beside_it_says_or_cut_down(blocks: int, told: str) -> None:
    assert str(span(blocks)) == told


def test_the_latest_moment_is_that_of_the_pace_itself() -> None:
    first, now = datetime(2026, 7, 1, tzinfo=UTC), datetime(2026, 7, 2, 12, 4, 50, tzinfo=UTC)
    order = RentalOrder(
        "rent.1287", 1287, NodeId("a" * 64), "5F", OrderPhase.RENTING, 0, 4 * DAY, (0,), 0,
        DAY, now, 0, first, now, now,
    )  # fmt: skip
    assert pace(order) > timedelta(seconds=9)
    told = Facts(order, "gpu1", now, DAY).at(order.ends)
    early = datetime(2026, 7, 5, 12, 0, tzinfo=UTC)  # in steps of five minutes
    late = now + 3 * DAY * pace(order)
    assert told == line(
        say("between {early} and {late}", early=world_time(early), late=world_time(late))
    )
