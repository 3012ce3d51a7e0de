"""Leases of all kinds of rows, renewed while a process works on them."""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import Table, update

from bot.model import Leased
from storage.repositories.repository import Repository
from storage.tables import executions, messages, rental_orders, watches

LEASED: Mapping[Leased, Table] = {
    Leased.EXECUTION: executions,
    Leased.WATCH: watches,
    Leased.MESSAGE: messages,
    Leased.ORDER: rental_orders,
}
_AT_ONCE = 500  # ids in one statement; databases limit its parameters


class Leases(Repository):
    """The lease columns of executions, watches, messages and rentals."""

    async def renew(
        self, kind: Leased, ids: Collection[str], by: str, until: datetime
    ) -> frozenset[str]:
        """Extend leases to `until`; returns the ids of those rows that `by` still holds.

        Condition: `by` holds the lease. One that has run out counts, as long as nobody took it.
        """
        table, asked = LEASED[kind], sorted(ids)
        held: set[str] = set()
        for start in range(0, len(asked), _AT_ONCE):
            rows = await self._connection.execute(
                update(table)
                .where(
                    table.c.id.in_(asked[start : start + _AT_ONCE]),
                    table.c.leased_by == by,
                )
                .values(leased_until=until)
                .returning(table.c.id)
            )
            held.update(rows.scalars())
        return frozenset(held)

    async def release(self, by: str) -> None:
        """End all leases that `by` holds: whoever looks next may take the rows up."""
        for table in LEASED.values():
            await self._connection.execute(
                update(table)
                .where(table.c.leased_by == by)
                .values(leased_by=None, leased_until=None)
            )
