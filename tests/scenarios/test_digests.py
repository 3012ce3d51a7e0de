"""A digest once a day: what ended well since the last one, told once, and nothing urgent."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.model import DigestHour
from sandbox.slack import Person, SeenMessage
from tests.scenarios.site import told
from tests.scenarios.stage import Stage, card
from tests.scenarios.test_threads import RUNNING, START, ready, shut_down

DIGEST = "/dbc settings notifications digest"
CHANNELS = "/dbc settings channel-notifications digest"
DAILY = "Daily digest: "


def digests(person: Person) -> list[SeenMessage]:
    return told(person, DAILY)


async def started(stage: Stage, line: str = START) -> None:
    await stage.asks(stage.alice, line)
    for _ in range(10):
        await stage.passes(3)
    assert told(stage.alice, "is running")


async def passes_until(stage: Stage, at: datetime) -> None:
    """Let the clock reach a moment, in steps as the clockwork takes them."""
    stage.clock.advance(at - stage.clock.now())
    await stage.passes(2)
    await stage.passes(2)


def next_hour(stage: Stage, text: str = "09:00") -> datetime:
    hour = DigestHour.read(text, stage.alice.member.tz)
    assert hour is not None
    return hour.after(stage.clock.now())


async def test_a_person_reads_good_ends_once_a_day_in_one_message(one_stage: Stage) -> None:
    stage = one_stage
    await ready(stage)
    chosen = await stage.asks(stage.alice, DIGEST)
    assert f"It comes at 09:00 ({stage.alice.member.tz})" in chosen.plain
    await started(stage)
    [end] = [m for m in told(stage.alice, RUNNING) if m.thread_ts and m.ts != m.thread_ts]
    assert (end.thread_ts, end.pings, end.message.broadcast) == (card(stage.alice).ts, [], False)
    shut_down(stage)
    await started(stage)
    at = next_hour(stage)
    await passes_until(stage, at - timedelta(minutes=5))
    assert digests(stage.alice) == []
    await stage.restart_bot()
    await passes_until(stage, at)
    [digest] = digests(stage.alice)
    assert digest.channel == stage.alice.last("@dbc").channel
    assert "2 commands ended: 2 done" in digest.plain
    assert digest.plain.count("is running") == 2
    assert digest.plain == digest.text or "is running" in digest.text
    await stage.restart_bot()
    await passes_until(stage, at + timedelta(days=1, minutes=1))
    assert len(digests(stage.alice)) == 1


async def test_hours_in_a_zone_that_nobody_here_knows_are_those_of_utc(one_stage: Stage) -> None:
    stage = one_stage
    stage.alice.member.tz = "Mars/Olympus_Mons"
    chosen = await stage.asks(stage.alice, DIGEST)
    assert "It comes at 09:00 (UTC)" in chosen.plain
    hour = await stage.asks(stage.alice, "/dbc settings digest-hour 14:30")
    assert "now comes at 14:30 (UTC)" in hour.plain
    quiet = await stage.asks(stage.alice, "/dbc settings quiet-hours 22:00-07:00")
    assert "Your quiet hours are now 22:00-07:00 (UTC)." in quiet.plain


async def test_what_was_not_done_is_told_at_once_and_in_no_digest(one_stage: Stage) -> None:
    stage = one_stage
    await ready(stage)
    await stage.asks(stage.alice, "/dbc 设置 通知 汇总")
    stage.node("gpu1").fail("start")
    await stage.asks(stage.alice, START)
    end = await stage.ends(stage.alice, "inference")
    assert end.message.broadcast
    await passes_until(stage, next_hour(stage))
    assert digests(stage.alice) == []


async def test_a_channel_reads_what_ended_there_once_a_day(one_stage: Stage) -> None:
    stage = one_stage
    await ready(stage)
    await stage.asks(stage.alice, "/dbc settings channel-digest-hour 18")
    await stage.asks(stage.alice, CHANNELS)
    await started(stage)
    await passes_until(stage, next_hour(stage, "18:00"))
    [digest] = digests(stage.bob)
    assert "1 command ended: 1 done" in digest.plain
    assert digest.pings == []
    assert digest.thread_ts is None
    assert digests(stage.alice) == [*digests(stage.bob)]


async def test_in_direct_messages_a_good_end_comes_in_the_digest_alone(one_stage: Stage) -> None:
    stage = one_stage
    await ready(stage)
    await stage.asks(stage.alice, DIGEST)
    await stage.alice.types("vm start inference", channel="@dbc")
    for _ in range(10):
        await stage.passes(3)
    [shown] = told(stage.alice, RUNNING)
    await passes_until(stage, next_hour(stage))
    assert [m.ts for m in told(stage.alice, RUNNING)] == [shown.ts, digests(stage.alice)[0].ts]


async def test_another_hour_holds_for_what_is_kept_already(one_stage: Stage) -> None:
    stage = one_stage
    await ready(stage)
    await stage.asks(stage.alice, DIGEST)
    await started(stage)
    refused = await stage.asks(stage.alice, "/dbc settings digest-hour 25:00")
    assert "A digest comes at a time of day" in refused.plain
    await stage.asks(stage.alice, "/dbc settings digest-hour 14:30")
    shown = await stage.asks(stage.alice, "/dbc settings")
    assert "14:30 (Europe/Amsterdam)" in shown.plain
    await passes_until(stage, next_hour(stage, "14:30"))
    assert len(digests(stage.alice)) == 1
    await passes_until(stage, next_hour(stage))
    assert len(digests(stage.alice)) == 1


async def test_what_was_kept_still_comes_where_somebody_chose_otherwise(one_stage: Stage) -> None:
    stage = one_stage
    await ready(stage)
    await stage.asks(stage.alice, DIGEST)
    await started(stage)
    await stage.asks(stage.alice, "/dbc settings notifications all")
    await passes_until(stage, next_hour(stage))
    assert len(digests(stage.alice)) == 1


@pytest.mark.parametrize("day", ["2026-03-28", "2026-03-29", "2026-10-24", "2026-10-25"])
def test_the_hour_is_that_of_the_clocks_where_it_was_chosen(day: str) -> None:
    zone = ZoneInfo("Europe/Amsterdam")
    hour = DigestHour(time(9), "Europe/Amsterdam")
    now = datetime.combine(datetime.fromisoformat(day), time(9), zone).astimezone(UTC)
    following = hour.after(now)
    assert following.astimezone(zone).time() == time(9)
    assert timedelta(hours=23) <= following - now <= timedelta(hours=25)


@pytest.mark.parametrize(
    ("text", "shown"),
    [("9", "09:00"), ("18:30", "18:30"), ("24:00", None), ("9:60", None), ("soon", None)],
)
def test_an_hour_is_read_as_people_type_it(text: str, shown: str | None) -> None:
    hour = DigestHour.read(text, "Asia/Shanghai")
    assert (hour.shown if hour else None) == shown
    assert hour is None or DigestHour.read(str(hour)) == hour


async def test_whoever_chose_no_digest_is_not_told_that_theirs_comes(one_stage: Stage) -> None:
    stage = one_stage
    await ready(stage)
    for language, words in (("en", "no daily digest yet"), ("zh", "还没有选择每日汇总")):
        await stage.asks(stage.alice, f"/dbc settings language {language}")
        told = await stage.asks(stage.alice, "/dbc settings digest-hour 14:30")
        assert words in told.plain
        assert "settings notifications digest" in told.plain or language == "zh"
        told = await stage.asks(stage.alice, "/dbc settings channel-digest-hour 14:30")
        assert "no daily digest yet" in told.plain
    await stage.asks(stage.alice, "/dbc settings language en")
    await stage.asks(stage.alice, DIGEST)
    told = await stage.asks(stage.alice, "/dbc settings digest-hour 15:30")
    assert "Your daily digest now comes at 15:30" in told.plain
