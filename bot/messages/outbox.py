"""Delivers messages: every message row is brought to say what it should, exactly once posted.

A row is claimed under a lease before anything is sent, and before it is posted or edited it says
until when Slack may carry that out. A row that was claimed before without success may have been
posted, by a process that died or by a slow Slack: it is looked for until that can be excluded, and
only then posted again; an edit is made once more then. While Slack refuses the bot itself,
everything is held. What Slack puts off (so many messages in one channel, so many edits in a minute)
is due again when it takes them; all else goes on.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

import structlog

from bot.clock import Clock
from bot.messages.cards import card_key, execution_of
from bot.messages.directly import tell_directly
from bot.messages.elsewhere import NOWHERE, OUTSIDE, explained
from bot.model import Leased, Message, MessageRef, Place
from bot.ports import (
    COPIES_WITHIN,
    SETTLES_WITHIN,
    DeliveryFailed,
    LockedOut,
    Messenger,
    PutOff,
    Shut,
    Unanswered,
    Unfamiliar,
    look_again_after,
)
from bot.reply import Reply, load
from storage import FARTHEST_AHEAD, LONGEST_PAUSE, StorageFailed, Store, UnitOfWork
from storage.heartbeat import Hold, LeaseLost, Leases

LEASE = timedelta(seconds=90)
_AGAIN = timedelta(seconds=1)
_LATER = timedelta(seconds=30)
_SLOWEST = timedelta(minutes=5)
_BATCH = 50
# A process that died this long before the start may have posted what is not to be seen yet.
JUST_DIED = timedelta(seconds=10)
# How soon what needs a missing scope is tried again.
_LOCKED_PLACE = timedelta(minutes=1)
# How often what may have been posted is looked for, once a few looks have not found it.
_LOOK = timedelta(seconds=20)
# So long a refused card is left to whoever can still show it where it was requested.
_BESIDE = timedelta(seconds=15)
# After so many refusals with an unknown word, whoever asked is told directly.
_STRANGE = 5

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
        self._started = clock.monotonic()
        self._held_until: timedelta | None = None  # on the monotonic clock

    @property
    def is_held(self) -> bool:
        """Whether nothing can be sent at the moment, since Slack refuses the bot itself."""
        return self._held_until is not None and self._clock.monotonic() < self._held_until

    async def deliver_due(self) -> None:
        """Deliver what waits: channels side by side, each channel in order."""
        while limit := self._most():
            messages = await self._claim(limit)
            if not messages:
                return
            by_channel: dict[str, list[Message]] = defaultdict(list)
            for message in messages:
                by_channel[message.place.channel].append(message)
            with self._leases.holding(Leased.MESSAGE, [m.id for m in messages], LEASE) as hold:
                # All channels come to their ends in the hold, also where one of them fails.
                channels = [self._deliver_all(rows, hold) for rows in by_channel.values()]
                await _all_ended(*channels)

    def _most(self) -> int:
        """How many may be claimed: none while Slack refuses us, then one to find out."""
        if self._held_until is None:
            return _BATCH
        return 0 if self.is_held else 1

    async def _claim(self, limit: int) -> Sequence[Message]:
        async with self._store.write() as tx:
            await self._leases.renew(tx, Leased.MESSAGE)
            now = self._clock.now()
            return await tx.messages.claim_due(self._by, now, now + LEASE, limit)

    async def _deliver_all(self, messages: Sequence[Message], hold: Hold) -> None:
        later: list[tuple[Message, PutOff]] = []
        for message in messages:
            if (put_off := await self._deliver(message, hold)) is not None:
                later.append((message, put_off))
                continue
            hold.let_go(message.id)
        await self._put_off(later)
        for message, _ in later:
            hold.let_go(message.id)

    async def _put_off(self, later: Sequence[tuple[Message, PutOff]]) -> None:
        """Let each be due when Slack takes it, one after the other; what it says then counts."""
        if not later:
            return
        before: Counter[bool] = Counter()  # how many posts, and how many edits
        now = self._clock.now()
        async for attempt in self._store.attempts():
            before.clear()
            async with attempt as tx:
                for message, put_off in later:
                    is_edit = message.ref is not None
                    at = now + put_off.wait + before[is_edit] * put_off.every
                    before[is_edit] += 1
                    await tx.messages.put_back(message.id, at, put_off.reason, self._by)

    async def _deliver(self, message: Message, hold: Hold) -> PutOff | None:
        """Deliver it, unless it is put off by Slack."""
        if (put_off := self._messenger.put_off(message.ref or message.place)) is not None:
            return put_off
        try:
            await self._deliver_now(message, hold)
        except PutOff as refusal:
            log.info("message.put_off", key=message.key, seconds=refusal.wait.total_seconds())
            return refusal
        return None

    async def _deliver_now(self, message: Message, hold: Hold) -> None:
        """Deliver it. Raises PutOff; what else happens is written down."""
        if self.is_held:
            await self._put_back(message, "held", LockedOut.RETRY_AFTER)
            return
        try:
            shown = await self._send(message, hold)
        except LockedOut as refusal:
            await self._hold(message, refusal)
            return
        except _BesideError as refused:
            await self._put_back(message, refused.reason, _BESIDE)
            return
        except PutOff:
            raise
        except DeliveryFailed as failure:
            await self._failed(message, failure)
            return
        except Exception:  # one message's surprise must not hold up the others
            log.exception("message.surprise", key=message.key)
            await self._failed(message, DeliveryFailed("surprise", _LATER))
            return
        self._held_until = None
        await self._delivered(message, shown)

    async def _send(self, message: Message, hold: Hold) -> "_Shown":
        try:
            reply = load(message.content)
        except ValueError:  # of another version, or damaged: nothing will make it sayable
            raise DeliveryFailed("its record is damaged", None) from None
        shown = None if message.ref is None else _Shown(message.ref, message.problem)
        if shown is None and message.attempts > 1:
            shown = await self._look_for(message)
        if shown is not None:
            await self._ensure_mine(message, hold)
            return await self._edit(message, reply, shown)
        try:
            return _Shown(await self._post(message, message.place, reply, hold))
        except DeliveryFailed as failure:
            if not _is_refused(message, failure):
                raise
            if _may_be_said_beside(message, failure):
                raise _BesideError(failure.reason, _BESIDE) from failure
            return await self._redirect(message, reply, failure, hold)

    async def _ensure_mine(self, message: Message, hold: Hold) -> None:
        """Send nothing that somebody else has taken over and sends as well."""
        try:
            await self._leases.ensure(Leased.MESSAGE, message.id, hold)
        except LeaseLost:
            raise _lost() from None

    async def _post(self, message: Message, place: Place, reply: Reply, hold: Hold) -> MessageRef:
        """Post it, once it is written down that it may appear; not so where Slack refuses it."""
        await self._ensure_mine(message, hold)
        now = self._clock.now()
        async for attempt in self._store.attempts():
            async with attempt as tx:
                if not await tx.messages.unsettled(message.id, now + SETTLES_WITHIN, self._by):
                    raise _lost()
                if message.unsettled_until is not None:  # an earlier one may come after all
                    await self._may_be_doubled(tx, message, posted=True)
        try:
            return await self._messenger.post(place, reply, message.key)
        except Unanswered:
            raise
        except DeliveryFailed:
            await self._note(message, None)
            raise

    async def edit(self, message: Message, ref: MessageRef, reply: Reply) -> timedelta:
        """Edit it, once it is written down that this may come late; not so where Slack refuses it.

        Gives how long an earlier edit may still come last. Raises DeliveryFailed.
        """
        left = max(SETTLES_WITHIN, self._left(message))
        if not await self._note(message, self._clock.now() + left):
            raise _lost()
        try:
            return await self._messenger.edit(ref, reply)
        except Unanswered:
            raise
        except DeliveryFailed:
            await self._note(message, message.unsettled_until)
            raise

    async def settle(self, message: Message, unsettled: timedelta) -> None:
        """Write down that an edit was answered; so long an earlier one may still come last."""
        left = max(unsettled, self._left(message))
        await self._note(message, self._clock.now() + left if left > timedelta(0) else None)

    async def _note(self, message: Message, unsettled_until: datetime | None) -> bool:
        """Write down until when Slack may carry out what it was sent; False without the lease."""
        noted = False
        async for attempt in self._store.attempts():
            async with attempt as tx:
                noted = await tx.messages.unsettled(message.id, unsettled_until, self._by)
        return noted

    async def _edit(self, message: Message, reply: Reply, shown: "_Shown") -> "_Shown":
        reply = as_shown(
            replace(message, problem=shown.problem), shown.ref, reply, self._messenger.me
        )
        try:
            unsettled = await self.edit(message, shown.ref, reply)
        except Shut as shut:
            raise _ShutError(shut.reason, LONGEST_PAUSE) from shut
        return replace(shown, unsettled=unsettled)

    async def _redirect(
        self, message: Message, reply: Reply, failure: DeliveryFailed, hold: Hold
    ) -> "_Shown":
        """Post it to whoever asked, and say there why it does not stand where it belongs."""
        try:
            fallback = await self.fallback(message)
            if fallback is None:
                raise failure
            log.info("message.redirected", key=message.key, reason=failure.reason)
            reply = explained(reply, message.place, failure.reason, self._messenger.me)
            return _Shown(await self._post(message, fallback, reply, hold), failure.reason)
        except LockedOut as refusal:
            if refusal.is_fatal:
                raise
            raise LockedOut(NOWHERE, refusal.lacks, refusal.sentence, is_fatal=False) from refusal

    async def fallback(self, message: Message) -> Place | None:
        """Where the bot cannot post in the channel, whoever asked is told directly.

        What somebody was to get in their own direct messages is nobody else's.
        """
        if message.place.channel.startswith(("U", "W")):
            return None
        async with self._store.read() as tx:
            execution = await tx.executions.find(execution_of(message.key))
        return None if execution is None else await self._messenger.direct(execution.actor)

    # What may have been posted

    async def _look_for(self, message: Message) -> "_Shown | None":
        """The message where it may have been posted; raises while it may still appear."""
        if (ref := await self._find(message, message.place)) is not None:
            return _Shown(ref)
        fallback = await self.fallback(message)
        if fallback is not None and (ref := await self._find(message, fallback)) is not None:
            return _Shown(ref, message.problem)
        if (left := self._unsettled_for(message)) > timedelta(0):
            growing = timedelta(seconds=2 ** min(message.attempts, 8))
            raise _AwaitedError("it may still appear", min(left, growing, _LOOK))
        return None

    def _unsettled_for(self, message: Message) -> timedelta:
        """How long Slack may still show what it was sent before."""
        return max(self._started + JUST_DIED - self._clock.monotonic(), self._left(message))

    def _left(self, message: Message) -> timedelta:
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

    # What came of it

    async def _delivered(self, message: Message, shown: "_Shown") -> None:
        # An earlier edit without an answer may come last: then it is edited once more.
        now, unsettled = self._clock.now(), shown.unsettled
        if message.ref is not None:
            unsettled = max(unsettled, self._left(message))
        async for attempt in self._store.attempts():
            async with attempt as tx:
                if shown.unsettled > timedelta(0):  # also much later
                    await self._may_be_doubled(tx, message, posted=False)
                is_mine = await tx.messages.delivered(
                    message.id,
                    message.version,
                    shown.ref,
                    self._by,
                    problem=shown.problem if _is_elsewhere(message, shown.ref) else "",
                    unsettled_until=now + unsettled if unsettled > timedelta(0) else None,
                )
                if not is_mine:
                    await self._overtaken(tx, message)

    async def _overtaken(self, tx: UnitOfWork, message: Message) -> None:
        """It was sent by a process that stood still so long that another one took it over."""
        now = self._clock.now()
        await tx.messages.overtaken(
            message.id, now, look_at=now + look_again_after(timedelta()),
            until=now + COPIES_WITHIN, posted=message.ref is None,
        )  # fmt: skip

    async def _may_be_doubled(self, tx: UnitOfWork, message: Message, *, posted: bool) -> None:
        now = self._clock.now()
        await tx.messages.may_be_doubled(
            message.id, self._by,
            look_at=now + look_again_after(timedelta()), until=now + COPIES_WITHIN, posted=posted,
        )  # fmt: skip

    async def _failed(self, message: Message, failure: DeliveryFailed) -> None:
        log.warning("message.undelivered", key=message.key, reason=failure.reason)
        if failure.retry_after is None:
            async for attempt in self._store.attempts():
                async with attempt as tx:
                    await tx.messages.give_up(message.id, failure.reason, self._by)
            return
        now, pause, unsettled = self._clock.now(), failure.retry_after, None
        if isinstance(failure, Unanswered):
            unsettled = now + max(failure.settles_within, self._left(message))
        growing = timedelta(seconds=2 ** min(message.attempts, 12))
        if isinstance(failure, _ShutError):
            pause = min(growing, pause)
        elif not _is_to_be_looked_for(message, failure):
            pause = min(max(pause, min(growing, _SLOWEST)), FARTHEST_AHEAD)
        async for attempt in self._store.attempts():
            async with attempt as tx:
                if unsettled is not None and message.ref is not None:
                    await self._may_be_doubled(tx, message, posted=False)
                is_mine = await tx.messages.retry(
                    message.id, now + pause, failure.reason, self._by, unsettled_until=unsettled
                )
                if unsettled is not None and not is_mine:
                    await self._overtaken(tx, message)
                if isinstance(failure, _ShutError):
                    await tell_directly(tx, message, failure.reason, self._messenger.me, now)

    async def _hold(self, message: Message, refusal: LockedOut) -> None:
        """Slack refuses us, not this message: nothing was sent, and nothing is given up."""
        log.info("message.held", key=message.key, reason=refusal.reason)
        if refusal.is_fatal:
            self._held_until = self._clock.monotonic() + refusal.RETRY_AFTER
            await self._put_back(message, refusal.reason, refusal.RETRY_AFTER)
        else:
            await self._put_back(message, refusal.reason, _LOCKED_PLACE)

    async def _put_back(self, message: Message, reason: str, pause: timedelta) -> None:
        async for attempt in self._store.attempts():
            async with attempt as tx:
                at = self._clock.now() + pause
                await tx.messages.put_back(message.id, at, reason, self._by)


@dataclass(frozen=True, slots=True)
class _Shown:
    """Where a message stands, and why there, where it is not where it belongs."""

    ref: MessageRef
    problem: str = ""
    unsettled: timedelta = timedelta(0)  # how long an earlier edit may still come last


class _AwaitedError(DeliveryFailed):
    """It may have been posted, and is not to be seen yet."""


class _ShutError(DeliveryFailed):
    """It stands in a place that takes no edits for now."""


class _BesideError(DeliveryFailed):
    """Refused in its place, where whoever requested it may be shown it in another way."""


async def _all_ended(*works: Awaitable[None]) -> None:
    """Wait for all, also where one of them fails; then raise that."""
    for end in await asyncio.gather(*works, return_exceptions=True):
        if end is not None:
            raise end


def _lost() -> DeliveryFailed:
    return DeliveryFailed("the lease was lost", _AGAIN)


def _is_to_be_looked_for(message: Message, failure: DeliveryFailed) -> bool:
    """Whether the next try is a look at what was posted: soon, for somebody waits for it."""
    return isinstance(failure, _AwaitedError) or (
        isinstance(failure, Unanswered) and message.ref is None
    )


def as_shown(message: Message, ref: MessageRef, reply: Reply, me: str) -> Reply:
    """What it says where it stands: with why it is there, if that is not where it belongs."""
    if not _is_elsewhere(message, ref):
        return reply
    return explained(reply, message.place, message.problem, me)


def _is_elsewhere(message: Message, ref: MessageRef) -> bool:
    """Whether it stands in another conversation than it was meant for."""
    wanted = message.place.channel
    return not wanted.startswith(("U", "W")) and ref.channel != wanted


def _is_refused(message: Message, failure: DeliveryFailed) -> bool:
    """Whether the place refuses it, or so it seems by now."""
    if isinstance(failure, Unfamiliar):
        return message.attempts >= _STRANGE
    return failure.retry_after is None


def _may_be_said_beside(message: Message, failure: DeliveryFailed) -> bool:
    """Whether it is a card that the requester may see where they typed; for the first time only."""
    is_own = message.key == card_key(execution_of(message.key))
    return is_own and failure.reason in OUTSIDE and message.problem not in OUTSIDE


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
            await asyncio.gather(*self._begun, return_exceptions=True)
            return
        await _all_ended(*self._begun)
        await self._deliver()

    async def _deliver(self) -> None:
        try:
            await self._outbox.deliver_due()
        except StorageFailed:  # what is to be told is stored, and delivered a little later
            log.exception("delivery_put_off")
