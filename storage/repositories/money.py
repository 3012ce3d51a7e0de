"""What rentals cost, which machines used them, and when blocks were made."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import CursorResult, and_, delete, func, select

from bot.model import Basis, BlockTime, Payment, Use
from storage.repositories.mapper import Mapper, amount, column, one_of
from storage.repositories.repository import Repository, renewing
from storage.tables import block_times, machine_uses, order_payments

_OF_A_USE = ("ends", "gpus", "label", "maker", "channel")
_AT_ONCE = 500  # ids in one statement; databases limit its parameters


class Money(Repository):
    """Payments by rental and first block; uses by rental, machine and first block."""

    # Payments

    async def payments(self, orders: Collection[str]) -> list[Payment]:
        """What was paid for these rentals, the earliest blocks first."""
        asked, found = sorted(orders), list[Payment]()
        for start in range(0, len(asked), _AT_ONCE):
            rows = await self._connection.execute(
                select(order_payments)
                .where(order_payments.c.order_id.in_(asked[start : start + _AT_ONCE]))
                .order_by(order_payments.c.order_id, order_payments.c.begins)
            )
            found += [_PAYMENTS.read(row) for row in rows.mappings()]
        return found

    async def paid(self, payment: Payment) -> bool:
        """Write down what was paid; False where that is known already."""
        rows = await self._connection.execute(
            self._insert(order_payments).values(_PAYMENTS.write(payment)).on_conflict_do_nothing()
        )
        return rows.rowcount == 1

    async def undo(self, order: str) -> None:
        """Forget what was paid for a rental and who used it: a fork has undone it."""
        for table in (order_payments, machine_uses):
            await self._connection.execute(delete(table).where(table.c.order_id == order))

    # Uses

    async def uses(self, orders: Collection[str], since: int = 0) -> list[Use]:
        """How these rentals were used since a block, the earliest first."""
        asked, found = sorted(orders), list[Use]()
        for start in range(0, len(asked), _AT_ONCE):
            rows = await self._connection.execute(
                select(machine_uses)
                .where(
                    machine_uses.c.order_id.in_(asked[start : start + _AT_ONCE]),
                    machine_uses.c.ends > since,
                )
                .order_by(machine_uses.c.order_id, machine_uses.c.begins, machine_uses.c.task)
            )
            found += [_USES.read(row) for row in rows.mappings()]
        return found

    async def last_uses(self, orders: Collection[str]) -> list[Use]:
        """The last use of each machine of these rentals, and the last look at each rental."""
        newest = (
            select(
                machine_uses.c.order_id, machine_uses.c.task,
                func.max(machine_uses.c.begins).label("begins"),
            )
            .where(machine_uses.c.order_id.in_(sorted(orders)))
            .group_by(machine_uses.c.order_id, machine_uses.c.task)
            .subquery()
        )  # fmt: skip
        rows = await self._connection.execute(
            select(machine_uses).join(
                newest,
                and_(
                    machine_uses.c.order_id == newest.c.order_id,
                    machine_uses.c.task == newest.c.task,
                    machine_uses.c.begins == newest.c.begins,
                ),
            )
        )
        return [_USES.read(row) for row in rows.mappings()]

    async def used(self, uses: Sequence[Use]) -> None:
        """Write down uses; of those that are known, until when they lasted."""
        if not uses:
            return
        statement = renewing(self._dialect, machine_uses, *_OF_A_USE)
        for one in uses:
            await self._connection.execute(statement, _USES.write(one))

    # Blocks

    async def made(self, time: BlockTime) -> None:
        """Write down when a block was made."""
        await self._connection.execute(
            self._insert(block_times).values(_BLOCKS.write(time)).on_conflict_do_nothing()
        )

    async def last_block(self) -> BlockTime | None:
        """The newest block of which it is known."""
        rows = await self._connection.execute(
            select(block_times).order_by(block_times.c.block.desc()).limit(1)
        )
        return _time(rows)

    async def around(self, made_ms: int) -> tuple[BlockTime | None, BlockTime | None]:
        """The last block known to be made by a moment, and the first one known to be later."""
        before = await self._connection.execute(
            select(block_times)
            .where(block_times.c.made_ms <= made_ms)
            .order_by(block_times.c.made_ms.desc())
            .limit(1)
        )
        after = await self._connection.execute(
            select(block_times)
            .where(block_times.c.made_ms > made_ms)
            .order_by(block_times.c.made_ms)
            .limit(1)
        )
        return _time(before), _time(after)

    async def forget(self, before: int) -> int:
        """Forget what ended before a block; says how many rows there were."""
        gone = 0
        ended = (
            (machine_uses, machine_uses.c.ends < before),
            (block_times, block_times.c.block < before),
            (order_payments, order_payments.c.ends < before),
        )
        for table, is_old in ended:
            gone += (await self._connection.execute(delete(table).where(is_old))).rowcount
        return gone


def _time(rows: CursorResult[*tuple[Any, ...]]) -> BlockTime | None:
    row = rows.mappings().first()
    return None if row is None else _BLOCKS.read(row)


def _payment_written(payment: Payment) -> dict[str, str]:
    return {
        "order_id": payment.order,
        "planck": str(payment.planck),
        "fee": str(payment.fee),
    }


_PAYMENTS = Mapper(
    Payment,
    order_payments,
    _payment_written,
    order=column("order_id"),
    planck=amount("planck"),
    fee=amount("fee"),
    basis=one_of("basis", Basis, Basis.LATER),
)
_USES = Mapper(Use, machine_uses, lambda use: {"order_id": use.order}, order=column("order_id"))
_BLOCKS = Mapper(BlockTime, block_times)
