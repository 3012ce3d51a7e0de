"""Brings one message to what it should say: edits it where it stands, looks for it, posts it.

Where it stands no more, or takes no edits, what it should say is posted anew: see `_is_told`.
"""

from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from bot.clock import Clock
from bot.messages.directly import is_told_apart
from bot.messages.elsewhere import NO_THREAD, NOWHERE, explained
from bot.messages.gathering import tells_several
from bot.messages.outcomes import (
    AwaitedError,
    BesideError,
    Shown,
    ShutError,
    as_shown,
    is_refused,
    lost,
    may_be_said_beside,
    takes_no_edit,
)
from bot.messages.places import Places
from bot.messages.results import Results
from bot.model import Leased, Message, MessageRef, Place
from bot.ports import (
    COPIES_WITHIN,
    SETTLES_WITHIN,
    DeliveryFailed,
    LockedOut,
    Messenger,
    Shut,
    Unanswered,
    look_again_after,
)
from bot.reply import Reply, load
from storage import FARTHEST_AHEAD, LONGEST_PAUSE, Store, UnitOfWork
from storage.heartbeat import Hold, LeaseLost, Leases

# A process that died this long before the start may have posted what nobody must see yet.
JUST_DIED = timedelta(seconds=10)
# How often what may have been posted is looked for, once a few looks have not found it.
_LOOK = timedelta(seconds=20)
# So long a refused card is left to whoever can still show it where it was requested.
BESIDE = timedelta(seconds=15)

log = structlog.get_logger()


class Sending:
    """Sends for the outbox, which claims messages and stores what came of it.

    Before a message is posted or edited it is written down until when Slack may carry that out.
    """

    def __init__(
        self,
        store: Store,
        messenger: Messenger,
        leases: Leases,
        results: Results,
        clock: Clock,
        by: str,
    ) -> None:
        self._store = store
        self._messenger = messenger
        self.places = Places(store, messenger)
        self._leases = leases
        self._results = results
        self._clock = clock
        self._by = by
        self._started = clock.monotonic()

    async def send(self, message: Message, hold: Hold) -> Shown:
        """Bring it to what it should say; gives where it stands. Raises DeliveryFailed."""
        try:
            reply = load(message.content)
        except ValueError:  # of another version, or damaged: nothing will make it sayable
            raise DeliveryFailed("its record is damaged", None) from None
        shown = None if message.ref is None else Shown(message.ref, message.problem)
        if shown is None and message.attempts > 1:
            shown = await self._look_for(message)
        if shown is None:
            return await self._somewhere(message, reply, hold)
        await self._ensure_mine(message, hold)
        try:
            return await self._edit(message, reply, shown)
        except DeliveryFailed as failure:
            if not takes_no_edit(message, failure):
                raise
            log.info("message.takes_no_edit", key=message.key, reason=failure.reason)
        if await self._is_told(message):
            return shown
        return await self._somewhere(await self._as_new(message), reply, hold)

    async def _is_told(self, message: Message) -> bool:
        """Whether nobody misses what a message should say that takes no edit any more."""
        if message.can_wait or (message.ref is not None and message.delivered == message.version):
            return True
        async with self._store.read() as tx:
            return await is_told_apart(tx, message)

    async def _as_new(self, message: Message) -> Message:
        """Write down that it stands nowhere: a process that dies from now on must not edit it."""
        is_mine = False

        async def note(tx: UnitOfWork) -> None:
            nonlocal is_mine
            is_mine = await tx.messages.stands_no_more(message.id, self._by)

        await self._results.keep(note)
        if not is_mine:
            raise lost()
        return replace(message, ref=None, problem="", unsettled_until=None, sent_until=None)

    async def _somewhere(self, message: Message, reply: Reply, hold: Hold) -> Shown:
        """Post it in its place, or with the requester where that refuses it."""
        try:
            return Shown(await self._post_in_thread(message, reply, hold))
        except DeliveryFailed as failure:
            if not is_refused(message, failure):
                raise
            if may_be_said_beside(message, failure):
                raise BesideError(failure.reason, BESIDE) from failure
            return await self._redirect(message, reply, failure, hold)

    async def _ensure_mine(self, message: Message, hold: Hold) -> None:
        """Send nothing that somebody else has taken over and sends as well."""
        try:
            await self._leases.ensure(Leased.MESSAGE, message.id, hold)
        except LeaseLost:
            raise lost() from None

    async def _post_in_thread(self, message: Message, reply: Reply, hold: Hold) -> MessageRef:
        """Post it in its place: where it belongs in a thread that takes it, there."""
        thread = await self.places.own(message)
        if thread != message.place:
            try:
                return await self._post(message, thread, reply, hold)
            except DeliveryFailed as failure:
                if failure.reason not in NO_THREAD:
                    raise
                log.info("message.thread_is_gone", key=message.key, reason=failure.reason)
        return await self._post(message, message.place, reply, hold)

    async def _post(self, message: Message, place: Place, reply: Reply, hold: Hold) -> MessageRef:
        """Post it, once it is written down that it may appear."""
        await self._ensure_mine(message, hold)
        if message.unsettled_until is not None or not self._is_noted(message):
            noted = await self._note(
                message,
                self._clock.now() + SETTLES_WITHIN,
                doubled=message.unsettled_until is not None,  # an earlier one may come after all
            )
            if not noted:
                raise lost()
        return await self._messenger.post(place, reply, message.key)

    def _is_noted(self, message: Message) -> bool:
        """Whether it is written down that Slack may carry out what is sent now."""
        until = message.sent_until
        return until is not None and self._clock.now() + SETTLES_WITHIN <= until

    async def edit(self, message: Message, ref: MessageRef, reply: Reply) -> timedelta:
        """Edit it, once it is written down that this may come late; not so where Slack refuses it.

        Gives how long an earlier edit may still come last. Raises DeliveryFailed.
        """
        try:
            return await self._edited(message, ref, reply)
        except Unanswered:
            raise
        except DeliveryFailed:
            await self._note(message, message.unsettled_until)
            raise

    async def _edited(self, message: Message, ref: MessageRef, reply: Reply) -> timedelta:
        if not self._is_noted(message):
            left = max(SETTLES_WITHIN, self.left(message))
            if not await self._note(message, self._clock.now() + left):
                raise lost()
        return await self._messenger.edit(ref, reply)

    async def settle(self, message: Message, unsettled: timedelta) -> None:
        """Write down that an edit was answered; so long an earlier one may still come last."""
        left = max(unsettled, self.left(message))
        await self._note(message, self._clock.now() + left if left > timedelta(0) else None)

    async def _note(
        self, message: Message, unsettled_until: datetime | None, *, doubled: bool = False
    ) -> bool:
        """Write down until when Slack may carry out what it was sent; False without the lease."""
        noted = False

        async def note(tx: UnitOfWork) -> None:
            nonlocal noted
            noted = await tx.messages.unsettled(message.id, unsettled_until, self._by)
            if noted and doubled:
                await self.may_be_doubled(tx, message, posted=True)

        await self._results.keep(note)
        return noted

    async def _edit(self, message: Message, reply: Reply, shown: Shown) -> Shown:
        reply = as_shown(
            replace(message, problem=shown.problem), shown.ref, reply, self._messenger.me
        )
        try:
            unsettled = await self._edited(message, shown.ref, reply)
        except Shut as shut:
            raise ShutError(shut.reason, LONGEST_PAUSE) from shut
        return replace(shown, unsettled=unsettled)

    async def _redirect(
        self, message: Message, reply: Reply, failure: DeliveryFailed, hold: Hold
    ) -> Shown:
        """Post it to the requester, and say there why it does not stand where it belongs."""
        try:
            fallback = await self.places.otherwise(message)
            if fallback is None:
                raise DeliveryFailed(failure.reason, None) if tells_several(message) else failure
            log.info("message.redirected", key=message.key, reason=failure.reason)
            reply = explained(reply, message.place, failure.reason, self._messenger.me)
            return Shown(await self._post(message, fallback, reply, hold), failure.reason)
        except LockedOut as refusal:
            if refusal.is_fatal:
                raise
            raise LockedOut(NOWHERE, refusal.lacks, refusal.sentence, is_fatal=False) from refusal

    # What may have been posted

    async def _look_for(self, message: Message) -> Shown | None:
        """The message where it may have been posted; raises while it may still appear."""
        for place in await self.places.there(message):
            if (ref := await self._find(message, place)) is not None:
                return Shown(ref)
        fallback = await self.places.otherwise(message)
        if fallback is not None and (ref := await self._find(message, fallback)) is not None:
            return Shown(ref, message.problem)
        if (left := self._unsettled_for(message)) > timedelta(0):
            growing = timedelta(seconds=2 ** min(message.attempts, 8))
            raise AwaitedError("it may still appear", min(left, growing, _LOOK))
        return None

    def _unsettled_for(self, message: Message) -> timedelta:
        """How long Slack may still show what it was sent before."""
        return max(self._started + JUST_DIED - self._clock.monotonic(), self.left(message))

    def left(self, message: Message) -> timedelta:
        """How long Slack may still carry out what it did not answer."""
        if message.unsettled_until is None:
            return timedelta(0)
        return min(message.unsettled_until - self._clock.now(), FARTHEST_AHEAD)

    async def _find(self, message: Message, place: Place) -> MessageRef | None:
        try:
            return await self._messenger.find(place, message.key, message.created_at)
        except LockedOut as refusal:
            if refusal.is_fatal:
                raise
            return None  # the scope to read may never come
        except DeliveryFailed as failure:
            if failure.retry_after is not None:
                raise
            return None  # a place we may write to but not read: posting twice beats never

    async def may_be_doubled(self, tx: UnitOfWork, message: Message, *, posted: bool) -> None:
        """Write down that it is looked for twice: as `posted`, or else as an old edit left it."""
        now = self._clock.now()
        await tx.messages.may_be_doubled(
            message.id, self._by,
            look_at=now + look_again_after(timedelta()), until=now + COPIES_WITHIN, posted=posted,
        )  # fmt: skip
