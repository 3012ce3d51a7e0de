"""A node of the chain that answers JSON-RPC over HTTP: truly, or as ill as a public one does.

Standing still, lagging, lying, pruned, down: each is an attribute that a test sets at any time.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from sandbox.chain import answers
from sandbox.chain.answers import RpcError, not_found
from sandbox.chain.ledger import Chain
from sandbox.chain.storage import TIMESTAMP, stored

PRUNED_BEHIND = 256  # blocks whose state a node keeps that is no archive


class RpcNode:
    """One address. `async with RpcNode(chain) as node: node.url`."""

    def __init__(self, chain: Chain, *, port: int = 0) -> None:
        self.chain = chain
        self.stuck_at: int | None = None  # the head that it goes on naming
        self.lag = 0  # blocks that it is behind
        self.ahead = 0  # blocks that it claims and nobody has made
        self.backdates = False  # it says of those that they were made just now
        self.finality_stuck_at: int | None = None  # the final block that it goes on naming
        self.invents = False  # its blocks are called as nobody else calls them, but for the first
        self.takes: dict[str, float] = {}  # seconds that an answer takes, by method
        self.dawdles = asyncio.Event()  # set once such an answer is waited for
        self.down = False
        self.status = 0  # of HTTP, whatever is asked; a redirect leads back to itself
        self.silent = False
        self.raw: bytes | None = None  # answers this, whatever is asked
        self.pruned_behind = PRUNED_BEHIND
        self.denies: set[int] = set()  # orders that it says it does not know
        self.lies: dict[int, Mapping[str, object]] = {}  # what it says of an order instead
        self.pallets: tuple[str, ...] = ("rentMachine",)
        self.others: dict[str, Chain] = {}  # what a pallet has that keeps others
        self.calls: list[tuple[str, list[Any]]] = []
        self.requests = 0  # whatever became of them
        self._port = port
        self._runner: web.AppRunner | None = None
        self._parting = asyncio.Event()

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._parting.set()
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def head(self) -> int:
        """The head that it names."""
        head = self.chain.blocks.head
        if self.stuck_at is not None:
            head = min(head, self.stuck_at)
        return max(self.chain.blocks.genesis, head - self.lag + self.ahead)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.requests += 1
        if self.silent:
            with suppress(TimeoutError):
                await self._parting.wait()
        if self.down:
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        if self.status:
            return web.Response(status=self.status, headers={"Location": self.url})
        if self.raw is not None:
            return web.Response(body=self.raw, content_type="application/json")
        try:
            asked = json.loads(await request.read())
        except ValueError:
            return _response(None, error=RpcError(-32700, "Parse error"))
        if not isinstance(asked, dict) or not isinstance(asked.get("method"), str):
            return _response(None, error=RpcError(-32600, "Invalid request"))
        number, method = asked.get("id"), asked["method"]
        params = asked.get("params", [])
        self.calls.append((method, params))
        if method in self.takes:
            self.dawdles.set()
            await asyncio.sleep(self.takes[method])
        try:
            return _response(number, result=self._call(method, params))
        except RpcError as error:
            return _response(number, error=error)

    def _call(self, method: str, params: Sequence[Any]) -> object:
        pallet, _, name = method.partition("_")
        if pallet == "chain":
            return self._of_chain(name, params)
        if method == "state_getStorage":
            key, block = answers.text(params, 0), self._block(params, 1)
            if self.backdates and key == TIMESTAMP:
                block = min(block, self.chain.blocks.head)
            return stored(self.chain, key, block)
        if method == "onlineProfile_getMachineInfo":
            return answers.machine(self.chain, answers.text(params, 0), self._block(params, 1))
        if pallet in self.pallets:
            return self._of_rentals(self.others.get(pallet, self.chain), name, params)
        raise RpcError(-32601, "Method not found")

    def _of_chain(self, name: str, params: Sequence[Any]) -> object:
        blocks = self.chain.blocks
        if name == "getHeader":
            number = self._block(params, 0, state=False)
            return answers.header(blocks, number)
        if name == "getFinalizedHead":
            stuck = self.finality_stuck_at
            final = min(blocks.finalized, self.head)
            return self._called(final if stuck is None else min(final, stuck))
        if name == "getBlockHash":
            number = answers.number(params, 0) if params else self.head
            return self._called(number) if number <= self.head else None
        raise RpcError(-32601, "Method not found")

    def _of_rentals(self, chain: Chain, name: str, params: Sequence[Any]) -> object:
        if name == "getRentOrder":
            number, block = answers.number(params, 0), self._block(params, 1)
            rental = chain.rental(number, block)
            lie = self.lies.get(number, {})
            if number in self.denies or (rental is None and "machineId" not in lie):
                raise not_found()
            if rental is None:  # all of it is made up
                return dict(lie)
            chain.was_read(rental, block)
            return {**answers.order(rental, block), **lie}
        if name == "getRentList":
            block = self._block(params, 1)
            known = chain.of_renter(answers.address(params, 0), block)
            return [one.number for one in known if one.number not in self.denies]
        if name == "getMachineRentId":
            block = self._block(params, 1)
            known = chain.of_machine(answers.text(params, 0), block)
            known = [one for one in known if one.number not in self.denies]
            return {
                "rentOrder": [one.number for one in known],
                "usedGpu": [gpu for one in known for gpu in one.gpus],
            }
        if name == "isMachineRenter":
            block, renter = self._block(params, 2), answers.address(params, 1)
            known = chain.of_machine(answers.text(params, 0), block)
            return any(one.renter == renter for one in known)
        raise RpcError(-32601, "Method not found")

    def _called(self, number: int) -> str:
        is_so = self.invents and number > 0
        return _mirrored(self.chain.blocks.hash_of(number), is_so=is_so)

    def _block(self, params: Sequence[Any], at: int, *, state: bool = True) -> int:
        """The block whose hash is the last parameter, else the head; refused where pruned."""
        if len(params) <= at or params[at] is None:
            return self.head
        named = _mirrored(answers.text(params, at), is_so=self.invents)
        number = self.chain.blocks.number_of(named, self.head)
        if number is None:
            raise RpcError(4003, "Client error: UnknownBlock: Header was not found in the database")
        if state and number < self.head - self.pruned_behind:
            raise RpcError(4003, "Client error: UnknownBlock: State already discarded")
        return number


def _mirrored(block_hash: str, *, is_so: bool) -> str:
    return "0x" + block_hash[:1:-1] if is_so else block_hash


def _response(
    number: object, *, result: object = None, error: RpcError | None = None
) -> web.Response:
    body: dict[str, object] = {"jsonrpc": "2.0", "id": number}
    if error is None:
        body["result"] = result
    else:
        body["error"] = error.shown
    return web.json_response(body)
