"""Another process keeps the database locked for longer than Slack waits for an acknowledgement.

What Slack has told the person to have failed is never carried out afterwards.
"""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from handlers.boundary import TAKEN_WITHIN
from sandbox.slack.person import Person
from tests.scenarios.machines import off
from tests.scenarios.stage import CHANNEL, Stage, card, staged

LATE = "did not respond in time, so nothing was done"


@pytest.fixture(params=["http", "socket"])
async def stage(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    """A stage in each mode, with everybody's session and a machine that is off."""
    async with staged(tmp_path, http=request.param == "http", policy="") as one:
        for person in (one.alice, one.bob):
            await one.gives_session(person, "gpu1")
        await one.asks(one.alice, "/dbc vm list")
        off(one)
        one.ws.core.dispatcher.ack_seconds = 0.5  # Slack's 3 s; the bot's go by the clock
        yield one


@contextmanager
def locked(stage: Stage) -> Iterator[None]:
    """Meanwhile another process, such as a backup, has the file for itself."""
    with closing(sqlite3.connect(f"{stage.data}/bot.db")) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.rollback()


async def too_late(stage: Stage, person: Person, deed: Awaitable[object]) -> None:
    """Have somebody do something, and let the time that Slack waits pass."""
    with locked(stage):
        doing = asyncio.ensure_future(deed)
        await waits(stage)
        stage.clock.advance(TAKEN_WITHIN)
        await doing
        await person.sees(LATE)
    await stage.quiet()


@contextmanager
def slow_disk(stage: Stage) -> Iterator[None]:
    """Meanwhile nothing that is committed reaches the disk."""
    writes_again = threading.Event()
    thread = stage.bot.store._engines._writer._thread  # type: ignore[attr-defined]
    thread.submit(writes_again.wait)
    try:
        yield
    finally:
        writes_again.set()


async def waits(stage: Stage) -> None:
    """Return once the bot waits for the file."""
    async with asyncio.timeout(5):
        while not stage.bot.store._engines.turn.locked():  # type: ignore[attr-defined]  # noqa: ASYNC110
            await asyncio.sleep(0)


def recorded(stage: Stage) -> int:
    """How many commands are in the ledger."""
    with closing(sqlite3.connect(f"{stage.data}/bot.db")) as database:
        return int(database.execute("SELECT count(*) FROM executions").fetchone()[0])


async def test_a_command_that_was_not_taken_in_time_is_refused_for_good(stage: Stage) -> None:
    before = recorded(stage)
    await too_late(stage, stage.alice, stage.alice.types("/dbc vm start inference", CHANNEL))
    command = stage.ws.core.dispatcher.deliveries[-1]
    await stage.ws.core.dispatcher.again(command)  # as happens around a reconnect
    await stage.passes(120)
    await stage.quiet()
    assert (recorded(stage), stage.changes()) == (before, [])
    await stage.asks(stage.alice, "/dbc vm start inference")
    assert stage.changes() == ["tasks.start"]


async def test_a_click_that_was_not_taken_in_time_counts_for_nothing(stage: Stage) -> None:
    await stage.asks(stage.alice, "/dbc vm delete inference")
    question = await stage.bob.sees("Delete")
    await too_late(stage, stage.bob, stage.bob.presses("Approve", question))
    await stage.passes(60)
    assert stage.changes() == []
    await stage.bob.presses("Approve", card(stage.bob, "Delete"))
    await stage.quiet()
    assert stage.changes() == ["tasks.delete"]


async def test_a_form_that_was_not_taken_in_time_can_be_sent_again_and_counts_once(
    stage: Stage,
) -> None:
    await stage.alice.types("/dbc session add gpu2", CHANNEL)
    await stage.alice.sees_modal("Add a session")
    pair = stage.pair("gpu2")
    before = recorded(stage)
    filled = {"Session id": pair[0], "Session signature": pair[1]}
    await too_late(stage, stage.alice, stage.alice.submits(filled))
    await stage.passes(60)
    assert recorded(stage) == before
    await stage.alice.submits(filled)
    await stage.reads(stage.alice, "session for *gpu2* works")
    assert recorded(stage) == before + 1


async def test_a_mention_is_taken_late_and_once_since_slack_sends_it_again(stage: Stage) -> None:
    before = recorded(stage)
    with locked(stage):
        await stage.alice.types("@dbc vm start inference", CHANNEL)
        await waits(stage)
        stage.clock.advance(2 * TAKEN_WITHIN)
        dispatcher = stage.ws.core.dispatcher
        again = asyncio.ensure_future(dispatcher.again(dispatcher.deliveries[-1]))
        await asyncio.sleep(0)
    assert (await again).ok
    await stage.quiet()
    assert (recorded(stage), stage.changes()) == (before + 1, ["tasks.start"])
    assert LATE not in stage.alice.screen()


async def test_what_is_being_stored_when_the_time_is_over_is_not_told_as_not_done(
    stage: Stage,
) -> None:
    """A click that only writes once, and leaves nothing to be done after it."""
    carol = stage.ws.member("carol")
    await stage.asks(carol, "/dbc session ask gpu1")
    [asked] = [m for m in stage.alice.messages() if "No" in m.buttons]
    with slow_disk(stage):
        pressing = asyncio.ensure_future(stage.alice.presses("No", asked))
        await waits(stage)
        stage.clock.advance(TAKEN_WITHIN)
        await asyncio.sleep(0)
    await pressing
    await stage.passes(5)
    assert "You did not share" in stage.alice.screen()
    assert LATE not in stage.alice.screen()
