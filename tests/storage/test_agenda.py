"""What a job of the clockwork would find is on the agenda: else nobody would ever take it up."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.ids import ExecutionId, NodeId, UserId
from bot.model import AccessRequest, Audience, ExecutionStatus, Share
from bot.services.agenda import Agenda
from storage import Open, Store, UnitOfWork
from tests.scenarios.stage import staged
from tests.storage.samples import (
    LATER,
    NOW,
    REF,
    SOON,
    approval,
    execution,
    put,
    record,
    session,
    watch,
)
from tests.storage.test_ledger import stands
from tests.storage.test_votes import vote

A_DAY = timedelta(days=1)
END = NOW + A_DAY


async def _records(store: Store) -> None:
    await stands(store, "2", ExecutionStatus.RECORDED)


async def _runs(store: Store) -> None:
    await stands(store, "2", ExecutionStatus.RUNNING)


async def _waits_for_its_turn(store: Store) -> None:
    await record(store, execution("2", behind=(ExecutionId("execution-1"),)))


async def _asks_reviewers(store: Store) -> None:
    async with store.write() as tx:
        await tx.approvals.add(approval(remind_at=SOON))


async def _clicks(store: Store) -> None:
    await _asks_reviewers(store)
    async with store.write() as tx:
        assert await tx.votes.cast(vote())


async def _follows(store: Store) -> None:
    async with store.write() as tx:
        await tx.watches.add(watch())


async def _says(store: Store) -> None:
    await put(store, "card:1", "a")


async def _shows(store: Store, **changes: Any) -> None:
    """A message that stands there, but for what is left to do with it."""
    await _says(store)
    async with store.write() as tx:
        (message,) = await tx.messages.claim_due("p", NOW, LATER, 1)
        if "look_at" in changes:
            await tx.messages.may_be_doubled(message.id, "p", posted=True, **changes)
            changes = {}
        assert await tx.messages.delivered(message.id, 1, REF, "p", **changes)


async def _shows_unsettled(store: Store) -> None:
    await _shows(store, unsettled_until=SOON)


async def _shows_twice(store: Store) -> None:
    await _shows(store, look_at=SOON, until=LATER)


async def _shares(store: Store) -> None:
    async with store.write() as tx:
        await tx.sessions.put(session())
        await tx.sessions.share(
            Share(UserId("U1"), NodeId("node-1"), Audience.PERSON, UserId("U2"), NOW, LATER)
        )


async def _asks_for_access(store: Store) -> None:
    async with store.write() as tx:
        asks = AccessRequest("a", UserId("U2"), NodeId("node-1"), (UserId("U1"),), NOW)
        assert await tx.access.begin(asks)


class _Finds:
    """What jobs ask the database for, a day later: whatever they find is theirs to take up."""

    @staticmethod
    async def stranded(tx: UnitOfWork) -> object:
        return await tx.executions.claim_stranded("q", END, END + A_DAY, 9)

    @staticmethod
    async def waiting(tx: UnitOfWork) -> object:
        return await tx.turns.waiting()

    @staticmethod
    async def clicks(tx: UnitOfWork) -> object:
        return await tx.votes.pending(END, 9)

    @staticmethod
    async def open_reviews(tx: UnitOfWork) -> object:
        return await tx.approvals.open()

    @staticmethod
    async def expired(tx: UnitOfWork) -> object:
        return await tx.approvals.claim_expired(END, 9)

    @staticmethod
    async def reminders(tx: UnitOfWork) -> object:
        return await tx.approvals.claim_reminders(END, A_DAY, A_DAY, 9)

    @staticmethod
    async def watches(tx: UnitOfWork) -> object:
        return await tx.watches.due(END, 9)

    @staticmethod
    async def messages(tx: UnitOfWork) -> object:
        return await tx.messages.claim_due("q", END, END + A_DAY, 9)

    @staticmethod
    async def copies(tx: UnitOfWork) -> object:
        return await tx.messages.claim_doubled("q", END, END + A_DAY, 9)

    @staticmethod
    async def shares(tx: UnitOfWork) -> object:
        return await tx.sessions.is_due(END, END)

    @staticmethod
    async def access(tx: UnitOfWork) -> object:
        return await tx.access.open()


Plant = Callable[[Store], Awaitable[None]]
Find = Callable[[UnitOfWork], Awaitable[object]]
_ROWS: list[tuple[Open, set[str], Plant, Find]] = [
    (Open.COMMAND, {"recover"}, _records, _Finds.stranded),
    (Open.COMMAND, {"recover"}, _runs, _Finds.stranded),
    (Open.COMMAND, {"turns"}, _waits_for_its_turn, _Finds.waiting),
    (Open.CLICK, {"recover"}, _clicks, _Finds.clicks),
    (
        Open.REVIEW,
        {"obsolete", "measure", "rentals on cards"},
        _asks_reviewers,
        _Finds.open_reviews,
    ),
    (Open.REVIEW, {"expire"}, _asks_reviewers, _Finds.expired),
    (Open.REVIEW, {"remind"}, _asks_reviewers, _Finds.reminders),
    (Open.WATCH, {"watches"}, _follows, _Finds.watches),
    (Open.MESSAGE, {"outbox"}, _says, _Finds.messages),
    (Open.MESSAGE, {"outbox"}, _shows_unsettled, _Finds.messages),
    (Open.COPY, {"copies"}, _shows_twice, _Finds.copies),
    (Open.SHARE, {"access"}, _shares, _Finds.shares),
    (Open.ACCESS, {"access"}, _asks_for_access, _Finds.access),
]


@pytest.mark.parametrize(
    ("kind", "plant", "finds"),
    [(kind, plant, finds) for kind, _, plant, finds in _ROWS],
    ids=[f"{plant.__name__}-{finds.__name__}" for _, _, plant, finds in _ROWS],
)
async def test_what_a_job_would_find_is_open(
    kind: Open, plant: Plant, finds: Find, store: Store
) -> None:
    agenda = Agenda(store)
    await stands(store, "1", ExecutionStatus.DONE)  # that others are about
    assert await agenda.now() == frozenset()
    await plant(store)
    assert kind in await agenda.now()
    async with store.write() as tx:
        assert await finds(tx)


async def test_a_job_is_run_for_all_that_it_would_find(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        jobs = {job.name: job.about for job in stage.bot._ticker._jobs if job.about}
    found = {name: {kind for kind, names, *_ in _ROWS if name in names} for name in jobs}
    assert jobs == found


async def test_what_another_replica_commits_is_on_the_agenda_at_once(
    store: Store, replica: Store
) -> None:
    agenda = Agenda(store)
    assert await agenda.now() == frozenset()
    begun = asyncio.create_task(agenda.now())
    await asyncio.sleep(0)
    await asyncio.sleep(0)  # the look has begun
    await _says(replica)
    assert await agenda.now() == {Open.MESSAGE}
    await begun
    await _asks_for_access(replica)
    assert await agenda.now() == {Open.MESSAGE, Open.ACCESS}
