"""Delivers messages: every message row is brought to say what it should, exactly once posted.

A row is claimed under a lease before anything is sent, and before it is posted or edited it says
until when Slack may carry that out. A row that was claimed before without success may have been
posted, by a process that died or by a slow Slack: it is looked for until that can be excluded, and
only then posted again; an edit is made once more then. While Slack refuses the bot itself,
everything is held. What Slack puts off (so many messages in one channel, so many edits in a minute)
is due again when it takes them; all else goes on.
"""

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import Awaitable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import structlog

from bot.clock import Clock
from bot.messages.directly import tell_directly
from bot.messages.gathering import gathered, in_order, tells_several
from bot.messages.outcomes import (
    AwaitedError,
    BesideError,
    Shown,
    ShutError,
    SurpriseError,
    is_elsewhere,
    is_to_be_looked_for,
)
from bot.messages.places import telling
from bot.messages.results import Results, Work
from bot.messages.sending import BESIDE, Sending
from bot.model import Leased, Message, MessageRef, Place
from bot.ports import (
    COPIES_WITHIN,
    SETTLES_WITHIN,
    DeliveryFailed,
    LockedOut,
    Messenger,
    PutOff,
    Unanswered,
    look_again_after,
)
from storage import FARTHEST_AHEAD, Store, UnitOfWork
from storage.handover import Handover
from storage.heartbeat import Hold, Leases
from storage.repositories.message_rows import digest

LEASE = timedelta(seconds=90)
# What is sent this long after that was written down is covered by it.
_AT_ONCE = timedelta(seconds=10)
_SENT = SETTLES_WITHIN + _AT_ONCE
# So long what can wait leaves a message as it is: more is about to be told as a rule.
_REST = timedelta(seconds=2)
_SLOWEST = timedelta(minutes=1)
# Who has told nothing for so long, though it was tried, has waited for the chat side as a whole.
_WAS_AWAY = timedelta(seconds=30)
_HASTENED = 1000  # messages; more of them wait until their own next try
_BATCH = 50
# How soon what needs a missing scope is tried again.
_LOCKED_PLACE = timedelta(minutes=1)

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
        self._held_until: timedelta | None = None  # on the monotonic clock
        self._results = Results(store)
        self.sending = Sending(store, messenger, leases, self._results, clock, by)
        self._handed: list[Message] = []  # leased and not sent yet
        self._doubtful: list[Handover] = []  # perhaps leased
        self._delayed: set[str] = set()  # failed since the chat side took something last
        self._taken_at = clock.monotonic()  # when that was

    @property
    def is_held(self) -> bool:
        """Whether nothing can be sent at the moment, since Slack refuses the bot itself."""
        return self._held_until is not None and self._clock.monotonic() < self._held_until

    # storage.handover.Courier

    def handover(self) -> Handover | None:
        """On what terms messages that are put now are sent as soon as that is committed."""
        if self._held_until is not None:
            return None
        now = self._clock.now()
        return Handover(self._by, now + LEASE, now + _SENT, self._takes)

    def take(self, messages: Sequence[Message]) -> None:
        """Keep these, which are leased, for the next delivery."""
        self._handed.extend(messages)

    def doubt(self, handover: Handover) -> None:
        """Give these back, where they are leased, before the next ones are claimed."""
        self._doubtful.append(handover)

    def _takes(self, where: Place | MessageRef) -> bool:
        return self._messenger.put_off(where) is None

    # Delivery

    async def deliver_due(self) -> None:
        """Deliver what waits: channels side by side, each channel in order."""
        while True:
            now = self._clock.now()
            if messages := self._handed:
                self._handed = []
                now = min(message.sent_until or now + _SENT for message in messages) - _SENT
            else:
                limit = self._most()
                claimed = await self._claim(limit) if limit else None
                if claimed is None:
                    return
                messages = claimed
            by_channel: dict[str, list[Message]] = defaultdict(list)
            for message in in_order(messages):
                by_channel[message.place.channel].append(message)
            ids = [message.id for message in messages]
            with self._leases.holding(Leased.MESSAGE, ids, LEASE, since=now) as hold:
                # All channels come to their ends in the hold, also where one of them fails.
                channels = [self._deliver_all(rows, hold) for rows in by_channel.values()]
                await all_ended(*channels)

    async def close(self) -> None:
        """Write down what came of what was sent."""
        await self._results.close()

    def _most(self) -> int:
        """How many may be claimed: none while Slack refuses us, then one to find out."""
        if self._held_until is None:
            return _BATCH
        return 0 if self.is_held else 1

    async def _claim(self, limit: int) -> list[Message] | None:
        """Claim the messages to deliver now: fewer than were due where ends are joined."""
        doubtful = tuple(self._doubtful)
        if not doubtful:
            async with self._store.read() as tx:
                if not await tx.messages.is_any_due(self._clock.now()):
                    return None
        async with self._store.write() as tx:
            await self._leases.renew(tx, Leased.MESSAGE)
            for handover in doubtful:
                await tx.messages.take_back(handover)
            now = self._clock.now()
            due = await tx.messages.claim_due(self._by, now, now + LEASE, limit, now + _SENT)
            claimed = await gathered(tx, due, now) if due else None
        self._doubtful = [one for one in self._doubtful if one not in doubtful]
        return claimed

    async def _deliver_all(self, messages: Sequence[Message], hold: Hold) -> None:
        later: list[tuple[Message, PutOff]] = []
        waiting = deque(messages)
        while waiting:
            message = waiting.popleft()
            came_of_it = await self._deliver(message, hold)
            if isinstance(came_of_it, PutOff):
                later.append((message, came_of_it))
                continue
            following = waiting[0] if waiting and waiting[0].may_be_sent else None
            if following is not None and following.sent_until is None:
                until = self._clock.now() + _SENT
                waiting[0] = replace(following, sent_until=until)
                came_of_it = self._and_then(came_of_it, following, until)
            await self._results.keep(came_of_it)
            hold.let_go(message.id)
        if later:
            await self._results.keep(partial(self._put_off, later))
        for message, _ in later:
            hold.let_go(message.id)

    def _and_then(self, work: Work, following: Message, until: datetime) -> Work:
        """Write down as well that the next one may be carried out: it is sent now."""

        async def both(tx: UnitOfWork) -> None:
            await work(tx)
            await tx.messages.unsettled(following.id, until, self._by)

        return both

    async def _put_off(self, later: Sequence[tuple[Message, PutOff]], tx: UnitOfWork) -> None:
        """Let each be due when Slack takes it, one after the other; what it says then counts."""
        before: Counter[bool] = Counter()  # how many posts, and how many edits
        now = self._clock.now()
        for message, put_off in later:
            is_edit = message.ref is not None
            at = now + put_off.wait + before[is_edit] * put_off.every
            before[is_edit] += 1
            reason = put_off.reason
            await tx.messages.put_back(message.id, at, reason, self._by, unsent=message)

    async def _deliver(self, message: Message, hold: Hold) -> Work | PutOff:
        """Deliver it unless Slack puts it off; returns how to store the result."""
        if (put_off := self._messenger.put_off(message.ref or message.place)) is not None:
            return put_off
        try:
            return await self._deliver_now(message, hold)
        except PutOff as refusal:
            log.info("message.put_off", key=message.key, seconds=refusal.wait.total_seconds())
            return refusal

    async def _deliver_now(self, message: Message, hold: Hold) -> Work:
        """Deliver it and return how to store the result. Raises PutOff."""
        if self.is_held:
            return self._put_back(message, "held", LockedOut.RETRY_AFTER)
        try:
            with telling(message):
                shown = await self.sending.send(message, hold)
        except LockedOut as refusal:
            return self._hold(message, refusal)
        except BesideError as refused:
            return self._put_back(message, refused.reason, BESIDE)
        except PutOff:
            raise
        except DeliveryFailed as failure:
            return self._failed(message, failure)
        except Exception:  # one message's surprise must not hold up the others
            log.exception("message.surprise", key=message.key)
            return self._failed(message, SurpriseError())
        self._held_until = None
        return partial(self._delivered, message, shown)

    # What came of it

    async def _delivered(self, message: Message, shown: Shown, tx: UnitOfWork) -> None:
        # An earlier edit without an answer may come last: then it is edited once more.
        now, unsettled = self._clock.now(), shown.unsettled
        if message.ref is not None:
            unsettled = max(unsettled, self.sending.left(message))
        if shown.unsettled > timedelta(0):  # also much later
            await self.sending.may_be_doubled(tx, message, posted=False)
        is_mine = await tx.messages.delivered(
            message.id,
            message.version,
            shown.ref,
            self._by,
            problem=shown.problem if is_elsewhere(message, shown.ref) else "",
            unsettled_until=now + unsettled if unsettled > timedelta(0) else None,
            shown=digest(message.content),
            rests_until=now + _REST,
        )
        if not is_mine:
            await self._overtaken(tx, message)
        # Is the chat side back? What a failure here loses waits until its own next try.
        delayed, self._delayed = self._delayed - {message.id}, set()
        since, self._taken_at = self._taken_at, self._clock.monotonic()
        if delayed and self._taken_at - since >= _WAS_AWAY:
            await tx.messages.hasten(delayed, now)

    async def _overtaken(self, tx: UnitOfWork, message: Message) -> None:
        """It was sent by a process that stood still so long that another one took it over."""
        now = self._clock.now()
        await tx.messages.overtaken(
            message.id, now, look_at=now + look_again_after(timedelta()),
            until=now + COPIES_WITHIN, posted=message.ref is None,
        )  # fmt: skip

    def _failed(self, message: Message, failure: DeliveryFailed) -> Work:
        if failure.retry_after is None:
            log.warning("message.undelivered", key=message.key, reason=failure.reason)
            return partial(self._give_up, message, failure.reason)
        tell = log.info if isinstance(failure, AwaitedError) else log.warning
        tell("message.delayed", key=message.key, reason=failure.reason)
        growing = timedelta(seconds=2 ** min(message.attempts, 12))
        pause = failure.retry_after
        if isinstance(failure, ShutError):
            pause = min(growing, pause)
        elif not is_to_be_looked_for(message, failure):
            pause = min(max(pause, min(growing, _SLOWEST)), FARTHEST_AHEAD)
            if len(self._delayed) < _HASTENED:
                self._delayed.add(message.id)
        return partial(self._retry, message, failure, self._clock.now() + pause)

    async def _give_up(self, message: Message, reason: str, tx: UnitOfWork) -> None:
        is_mine = await tx.messages.give_up(message.id, reason, self._by, unsent=message)
        if is_mine and tells_several(message):
            await tx.messages.part(message.key, self._clock.now(), reason)

    async def _retry(
        self, message: Message, failure: DeliveryFailed, at: datetime, tx: UnitOfWork
    ) -> None:
        now, unsettled = self._clock.now(), None
        if isinstance(failure, Unanswered):
            unsettled = now + max(failure.settles_within, self.sending.left(message))
        if unsettled is not None and message.ref is not None:
            await self.sending.may_be_doubled(tx, message, posted=False)
        may_be_sent = isinstance(failure, (Unanswered, SurpriseError))
        is_mine = await tx.messages.retry(
            message.id, at, failure.reason, self._by,
            unsettled_until=unsettled, unsent=None if may_be_sent else message,
        )  # fmt: skip
        if unsettled is not None and not is_mine:
            await self._overtaken(tx, message)
        if isinstance(failure, ShutError):
            await tell_directly(tx, message, failure.reason, self._messenger.me, now)

    def _hold(self, message: Message, refusal: LockedOut) -> Work:
        """Slack refuses us, not this message: nothing was sent, and nothing is given up."""
        log.info("message.held", key=message.key, reason=refusal.reason)
        if refusal.is_fatal:
            self._held_until = self._clock.monotonic() + refusal.RETRY_AFTER
            return self._put_back(message, refusal.reason, refusal.RETRY_AFTER)
        return self._put_back(message, refusal.reason, _LOCKED_PLACE)

    def _put_back(self, message: Message, reason: str, pause: timedelta) -> Work:
        async def put_back(tx: UnitOfWork) -> None:
            at = self._clock.now() + pause
            await tx.messages.put_back(message.id, at, reason, self._by, unsent=message)

        return put_back


async def all_ended(*works: Awaitable[None]) -> None:
    """Wait for all; then raise the first failure, if there is one, and log the others."""
    ends = await asyncio.gather(*works, return_exceptions=True)
    failures = [end for end in ends if end is not None]
    for error in failures[1:]:
        log.error("task.failed_too", exc_info=error)
    if failures:
        raise failures[0]
