"""Reads the chain at a block, from every node that can be believed, and compares what they say."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, TypeVar

import structlog
from pydantic import TypeAdapter

from bot.chain import keys
from bot.chain.errors import (
    BlockUnknown,
    ChainDisagrees,
    ChainError,
    ChainStale,
    ChainUnreachable,
    ChainUnreadable,
    MethodUnknown,
)
from bot.chain.heads import Block, Head, Pulse, agreeing
from bot.chain.models import (
    BlockHash,
    Header,
    MachineOnChain,
    OrderNumbers,
    OrderOnChain,
    OrdersOfMachine,
    little,
    moment,
    pair,
)
from bot.chain.price import Prices
from bot.chain.rpc import ChainLimits, RpcClient
from bot.clock import Clock, shown
from bot.ids import NodeId

T = TypeVar("T")

_HEADER: TypeAdapter[Header] = TypeAdapter(Header)
_HASH: TypeAdapter[str] = TypeAdapter(BlockHash)
_STORED: TypeAdapter[str] = TypeAdapter(str)
_ORDER: TypeAdapter[OrderOnChain] = TypeAdapter(OrderOnChain)
_NUMBERS: TypeAdapter[tuple[int, ...]] = TypeAdapter(OrderNumbers)
_OF_MACHINE: TypeAdapter[OrdersOfMachine] = TypeAdapter(OrdersOfMachine)
_MACHINE: TypeAdapter[MachineOnChain] = TypeAdapter(MachineOnChain)

# Heads are compared once for all that is read within this time.
_FRESH = timedelta(seconds=3)

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
        self._looking = asyncio.Lock()
        self._view: ChainView | None = None
        self._viewed_at: timedelta | None = None
        self.faults: dict[str, str] = {}  # by address: why it is not believed at present

    @property
    def is_on(self) -> bool:
        """Whether there is any address to ask."""
        return bool(self._nodes)

    async def view(self) -> "ChainView":
        """The chain as it is now. Raises ChainError where no node can be believed."""
        async with self._looking:
            passed = self._clock.monotonic()
            if self._view is None or self._viewed_at is None or passed - self._viewed_at >= _FRESH:
                self._view = None
                self._view = await self._look()
                self._viewed_at = passed
            return self._view

    async def close(self) -> None:
        """Close all connections."""
        for node in self._nodes.values():
            await node.close()

    async def _look(self) -> "ChainView":
        found = await asyncio.gather(*(self._head(node) for node in self._nodes.values()))
        # Blocks tell the time of the world: this process's own may have begun with a wrong one.
        now, passed = shown(self._clock, self._clock.now()), self._clock.monotonic()
        heads, faults = [], {}
        for url, head in zip(self._nodes, found, strict=True):
            if isinstance(head, ChainError):
                faults[url] = head.why
            elif fault := self._pulses[url].fault(head, now, passed):
                faults[url] = fault
            else:
                heads.append(head)
        together = agreeing(heads)
        believed = {head.url for head in together}
        behind = {head.url: "it is apart from the others" for head in heads}
        faults |= {url: why for url, why in behind.items() if url not in believed}
        self._tell(faults)
        if together:
            return ChainView(together, [self._nodes[head.url] for head in together])
        if heads:
            raise ChainDisagrees(why="heads")
        if all(isinstance(head, ChainError) for head in found):
            raise ChainUnreachable(why=", ".join(sorted({*faults.values()})))
        raise ChainStale(why=", ".join(sorted({*faults.values()})))

    def _tell(self, faults: dict[str, str]) -> None:
        """Log what has changed, by position: an address may hold a key of its provider."""
        for number, url in enumerate(self._nodes, start=1):
            if (why := faults.get(url, "")) != self.faults.get(url, ""):
                if why:
                    log.warning("chain.not_believed", node=number, of=len(self._nodes), why=why)
                else:
                    log.info("chain.believed_again", node=number, of=len(self._nodes))
        self.faults = faults

    async def _head(self, node: RpcClient) -> Head | ChainError:
        """A node's head; one that takes too long for all of it would hold up every order."""
        try:
            async with asyncio.timeout(self._patience.total_seconds()):
                return await self._asked_head(node)
        except TimeoutError:
            return ChainUnreachable(why="it is too slow")
        except ChainError as error:
            return error

    async def _asked_head(self, node: RpcClient) -> Head:
        newest = await node.ask(_HEADER, "chain_getHeader")
        best = await _block(node, newest)
        known = await node.ask(_HASH, "chain_getFinalizedHead")
        newest = await node.ask(_HEADER, "chain_getHeader", known)
        return Head(node.url, best, await _block(node, newest, known))


async def _block(node: RpcClient, header: Header | None, known: str | None = None) -> Block:
    if header is None:
        raise ChainUnreadable(why="no header")
    named = known
    if named is None:
        named = await node.ask(_HASH, "chain_getBlockHash", header.number)
    if named is None:
        raise ChainUnreadable(why="it names a block that it does not have")
    stored = await node.ask(_STORED, "state_getStorage", keys.TIMESTAMP, named)
    if header.number == 0:
        raise ChainUnreadable(why="it knows no block yet")
    return Block(header.number, named, _read(moment, stored))


class ChainView:
    """The chain at one look: its newest block, and those that all nodes should have.

    Each read is made at every node that is believed, at the newest block (`best`) and the newest
    final one of whichever is behind: what the others do not know yet, one alone could invent.
    Raises ChainDisagrees where they differ.
    """

    def __init__(self, heads: Sequence[Head], nodes: Sequence[RpcClient]) -> None:
        self._nodes = nodes
        self.newest = heads[0].best  # to count down by
        self.best = min((head.best for head in heads), key=lambda block: block.number)
        self.final = min((head.final for head in heads), key=lambda block: block.number)

    async def order(self, ref: OrderRef, at: Block) -> OrderOnChain | None:
        """An order at a block; None where it ended, lapsed or never was."""
        method = f"{ref.pallet}_getRentOrder"
        return await self._compared(lambda node: node.ask(_ORDER, method, ref.number, at.hash))

    async def orders_of_machine(self, node_id: NodeId, at: Block) -> list[OrderRef]:
        """The orders that hold a machine's GPUs, whoever's."""

        async def asked(pallet: Pallet) -> list[OrderRef]:
            method = f"{pallet}_getMachineRentId"
            found = await self._compared(
                lambda node: node.ask(_OF_MACHINE, method, node_id, at.hash)
            )
            return [OrderRef(pallet, one) for one in found.rent_order] if found else []

        return await self._in_all(asked)

    async def orders_of_wallet(self, wallet: str, at: Block) -> list[OrderRef]:
        """The orders of a wallet, also those that wait for their confirmation."""

        async def asked(pallet: Pallet) -> list[OrderRef]:
            method = f"{pallet}_getRentList"
            found = await self._compared(lambda node: node.ask(_NUMBERS, method, wallet, at.hash))
            return [OrderRef(pallet, one) for one in found or ()]

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
        return Block(number, named, _read(moment, await self._stored(keys.TIMESTAMP, named)))

    async def prices(self, node_id: NodeId, at: Block | None = None) -> Prices | None:
        """What the machine's price is made of, now or at a block.

        None where the chain does not know the machine. Raises ChainError.
        """
        known = (at or self.best).hash
        machine = await self.machine(node_id, at)
        stored = await self._stored(keys.POINT_PRICE, known)
        if machine is None or stored is None:
            return None
        gpu_point, gpu_price = _read(pair, stored)
        extra = await self._stored(keys.extra_price(node_id), known)
        average = await self._stored(keys.AVG_PRICE, known)
        fee = await self._stored(keys.FIXED_FEE, known)
        return Prices(
            gpu_point,
            gpu_price,
            machine.calc_point,
            machine.gpu_num,
            _read(little, extra) if extra else 0,
            _read(little, average) if average else None,
            _read(little, fee) if fee else None,
        )

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
        async def safely(node: RpcClient) -> Any:
            try:
                return await ask(node)
            except ChainError as error:
                return error

        found = await asyncio.gather(*(safely(node) for node in self._nodes))
        errors = [one for one in found if isinstance(one, ChainError)]
        told = [one for one in found if not isinstance(one, ChainError)]
        if not told:
            raise errors[0]
        # Whoever names a block that another one lacks would be believed alone.
        if any(isinstance(one, BlockUnknown) for one in errors):
            raise ChainDisagrees(why="blocks")
        if any(one != told[0] for one in told):
            raise ChainDisagrees(why="answers")
        first: T | None = told[0]
        return first


def _read(reads: Callable[[str], T], stored: str | None) -> T:
    try:
        if stored is not None:
            return reads(stored)
    except ValueError:
        pass
    raise ChainUnreadable(why="a stored value is not as expected")
