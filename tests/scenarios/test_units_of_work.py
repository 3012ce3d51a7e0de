"""What a command reads and writes on its way: few units of work, whatever it looks at."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from sandbox.dbc.demo import demo_renter
from tests.scenarios.stage import CHANNEL, CONFIRM_ONLY, Stage, card, staged

NAME = "inference"


class Units:
    """The transactions that were begun: to read, and to write more than how messages stand."""

    def __init__(self) -> None:
        self.reads = 0
        self.writes = 0
        self._begun: set[int] = set()  # the connections that have begun to write, and not written

    def note(self, connection: object, statement: str) -> None:
        """Count what begins with this statement."""
        if statement.startswith("BEGIN IMMEDIATE"):
            self._begun.add(id(connection))
        elif statement.startswith("BEGIN"):
            self.reads += 1
        elif id(connection) in self._begun and not _is_of_messages(statement):
            self._begun.discard(id(connection))
            self.writes += 1


def _is_of_messages(statement: str) -> bool:
    return any(f"{verb} messages" in statement for verb in ("UPDATE", "FROM", "INTO"))


@contextmanager
def units_of_work() -> Iterator[Units]:
    """Count the transactions of the bot, until the block ends."""
    units = Units()

    def note(*details: Any) -> None:
        units.note(details[0], details[2])

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield units
    finally:
        event.remove(Engine, "before_cursor_execute", note)


@contextmanager
def statements() -> Iterator[list[str]]:
    """The statements of the bot, until the block ends."""
    seen: list[str] = []

    def note(*details: Any) -> None:
        seen.append(details[2])

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", note)


@pytest.fixture
async def site(tmp_path: Path) -> Any:
    """A stage where someone else has to approve; Alice and Bob are entitled to gpu1."""
    async with staged(tmp_path, policy="") as stage:
        await stage.gives_session(stage.alice, "gpu1")
        await stage.gives_session(stage.bob, "gpu1")
        await stage.passes(3)
        await stage.quiet()
        yield stage


async def test_what_is_approved_is_sent_after_few_units_of_work(site: Stage) -> None:
    with units_of_work() as units:
        await site.alice.types(f"/dbc vm restart {NAME} force", channel=CHANNEL)
        await site.quiet()
        question = card(site.alice, f"{NAME} on gpu1?")
        sent = site.world.calls.wait("tasks.restart", count=1)
        await site.bob.presses("Approve", question)
        await sent
    assert site.changes() == ["tasks.restart"]
    assert units.writes <= 6
    assert units.reads <= 8


async def test_a_read_keeps_what_it_has_seen_and_looks_up_little(site: Stage) -> None:
    await site.asks(site.alice, f"/dbc vm show {NAME}")
    with units_of_work() as units:
        await site.asks(site.alice, f"/dbc vm show {NAME}")
    assert units.writes <= 1
    assert units.reads <= 1  # the node's orders


async def test_what_waits_is_listed_with_as_many_statements_for_several_as_for_one(
    site: Stage,
) -> None:
    counted = []
    for name in ("first", "second", "third"):
        site.node("gpu1").running_task(demo_renter(), desc=name, gpus=[], cpu_cores=1, memory=2**30)
        await site.asks(site.alice, f"/dbc vm delete {name} on gpu1")
        with statements() as asked:
            listed = await site.asks(site.bob, "/dbc approval list")
        assert name in listed.plain
        about = [one for one in asked if "FROM executions" in one or "FROM votes" in one]
        counted.append(len(about))
    assert counted[0] == counted[-1]


async def test_a_round_reads_in_as_many_units_of_work_for_many_machines_as_for_one(
    tmp_path: Path,
) -> None:
    async with staged(tmp_path, policy=f"{CONFIRM_ONLY}[outages]\nssh = true\n") as stage:
        await stage.gives_session(stage.alice, "gpu1")
        round_ = next(job for job in stage.bot._ticker._jobs if job.name == "outages")
        counted = []
        for name in ("third", "fourth"):
            stage.node("gpu1").running_task(
                demo_renter(), desc=name, gpus=[], cpu_cores=1, memory=2**30
            )
            for _ in range(3):
                await stage.passes(60)
                await stage.quiet()
            await stage.asks(stage.alice, f"/dbc vm show {name}")
            stage.clock.advance(timedelta(minutes=1))
            with units_of_work() as units:
                await round_.run()
            counted.append(units.reads)
        assert counted[0] == counted[-1]


async def test_what_is_due_is_looked_up_once_for_all_where_nothing_is_open(site: Stage) -> None:
    await site.passes(10)
    with statements() as asked:
        await site.passes(10)
    about = ("executions", "approvals", "votes", "watches", "messages", "access_requests")
    assert len([one for one in asked if any(f"FROM {name}" in one for name in about)]) == 2
    assert len([one for one in asked if one.startswith("BEGIN")]) <= 8
