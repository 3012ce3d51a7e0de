"""Limits of what a person and a channel may request within a while."""

import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest

from tests.scenarios.changing import NO_REVIEW
from tests.scenarios.site import NAME, rules
from tests.scenarios.stage import CHANNEL, Stage
from tests.scenarios.test_turns import GROW, START, STARTING, busy, later, stage, waits

__all__ = ["stage"]  # fixture


async def test_who_requests_too_much_is_told_when_to_try_again(stage: Stage) -> None:
    rules(stage, NO_REVIEW + '[limits]\nperson = 2\nwithin = "5min"\n')
    await busy(stage)
    await waits(stage, stage.alice, f"/dbc disk add {NAME} 20")
    stage.clock.advance(timedelta(seconds=1))
    await stage.asks(stage.alice, GROW)
    told = stage.alice.last(CHANNEL).plain
    assert "You have requested 2 changes since" in told
    assert "Try again after" in told
    await waits(stage, stage.bob, GROW)  # others may
    await stage.asks(stage.alice, f"/dbc vm reset {NAME}")  # and this helps
    assert stage.changes() == ["disks.add", "tasks.reset"]


async def test_a_channel_has_a_limit_of_its_own(stage: Stage) -> None:
    rules(stage, NO_REVIEW + "[limits]\nchannel = 1\n")
    await busy(stage)
    stage.clock.advance(timedelta(seconds=1))
    await stage.asks(stage.bob, GROW)
    assert "1 change was requested in this channel since" in stage.bob.last(CHANNEL).plain
    await later(stage, 11)
    await stage.asks(stage.bob, GROW)
    assert stage.changes() == ["disks.add", "disks.resize"]


async def test_what_helps_in_an_emergency_uses_up_nobodys_limit(stage: Stage) -> None:
    rules(stage, NO_REVIEW + "[limits]\nperson = 2\nchannel = 2\n")
    for line in (f"vm reset {NAME}", f"vm restart {NAME} force", f"vm poweroff {NAME}"):
        await stage.asks(stage.carol, f"/dbc {line}")
        stage.clock.advance(timedelta(seconds=40))
    await later(stage, 2)
    sent = stage.changes()
    await stage.asks(stage.carol, START)
    assert stage.changes() == [*sent, "tasks.start"]


@pytest.mark.parametrize("glass", ["approvals = 2", 'reason = ".+"'])
async def test_broken_glass_is_kept_back_by_no_limit_and_takes_up_no_room(
    stage: Stage, glass: str
) -> None:
    named = f'{glass}\nbreak_glass = {{ persons = ["U0CAROL"] }}'
    rules(stage, NO_REVIEW + STARTING.format(named) + "[limits]\nperson = 1\nchannel = 2\n")
    await busy(stage)
    await later(stage)
    other = next(t for t in stage.node("gpu1").tasks.values() if t.desc != NAME)
    await stage.asks(stage.carol, f"/dbc vm restart {other.task_id}")
    stage.clock.advance(timedelta(seconds=1))
    await stage.asks(stage.carol, f'{START} reason="now" break_glass="nobody can work"')
    assert stage.changes() == ["disks.add", "tasks.restart", "tasks.start"]
    assert "broke the glass" in stage.alice.screen()
    await stage.passes(60)
    await stage.asks(stage.bob, f"/dbc vm restart {other.task_id}")  # the channel's second
    assert stage.changes()[3:] == ["tasks.restart"]


async def test_broken_glass_is_not_counted_for_who_broke_it(stage: Stage) -> None:
    named = 'approvals = 2\nbreak_glass = { persons = ["U0CAROL"] }'
    rules(stage, NO_REVIEW + STARTING.format(named) + "[limits]\nperson = 1\n")
    await stage.asks(stage.carol, f'{START} break_glass="nobody can work"')
    await stage.passes(60)
    other = next(t for t in stage.node("gpu1").tasks.values() if t.desc != NAME)
    await stage.asks(stage.carol, f"/dbc vm restart {other.task_id}")
    assert stage.changes() == ["tasks.start", "tasks.restart"]


async def test_names_use_up_no_limit(stage: Stage) -> None:
    rules(stage, NO_REVIEW + "[limits]\nperson = 2\nchannel = 4\n")
    for name in ("one", "two", "three", "four"):
        await stage.asks(stage.alice, f"/dbc vm name {NAME} {name}")
        stage.clock.advance(timedelta(seconds=1))
    await stage.asks(stage.alice, START)
    assert stage.changes() == ["tasks.start"]


async def test_one_person_lets_only_so_many_wait_for_one_machine(stage: Stage) -> None:
    rules(stage, NO_REVIEW + "[limits]\nwaiting = 1\n")
    await busy(stage)
    await waits(stage, stage.bob, GROW)
    await stage.asks(stage.bob, START)
    assert f"1 change of yours is waiting for {NAME} already." in stage.bob.last(CHANNEL).plain
    await waits(stage, stage.carol, START)


async def test_what_one_person_requests_beyond_their_limit_takes_no_room_in_the_channel(
    stage: Stage,
) -> None:
    rules(stage, NO_REVIEW + "[limits]\nperson = 1\nchannel = 3\n")
    await stage.asks(stage.carol, f"/dbc disk add {NAME} 20")
    _records_again(stage, 4)
    stage.clock.advance(timedelta(seconds=1))
    other = next(t for t in stage.node("gpu1").tasks.values() if t.desc != NAME)
    await stage.asks(stage.bob, f"/dbc vm restart {other.task_id}")
    assert stage.changes() == ["disks.add", "tasks.restart"]


def _records_again(stage: Stage, times: int) -> None:
    """The last request came so many times more at once: none of these has been looked at yet."""
    with closing(sqlite3.connect(stage.data / "bot.db")) as database, database:
        database.execute("CREATE TEMP TABLE more AS SELECT * FROM executions")
        for number in range(times):
            database.execute(
                "UPDATE more SET id = ?, key = ?, status = 'recorded', started_at = NULL",
                (f"again{number}", f"slash:again{number}"),
            )
            database.execute("INSERT INTO executions SELECT * FROM more")
