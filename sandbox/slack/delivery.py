"""What goes to the app and what comes back: one attempt per delivery, retries for events only.

Knows nothing of how it travels (a transport does) or of what the payloads mean.
"""

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from sandbox.slack.errors import Json

Kind = Literal["slash_commands", "interactive", "events_api"]


@dataclass(frozen=True)
class Ack:
    """The app's answer: `ok` with a body (None if empty), or what went wrong instead."""

    status: Literal["ok", "http_timeout", "http_error", "connection_failed"]
    body: Any = None
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether the app acknowledged."""
        return self.status == "ok"


@dataclass
class Delivery:
    """One thing sent to the app and how each attempt ended."""

    kind: Kind
    payload: Json
    envelope_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    acks: list[Ack] = field(default_factory=list)

    @property
    def type(self) -> str:
        """The command's name, the event's type or the interaction's type."""
        if self.kind == "slash_commands":
            return str(self.payload["command"])
        return str(self.payload.get("event", self.payload)["type"])


class Transport(Protocol):
    """Carries one attempt to the app and waits for its answer."""

    async def send(self, delivery: Delivery, attempt: int, reason: str, seconds: float) -> Ack:
        """The answer within so many seconds; never raises for what the app does."""
        ...

    async def close(self) -> None:
        """Let go of everything."""
        ...


class Dispatcher:
    """Sends deliveries and keeps them. Real seconds, because the app works in real time."""

    def __init__(
        self,
        transport: Transport,
        *,
        ack_seconds: float,
        retry_delays: tuple[float, ...],
        announce: Callable[[], None],
    ) -> None:
        self.transport = transport
        self.ack_seconds = ack_seconds
        self.retry_delays = retry_delays
        self.deliveries: list[Delivery] = []
        self.doubled = 0
        self._announce = announce
        self._tasks: set[asyncio.Task[None]] = set()
        self._under_way = 0

    @property
    def idle(self) -> bool:
        """Whether every delivery was answered or given up."""
        return not self._under_way and not self._tasks

    async def dispatch(self, kind: Kind, payload: Json) -> Ack:
        """Send once and wait for the answer; commands and interactions never come again."""
        delivery = Delivery(kind, payload)
        self.deliveries.append(delivery)
        return await self._attempt(delivery, 0, "")

    def event(self, payload: Json) -> None:
        """Send an event in the background, again after each delay until it is acknowledged."""
        delivery = Delivery("events_api", payload)
        self.deliveries.append(delivery)
        task = asyncio.get_running_loop().create_task(self._persist(delivery))
        self._tasks.add(task)
        task.add_done_callback(self._forget)

    async def again(self, delivery: Delivery) -> Ack:
        """Deliver the very same thing once more, as happens around a reconnect."""
        return await self._send(delivery, 0, "")

    async def close(self) -> None:
        """Stop all retries and the transport."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.transport.close()

    async def _persist(self, delivery: Delivery) -> None:
        ack = await self._attempt(delivery, 0, "")
        for number, delay in enumerate(self.retry_delays, start=1):
            if ack.ok or ack.body == "no-retry":
                return
            await asyncio.sleep(delay)
            reason = ack.status
            delivery.envelope_id = str(uuid.uuid4())
            ack = await self._attempt(delivery, number, reason)

    async def _attempt(self, delivery: Delivery, attempt: int, reason: str) -> Ack:
        copies = 1
        if self.doubled:
            self.doubled -= 1
            copies = 2
        acks = await asyncio.gather(*(self._send(delivery, attempt, reason) for _ in range(copies)))
        return next((ack for ack in acks if ack.ok), acks[0])

    async def _send(self, delivery: Delivery, attempt: int, reason: str) -> Ack:
        self._under_way += 1
        try:
            ack = await self.transport.send(delivery, attempt, reason, self.ack_seconds)
        finally:
            self._under_way -= 1
        delivery.acks.append(ack)
        self._announce()
        return ack

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.result()
        self._announce()
