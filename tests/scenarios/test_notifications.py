"""What people and channels choose to be told, and what reaches them in spite of it."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.model import QuietHours
from tests.scenarios.site import told
from tests.scenarios.stage import Stage, card, is_card
from tests.scenarios.test_cost import CREATE as LATE
from tests.scenarios.test_threads import RUNNING, START, ends, ready, shut_down

CREATE = LATE.replace("late", "night")


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


async def test_a_good_end_stays_in_its_thread_of_messages_to_who_wants_failures_only(
    one_stage: Stage,
) -> None:
    stage, alice = one_stage, one_stage.alice
    await stage.gives_session(alice, "gpu1")
    await alice.types("/dbc settings notifications failures", channel="@dbc")
    await alice.types("/dbc image download pytorch-2.4.qcow2 on gpu1", channel="@dbc")
    for _ in range(40):
        await stage.passes(10)
    [card_, end] = told(alice, "was downloaded to gpu1")
    assert end.thread_ts == card_.ts
    assert not end.message.broadcast  # every message there notifies


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


def quiet_hours(stage: Stage, *, of: str = "") -> str:
    """The command that chooses quiet hours from an hour ago until in two hours."""
    here = ZoneInfo(stage.alice.member.tz)
    begin, over = (stage.clock.now() + timedelta(hours=h) for h in (-1, 2))
    hours = f"{begin.astimezone(here):%H:%M}-{over.astimezone(here):%H:%M}"
    return f"/dbc settings {of}quiet-hours {hours}"


def told_directly(stage: Stage) -> list[str]:
    """What Alice was told directly of inference that runs."""
    said = [message.plain.replace("*", "") for message in stage.alice.messages("@dbc")]
    return [one for one in said if RUNNING in one]


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("免打扰 22:00～07:00", "quiet hours are now 22:00-07:00"),
        ("免打扰 22-7", "quiet hours are now 22:00-07:00"),
        ("免打扰 22点半到7点", "quiet hours are now 22:30-07:00"),
        ("汇总时间 9点", "09:00"),
        ("节点=无", "none"),
    ],
)
async def test_times_and_nothing_are_understood_as_people_write_them(
    one_stage: Stage, typed: str, shown: str
) -> None:
    told = await one_stage.asks(one_stage.alice, f"/dbc 设置 {typed}")
    assert shown in told.plain


async def test_quiet_hours_leave_a_good_end_in_its_thread_and_tell_the_person_at_their_end(
    one_stage: Stage,
) -> None:
    await ready(one_stage)
    for line in (
        "10pm to 7am", "from 10 p.m. until 7 a.m. please", "晚上10点到早上7点，谢谢", "22 - 7",
    ):  # fmt: skip
        seen = await one_stage.asks(one_stage.alice, f"/dbc settings quiet-hours {line}")
        assert "22:00-07:00" in seen.plain, line
    refused = await one_stage.asks(one_stage.alice, "/dbc settings quiet-hours 99:00-7")
    assert "from one time to another" in refused.plain
    seen = await one_stage.asks(one_stage.alice, quiet_hours(one_stage))
    assert one_stage.alice.member.tz in seen.plain
    await started(one_stage)
    assert ends(one_stage) == []
    [end] = [m for m in told(one_stage.alice, RUNNING) if m.ts != m.thread_ts and m.thread_ts]
    assert end.thread_ts == card(one_stage.alice).ts
    await one_stage.restart_bot()
    await one_stage.passes(3_600)
    assert told_directly(one_stage) == []
    await one_stage.passes(3_700)
    assert len(told_directly(one_stage)) == 1
    await one_stage.passes(60)
    assert len(told_directly(one_stage)) == 1
    assert ends(one_stage) == []


async def test_what_was_created_in_somebodys_quiet_hours_is_told_to_the_channel(
    one_stage: Stage,
) -> None:
    await one_stage.gives_session(one_stage.alice, "gpu1")
    await one_stage.asks(one_stage.alice, quiet_hours(one_stage))
    await one_stage.asks(one_stage.alice, CREATE)
    for _ in range(120):
        await one_stage.passes(10)
    news = [m for m in told(one_stage.alice, "night is running") if m.message.broadcast]
    assert [m.pings for m in news] == [[]]


@pytest.mark.parametrize("direct", [False, True])
async def test_what_quiet_hours_held_back_is_told_once_they_are_turned_off(
    one_stage: Stage, *, direct: bool
) -> None:
    await ready(one_stage)
    await one_stage.asks(one_stage.alice, quiet_hours(one_stage))
    if direct:
        await one_stage.alice.types("vm start inference", "@dbc")
        for _ in range(10):
            await one_stage.passes(3)
    else:
        await started(one_stage)
    before = len(told_directly(one_stage))
    await one_stage.asks(one_stage.alice, "/dbc settings quiet-hours off")
    await one_stage.passes(30)
    assert len(told_directly(one_stage)) == before + 1


async def test_what_a_channels_quiet_hours_held_back_waits_for_those_chosen_since(
    one_stage: Stage,
) -> None:
    await ready(one_stage)
    await one_stage.asks(one_stage.alice, "/dbc settings channel-quiet-hours 00:00-23:59")
    await started(one_stage)
    await one_stage.asks(one_stage.alice, quiet_hours(one_stage, of="channel-"))
    await one_stage.passes(3_600)
    assert [m for m in told(one_stage.alice, RUNNING) if m.pings and not is_card(m.plain)] == []
    await one_stage.asks(one_stage.alice, "/dbc settings channel-quiet-hours off")
    await one_stage.passes(30)
    assert len([m for m in told(one_stage.alice, RUNNING) if m.pings and not is_card(m.plain)]) == 1


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
    await stage.asks(stage.alice, quiet_hours(stage, of="channel-"))
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


async def test_good_ends_stay_in_their_threads_where_the_channel_chose_only_failures(
    one_stage: Stage,
) -> None:
    stage = one_stage
    await ready(stage)
    await stage.asks(stage.alice, "/dbc settings channel-notifications failures")
    for _ in range(4):
        shut_down(stage)
        await stage.asks(stage.alice, START)
        await stage.passes(600)
    for _ in range(10):
        await stage.passes(10)
    assert not [m for m in stage.alice.messages() if "commands ended" in m.plain]
    told_in = [m.thread_ts for m in ends(stage) if m.thread_ts]
    assert len(told_in) == len(set(told_in)) == 4


async def test_several_ends_of_a_persons_quiet_hours_are_told_together_directly(
    one_stage: Stage,
) -> None:
    stage = one_stage
    await ready(stage)
    await stage.asks(stage.alice, quiet_hours(stage))
    for _ in range(2):
        shut_down(stage)
        await stage.asks(stage.alice, START)
        for _ in range(10):
            await stage.passes(3)
        await stage.passes(600)
    for _ in range(3):
        await stage.passes(3_600)
    [together] = [m for m in stage.alice.messages("@dbc") if "2 commands ended" in m.plain]
    assert together.plain.replace("*", "").count(RUNNING) == 2
    assert ends(stage) == []
