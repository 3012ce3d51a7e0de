"""What people and channels choose to be told, and what reaches them in spite of it."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.model import QuietHours
from tests.scenarios.site import told
from tests.scenarios.stage import Stage, card
from tests.scenarios.test_threads import RUNNING, START, ends, ready, shut_down


async def started(stage: Stage) -> None:
    """Alice has inference started, and it runs."""
    await stage.asks(stage.alice, START)
    for _ in range(10):
        await stage.passes(3)
    assert "is running" in card(stage.alice).plain


@pytest.mark.parametrize(
    "line", ["/dbc settings notifications failures", "/dbc settings notifications silent"]
)
async def test_a_good_end_calls_nobody_who_does_not_want_that(one_stage: Stage, line: str) -> None:
    await ready(one_stage)
    await one_stage.asks(one_stage.alice, line)
    await started(one_stage)
    assert ends(one_stage) == []
    [end] = [m for m in told(one_stage.alice, RUNNING) if m.thread_ts and m.ts != m.thread_ts]
    assert end.thread_ts == card(one_stage.alice).ts


async def test_a_failure_is_told_to_who_wants_failures_only(one_stage: Stage) -> None:
    await ready(one_stage)
    await one_stage.asks(one_stage.alice, "/dbc 设置 通知 仅失败")
    one_stage.node("gpu1").fail("start")
    await one_stage.asks(one_stage.alice, START)
    end = await one_stage.ends(one_stage.alice, "inference")
    assert end.message.broadcast


async def test_a_channel_without_mentions_is_told_of_a_failure_without_one(
    one_stage: Stage,
) -> None:
    await ready(one_stage)
    await one_stage.asks(one_stage.alice, "/dbc settings channel-notifications silent")
    one_stage.node("gpu1").fail("start")
    await one_stage.asks(one_stage.alice, START)
    for _ in range(10):
        await one_stage.passes(3)
    [end] = [m for m in told(one_stage.alice, "failed") if m.message.broadcast]
    assert end.pings == []


async def test_who_has_no_access_chooses_nothing_for_a_channel(one_stage: Stage) -> None:
    for what in (
        "/dbc settings channel-notifications silent",
        "/dbc settings channel-quiet-hours 22:00-07:00",
    ):
        seen = await one_stage.asks(one_stage.bob, what)
        assert "Only people with access to a node" in seen.plain


async def test_quiet_hours_hold_a_good_end_back_and_tell_it_at_their_end(one_stage: Stage) -> None:
    await ready(one_stage)
    now = one_stage.clock.now()
    begin, end = now - timedelta(hours=1), now + timedelta(hours=2)
    refused = await one_stage.asks(one_stage.alice, "/dbc settings quiet-hours 99:00-7")
    assert "from one time to another" in refused.plain
    zone = one_stage.alice.member.tz
    here = ZoneInfo(zone)
    hours = f"{begin.astimezone(here):%H:%M}-{end.astimezone(here):%H:%M}"
    seen = await one_stage.asks(one_stage.alice, f"/dbc settings quiet-hours {hours}")
    assert zone in seen.plain
    await started(one_stage)
    assert ends(one_stage) == []
    await one_stage.restart_bot()
    await one_stage.passes(3_600)
    assert ends(one_stage) == []
    await one_stage.passes(3_700)
    [told_late] = ends(one_stage)
    assert told_late.thread_ts == card(one_stage.alice).ts
    await one_stage.passes(60)
    assert len(ends(one_stage)) == 1


async def test_quiet_hours_let_a_failure_through(one_stage: Stage) -> None:
    await ready(one_stage)
    await one_stage.asks(one_stage.alice, "/dbc settings channel-quiet-hours 00:00-23:59")
    one_stage.node("gpu1").fail("start")
    await one_stage.asks(one_stage.alice, START)
    assert (await one_stage.ends(one_stage.alice, "inference")).message.broadcast


@pytest.mark.parametrize(
    ("hours", "now", "over"),
    [
        ("22:00-07:00 Asia/Shanghai", "2026-03-01T15:00", "2026-03-01T23:00"),  # 23:00 there
        ("22:00-07:00 Asia/Shanghai", "2026-03-01T22:30", "2026-03-01T23:00"),  # 06:30 there
        ("22:00-07:00 Asia/Shanghai", "2026-03-01T23:00", None),
        ("12:00-13:00 UTC", "2026-03-01T12:59", "2026-03-01T13:00"),
        ("12:00-13:00 UTC", "2026-03-01T11:59", None),
        # Clocks go forward at 02:00, and back at 03:00.
        ("23:00-07:00 Europe/Berlin", "2026-03-28T22:30", "2026-03-29T05:00"),
        ("23:00-07:00 Europe/Berlin", "2026-10-24T21:30", "2026-10-25T06:00"),
        ("23:00-02:30 Europe/Berlin", "2026-03-29T00:30", "2026-03-29T01:30"),
        ("23:00-02:30 Europe/Berlin", "2026-10-25T01:10", None),
    ],
)
def test_quiet_hours_by_the_clocks_of_a_zone(hours: str, now: str, over: str | None) -> None:
    found = QuietHours.read(hours)
    assert found is not None
    assert str(found) == hours
    at = datetime.fromisoformat(now).replace(tzinfo=UTC)
    wanted = datetime.fromisoformat(over).replace(tzinfo=UTC) if over else None
    assert found.over_at(at) == wanted


@pytest.mark.parametrize("text", ["", "7", "25:00-07:00", "07:00-07:00", "22:00-07:00 Nowhere"])
def test_what_is_no_span_of_time_is_refused(text: str) -> None:
    assert QuietHours.read(text) is None


async def test_several_ends_of_quiet_hours_are_told_together(one_stage: Stage) -> None:
    stage = one_stage
    await ready(stage)
    here = ZoneInfo(stage.alice.member.tz)
    begin, over = (stage.clock.now() + timedelta(hours=h) for h in (-1, 2))
    hours = f"{begin.astimezone(here):%H:%M}-{over.astimezone(here):%H:%M}"
    await stage.asks(stage.alice, f"/dbc settings channel-quiet-hours {hours}")
    for _ in range(2):
        shut_down(stage)
        await stage.asks(stage.alice, START)
        for _ in range(10):
            await stage.passes(3)
        await stage.passes(600)
    assert not [m for m in stage.alice.messages() if "ended" in m.plain]
    for _ in range(3):
        await stage.passes(3_600)
    [together] = [m for m in stage.alice.messages() if "2 commands ended: 2 done" in m.plain]
    assert together.thread_ts is None
    assert together.plain.replace("*", "").count(RUNNING) == 2


@pytest.mark.parametrize(
    "whose", [pytest.param("quiet-hours", id="person"), pytest.param("", id="four together")]
)
async def test_good_ends_stay_in_their_threads_where_the_channel_chose_no_other(
    one_stage: Stage, whose: str
) -> None:
    """Held back by a person's quiet hours, or too many at once in a channel of failures only."""
    stage = one_stage
    await ready(stage)
    here = ZoneInfo(stage.alice.member.tz)
    begin, over = (stage.clock.now() + timedelta(hours=h) for h in (-1, 2))
    hours = f"{begin.astimezone(here):%H:%M}-{over.astimezone(here):%H:%M}"
    chosen = f"quiet-hours {hours}" if whose else "channel-notifications failures"
    await stage.asks(stage.alice, f"/dbc settings {chosen}")
    if not whose:
        await stage.asks(stage.alice, f"/dbc settings quiet-hours {hours}")  # till they are four
    many = 2 if whose else 4
    for _ in range(many):
        shut_down(stage)
        await stage.asks(stage.alice, START)
        for _ in range(10):
            await stage.passes(3)
        await stage.passes(600)
    assert not [m for m in ends(stage) if m.thread_ts]
    for _ in range(3):
        await stage.passes(3_600)
    for _ in range(10):
        await stage.passes(10)
    assert not [m for m in stage.alice.messages() if "commands ended" in m.plain]
    told_in = [m.thread_ts for m in ends(stage) if m.thread_ts]
    assert len(told_in) == len(set(told_in)) == many
