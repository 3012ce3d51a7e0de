"""Delivers messages: every message row is brought to say what it should, exactly once posted.

A row is claimed under a lease before anything is sent. A row that was claimed before without
success may have been posted by a process that died: it is looked for before it is posted again.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from types import TracebackType
from typing import Self

import structlog

from bot.clock import Clock
from bot.model import Leased, Message, MessageRef, Place
from bot.ports import DeliveryFailed, Messenger
from bot.reply import Reply, load
from bot.services.cards import execution_of
from bot.services.leases import LeaseLost, Leases
from storage import StorageFailed, Store

_LEASE = timedelta(seconds=90)
_AGAIN = timedelta(seconds=1)
_LATER = timedelta(seconds=30)
_LATEST = timedelta(minutes=10)  # what Slack puts off longer is tried all the same
_BATCH = 50

log = structlog.get_logger()


class Outbox:
    """Owns delivery. Others only `put` rows, in the unit of work of what they announce."""

    def __init__(
        self, store: Store, messenger: Messenger, leases: Leases, clock: Clock, by: str
    ) -> None:
        self._store = store
        self._messenger = messenger
        self._leases = leases
        self._clock = clock
        self._by = by

    async def deliver_due(self) -> None:
        """Deliver what waits: channels side by side, each channel in order."""
        while True:
            messages = await self._claim()
            if not messages:
                return
            by_channel: dict[str, list[Message]] = defaultdict(list)
            for message in messages:
                by_channel[message.place.channel].append(message)
            with self._leases.holding(Leased.MESSAGE, [one.id for one in messages], _LEASE):
                await asyncio.gather(*(self._deliver_all(rows) for rows in by_channel.values()))

    async def _claim(self) -> Sequence[Message]:
        async with self._store.write() as tx:
            await self._leases.renew(tx, Leased.MESSAGE)
            now = self._clock.now()
            return await tx.messages.claim_due(self._by, now, now + _LEASE, _BATCH)

    async def _deliver_all(self, messages: Sequence[Message]) -> None:
        for message in messages:
            await self._deliver(message)

    async def _deliver(self, message: Message) -> None:
        try:
            ref = await self._send(message)
        except DeliveryFailed as failure:
            await self._failed(message, failure)
            return
        except Exception:  # one message's surprise must not hold up the others
            log.exception("message.surprise", key=message.key)
            await self._failed(message, DeliveryFailed("surprise", _LATER))
            return
        async with self._store.write() as tx:
            await tx.messages.delivered(message.id, message.version, ref, self._by)

    async def _send(self, message: Message) -> MessageRef:
        try:
            reply = load(message.content)
        except ValueError:  # of another version, or damaged: nothing will make it sayable
            raise DeliveryFailed("its record is damaged", None) from None
        ref = message.ref
        if ref is None and message.attempts > 1:
            ref = await self._find(message, message.place)
        await self._ensure_mine(message)
        if ref is not None:
            await self._messenger.edit(ref, reply)
            return ref
        try:
            return await self._messenger.post(message.place, reply, message.key)
        except DeliveryFailed as failure:
            if failure.retry_after is not None:
                raise
            return await self._redirect(message, reply, failure)

    async def _ensure_mine(self, message: Message) -> None:
        """Send nothing that somebody else has taken over and sends as well."""
        try:
            await self._leases.ensure(Leased.MESSAGE, message.id)
        except LeaseLost:
            raise DeliveryFailed("the lease was lost", _AGAIN) from None

    async def _redirect(
        self, message: Message, reply: Reply, failure: DeliveryFailed
    ) -> MessageRef:
        place = await self._fallback(message, failure)
        if message.attempts > 1 and (ref := await self._find(message, place)) is not None:
            await self._messenger.edit(ref, reply)
            return ref
        await self._ensure_mine(message)
        return await self._messenger.post(place, reply, message.key)

    async def _find(self, message: Message, place: Place) -> MessageRef | None:
        try:
            return await self._messenger.find(place, message.key, message.created_at)
        except DeliveryFailed as failure:
            if failure.retry_after is not None:
                raise
            return None  # a place we may write to but not read: posting twice beats never

    async def _fallback(self, message: Message, failure: DeliveryFailed) -> Place:
        """Where the bot cannot post in the channel, whoever asked is told directly.

        What somebody was to get in their own direct messages is nobody else's.
        """
        if message.place.channel.startswith(("U", "W")):
            raise failure
        async with self._store.read() as tx:
            execution = await tx.executions.find(execution_of(message.key))
        if execution is None:
            raise failure
        log.info("message.redirected", key=message.key, reason=failure.reason)
        return await self._messenger.direct(execution.actor)

    async def _failed(self, message: Message, failure: DeliveryFailed) -> None:
        log.warning("message.undelivered", key=message.key, reason=failure.reason)
        async with self._store.write() as tx:
            if failure.retry_after is None:
                await tx.messages.give_up(message.id, failure.reason, self._by)
            else:
                growing = min(2 ** min(message.attempts, 8), 300)
                pause = min(max(failure.retry_after, timedelta(seconds=growing)), _LATEST)
                await tx.messages.retry(
                    message.id, self._clock.now() + pause, failure.reason, self._by
                )


class Delivery:
    """Delivery beside something that does not wait for Slack: `async with` that something.

    Where it is broken off, so is the delivery; the rows say what is still to be shown.
    """

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._begun: list[asyncio.Task[None]] = []

    def begin(self) -> None:
        """Deliver what is due now, meanwhile."""
        self._begun.append(asyncio.create_task(self._deliver()))

    async def __aenter__(self) -> Self:
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
        await asyncio.gather(*self._begun, return_exceptions=kind is not None)
        if kind is None:
            await self._deliver()

    async def _deliver(self) -> None:
        try:
            await self._outbox.deliver_due()
        except StorageFailed:  # what is to be told is stored, and delivered a little later
            log.exception("delivery_put_off")
