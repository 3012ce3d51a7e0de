"""Rows with a word of another version are told, however many there are."""

from sqlalchemy import insert, select

from storage import Store
from storage.tables import audit
from tests.storage.samples import execution, record


async def append_newer(store: Store, times: int) -> None:
    """What a newer version has written: so many rows of a kind that is not known here."""
    async with store.write() as tx:
        connection = tx.executions._connection
        last = (await connection.execute(select(audit).order_by(audit.c.seq.desc()))).mappings()
        row = dict(last.first() or {})
        newer = [{**row, "seq": row["seq"] + n, "kind": "was_moved"} for n in range(1, times + 1)]
        await connection.execute(insert(audit), newer)


async def test_many_audit_rows_of_a_newer_version_are_all_found_in_turn(store: Store) -> None:
    await record(store, execution("1"))
    await append_newer(store, 250)
    found: list[str] = []
    reached, before = 0, -1
    while reached > before:
        before = reached
        async with store.browse() as tx:
            new, reached = await tx.strangers.in_audit(before)
        found += [one.id for one in new]
    assert len(found) == len(set(found)) == 250
    await append_newer(store, 1)
    async with store.browse() as tx:
        new, _ = await tx.strangers.in_audit(reached)
    assert len(new) == 1
