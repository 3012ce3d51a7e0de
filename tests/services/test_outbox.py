"""Delivery against a slow or odd chat: every message once, and none in the way of the others."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from bot.clock import Clock, SteadyClock
from bot.model import MessageRef, Place
from bot.ports import DeliveryFailed
from bot.reply import Reply, dump
from bot.services.leases import Leases
from bot.services.outbox import JUST_DIED, Outbox
from sandbox.dbc import ManualClock
from storage import Store, Vault
from tests.clocks import MachineClock
from tests.storage.samples import execution

HERE = Place("C1")


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

    async def post(self, place: Place, reply: Reply, key: str) -> MessageRef:
        if place.channel in self.closed:
            raise DeliveryFailed("not_in_channel", None)
        if "odd" in key:
            raise KeyError("ts")
        self.shown.append((place.channel, key, reply.summary))
        ref = MessageRef(place.channel, str(len(self.shown) - 1))
        await self.meanwhile()
        if self.lost_answers:
            self.lost_answers -= 1
            raise DeliveryFailed("TimeoutError", timedelta(seconds=1))
        return ref

    async def edit(self, ref: MessageRef, reply: Reply) -> timedelta:
        channel, key, _ = self.shown[int(ref.ts)]
        self.shown[int(ref.ts)] = (channel, key, reply.summary)
        return timedelta(0)

    async def find(self, place: Place, key: str, since: datetime) -> MessageRef | None:
        del since
        if place.channel in self.closed:
            raise DeliveryFailed("not_in_channel", None)
        places = [(channel, known) for channel, known, _ in self.shown]
        wanted = (place.channel, key)
        return MessageRef(place.channel, str(places.index(wanted))) if wanted in places else None

    async def whisper(self, user: str, place: Place, reply: Reply) -> None:
        raise NotImplementedError

    async def direct(self, user: str) -> Place:
        return Place(f"D-{user}")

    async def upload(self, place: Place, name: str, text: str) -> None:
        raise NotImplementedError

    @property
    def keys(self) -> list[str]:
        return [key for _, key, _ in self.shown]


class LateChat(Chat):
    """Does not show a message before it has answered."""

    async def find(self, place: Place, key: str, since: datetime) -> MessageRef | None:
        del place, key, since
        return None


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
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
    await outbox.deliver_due()
    chat.shown.append((HERE.channel, "card:1", "about card:1"))
    for _ in range(5):
        clock.advance(timedelta(seconds=5))
        await outbox.deliver_due()
    assert chat.keys == ["card:1"]


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
