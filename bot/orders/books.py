"""Writes down what rentals cost and who uses them, as long as it can be known.

Nothing is written for times before: what nobody has seen is told as such. What is written down is
keyed by block, so several replicas write the same row.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from bot.chain.errors import ChainError
from bot.chain.heads import SLOT
from bot.chain.reader import ChainView
from bot.clock import Clock
from bot.dbc.models import Phase, phase_of
from bot.ids import TaskId
from bot.model import BlockTime, DbcSession, Machine, OrderPhase, Payment, RentalOrder, Use
from bot.orders.allotment import Holding, allotted
from bot.orders.months import milliseconds
from bot.orders.orders import Orders
from bot.orders.pricing import unrecorded
from bot.orders.schedule import DAY, HOUR
from bot.orders.sightings import HOLDS, changes
from bot.orders.unread import Unread
from bot.services.inventory import Inventory
from bot.services.last_known import LastKnown
from storage import Store

_FRESH = timedelta(minutes=10)  # how old a list may be and still tell what a machine holds
_KEPT = 800 * DAY  # blocks: two years and the month that is compared with them
_PRICED, _SIDE_BY_SIDE = 40, 5  # orders that are priced in a run, each by some twenty requests
_CREATE = "vm.create"
_NOT_MADE = frozenset({"create error", "start error"})  # failed, and holds nothing

_Look = tuple[RentalOrder, list[Use], int]  # what its machines hold, and at which block

log = structlog.get_logger()


class Books:
    """Keeps the books of all rentals that are known here."""

    def __init__(
        self,
        store: Store,
        orders: Orders,
        inventory: Inventory,
        last_known: LastKnown,
        clock: Clock,
    ) -> None:
        self._store = store
        self._orders = orders
        self._inventory = inventory
        self._last_known = last_known
        self._clock = clock
        self._tried: dict[
            str, timedelta
        ] = {}  # when those were priced last that still have no price
        self._unpriced = Unread(clock, "orders.not_priced", "orders.priced_again", "info")

    async def keep(self) -> None:
        """Write down what there is to know now."""
        if not self._orders.chain.is_on:
            return
        try:
            view = await self._orders.chain.view()
        except ChainError:
            return  # `Orders` says so
        async with self._store.read() as tx:
            known = await tx.orders.open()
            after = await tx.orders.after(view.final.number)
        # One that lapsed before it was priced has cost its fee all the same.
        known += [one for one in after if one.phase is OrderPhase.LAPSED]
        await self._note_time(view)
        # First what nobody could tell later; prices may take long where many orders are new.
        await self._note_uses(view, [one for one in known if one.phase is OrderPhase.RENTING])
        await self._note_payments(known)

    async def _note_time(self, view: ChainView) -> None:
        """Once an hour, when a block was made; once a day, what is old goes."""
        async with self._store.read() as tx:
            last = await tx.money.last_block()
        block = view.final
        if last is not None and block.number - last.block < HOUR:
            return
        is_new_day = last is None or block.number // DAY != last.block // DAY
        async with self._store.write() as tx:
            await tx.money.made(BlockTime(block.number, milliseconds(block.at)))
            if is_new_day:
                await tx.money.forget(block.number - _KEPT)

    async def _note_payments(self, orders: Sequence[RentalOrder]) -> None:
        """What was paid and is not written down; of many, those first that wait the longest."""
        async with self._store.read() as tx:
            found = await tx.money.payments([order.id for order in orders])
        known: dict[str, list[Payment]] = defaultdict(list)
        for one in found:
            known[one.order].append(one)
        unpaid: list[RentalOrder] = []
        for order in orders:
            if (last := known[order.id][-1:]) and last[0].ends >= order.ends:
                self._unpriced.read(order.id)
            else:
                unpaid.append(order)
        passed = self._clock.monotonic()
        tried = {order.id: self._tried.get(order.id, timedelta()) for order in unpaid}
        now = sorted(unpaid, key=lambda order: tried[order.id])[:_PRICED]
        self._tried = tried | {order.id: passed for order in now}
        turns = asyncio.Semaphore(_SIDE_BY_SIDE)
        await asyncio.gather(*(self._note_paid(order, known[order.id], turns) for order in now))
        self._unpriced.tell()

    async def _note_paid(
        self, order: RentalOrder, known: Sequence[Payment], turns: asyncio.Semaphore
    ) -> None:
        async with turns:
            try:
                found = await unrecorded(await self._orders.chain.view(), order, known)
            except ChainError as error:
                self._unpriced.failed(order.id, error.why)
                return
        self._unpriced.read(order.id)
        if not found:
            return
        async with self._store.write() as tx:
            for payment in found:
                if await tx.money.paid(payment):
                    log.info("order.paid", order=order.id, basis=payment.basis)

    # Uses

    async def _note_uses(self, view: ChainView, orders: Sequence[RentalOrder]) -> None:
        looks = [await self._look(view, order, orders) for order in orders]
        seen = [look for look in looks if look is not None]
        if not seen:
            return
        ids = [order.id for order, _, _ in seen]
        async with self._store.read() as tx:
            last = await tx.money.last_uses(ids)
        if not any(_news(last, *look) for look in seen):
            return
        seen = [await self._since_made(view, look, last) for look in seen]
        async with self._store.write() as tx:  # where another process may have written meanwhile
            last = await tx.money.last_uses(ids)
            for look in seen:
                await tx.money.used(_news(last, *look))

    async def _since_made(self, view: ChainView, look: _Look, last: Sequence[Use]) -> _Look:
        """A look with what machines held that were made from here, and were not looked at before.

        From their request until it was seen to be done; what holds until this look is one use.
        """
        order, held, block = look
        new = {use.task for use in held} - {use.task for use in last}
        if not new:
            return look
        async with self._store.read() as tx:
            found = await tx.executions.of_machines(new, (_CREATE,))
        made = {one.task: one for one in found}
        uses: list[Use] = []
        for use in held:
            if (one := made.get(TaskId(use.task))) is None:
                uses.append(use)
                continue
            begins = _block(view, one.started_at or one.created_at, order.began, block)
            seen = block
            if one.finished_at is not None:
                seen = _block(view, one.finished_at, order.began, block)
            if block - seen <= HOLDS:
                uses.append(replace(use, begins=begins))
            else:
                uses += [replace(use, begins=begins, ends=seen), use]
        return order, uses, block

    async def _look(
        self, view: ChainView, order: RentalOrder, orders: Sequence[RentalOrder]
    ) -> _Look | None:
        """What its machines hold, and at which block; None where that is not known now."""
        concern = await self._orders.concerned.of(
            order.node, order.renter, order.number, is_only=order.is_only
        )
        now, lists = self._clock.now(), self._inventory.lists
        listed = [(at, one) for one in concern.sessions if (at := lists.listed_at(one))]
        fresh = [(at, one) for at, one in listed if now - at < _FRESH]
        if not fresh:
            return None
        age = max(timedelta(), now - max(at for at, _ in fresh))
        block = view.newest.number - age // SLOT
        machines: dict[TaskId, Machine] = {}
        held: dict[TaskId, Holding] = {}
        for _, session in fresh:
            async with self._store.read() as tx:
                shown = await tx.inventory.machines(session.user, session.node)
            for machine in shown:
                holding = await self._held(order, session, machine)
                if holding is None:
                    return None
                machines[machine.task], held[machine.task] = machine, holding
        its = (order.node, order.renter)
        rivals = [one for one in orders if (one.node, one.renter) == its]
        oldest = sorted(machines.values(), key=lambda one: (one.created, one.task))
        parts = allotted(order, rivals, [held[one.task] for one in oldest])
        uses = [
            Use(order.id, one.task, block, block, parts[one.task], one.label)
            for one in oldest
            if parts.get(one.task)
        ]
        return order, await self._with_makers(uses), block

    async def _held(
        self, order: RentalOrder, session: DbcSession, machine: Machine
    ) -> Holding | None:
        """How many GPUs a machine holds, and of which order; None where that is not known."""
        phase = phase_of(machine.status)
        if phase is Phase.OFF or machine.status.strip().lower() in _NOT_MADE:
            return Holding(machine.task, 0, "")
        found = await self._last_known.find(session, machine.task)
        if found is None or found.detail.gpu_count is None:
            gpus = await self._requested(order, machine)
            return None if gpus is None else Holding(machine.task, gpus, "")
        return Holding(machine.task, found.detail.gpu_count, found.detail.rent_order)

    async def _requested(self, order: RentalOrder, machine: Machine) -> int | None:
        """How many GPUs were requested from here for a machine that was not read yet.

        None where that is not known, or where another order may pay for it.
        """
        async with self._store.read() as tx:
            made = await tx.executions.of_machines({machine.task}, (_CREATE,))
            orders = await tx.orders.of_node(order.node)
        rented = [one for one in orders if one.phase is OrderPhase.RENTING]
        gpus = made[-1].known.get("gpu", "") if made and len(rented) == 1 else ""
        return int(gpus) if gpus.isdecimal() else None

    async def _with_makers(self, uses: list[Use]) -> list[Use]:
        if not uses:
            return []
        async with self._store.read() as tx:
            made = await tx.orders.makers({use.task for use in uses})
        return [_made(use, *made.get(use.task, ("", ""))) for use in uses]


def _block(view: ChainView, at: datetime, least: int, most: int) -> int:
    """The block that was made at a moment, between two others."""
    ago = (view.newest.at - at) // SLOT
    return min(most, max(least, view.newest.number - ago))


def _made(use: Use, maker: str, channel: str) -> Use:
    return Use(use.order, use.task, use.begins, use.ends, use.gpus, use.label, maker, channel)


def _news(last: Sequence[Use], order: RentalOrder, held: Sequence[Use], block: int) -> list[Use]:
    mine = [use for use in last if use.order == order.id]
    return changes(mine, held, order.id, block)
