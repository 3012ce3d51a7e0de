"""What the edge keeps in memory: deliveries taken, tasks under way; and when it asks again."""

import asyncio
from contextlib import suppress
from datetime import timedelta

import pytest
from cachetools import TTLCache
from structlog.testing import capture_logs

from handlers.deliveries import MEMORY, Acknowledgement, Deliveries
from handlers.payloads import press_place
from handlers.recent import remember
from handlers.retries import retry_after
from handlers.supervisor import Supervisor
from sandbox.slack import HandClock
from tests.handlers.conftest import Office


class Desk:
    """Counts how often it takes a delivery, and fails while told to."""

    def __init__(self) -> None:
        self.taken = 0
        self.fails = False
        self.goes_on = asyncio.Event()
        self.goes_on.set()

    async def take(self) -> Acknowledgement:
        self.taken += 1
        await self.goes_on.wait()
        if self.fails:
            raise OSError("disk full")
        return Acknowledgement({"n": self.taken})


async def test_a_repetition_gets_the_first_answer_for_two_hours() -> None:
    clock, desk = HandClock(), Desk()
    deliveries = Deliveries(clock)
    first = await deliveries.once("k", desk.take)
    again = await deliveries.once("k", desk.take)
    assert (first.body, again.body, desk.taken) == ('{"n": 1}', '{"n": 1}', 1)
    clock.wind(MEMORY)
    await deliveries.once("k", desk.take)
    assert desk.taken == 2


async def test_a_repetition_during_a_failure_is_not_acknowledged_and_a_later_one_is_taken() -> None:
    desk = Desk()
    deliveries = Deliveries(HandClock())
    desk.fails = True
    desk.goes_on.clear()
    first = asyncio.create_task(deliveries.once("k", desk.take))
    second = asyncio.create_task(deliveries.once("k", desk.take))
    await asyncio.sleep(0)
    desk.goes_on.set()
    with pytest.raises(OSError, match="disk full"):
        await first
    assert ((await second).status, desk.taken) == (500, 1)
    desk.fails = False
    assert (await deliveries.once("k", desk.take)).status == 200


async def test_two_failing_deliveries_of_one_click_are_told_of_once(any_office: Office) -> None:
    any_office.core.error = OSError("disk full")
    any_office.ws.deliver_twice()
    await any_office.alice.types("/dbc vm list")
    await any_office.alice.sees("Something went wrong")
    await any_office.edge.stop()
    assert sum("went wrong" in m.plain for m in any_office.alice.messages()) == 1


def test_the_oldest_is_forgotten_where_there_is_no_room() -> None:
    recent: TTLCache[str, int] = remember(HandClock(), size=2, lifetime=timedelta(hours=1))
    for number in range(3):
        recent[str(number)] = number
    assert [recent.get(str(number)) for number in range(3)] == [None, 1, 2]


async def test_a_failed_task_is_logged_and_one_that_hangs_is_cancelled_at_the_end() -> None:
    async def fail() -> None:
        raise ValueError("oops")

    async def hang() -> None:
        await asyncio.Event().wait()

    supervisor = Supervisor()
    with capture_logs() as logs:
        supervisor.start(fail(), "fail")
        supervisor.start(hang(), "hang")
        await supervisor.drain(timedelta(seconds=0.05))
    assert [entry["event"] for entry in logs] == ["task_failed", "tasks_cancelled"]
    assert logs[1]["names"] == ["hang"]


async def test_a_task_that_goes_on_although_it_is_cancelled_keeps_no_stop() -> None:
    is_over = asyncio.Event()

    async def deaf() -> None:
        while not is_over.is_set():
            with suppress(asyncio.CancelledError):
                await is_over.wait()

    supervisor = Supervisor()
    try:
        with capture_logs() as logs:
            supervisor.start(deaf(), "deaf")
            async with asyncio.timeout(20):
                await supervisor.drain(timedelta(seconds=0.05))
    finally:
        is_over.set()
    assert [entry["event"] for entry in logs] == ["tasks_cancelled", "tasks_stuck"]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "30"}, 30),
        ({"retry-after": ["7"]}, 7),
        ({"Retry-After": "soon"}, None),
        ({}, None),
    ],
)
def test_slacks_wish_to_wait_is_read_whole(headers: dict[str, object], seconds: int | None) -> None:
    expected = timedelta(seconds=seconds) if seconds is not None else None
    assert retry_after(headers) == expected


@pytest.mark.parametrize(
    ("interaction", "place"),
    [
        ({"channel": {"id": "C1"}, "message": {"ts": "1.1"}}, ("C1", "")),
        ({"channel": {"id": "C1"}, "message": {"ts": "1.2", "thread_ts": "1.1"}}, ("C1", "1.1")),
        ({"channel": {"id": "C1"}, "message": {"ts": "1.1", "thread_ts": "1.1"}}, ("C1", "")),
        ({"container": {"channel_id": "C1", "thread_ts": "1.1"}}, ("C1", "1.1")),
        ({"view": {"type": "home"}}, ("U1", "")),
        (
            {
                "view": {
                    "type": "modal",
                    "private_metadata": '{"command": "c", "channel": "C2", "thread": "2.2"}',
                }
            },
            ("C2", "2.2"),
        ),
    ],
)
def test_a_press_belongs_to_the_place_of_its_button(
    interaction: dict[str, object], place: tuple[str, str]
) -> None:
    found = press_place({"user": {"id": "U1"}} | interaction)
    assert (found.channel, found.thread) == place
