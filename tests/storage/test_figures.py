"""The figures of what is open, and the look at a database from beside, with either database."""

from datetime import timedelta

from storage import Inspection, Store
from storage.migrations import HEAD
from tests.storage.samples import NOW, approval, execution, put, record, watch

LATER = NOW + timedelta(minutes=5)


async def test_what_is_open_is_counted_with_its_age(store: Store, url: str) -> None:
    inspection = Inspection(url)
    empty = await inspection.figures(NOW)
    assert (empty.watches_open, empty.messages_due, empty.approvals_waiting) == (0, 0, 0)
    assert (empty.watch_due, empty.message_oldest, empty.approval_oldest) == (None, None, None)
    assert set(empty.commands_open.values()) == {0}
    await record(store, execution("1"), execution("2"))
    await put(store, "card:1", "text")
    async with store.write() as tx:
        await tx.watches.add(watch("1", next_poll_at=NOW))
        await tx.watches.add(watch("2", next_poll_at=LATER))
        await tx.approvals.add(approval("1", created_at=NOW))
    found = await inspection.figures(LATER)
    await inspection.close()
    assert (found.watches_open, found.watches_overdue, found.watch_due) == (2, 1, NOW)
    assert (found.messages_due, found.message_oldest) == (1, NOW)
    assert (found.approvals_waiting, found.approval_oldest) == (1, NOW)
    assert sum(found.commands_open.values()) == 2


async def test_the_schema_is_told_without_being_migrated(store: Store, url: str) -> None:
    inspection = Inspection(url)
    schema = await inspection.schema()
    assert (schema.current, schema.is_newest, schema.is_newer) == (HEAD, True, False)
    assert await inspection.journal() == ("wal" if url.startswith("sqlite") else "")
    await inspection.close()
