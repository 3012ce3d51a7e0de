"""Keeps one of each message: Slack may carry out late what was sent again in the meantime.

Nothing excludes that beforehand: Slack documents no key by which it would recognise a second post.
So whatever was posted, or edited, more than once without an answer is looked at for an hour: a
second copy is deleted, and an old edit that came last is made up for.
"""

from datetime import timedelta

import structlog

from bot.clock import Clock
from bot.errors import certain
from bot.messages.outbox import LEASE, Outbox
from bot.messages.outcomes import as_shown
from bot.model import Leased, Message, MessageRef, Place
from bot.ports import (
    COPIES_WITHIN,
    DeliveryFailed,
    LockedOut,
    Messenger,
    PutOff,
    Shut,
    look_again_after,
)
from bot.reply import Reply, load
from storage import Store
from storage.heartbeat import Hold, LeaseLost, Leases

_MOST = 20  # in one round
# Somebody has deleted the message itself: another copy may stand for it.
_GONE = "message_not_found"

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
        """Look at those whose time has come, one by one: the outbox may need the others."""
        for _ in range(_MOST):
            if self._outbox.is_held:
                return
            async with self._store.read() as tx:
                if not await tx.messages.is_any_doubled(self._clock.now()):
                    return
            async with self._store.write() as tx:
                await self._leases.renew(tx, Leased.MESSAGE)
                now = self._clock.now()
                due = await tx.messages.claim_doubled(self._by, now, now + LEASE, 1)
            if not due:
                return
            with self._leases.holding(Leased.MESSAGE, [due[0].id], LEASE) as hold:
                if not await self._look_at(due[0], hold):
                    return

    async def _look_at(self, message: Message, hold: Hold) -> bool:
        """Look at one; says whether it is of use to look at others now."""
        stays = certain(message.ref, "only what is posted is looked at")
        now, put_off = self._clock.now(), None
        try:
            stays = await self._kept(message, stays, hold)
        except LeaseLost:  # whoever has it now looks as well
            return True
        except PutOff as refusal:
            put_off = refusal
        except DeliveryFailed as failure:
            log.info("copies.not_seen", key=message.key, reason=failure.reason)
        except Exception:  # one message's surprise must not hold up the others
            log.exception("copies.not_seen", key=message.key)
        until = message.copies_until or now
        again = now + look_again_after(now - (until - COPIES_WITHIN)) if now < until else None
        if put_off is not None:  # nothing was seen: the last look is still due
            again = now + max(put_off.wait, look_again_after(timedelta()))
        async with self._store.write() as tx:
            await tx.messages.looked_for_copies(message.id, self._by, stays, again)
        return put_off is None

    async def _kept(self, message: Message, stays: MessageRef, hold: Hold) -> MessageRef:
        """The one that stays; it says what it should, and the others are gone."""
        found = await self._all(message) if message.posted_twice else []
        others = [copy for copy in found if copy != stays]
        reply = as_shown(message, stays, load(message.content), self._messenger.me)
        if (others or message.version > 1) and not await self._edited(message, stays, reply, hold):
            if not others:
                return stays
            stays, *others = others
            await self._edited(message, stays, reply, hold)
        for copy in others:
            await self._delete(message, copy, hold)
        return stays

    async def _edited(self, message: Message, ref: MessageRef, reply: Reply, hold: Hold) -> bool:
        """Let it say what it should; False where somebody has deleted it.

        One that takes no edits any more (too old, say) stands there all the same. Raises
        DeliveryFailed where nothing can be done there for now.
        """
        await self._leases.ensure(Leased.MESSAGE, message.id, hold)
        try:
            unsettled = await self._outbox.sending.edit(message, ref, reply)
        except Shut:  # nothing can be edited or deleted there, be there one or two; that may pass
            raise
        except DeliveryFailed as failure:
            if failure.retry_after is not None:
                raise
            log.info("copies.not_edited", key=message.key, reason=failure.reason)
            return failure.reason != _GONE
        await self._outbox.sending.settle(message, unsettled)
        return True

    async def _delete(self, message: Message, copy: MessageRef, hold: Hold) -> None:
        await self._leases.ensure(Leased.MESSAGE, message.id, hold)
        try:
            await self._messenger.delete(copy)
        except DeliveryFailed as failure:
            if failure.retry_after is not None:
                raise
            log.warning("message.copy_stays", key=message.key, reason=failure.reason)
            return
        log.info("message.copy_deleted", key=message.key, channel=copy.channel, ts=copy.ts)

    async def _all(self, message: Message) -> list[MessageRef]:
        """Wherever it may stand."""
        found: list[MessageRef] = []
        places = self._outbox.sending.places
        for place in (*await places.there(message), await places.otherwise(message)):
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
