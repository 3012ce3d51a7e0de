"""A stage with a chain: rentals, an RPC node or several, and what people were told of them."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from bot.app import Bot
from sandbox.chain import Chain, Rental, RpcNode
from sandbox.dbc.demo import demo_renter
from sandbox.slack import Person
from tests.scenarios.stage import LIMITS, Stage, settings_for, staged

DAY = 14_400  # blocks
_DAY = 24 * 60  # minutes
LOOKS = {"new orders", "orders"}


@dataclass
class ChainStage:
    """A stage, the chain that its nodes are rented on, and the nodes that tell of it."""

    stage: Stage
    chain: Chain
    rpc: list[RpcNode]
    is_watched_whole: bool = False  # also while time passes: nodes, machines, books

    @property
    def renter(self) -> str:
        """The wallet that rents everything here."""
        return demo_renter().address

    def rents(
        self, node: str = "gpu1", *, blocks: int = 10 * DAY, gpus: int | None = None,
        confirmed: bool = True, renter: str = "",
    ) -> Rental:  # fmt: skip
        """Rent a node on the chain."""
        where = self.stage.node(node).node_id
        rental = self.chain.rent(renter or self.renter, where, gpus, blocks)
        if confirmed:
            self.chain.confirm(rental.number)
        return rental

    def older(self) -> Chain:
        """What the older pallet keeps of the same chain; its orders count from the same number."""
        older = Chain(self.stage.clock)
        older.blocks = self.chain.blocks
        for node in self.stage.world.nodes.values():
            older.add_machine(node.node_id, node.gpus)
        for rpc in self.rpc:
            rpc.pallets = ("rentMachine", "terminatingRental")
            rpc.others["terminatingRental"] = older
        return older

    async def restart(self) -> None:
        """Stop the bot and start it again on the same database, with the same chain."""
        await self.stage.bot.stop()
        await self._start()

    async def _start(self) -> None:
        stage = self.stage
        settings = settings_for(stage.ws, stage.daemon, stage.data, http=False)
        urls = tuple(node.url for node in self.rpc)
        settings = settings.model_copy(update={"chain_rpc_urls": urls})
        stage.bot = Bot(settings, stage.machine, LIMITS)
        await stage.bot.start(ticking=False)
        await stage.bot.edge.connected()

    async def passes(self, hours: float = 0, *, minutes: float = 0, step: float = 300) -> None:
        """Let so much time pass, with a look at the orders every `step` seconds.

        New ones are sought in the first of these steps and at the end, where all is done that the
        clockwork does: a look at all nodes costs thirty of these.
        """
        left = hours * 3600 + minutes * 60
        looks = LOOKS
        while left > 0:
            self.stage.clock.advance(timedelta(seconds=min(step, left)))
            left -= step
            if self.is_watched_whole:
                await self.stage.bot.tick()
                continue
            for job in self.stage.bot._ticker._jobs:
                if job.name in looks:
                    await job.run()
            looks = {"orders"}
        await self.stage.bot.tick()

    async def until(self, block: int, *, step: float = 300) -> None:
        """Let time pass until that block is made."""
        left = self.chain.blocks.until(block).total_seconds() / 60
        if left > _DAY:
            await self.passes(minutes=left - _DAY, step=max(step, 4 * 3600))
            left = self.chain.blocks.until(block).total_seconds() / 60
        if left > 60:
            await self.passes(minutes=left - 30, step=max(step, 3600))
            left = self.chain.blocks.until(block).total_seconds() / 60
        await self.passes(minutes=left, step=step)

    def told(self, person: Person, *words: str, at: str = "") -> list[str]:
        """What a person was told directly and has these words in it, oldest first.

        `at` is the warning's name: `end-6` for the one six hours before the end.
        """
        these = self._named(at) if at else None
        shown = [one for one in person.messages("@dbc") if these is None or one.ts in these]
        said = [message.plain.replace("*", "") for message in shown]
        return [one for one in said if all(word in one for word in words)]

    def _named(self, name: str) -> set[str]:
        """The warnings of this name, wherever they were told, by their timestamps."""
        query = "SELECT ref_ts FROM messages WHERE key LIKE ? AND ref_ts IS NOT NULL"
        with closing(sqlite3.connect(self.stage.data / "bot.db")) as database:
            return {ts for (ts,) in database.execute(query, (f"order:%.{name}.%",))}


@asynccontextmanager
async def chained(data: Path, *, nodes: int = 1, policy: str = "") -> AsyncIterator[ChainStage]:
    """A stage with a chain; the bot knows of it."""
    rules = {"policy": policy} if policy else {}
    async with AsyncExitStack() as stack:
        stage = await stack.enter_async_context(staged(data, **rules))  # type: ignore[arg-type]
        chain = Chain(stage.clock)
        for node in stage.world.nodes.values():
            chain.add_machine(node.node_id, node.gpus)
        stage.clock.advance(timedelta(hours=1))
        rpc = [await stack.enter_async_context(RpcNode(chain)) for _ in range(nodes)]
        one = ChainStage(stage, chain, rpc)
        await one.restart()
        yield one
