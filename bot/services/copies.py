"""Keeps one of each message: Slack may carry out late what was sent again in the meantime.

Nothing excludes that beforehand: Slack documents no key by which it would recognise a second post.
So whatever was posted, or edited, more than once without an answer is looked at for an hour: a
second copy is deleted, and an old edit that came last is made up for.
"""

import structlog

from bot.clock import Clock
from bot.model import Leased, Message, MessageRef, Place
from bot.ports import COPIES_WITHIN, DeliveryFailed, LockedOut, Messenger, look_again_after
from bot.reply import load
from bot.services.leases import Leases
from bot.services.outbox import LEASE, Outbox, as_shown
from storage import Store

_BATCH = 20

log = structlog.get_logger()


class Copies:
    """Owns the messages that may stand there twice."""

    def __init__(
        self,
        store: Store,
        messenger: Messenger,
        outbox: Outbox,
        leases: Leases,
        clock: Clock,
        by: str,
    ) -> None:
        self._store = store
        self._messenger = messenger
        self._outbox = outbox
        self._leases = leases
        self._clock = clock
        self._by = by

    async def look(self) -> None:
        """Look at those whose time has come."""
        if self._outbox.is_held:
            return
        async with self._store.write() as tx:
            await self._leases.renew(tx, Leased.MESSAGE)
            now = self._clock.now()
            due = await tx.messages.claim_doubled(self._by, now, now + LEASE, _BATCH)
        with self._leases.holding(Leased.MESSAGE, [message.id for message in due], LEASE):
            for message in due:
                await self._look_at(message)

    async def _look_at(self, message: Message) -> None:
        stays = message.ref
        assert stays is not None, "only what is posted is looked at"  # noqa: S101
        try:
            stays = await self._kept(message, stays)
        except LockedOut as refusal:
            log.info("copies.not_seen", key=message.key, reason=refusal.reason)
        except DeliveryFailed as failure:
            log.info("copies.not_seen", key=message.key, reason=failure.reason)
        except Exception:  # one message's surprise must not hold up the others
            log.exception("copies.not_seen", key=message.key)
        now = self._clock.now()
        until = message.copies_until or now
        again = now + look_again_after(now - (until - COPIES_WITHIN)) if now < until else None
        async with self._store.write() as tx:
            await tx.messages.looked_for_copies(message.id, self._by, stays, again)

    async def _kept(self, message: Message, stays: MessageRef) -> MessageRef:
        """The one that stays; it says what it should, and the others are gone."""
        others = [copy for copy in await self._all(message) if copy != stays]
        reply = as_shown(message, stays, load(message.content), self._messenger.me)
        if others or message.version > 1:
            try:
                await self._messenger.edit(stays, reply)
            except DeliveryFailed as failure:
                if failure.retry_after is not None or not others:
                    raise
                stays, *others = others  # somebody has deleted it
                await self._messenger.edit(stays, reply)
        for copy in others:
            log.info("message.copy_deleted", key=message.key, channel=copy.channel, ts=copy.ts)
            await self._messenger.delete(copy)
        return stays

    async def _all(self, message: Message) -> list[MessageRef]:
        """Wherever it may stand."""
        found: list[MessageRef] = []
        for place in (message.place, await self._outbox.fallback(message)):
            if place is not None:
                found += await self._seen(place, message)
        return list(dict.fromkeys(found))

    async def _seen(self, place: Place, message: Message) -> list[MessageRef]:
        try:
            return list(await self._messenger.copies(place, message.key, message.created_at))
        except LockedOut:
            raise
        except DeliveryFailed as failure:
            if failure.retry_after is not None:
                raise
            return []  # a place that may not be read
