"""What rentals cost, which machines used them, and when blocks were made."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Row, and_, delete, func, select

from bot.model import Basis, BlockTime, Payment, Use
from storage.repositories.repository import Repository, renewing, word
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
            found += [
                Payment(
                    row.order_id, row.begins, row.ends, row.gpus, _whole(row.planck), row.micro,
                    row.is_usd_exact, row.avg_price, _whole(row.fee), row.block,
                    word(Basis, row.basis, Basis.LATER),
                )
                for row in rows
            ]  # fmt: skip
        return found

    async def paid(self, payment: Payment) -> bool:
        """Write down what was paid; False where that is known already."""
        rows = await self._connection.execute(
            self._insert(order_payments)
            .values(
                order_id=payment.order, begins=payment.begins, ends=payment.ends,
                gpus=payment.gpus, planck=str(payment.planck), micro=payment.micro,
                is_usd_exact=payment.is_usd_exact, avg_price=payment.avg_price,
                fee=str(payment.fee), block=payment.block, basis=str(payment.basis),
            )
            .on_conflict_do_nothing()
        )  # fmt: skip
        return rows.rowcount == 1

    async def unpaid(self, order: str, began: int) -> None:
        """Forget what was paid for another rental of that id, which a fork has undone."""
        earliest = (
            select(func.min(order_payments.c.begins))
            .where(order_payments.c.order_id == order)
            .scalar_subquery()
        )
        await self._connection.execute(
            delete(order_payments).where(order_payments.c.order_id == order, earliest != began)
        )

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
            found += [_use(row) for row in rows]
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
        return [_use(row) for row in rows]

    async def used(self, uses: Sequence[Use]) -> None:
        """Write down uses; of those that are known, until when they lasted."""
        if not uses:
            return
        statement = renewing(self._dialect, machine_uses, *_OF_A_USE)
        for one in uses:
            row = {
                "order_id": one.order, "task": one.task, "begins": one.begins, "ends": one.ends,
                "gpus": one.gpus, "label": one.label, "maker": one.maker, "channel": one.channel,
            }  # fmt: skip
            await self._connection.execute(statement, row)

    # Blocks

    async def made(self, time: BlockTime) -> None:
        """Write down when a block was made."""
        await self._connection.execute(
            self._insert(block_times)
            .values(block=time.block, made_ms=time.made_ms)
            .on_conflict_do_nothing()
        )

    async def last_block(self) -> BlockTime | None:
        """The newest block of which it is known."""
        rows = await self._connection.execute(
            select(block_times).order_by(block_times.c.block.desc()).limit(1)
        )
        return _time(rows.first())

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
        return _time(before.first()), _time(after.first())

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


def _whole(stored: str) -> int:
    return int(stored) if stored.isdecimal() else 0


def _use(row: Row[Any]) -> Use:
    return Use(
        row.order_id, row.task, row.begins, row.ends, row.gpus, row.label, row.maker, row.channel
    )


def _time(row: Row[Any] | None) -> BlockTime | None:
    return None if row is None else BlockTime(row.block, row.made_ms)
