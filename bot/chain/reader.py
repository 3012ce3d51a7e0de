"""Reads the chain at a block, from every node that can be believed, and compares what they say."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar

import structlog
from pydantic import TypeAdapter

from bot.chain import keys
from bot.chain.errors import (
    BlockDisputed,
    BlockUnknown,
    ChainDisagrees,
    ChainError,
    ChainStale,
    ChainUnreachable,
    ChainUnreadable,
    Impossible,
    MethodUnknown,
    said_fault,
)
from bot.chain.head_of import head_of
from bot.chain.heads import (
    DEEP,
    SLOT,
    Block,
    Head,
    Pulse,
    agreeing,
    ahead,
    present,
)
from bot.chain.models import (
    BlockHash,
    MachineOnChain,
    OrderNumbers,
    OrderOnChain,
    OrdersOfMachine,
    little,
    moment,
    pair,
    stored_as,
)
from bot.chain.price import Prices
from bot.chain.rpc import ChainLimits, RpcClient
from bot.clock import Clock, shown
from bot.ids import NodeId
from bot.reply import Text, say

T = TypeVar("T")

_HASH: TypeAdapter[str] = TypeAdapter(BlockHash)
_STORED: TypeAdapter[str] = TypeAdapter(str)
_ORDER: TypeAdapter[OrderOnChain] = TypeAdapter(OrderOnChain)
_NUMBERS: TypeAdapter[tuple[int, ...]] = TypeAdapter(OrderNumbers)
_OF_MACHINE: TypeAdapter[OrdersOfMachine] = TypeAdapter(OrdersOfMachine)
_MACHINE: TypeAdapter[MachineOnChain] = TypeAdapter(MachineOnChain)

# Heads are compared once for all that is read within this time.
_FRESH = timedelta(seconds=3)
# So long the others are waited for once a node has answered; whoever is slower is left out for a
# while, since every order would wait for it.
_PATIENCE = timedelta(seconds=2)
_LEFT_OUT = timedelta(minutes=2)
_WORTH_SAYING = timedelta(minutes=5)
_OVER = timedelta(hours=1)  # who contradicts no other for so long does so anew
# No order ends later than 60 days from its renewal; the older pallet may add as much once more.
_LONGEST = 4 * 60 * 14_400  # blocks
_WAITS = 150  # blocks, after which an order is gone that nobody has confirmed
_DEAREST = 10**13  # micro-USD: no machine costs more a day, and no DBC at all

log = structlog.get_logger()


class Pallet(StrEnum):
    """Where the chain keeps rentals; each counts its orders by itself."""

    RENT = "rentMachine"
    TERMINATING = "terminatingRental"


@dataclass(frozen=True, slots=True)
class OrderRef:
    """Names an order: numbers alone are not unique."""

    pallet: Pallet
    number: int


class ChainReader:
    """The chain as its nodes tell it. Without addresses it is off (`is_on`)."""

    def __init__(
        self, urls: Sequence[str], clock: Clock, limits: ChainLimits | None = None
    ) -> None:
        self._nodes = {url: RpcClient(url, limits or ChainLimits()) for url in urls}
        self._pulses = {url: Pulse() for url in urls}
        self._clock = clock
        self._patience = (limits or ChainLimits()).total
        self._looking: asyncio.Task[ChainView] | None = None
        self._view: ChainView | None = None
        self._viewed_at = timedelta()
        # How far this process's own clock is behind the world's; None before the first look.
        self._off: timedelta | None = None
        self._is_undecided: bool | None = None  # by the last look, if there was one
        self.faults: dict[str, str] = {}  # by address: why it is not believed at present
        self._since: dict[str, timedelta] = {}  # since when
        self._odd: dict[str, timedelta] = {}  # by address: when it contradicted the others last
        self._slow: dict[str, timedelta] = {}  # by address: until when it is left out

    @property
    def is_on(self) -> bool:
        """Whether there is any address to ask."""
        return bool(self._nodes)

    async def view(self) -> "ChainView":
        """The chain as it is now. Raises ChainError where no node can be believed.

        Whoever asks while the heads are asked for shares what comes of that, also a failure.
        """
        passed = self._clock.monotonic()
        if self._view is not None and passed - self._viewed_at < _FRESH:
            return self._view
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look_anew(passed), name="chain heads")
            self._looking.add_done_callback(_noticed)
        return await asyncio.shield(self._looking)

    async def is_undecided(self) -> bool:
        """Whether it takes up to a minute more to tell what time it is.

        At first, nodes that stand still look like others beside a machine whose clock is ahead.
        """
        if self._is_undecided is not False:
            with suppress(ChainError):
                await self.view()
        return bool(self._is_undecided)

    async def _look_anew(self, passed: timedelta) -> "ChainView":
        self._view = None
        self._view, self._viewed_at = await self._look(), passed
        return self._view

    @property
    def now(self) -> datetime:
        """The time of the world, as the nodes told last.

        Before they have, the later one where two clocks differ: nothing may be late.
        """
        now = self._clock.now()
        return max(now, shown(self._clock, now)) if self._off is None else now + self._off

    def impairments(self) -> tuple[Text, ...]:
        """Which nodes are not believed for long, or contradict the others, for the operator."""
        passed, of = self._clock.monotonic(), str(len(self._nodes))
        found: list[Text] = []
        for number, url in enumerate(self._nodes, start=1):
            since, odd = self._since.get(url), self._odd.get(url)
            if since is not None and passed - since >= _WORTH_SAYING:
                why = said_fault(self.faults[url])
                found.append(
                    say(
                        "Node {number} of {of} of the chain is not trusted: {why}.",
                        number=str(number), of=of, why=why,
                    )
                )  # fmt: skip
            elif odd is not None and passed - odd < _WORTH_SAYING:
                found.append(
                    say(
                        "Node {number} of {of} of the chain contradicts the others.",
                        number=str(number), of=of,
                    )
                )  # fmt: skip
        return tuple(found)

    async def close(self) -> None:
        """Close all connections."""
        if self._looking is not None:
            self._looking.cancel()
        for node in self._nodes.values():
            await node.close()

    async def _look(self) -> "ChainView":
        found = await asyncio.gather(
            *(head_of(node, self._patience) for node in self._nodes.values())
        )
        told = [head for head in found if isinstance(head, Head)]
        # Blocks tell the time of the world: this process's own may have begun with a wrong one.
        steady, passed = self._clock.now(), self._clock.monotonic()
        now = shown(self._clock, steady)
        world = present(told, now)
        faults = {
            url: head.why
            for url, head in zip(self._nodes, found, strict=True)
            if isinstance(head, ChainError)
        }
        early = ahead(told, world)
        heads = []
        for head in told:
            fault = self._pulses[head.url].fault(head, now, world, passed)
            if head.url in early:
                fault = fault or "its newest block is of the future"
            if fault:
                faults[head.url] = fault
            else:
                heads.append(head)
        together = agreeing(_of_moving_finality(heads))
        believed = {head.url for head in together}
        if together:
            behind = {
                head.url: "its finality stands still"
                if head.is_stuck
                else "it is apart from the others"
                for head in heads
                if head.url not in believed
            }
            faults |= behind
        else:
            faults |= {head.url: "the nodes are apart" for head in heads}
        self._tell(faults)
        self._is_undecided = not together and any(
            self._pulses[head.url].is_new(passed) for head in told if head not in heads
        )
        if together:
            self._off = world - steady
            return self._view_of(together, world)
        if heads:
            raise ChainDisagrees(why="the nodes are apart")
        if all(isinstance(head, ChainError) for head in found):
            raise ChainUnreachable(why=", ".join(sorted({*faults.values()})))
        raise ChainStale(why=", ".join(sorted({*faults.values()})))

    def _view_of(self, together: Sequence[Head], world: datetime) -> "ChainView":
        passed = self._clock.monotonic()
        quick = [head for head in together if self._slow.get(head.url, passed) <= passed]
        heads = quick or list(together)
        return ChainView(heads, [self._nodes[head.url] for head in heads], world, self)

    def contradicts(self, urls: Sequence[str]) -> None:
        """Remember nodes that answer otherwise than the others."""
        passed = self._clock.monotonic()
        new = [one for one in urls if passed - self._odd.get(one, passed - _OVER) >= _OVER]
        if new:
            places = [self._place(url) for url in new]
            log.warning("chain.contradicts", nodes=places, of=len(self._nodes))
        self._odd |= dict.fromkeys(urls, passed)

    def keeps_waiting(self, url: str) -> None:
        """Leave a node out for a while that answers much later than the others."""
        passed = self._clock.monotonic()
        if url not in self._slow or passed - self._slow[url] >= _WORTH_SAYING:
            log.warning("chain.too_slow", node=self._place(url), of=len(self._nodes))
        self._slow[url] = passed + _LEFT_OUT

    def _place(self, url: str) -> int:
        return [*self._nodes].index(url) + 1

    def _tell(self, faults: dict[str, str]) -> None:
        """Log what has changed, by position: an address may hold a key of its provider."""
        for number, url in enumerate(self._nodes, start=1):
            if (why := faults.get(url, "")) != self.faults.get(url, ""):
                if why:
                    log.warning("chain.not_believed", node=number, of=len(self._nodes), why=why)
                else:
                    log.info("chain.believed_again", node=number, of=len(self._nodes))
        passed = self._clock.monotonic()
        self._since = {url: self._since.get(url, passed) for url in faults}
        self.faults = faults


def _of_moving_finality(heads: Sequence[Head]) -> list[Head]:
    """Those whose finality is not far behind; all of them, where it stands still everywhere."""
    moving = [head for head in heads if not head.is_stuck]
    return moving or list(heads)


def _noticed(look: "asyncio.Task[ChainView]") -> None:
    """Take a failure that nobody waits for any more."""
    if not look.cancelled():
        look.exception()


class ChainView:
    """The chain at one look: its newest block, and those that all nodes should have.

    Each read is made at every node that is believed, at the newest block (`best`) and the newest
    final one of whichever is behind: what the others do not know yet, one alone could invent.
    More than half of those that answer have to say the same; else raises ChainDisagrees. Where
    finality stands still everywhere, a block far below the newest one is `final`.
    """

    def __init__(
        self,
        heads: Sequence[Head],
        nodes: Sequence[RpcClient],
        world: datetime,
        reader: ChainReader,
    ) -> None:
        self._nodes = list(nodes)
        self._reader = reader
        self.genesis = heads[0].genesis
        self.is_shared = len(heads) > 1  # more than one node says so
        self.newest = heads[0].best
        # To count down by: what a node lacks that lags is made all the same.
        self.head = self.newest.number + max(timedelta(), world - self.newest.at) // SLOT
        self.best = min((head.best for head in heads), key=lambda block: block.number)
        self.final = min((head.final for head in heads), key=lambda block: block.number)

    async def order(self, ref: OrderRef, at: Block) -> OrderOnChain | None:
        """An order at a block; None where it ended, lapsed or never was."""
        method = f"{ref.pallet}_getRentOrder"
        found = await self._compared(lambda node: node.ask(_ORDER, method, ref.number, at.hash))
        return _possible(found, at)

    async def order_of_any(self, ref: OrderRef, at: Block) -> OrderOnChain | None:
        """The same where the nodes contradict each other: as any of them has it.

        Raises Impossible where that makes no sense.
        """
        method = f"{ref.pallet}_getRentOrder"
        told = await self._asked(lambda node: node.ask(_ORDER, method, ref.number, at.hash))
        found = [one for one in told.values() if one and not isinstance(one, ChainError)]
        odd = [one for one in told.values() if isinstance(one, Impossible)]
        if odd and not found:
            raise odd[0]
        return _possible(found[0], at) if found else None

    async def orders_of_machine(self, node_id: NodeId, at: Block) -> list[OrderRef]:
        """The orders that hold a machine's GPUs, whoever's, by any of the nodes."""

        async def asked(pallet: Pallet) -> list[OrderRef]:
            method = f"{pallet}_getMachineRentId"
            found = await self._united(lambda node: node.ask(_OF_MACHINE, method, node_id, at.hash))
            return _refs(pallet, (number for one in found for number in one.rent_order))

        return await self._in_all(asked)

    async def orders_of_wallet(self, wallet: str, at: Block) -> list[OrderRef]:
        """The orders of a wallet by any of the nodes, also those that wait to be confirmed."""

        async def asked(pallet: Pallet) -> list[OrderRef]:
            method = f"{pallet}_getRentList"
            found = await self._united(lambda node: node.ask(_NUMBERS, method, wallet, at.hash))
            return _refs(pallet, (number for one in found for number in one))

        return await self._in_all(asked)

    async def machine(self, node_id: NodeId, at: Block | None = None) -> MachineOnChain | None:
        """What the chain says of a machine; None where it knows none of that id."""
        method, known = "onlineProfile_getMachineInfo", (at or self.best).hash
        return await self._compared(lambda node: node.ask(_MACHINE, method, node_id, known))

    async def block(self, number: int) -> Block:
        """An older block. Raises ChainError where nobody has it any more."""
        named = await self._compared(lambda node: node.ask(_HASH, "chain_getBlockHash", number))
        if named is None:
            raise BlockUnknown(why="no block of that number")
        return Block(number, named, stored_as(moment, await self._stored(keys.TIMESTAMP, named)))

    async def prices(self, node_id: NodeId, at: Block | None = None) -> Prices | None:
        """What the machine's price is made of, now or at a block.

        None where the chain does not know the machine. Raises ChainError.
        """
        known = (at or self.best).hash
        machine = await self.machine(node_id, at)
        names = (keys.POINT_PRICE, keys.extra_price(node_id), keys.AVG_PRICE, keys.FIXED_FEE)
        stored, extra, average, fee = await together(*(self._stored(one, known) for one in names))
        if machine is None or stored is None:
            return None
        gpu_point, gpu_price = stored_as(pair, stored)
        found = Prices(
            gpu_point,
            gpu_price,
            machine.calc_point,
            machine.gpu_num,
            stored_as(little, extra) if extra else 0,
            stored_as(little, average) if average else None,
            stored_as(little, fee) if fee else None,
        )
        a_day = found.per_day(found.gpu_num) if found.is_usable else 0
        if max(a_day, found.avg_price or 0) > _DEAREST:  # anybody may submit a price of a DBC
            raise ChainUnreadable(why="a price is not as expected")
        return found

    async def _stored(self, key: str, known: str) -> str | None:
        return await self._compared(lambda node: node.ask(_STORED, "state_getStorage", key, known))

    async def _in_all(self, asked: Callable[[Pallet], Awaitable[list[OrderRef]]]) -> list[OrderRef]:
        """What is found in every pallet that this chain has."""
        found: list[OrderRef] = []
        for pallet in Pallet:
            try:
                found += await asked(pallet)
            except MethodUnknown:
                if pallet is Pallet.RENT:
                    raise
        return found

    async def _compared(self, ask: Callable[[RpcClient], Awaitable[T | None]]) -> T | None:
        """What more than half of those say that answer."""
        told = await self._asked(ask)
        # Whoever names a block that another one lacks would be believed alone.
        votes = {
            url: one
            for url, one in told.items()
            if not isinstance(one, ChainError) or isinstance(one, BlockUnknown)
        }
        if all(isinstance(one, ChainError) for one in told.values()):
            raise next(one for one in told.values() if isinstance(one, ChainError))
        agreed = [one for one in votes.values() if not isinstance(one, ChainError)]
        most = max(agreed, key=agreed.count)
        # One that does not know the block merely keeps fewer, or is behind.
        lacks = [url for url, one in votes.items() if isinstance(one, ChainError)]
        odd = [url for url, one in votes.items() if url not in lacks and one != most]
        if 2 * agreed.count(most) > len(votes):
            self._reader.contradicts(odd)
            return most
        self._reader.contradicts([url for url in votes if url not in lacks] if odd else [])
        if lacks:
            raise BlockDisputed(why="some nodes lack a block that others have")
        raise ChainDisagrees(why="the nodes give different answers")

    async def _united(self, ask: Callable[[RpcClient], Awaitable[T | None]]) -> list[T]:
        """All that is said by anybody."""
        told = await self._asked(ask)
        found = [one for one in told.values() if not isinstance(one, ChainError)]
        if not found:
            raise next(one for one in told.values() if isinstance(one, ChainError))
        return [one for one in found if one is not None]

    async def _asked(
        self, ask: Callable[[RpcClient], Awaitable[T | None]]
    ) -> dict[str, T | ChainError | None]:
        """What each node says; one that takes much longer than another is not waited for."""

        async def safely(node: RpcClient) -> T | ChainError | None:
            try:
                return await ask(node)
            except ChainError as error:
                return error

        tasks = {asyncio.create_task(safely(node)): node for node in self._nodes}
        pending = set(tasks)
        try:
            while pending and all(
                isinstance(task.result(), ChainError) for task in tasks if task not in pending
            ):
                _, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            if pending:
                _, pending = await asyncio.wait(pending, timeout=_PATIENCE.total_seconds())
        finally:
            for task in pending:
                task.cancel()
        for task in pending:
            self._reader.keeps_waiting(tasks[task].url)
            self._nodes = [node for node in self._nodes if node is not tasks[task]] or self._nodes
        return {tasks[task].url: task.result() for task in tasks if task not in pending}


async def together(*reads: Awaitable[T]) -> list[T]:
    """What these tell, read side by side. Of several failures, the first one's counts."""
    told: list[T] = []
    for one in await asyncio.gather(*reads, return_exceptions=True):
        if isinstance(one, BaseException):
            raise one
        told.append(one)
    return told


def _refs(pallet: Pallet, numbers: Iterable[int]) -> list[OrderRef]:
    return [OrderRef(pallet, one) for one in sorted(set(numbers))]


def _possible(order: OrderOnChain | None, at: Block) -> OrderOnChain | None:
    """The order, if a block can have it. Raises Impossible."""
    if order is None:
        return None
    why = ""
    if order.rent_end <= order.rent_start:
        why = "it ends before it begins"
    elif order.rent_start > at.number:
        why = "it begins later than the block that has it"
    elif order.rent_end < at.number - DEEP:  # the chain drops it at its end
        why = "it has ended long ago"
    elif order.rent_end > at.number + _LONGEST:
        why = "it ends in years"
    elif order.is_waiting and order.rent_start < at.number - _WAITS - DEEP:
        why = "it should have lapsed long ago"
    if why:
        raise Impossible(why=f"not as expected: {why}")
    return order
