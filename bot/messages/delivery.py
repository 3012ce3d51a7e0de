"""Delivery beside work that does not wait for Slack."""

import asyncio
from types import TracebackType
from typing import Self

import structlog

from bot.messages.outbox import Outbox, all_ended
from storage import StorageFailed

log = structlog.get_logger()


class Delivery:
    """Delivery beside something that does not wait for Slack: `async with` that something.

    Where it is broken off, so is the delivery; the rows say what must still be shown.
    """

    def __init__(self, outbox: Outbox, *, at_once: bool = True) -> None:
        self._outbox = outbox
        self._at_once = at_once
        self._begun: list[asyncio.Task[None]] = []

    def begin(self) -> None:
        """Deliver what is due now, meanwhile."""
        self._begun.append(asyncio.create_task(self._deliver()))

    async def __aenter__(self) -> Self:
        if self._at_once:
            self.begin()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            for task in self._begun:
                task.cancel()
            await asyncio.gather(*self._begun, return_exceptions=True)
            return
        await all_ended(*self._begun)
        await self._deliver()

    async def _deliver(self) -> None:
        try:
            await self._outbox.deliver_due()
        except StorageFailed:  # the message is stored and will be delivered later
            log.exception("delivery_put_off")
