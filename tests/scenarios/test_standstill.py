"""The bot's process stands still, and what people do meanwhile waits in the system's buffers.

Slack tells them after 3 s that it failed, so it must not be done once the bot goes on.
"""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from sandbox.slack.http_delivery import HttpDelivery
from sandbox.slack.person import Person
from tests.mortal import START, Mortal, mortal
from tests.scenarios.machines import off
from tests.scenarios.stage import CHANNEL, staged

pytestmark = pytest.mark.slow  # of a process, in real time

LATE = "read this only after"
DELETION = "command = 'vm.delete'"
REQUEST = "/dbc vm delete inference"


@pytest.fixture(params=["http", "socket"])
async def one(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Mortal]:
    """A bot in a process of its own, in each mode, with a deletion that waits for an approval."""
    async with mortal(tmp_path, http=request.param == "http", ack_seconds=START) as bot:
        for person in (alice(bot), bob(bot)):
            await bot.gives_session(person, "gpu1")
        await alice(bot).types("/dbc vm list", CHANNEL)
        await alice(bot).sees("inference")
        await alice(bot).types(REQUEST, CHANNEL)
        await bob(bot).sees("Delete", timeout=20)
        bot.ws.core.dispatcher.ack_seconds = 3  # from here on Slack gives up, as in earnest
        yield bot


def alice(bot: Mortal) -> Person:
    return bot.ws.member("alice")


def bob(bot: Mortal) -> Person:
    return bot.ws.member("bob")


def changes(bot: Mortal) -> list[str]:
    """What was sent to DBC, in order."""
    return [call.op for call in bot.world.changing_calls()]


async def test_what_was_clicked_during_a_standstill_is_refused_and_a_later_click_counts(
    one: Mortal,
) -> None:
    question = await bob(one).sees("Delete")
    one.stand_still()
    await bob(one).presses("Approve", question)  # until Slack gives up
    assert "timed out" in bob(one).screen()
    one.go_on()
    await bob(one).sees(LATE, timeout=20)
    assert changes(one) == []
    await bob(one).presses("Approve", question)
    await one.comes_true(f"SELECT count(*) FROM executions WHERE status = 'done' AND {DELETION}")
    assert changes(one) == ["tasks.delete"]


async def test_what_was_typed_during_a_standstill_is_not_even_recorded(one: Mortal) -> None:
    before = one.rows("SELECT id FROM executions")
    one.stand_still()
    await alice(one).types("/dbc vm restart inference", CHANNEL)
    assert "operation_timeout" in alice(one).screen()
    one.go_on()
    await alice(one).sees(LATE, timeout=20)
    assert one.rows("SELECT id FROM executions") == before


async def test_a_connection_that_breaks_during_a_standstill_carries_nothing_out(
    tmp_path: Path,
) -> None:
    async with mortal(tmp_path) as one:
        await one.gives_session(alice(one), "gpu1")
        before = one.rows("SELECT id FROM executions")
        one.stand_still()
        await alice(one).types("/dbc session remove gpu1", CHANNEL)
        one.ws.sockets.drop()
        one.go_on()
        await one.ws.until(lambda: one.ws.connected, 60)
        await alice(one).types("/dbc help", CHANNEL)
        await alice(one).sees("snapshot", timeout=20)
        assert one.rows("SELECT id FROM executions") == before


async def test_a_mention_during_a_standstill_is_answered_since_slack_repeats_it(
    tmp_path: Path,
) -> None:
    async with mortal(tmp_path) as one:
        await one.gives_session(alice(one), "gpu1")
        one.stand_still()
        await alice(one).types("@dbc vm list", CHANNEL)
        delivery = one.ws.core.dispatcher.deliveries[-1]
        await one.ws.until(lambda: bool(delivery.acks), 20)
        one.go_on()
        await alice(one).sees("inference", timeout=20)
        assert LATE not in alice(one).screen()


async def test_a_request_that_something_held_up_on_its_way_is_refused_by_its_signature(
    tmp_path: Path,
) -> None:
    async with staged(tmp_path, http=True) as stage:
        await stage.gives_session(stage.alice, "gpu1")
        await stage.asks(stage.alice, "/dbc vm list")
        off(stage)
        transport = stage.ws.core.dispatcher.transport
        assert isinstance(transport, HttpDelivery)
        for machine_is_wrong_by in (0, 120):
            stage.machine.step(timedelta(seconds=machine_is_wrong_by))
            transport.held = timedelta(seconds=10)
            await stage.alice.types("/dbc vm start inference", CHANNEL)
            await stage.alice.sees(LATE)
            await stage.quiet()
            assert stage.changes() == []
            transport.held = timedelta()
            stage.clock.advance(timedelta(hours=1))
        await stage.asks(stage.alice, "/dbc vm start inference")
        assert stage.changes() == ["tasks.start"]
