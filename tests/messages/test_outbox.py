"""Delivery against a slow or odd chat: every message once, and none in the way of the others."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO

import pytest
from cryptography.fernet import Fernet
from structlog.testing import capture_logs

from bot.clock import Clock, SteadyClock
from bot.ids import ChannelId
from bot.messages.outbox import LEASE, Outbox, all_ended
from bot.messages.sending import JUST_DIED
from bot.model import Leased, MessageRef, Place
from bot.ports import SETTLES_WITHIN, DeliveryFailed, PutOff
from bot.reply import Reply, dump, plain
from sandbox.dbc import ManualClock
from storage import StorageFailed, Store, UnitOfWork, Vault
from storage.heartbeat import LeaseLost, Leases
from tests.clocks import MachineClock
from tests.databases import begin
from tests.storage.samples import execution

HERE, ELSEWHERE = Place(ChannelId("C1")), Place(ChannelId("C2"))


async def nothing() -> None:
    """What happens while most messages are posted."""


class Chat:
    """ports.Messenger: what was posted where, and what happens while a message is posted."""

    me = "U-BOT"

    def __init__(self) -> None:
        self.shown: list[tuple[str, str, str]] = []  # channel, key, text
        self.meanwhile: Callable[[], Awaitable[None]] = nothing
        self.closed: set[str] = set()
        self.lost_answers = 0
        self.busy = False  # refuses new messages
        self.is_down = False
        self.edits = 0
        self.unsettled = timedelta(0)
        self.refusal: DeliveryFailed | None = None  # of edits

    def put_off(self, where: Place | MessageRef) -> PutOff | None:
        del where
        return None

    async def post(self, place: Place, reply: Reply, key: str) -> MessageRef:
        if place.channel in self.closed:
            raise DeliveryFailed("not_in_channel", None)
        if self.is_down:
            raise DeliveryFailed("HTTP 503", timedelta(seconds=1))
        if self.busy:
            raise DeliveryFailed("ratelimited", timedelta(seconds=30))
        if "odd" in key:
            raise KeyError("ts")
        self.shown.append((place.channel, key, plain(reply.summary)))
        ref = MessageRef(place.channel, str(len(self.shown) - 1))
        await self.meanwhile()
        if self.lost_answers:
            self.lost_answers -= 1
            raise DeliveryFailed("TimeoutError", timedelta(seconds=1))
        return ref

    async def edit(self, ref: MessageRef, reply: Reply) -> timedelta:
        self.edits += 1
        if self.refusal is not None:
            raise self.refusal
        channel, key, _ = self.shown[int(ref.ts)]
        self.shown[int(ref.ts)] = (channel, key, plain(reply.summary))
        return self.unsettled

    async def link(self, ref: MessageRef) -> str:
        return f"{ref.channel}/{ref.ts}"

    async def find(self, place: Place, key: str, since: datetime) -> MessageRef | None:
        del since
        if place.channel in self.closed:
            raise DeliveryFailed("not_in_channel", None)
        places = [(channel, known) for channel, known, _ in self.shown]
        wanted = (place.channel, key)
        return MessageRef(place.channel, str(places.index(wanted))) if wanted in places else None

    async def copies(self, place: Place, key: str, since: datetime) -> list[MessageRef]:
        raise NotImplementedError

    async def delete(self, ref: MessageRef) -> None:
        raise NotImplementedError

    async def whisper(self, user: str, place: Place, reply: Reply) -> None:
        raise NotImplementedError

    async def direct(self, user: str) -> Place:
        return Place(ChannelId(f"D-{user}"))

    async def upload(self, place: Place, name: str, content: str | BinaryIO) -> None:
        raise NotImplementedError

    @property
    def keys(self) -> list[str]:
        return [key for _, key, _ in self.shown]


class LateChat(Chat):
    """Does not show a message before it has answered."""

    async def find(self, place: Place, key: str, since: datetime) -> MessageRef | None:
        del place, key, since
        return None


class EditedMeanwhile(Chat):
    """Lets something happen once, after the next edit."""

    after_an_edit: Callable[[], Awaitable[None]] = staticmethod(nothing)

    async def edit(self, ref: MessageRef, reply: Reply) -> timedelta:
        unsettled = await super().edit(ref, reply)
        happens, self.after_an_edit = self.after_an_edit, nothing
        await happens()
        return unsettled


class HangingChat(Chat):
    """Does not answer the first message elsewhere until it `goes_on`."""

    def __init__(self) -> None:
        super().__init__()
        self.hangs, self.goes_on = asyncio.Event(), asyncio.Event()

    async def post(self, place: Place, reply: Reply, key: str) -> MessageRef:
        if place == ELSEWHERE:
            self.hangs.set()
            await self.goes_on.wait()
        return await super().post(place, reply, key)


class Failing(Store):
    """The same database; it fails once after the first message was posted."""

    def __init__(self, real: Store, chat: Chat) -> None:
        self._real, self._chat = real, chat
        self._is_to_fail = True

    @asynccontextmanager
    async def write(self) -> AsyncIterator[UnitOfWork]:
        if self._is_to_fail and self._chat.keys:
            self._is_to_fail = False
            raise StorageFailed("The disk is full.")
        async with self._real.write() as tx:
            yield tx

    @asynccontextmanager
    async def read(self) -> AsyncIterator[UnitOfWork]:
        async with self._real.read() as tx:
            yield tx


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    begin(tmp_path / "bot.db")
    one = Store(f"sqlite+aiosqlite:///{tmp_path}/bot.db", Vault([Fernet.generate_key().decode()]))
    await one.migrate()
    yield one
    await one.close()


def outbox_of(store: Store, chat: Chat, clock: Clock, by: str) -> Outbox:
    return Outbox(store, chat, Leases(store, clock, by), clock, by)


async def put(store: Store, clock: Clock, *keys: str) -> None:
    async with store.write() as tx:
        for key in keys:
            await tx.messages.put(key, HERE, dump(Reply.of(f"about {key}")), clock.now())


async def put_elsewhere(store: Store, clock: Clock, *keys: str) -> None:
    async with store.write() as tx:
        for key in keys:
            content = dump(Reply.of(f"about {key}"))
            await tx.messages.put(key, ELSEWHERE, content, clock.now())


async def shows(store: Store, key: str) -> None:
    """Return once it is written down that the message is shown."""
    async with asyncio.timeout(10):
        while True:
            async with store.read() as tx:
                message = await tx.messages.find(key)
            if message is not None and message.delivered:
                return
            await asyncio.sleep(0.01)


async def test_what_a_slow_chat_takes_longer_for_than_the_lease_is_posted_once(
    store: Store,
) -> None:
    clock, chat = ManualClock(), Chat()
    outbox, replica = (outbox_of(store, chat, clock, by) for by in ("one", "other"))
    await put(store, clock, *(f"card:{number}" for number in range(12)))

    async def slowly() -> None:
        clock.advance(timedelta(seconds=20))
        chat.meanwhile = nothing
        await replica.deliver_due()
        chat.meanwhile = slowly

    chat.meanwhile = slowly
    for _ in range(12):
        await outbox.deliver_due()
        clock.advance(timedelta(seconds=90))
    assert sorted(chat.keys) == sorted(f"card:{number}" for number in range(12))


async def test_a_post_that_outlasts_its_lease_is_not_sent_by_its_own_process_again(
    store: Store,
) -> None:
    clock, chat = ManualClock(), Chat()
    outbox = outbox_of(store, chat, clock, "one")
    await put(store, clock, "card:1")

    async def slowly() -> None:
        chat.meanwhile = nothing
        clock.advance(timedelta(minutes=10))
        await outbox.deliver_due()

    chat.meanwhile = slowly
    await outbox.deliver_due()
    assert chat.keys == ["card:1"]


@pytest.mark.parametrize("step", [timedelta(days=1), timedelta(days=-1)])
async def test_a_message_on_its_way_is_not_posted_again_where_the_clock_is_set(
    store: Store, step: timedelta
) -> None:
    machine, chat = MachineClock(ManualClock()), LateChat()
    clock = SteadyClock(machine)
    outbox = outbox_of(store, chat, clock, "one")
    await put(store, clock, "card:1")

    async def set_meanwhile() -> None:
        chat.meanwhile = nothing
        machine.step(step)
        await outbox.deliver_due()

    chat.meanwhile = set_meanwhile
    await outbox.deliver_due()
    assert chat.keys == ["card:1"]


@pytest.mark.parametrize("step", [timedelta(hours=-1), timedelta(days=-1)])
async def test_the_lease_of_a_process_whose_clock_was_ahead_is_free(
    store: Store, step: timedelta
) -> None:
    true, chat = ManualClock(), Chat()
    machine = MachineClock(true)
    await put(store, machine, "card:1")
    async with store.write() as tx:
        now = machine.now()
        assert await tx.messages.claim_due("dead", now, now + timedelta(seconds=90), 1)
    machine.step(step)
    outbox = outbox_of(store, chat, SteadyClock(machine), "one")
    await outbox.deliver_due()
    true.advance(JUST_DIED)
    await outbox.deliver_due()
    assert chat.keys == ["card:1"]


async def test_what_a_process_that_died_has_posted_may_appear_a_little_later(store: Store) -> None:
    clock, chat = ManualClock(), Chat()
    await put(store, clock, "card:1")
    async with store.write() as tx:
        await tx.messages.claim_due("dead", clock.now(), clock.now(), 1)
    outbox = outbox_of(store, chat, clock, "one")
    with capture_logs() as logs:
        await outbox.deliver_due()
    assert [(e["event"], e["log_level"]) for e in logs] == [("message.delayed", "info")]
    chat.shown.append((HERE.channel, "card:1", "about card:1"))
    for _ in range(5):
        clock.advance(timedelta(seconds=5))
        await outbox.deliver_due()
    assert chat.keys == ["card:1"]


@pytest.mark.parametrize("killed", [False, True])
async def test_a_post_that_was_broken_off_is_looked_for_as_long_as_it_may_appear(
    store: Store, killed: bool
) -> None:
    clock, chat = ManualClock(), LateChat()
    await put(store, clock, "card:1")
    begun = asyncio.Event()

    async def for_ever() -> None:
        begun.set()
        await asyncio.Event().wait()

    chat.meanwhile = for_ever
    delivery = asyncio.create_task(outbox_of(store, chat, clock, "one").deliver_due())
    await begun.wait()
    if not killed:  # a process that is killed cleans up nothing, and its lease runs out
        delivery.cancel()
        await store.release_leases_of_others("other")
    chat.meanwhile = nothing
    outbox = outbox_of(store, chat, clock, "other")
    posted_again = None
    since = clock.now()
    while posted_again is None:
        clock.advance(timedelta(seconds=1))
        await outbox.deliver_due()
        if len(chat.keys) > 1:
            posted_again = clock.now() - since
    assert SETTLES_WITHIN <= posted_again <= SETTLES_WITHIN + timedelta(seconds=30)
    delivery.cancel()


async def test_what_was_refused_for_now_is_posted_at_the_next_try(store: Store) -> None:
    clock, chat = ManualClock(), Chat()
    outbox = outbox_of(store, chat, clock, "one")
    clock.advance(JUST_DIED)
    await put(store, clock, "card:1")
    chat.busy = True
    with capture_logs() as logs:
        await outbox.deliver_due()
    assert [(e["event"], e["log_level"]) for e in logs] == [("message.delayed", "warning")]
    chat.busy = False
    clock.advance(timedelta(seconds=30))
    await outbox.deliver_due()
    assert chat.keys == ["card:1"]


async def test_an_edit_that_is_put_off_waits_also_after_an_older_one_has_settled(
    store: Store,
) -> None:
    clock, chat = ManualClock(), Chat()
    outbox = outbox_of(store, chat, clock, "one")
    await put(store, clock, "card:1")
    await outbox.deliver_due()
    chat.unsettled = SETTLES_WITHIN
    async with store.write() as tx:
        await tx.messages.put("card:1", HERE, dump(Reply.of("newer")), clock.now())
    await outbox.deliver_due()
    clock.advance(SETTLES_WITHIN)
    chat.edits, chat.refusal = 0, DeliveryFailed("ratelimited", timedelta(seconds=60))
    async with asyncio.timeout(20):  # of a loop that would never end
        for _ in range(60):
            await outbox.deliver_due()
            clock.advance(timedelta(seconds=1))
    assert chat.edits == 1
    chat.refusal, chat.unsettled = None, timedelta(0)
    for _ in range(60):
        await outbox.deliver_due()
        clock.advance(timedelta(seconds=1))
    assert chat.edits == 2
    assert chat.shown == [(HERE.channel, "card:1", "newer")]


async def test_a_card_changes_while_another_one_of_its_batch_hangs(store: Store) -> None:
    clock, chat = ManualClock(), HangingChat()
    leases = Leases(store, clock, "one")
    outbox = Outbox(store, chat, leases, clock, "one")
    await put(store, clock, "card:1")
    await put_elsewhere(store, clock, "card:2")
    delivery = asyncio.create_task(outbox.deliver_due())
    await chat.hangs.wait()
    await shows(store, "card:1")
    clock.advance(timedelta(seconds=31))
    await leases.beat()
    async with store.write() as tx:
        await tx.messages.put("card:1", HERE, dump(Reply.of("newer")), clock.now())
    await outbox.deliver_due()
    assert (HERE.channel, "card:1", "newer") in chat.shown
    chat.goes_on.set()
    await delivery


async def test_a_failing_database_leaves_no_delivery_without_a_lease(store: Store) -> None:
    clock, chat, other = ManualClock(), HangingChat(), Chat()
    leases = Leases(store, clock, "one")
    outbox = Outbox(Failing(store, chat), chat, leases, clock, "one")
    await put(store, clock, "card:1")
    await put_elsewhere(store, clock, "card:2", "card:3")
    delivery = asyncio.create_task(outbox.deliver_due())
    await chat.hangs.wait()
    for _ in range(10):
        clock.advance(timedelta(seconds=20))
        await leases.beat()
        await outbox_of(store, other, clock, "other").deliver_due()
    assert not {"card:2", "card:3"}.intersection(other.keys)
    chat.goes_on.set()
    with pytest.raises(StorageFailed):
        await delivery
    assert [key for key in chat.keys if key != "card:1"] == ["card:2", "card:3"]


async def test_nothing_is_sent_under_a_lease_that_nobody_holds(store: Store) -> None:
    leases = Leases(store, ManualClock(), "one")
    with leases.holding(Leased.MESSAGE, ["a"], timedelta(seconds=90)) as hold:
        await leases.ensure(Leased.MESSAGE, "a", hold)
        with pytest.raises(LeaseLost):
            await leases.ensure(Leased.WATCH, "a")
        hold.let_go("a")
        with pytest.raises(LeaseLost):
            await leases.ensure(Leased.MESSAGE, "a", hold)


async def say(store: Store, clock: Clock, text: str, *keys: str) -> None:
    async with store.write() as tx:
        for key in keys:
            await tx.messages.put(key, HERE, dump(Reply.of(text)), clock.now())


async def test_a_card_that_another_process_has_edited_since_is_not_edited_back(
    store: Store,
) -> None:
    clock, chat = ManualClock(), EditedMeanwhile()
    outbox, replica = (outbox_of(store, chat, clock, by) for by in ("one", "other"))
    await put(store, clock, "card:1", "card:2")
    await outbox.deliver_due()
    await say(store, clock, "under way", "card:1", "card:2")

    async def stands_still() -> None:
        clock.advance(LEASE + timedelta(seconds=1))
        await say(store, clock, "done", "card:1", "card:2")
        await replica.deliver_due()

    chat.after_an_edit = stands_still
    await outbox.deliver_due()
    assert [text for _, _, text in chat.shown] == ["done", "done"]


async def test_a_message_that_another_process_has_posted_since_is_not_posted_again(
    store: Store,
) -> None:
    clock, chat = ManualClock(), Chat()
    outbox, replica = (outbox_of(store, chat, clock, by) for by in ("one", "other"))
    await put(store, clock, "end:1", "end:2")

    async def stands_still() -> None:
        chat.meanwhile = nothing
        clock.advance(LEASE + timedelta(seconds=1))
        await replica.deliver_due()

    chat.meanwhile = stands_still
    await outbox.deliver_due()
    assert chat.keys == ["end:1", "end:2"]


async def test_a_message_that_cannot_be_sent_at_all_holds_up_no_other(store: Store) -> None:
    clock, chat = ManualClock(), Chat()
    await put(store, clock, "card:odd", "card:even")
    await outbox_of(store, chat, clock, "one").deliver_due()
    assert chat.keys == ["card:even"]


async def test_what_was_redirected_and_lost_its_answer_is_posted_once(store: Store) -> None:
    clock, chat = ManualClock(), Chat()
    asked = execution()
    await store.record(asked, by="one", until=clock.now())
    chat.closed.add(HERE.channel)
    chat.lost_answers = 1
    await put(store, clock, f"card:{asked.id}")
    for _ in range(3):
        await outbox_of(store, chat, clock, "one").deliver_due()
        clock.advance(timedelta(minutes=5))
    assert chat.shown == [(f"D-{asked.actor}", f"card:{asked.id}", f"about card:{asked.id}")]


async def test_of_several_failures_one_is_raised_and_the_others_are_logged() -> None:
    ended = []

    async def fails(error: Exception) -> None:
        raise error

    async def works() -> None:
        ended.append("works")

    with capture_logs() as logs, pytest.raises(ValueError, match="first"):
        await all_ended(fails(ValueError("first")), works(), fails(KeyError("second")))
    assert ended == ["works"]
    assert [repr(entry["exc_info"]) for entry in logs] == ["KeyError('second')"]
