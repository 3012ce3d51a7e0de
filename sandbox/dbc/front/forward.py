"""Forwarding to a node and waiting for its answer, with the daemon's slots and timers.

Source: docs/dbc-api.md §1.6. Knows nothing of HTTP.
"""

import asyncio
from collections import defaultdict
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

from sandbox.dbc.endpoints.dispatch import answer
from sandbox.dbc.endpoints.request import NodeRequest, error
from sandbox.dbc.faults import Fault, FaultName
from sandbox.dbc.front.inquiry import Inquiry
from sandbox.dbc.front.replies import INTERNAL, RESPONSE_ERROR, FrontError
from sandbox.dbc.front.routes import Route
from sandbox.dbc.metal import MetalMachine
from sandbox.dbc.node import Node
from sandbox.dbc.world import Peer, World

_A_WHILE = timedelta(minutes=1)  # for which a proxy waits before it sends again

MAX_PENDING = 1024
MAX_WAIT = timedelta(seconds=30)


class NeverAnswered(Exception):
    """A request nobody will answer; its connection stays open."""


class Forwarder:
    """One daemon's pending requests."""

    def __init__(self, world: World, *, timeout: float | None, loses_timers: bool) -> None:
        self.world = world
        self.pending = 0
        self._timeout = timeout
        self._loses_timers = loses_timers
        # Timer callbacks are kept by the name of the operation, not by request.
        self._callbacks: set[str] = set()
        self._threads: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._late: set[asyncio.Task[str | None]] = set()

    def forget(self) -> None:
        """Lose everything, as a restarted process does."""
        self.pending = 0
        self._callbacks.clear()

    async def stop(self) -> None:
        """Give up work whose caller has been answered already."""
        for task in [*self._late]:
            task.cancel()
        await asyncio.gather(*self._late, return_exceptions=True)

    async def expire(self) -> None:
        """Return when a node that has not answered by then is given up."""
        if self._timeout is not None:
            await asyncio.sleep(self._timeout)
        else:
            await self.world.clock.sleep(MAX_WAIT)

    async def forward(self, inquiry: Inquiry, route: Route, fault: Fault | None) -> str:
        """The node's reply; raises FrontError or NeverAnswered."""
        name = fault.name if fault is not None else None
        peer = self.world.peer(inquiry.envelope.peer) if inquiry.knows_nodes else None
        if peer is None or not _is_known(peer) or name is FaultName.UNKNOWN_NODE:
            raise FrontError("create node request failed", RESPONSE_ERROR)
        if self.pending >= MAX_PENDING or name is FaultName.SLOTS_FULL:
            raise FrontError("create request session failed", RESPONSE_ERROR)
        if name is FaultName.DISCONNECTED:
            self.pending += 1
            raise FrontError("broadcast request failed", RESPONSE_ERROR)
        self.pending += 1
        self._callbacks.add(route.timeout)
        text = await self._ask(peer, inquiry.node_request(route.op), fault)
        if text is None and self._loses_timers and route.timeout not in self._callbacks:
            raise NeverAnswered
        self._callbacks.discard(route.timeout)
        self.pending -= 1
        if text is None:
            raise FrontError(route.timeout, INTERNAL, 500)
        return text

    async def _ask(self, peer: Peer, request: NodeRequest, fault: Fault | None) -> str | None:
        """The reply if it comes in time; work that takes longer is finished for nobody."""
        name = fault.name if fault is not None else None
        if _is_silent(peer) or name is FaultName.DEAD_NODE:
            await self.expire()
            return None
        if name is FaultName.TIMEOUT_AFTER_DOING:
            self._do(peer, request)
            await self.expire()
            return None
        if name in {FaultName.SENT_TWICE, FaultName.SENT_LATER}:
            return self._do_twice(peer, request, carried_out=name is FaultName.SENT_LATER)
        if name is FaultName.SOFT_FAILURE:
            return error("failed: Insufficient privilege level", 0)
        if name is FaultName.ODD_SUCCESS:
            self._do(peer, request)
            return error("accepted", 0)
        if name is FaultName.ODD_CODE:
            self._do(peer, request)
            return error("internal state changed", -701)
        if fault is not None and name is FaultName.LATE:
            late = asyncio.create_task(self._do_after(peer, request, fault.delay))
            self._late.add(late)
            late.add_done_callback(self._late.discard)
            await self.expire()
            return None
        thread = self._threads[request.node_id]
        delay = fault.delay if fault is not None and name is FaultName.SLOW else None
        if delay is None and not thread.locked():
            text = self._do(peer, request)
            if text is None:
                await self.expire()
            return text
        # What is slow answers in time by the clock, however busy the machine is that this runs on.
        is_in_time = delay is not None and delay < MAX_WAIT
        wait = self.world.clock.sleep(MAX_WAIT) if is_in_time else self.expire()
        return await self._in_time(self._do_later(peer, request, thread, delay), wait)

    async def _in_time(
        self, work: Coroutine[Any, Any, str | None], wait: Coroutine[Any, Any, None]
    ) -> str | None:
        doing, timer = asyncio.create_task(work), asyncio.create_task(wait)
        self._late.add(doing)
        doing.add_done_callback(self._late.discard)
        done, _ = await asyncio.wait({doing, timer}, return_when=asyncio.FIRST_COMPLETED)
        if doing in done:
            timer.cancel()
            return doing.result()
        return None

    async def _do_after(self, peer: Peer, request: NodeRequest, delay: timedelta) -> str | None:
        """Do what was on its way for long; nobody waits for the answer."""
        await self.world.clock.sleep(delay)
        return self._do(peer, request)

    async def _do_later(
        self, peer: Peer, request: NodeRequest, thread: asyncio.Lock, delay: timedelta | None
    ) -> str | None:
        """Wait for the node's one thread, and in it for as long as the node is slow."""
        async with thread:
            if delay is not None:
                await self.world.clock.sleep(delay)
            return self._do(peer, request)

    def _do_twice(self, peer: Peer, request: NodeRequest, *, carried_out: bool) -> str | None:
        """The answer to the second one, which may come when the first is carried out."""
        self._do(peer, request)
        if carried_out and isinstance(peer, Node):
            peer.worker.catch_up(self.world.clock.now() + _A_WHILE, peer.transfers.settle)
        return answer(peer, request)

    def _do(self, peer: Peer, request: NodeRequest) -> str | None:
        self.world.settle()
        return answer(peer, request)


def _is_known(peer: Peer) -> bool:
    return peer.manager.known if isinstance(peer, MetalMachine) else peer.known


def _is_silent(peer: Peer) -> bool:
    return peer.manager.silent if isinstance(peer, MetalMachine) else peer.silent
