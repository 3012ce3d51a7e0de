"""Many ends in one place: told together, each once, what went wrong first."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from bot.clock import Clock
from bot.ids import ChannelId, ExecutionId
from bot.messages.cards import announcement, end_key
from bot.messages.outbox import Outbox
from bot.model import ExecutionStatus, MessageRef, Place
from bot.ports import DeliveryFailed, PutOff
from bot.reply import Note, Reply, bold, dump, line, plain
from handlers.render import message as rendered
from sandbox.dbc import ManualClock
from storage import Store, Vault
from tests.databases import begin
from tests.messages.test_outbox import Chat, outbox_of
from tests.storage.samples import execution

HERE = Place(ChannelId("C1"))


class Slow(Chat):
    """Takes one message a second and channel, as Slack does, and shows what blocks say."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock
        self.replies: list[Reply] = []
        self._next = clock.now()

    def put_off(self, where: Place | MessageRef) -> PutOff | None:
        left = self._next - self.clock.now()
        is_post = isinstance(where, Place)
        return PutOff("ratelimited", left) if is_post and left > timedelta() else None

    async def post(self, place: Place, reply: Reply, key: str) -> MessageRef:
        if (wait := self.put_off(place)) is not None:
            raise wait
        self._next = self.clock.now() + timedelta(seconds=1)
        ref = await super().post(place, reply, key)
        self.replies.append(reply)
        return ref


class Refusing(Slow):
    """A channel that takes no message about several ends."""

    on_refusal: Callable[[], Awaitable[None]] | None = None

    async def post(self, place: Place, reply: Reply, key: str) -> MessageRef:
        if key.startswith("ends:"):
            if self.on_refusal is not None:
                await self.on_refusal()
            raise DeliveryFailed("msg_too_long", None)
        return await super().post(place, reply, key)


class Deaf(Slow):
    """Slack does not take what tells several, for a while."""

    is_deaf = False

    async def post(self, place: Place, reply: Reply, key: str) -> MessageRef:
        if self.is_deaf and key.startswith("ends:"):
            raise DeliveryFailed("internal_error", timedelta(seconds=30))
        return await super().post(place, reply, key)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    begin(tmp_path / "bot.db")
    one = Store(f"sqlite+aiosqlite:///{tmp_path}/bot.db", Vault([Fernet.generate_key().decode()]))
    await one.migrate()
    yield one
    await one.close()


async def ends(store: Store, clock: Clock, many: int) -> None:
    """So many changes have ended, every tenth badly; each has a card that nobody has seen yet."""
    for number in range(many):
        one = execution(f"e{number}", actor=f"U{number:03}", command="vm.start")
        assert await store.record(one, by="one", until=clock.now())
        failed = number % 10 == 9
        end = ExecutionStatus.FAILED if failed else ExecutionStatus.DONE
        sentence = line(bold(f"train-{number}"), " could not start" if failed else " has started")
        async with store.write() as tx:
            await tx.executions.set_status(
                one.id, end, now=clock.now(), expect={ExecutionStatus.RECORDED}
            )
            card = dump(Reply.of(f"the card of {number}"))
            await tx.messages.put(f"card:{one.id}", HERE, card, clock.now())
            told = dump(announcement(one, end, sentence))
            await tx.messages.put(end_key(one.id), HERE, told, clock.now())


def lines(chat: Slow) -> list[str]:
    """The ends that were told, in order."""
    told = [text for reply in chat.replies for text in plain(reply.summary).splitlines()]
    return [text for text in told if "train-" in text]


async def seconds(outbox: Outbox, clock: ManualClock, many: int) -> None:
    for _ in range(many):
        await outbox.deliver_due()
        clock.advance(timedelta(seconds=1))


async def test_a_hundred_ends_in_one_channel_are_told_within_a_minute(store: Store) -> None:
    clock = ManualClock()
    chat = Slow(clock)
    await ends(store, clock, 100)
    await seconds(outbox_of(store, chat, clock, "one"), clock, 60)
    told = lines(chat)
    assert len(told) == 100
    assert Counter(text.split("train-")[1].split()[0] for text in told) == Counter(
        str(number) for number in range(100)
    )
    assert ["could not start" in text for text in told] == [True] * 10 + [False] * 90
    together = [reply for reply in chat.replies if "train-" in plain(reply.summary)]
    for reply in together:
        shown = str(rendered(reply).blocks)
        assert "more line" not in shown
        assert len(rendered(reply).blocks) <= 50
    said = "".join(str(rendered(reply).blocks) for reply in together)
    assert all(f"<@U{number:03}> `vm start`: " in said for number in range(100))


async def test_a_few_ends_are_told_one_by_one(store: Store) -> None:
    clock = ManualClock()
    chat = Chat()
    await ends(store, clock, 3)
    await outbox_of(store, chat, clock, "one").deliver_due()
    assert chat.keys == [
        f"{kind}:execution-e{number}" for number in range(3) for kind in ("card", "end")
    ]


async def test_ends_of_a_killed_process_are_told_once(store: Store) -> None:
    clock = ManualClock()
    chat = Slow(clock)
    await ends(store, clock, 40)

    begun = asyncio.Event()

    async def dies() -> None:
        begun.set()
        await asyncio.Event().wait()

    chat.meanwhile = dies
    dying = asyncio.create_task(outbox_of(store, chat, clock, "dead").deliver_due())
    await begun.wait()
    chat.meanwhile = Chat().meanwhile
    await seconds(outbox_of(store, chat, clock, "one"), clock, 400)
    keys = [key for key in chat.keys if key.startswith("end")]
    assert len(keys) == len(set(keys))
    async with store.read() as tx:
        assert not await tx.messages.is_any_due(clock.now() + timedelta(hours=2))
    told = [key for key in chat.keys if not key.startswith("card:")]
    assert len(told) < 10
    dying.cancel()


async def test_what_slack_does_not_take_together_is_told_one_by_one(store: Store) -> None:
    clock = ManualClock()
    chat = Refusing(clock)
    await ends(store, clock, 6)
    await seconds(outbox_of(store, chat, clock, "one"), clock, 60)
    told = [key for key in chat.keys if key.startswith("end:")]
    assert sorted(told) == [f"end:execution-e{number}" for number in range(6)]


async def test_each_end_is_counted_as_it_was_told_whatever_came_since(store: Store) -> None:
    clock = ManualClock()
    chat = Slow(clock)
    ways = [status for status in ExecutionStatus if status.is_end]
    for number, end in enumerate(ways):
        one = execution(f"e{number}", actor=f"U{number:03}", command="image.download")
        assert await store.record(one, by="one", until=clock.now())
        told = dump(announcement(one, end, line(bold(f"train-{number}"), " ended")))
        async with store.write() as tx:
            await tx.executions.set_status(
                one.id, end, now=clock.now(), expect={ExecutionStatus.RECORDED}
            )
            await tx.messages.put(end_key(one.id), HERE, told, clock.now())
    async with store.write() as tx:  # somebody keeps watching what nobody was told the end of yet
        assert await tx.executions.set_status(
            execution(f"e{ways.index(ExecutionStatus.UNKNOWN)}").id,
            ExecutionStatus.FOLLOWING,
            now=clock.now(),
            expect={ExecutionStatus.UNKNOWN},
        )
    await seconds(outbox_of(store, chat, clock, "one"), clock, 10)
    [reply] = chat.replies
    assert plain(reply.summary).splitlines()[0] == (
        "8 commands ended: 1 failed, 1 with an unknown end, 1 refused, 1 denied, 1 expired, "
        "1 no longer valid, 1 stopped, 1 done."
    )


async def test_an_end_whose_record_does_not_say_how_it_ended_is_told_by_itself(
    store: Store,
) -> None:
    clock = ManualClock()
    chat = Slow(clock)
    await ends(store, clock, 5)
    async with store.write() as tx:
        await tx.messages.put(
            end_key(ExecutionId("execution-e0")),
            HERE,
            dump(Reply.of("train-0 has ended")),
            clock.now(),
        )
    await seconds(outbox_of(store, chat, clock, "one"), clock, 20)
    assert "end:execution-e0" in chat.keys
    assert sum(key.startswith("ends:") for key in chat.keys) == 1
    assert len(lines(chat)) == 5


async def test_whoever_lost_the_message_that_tells_several_lets_nobody_tell_them_apart(
    store: Store,
) -> None:
    clock = ManualClock()
    chat = Refusing(clock)
    await ends(store, clock, 6)
    joint = ""

    async def is_overtaken() -> None:
        nonlocal joint
        async with store.write() as tx:
            end = await tx.messages.find(end_key(ExecutionId("execution-e0")))
            joint = end.told_in or "" if end is not None else ""
            found = await tx.messages.find(joint)
            assert found is not None
            assert await tx.messages.put_back(found.id, clock.now(), "", "one")
            await tx.messages.claim_due("two", clock.now(), clock.now() + timedelta(hours=1), 50)

    chat.on_refusal = is_overtaken
    await seconds(outbox_of(store, chat, clock, "one"), clock, 30)
    assert joint
    assert not [key for key in chat.keys if key.startswith("end")]


async def says(
    store: Store, clock: Clock, number: int, end: ExecutionStatus, text: str, *notes: str
) -> None:
    """Something newer is said of an end."""
    async with store.write() as tx:
        one = await tx.executions.get(ExecutionId(f"execution-e{number}"))
        told = announcement(
            one, end, line(bold(f"train-{number}"), text), *(Note(line(note)) for note in notes)
        )
        await tx.messages.put(end_key(one.id), HERE, dump(told), clock.now())


async def test_what_is_newly_said_of_an_end_is_said_by_the_message_that_waits_to_tell_it(
    store: Store,
) -> None:
    clock = ManualClock()
    chat = Deaf(clock)
    await ends(store, clock, 5)
    await says(store, clock, 0, ExecutionStatus.UNKNOWN, " has not started in time")
    one = outbox_of(store, chat, clock, "one")
    chat.is_deaf = True
    await seconds(one, clock, 8)
    await says(store, clock, 0, ExecutionStatus.DONE, " has started after all")
    await seconds(one, clock, 3)
    chat.is_deaf = False
    await seconds(one, clock, 120)
    assert [key.split(":")[0] for key in chat.keys if not key.startswith("card:")] == ["ends"]
    assert [text.partition("train-0")[2] for text in lines(chat) if "train-0" in text] == [
        " has started after all"
    ]
    assert len(lines(chat)) == 5


async def test_what_is_newly_said_of_ends_edits_the_message_that_told_them(store: Store) -> None:
    clock = ManualClock()
    chat = Slow(clock)
    await ends(store, clock, 5)
    one = outbox_of(store, chat, clock, "one")
    for note in ("I look for it until 12:00", "I no longer look for it"):
        for number in range(5):
            await says(store, clock, number, ExecutionStatus.UNKNOWN, " has an unknown end", note)
        await seconds(one, clock, 60)
    assert [key.split(":")[0] for key in chat.keys if not key.startswith("card:")] == ["ends"]
    assert len(lines(chat)) == 5
    assert chat.edits
    async with store.read() as tx:
        end = await tx.messages.find(end_key(ExecutionId("execution-e0")))
        assert end is not None
        joint = await tx.messages.find(end.told_in)
        assert joint is not None
        assert joint.delivered == joint.version
        assert joint.content.count("I no longer look for it") == 5
        assert "I look for it until" not in joint.content


async def test_what_is_newly_said_while_slack_refuses_to_tell_several_is_told_once(
    store: Store,
) -> None:
    clock = ManualClock()
    chat = Refusing(clock)
    await ends(store, clock, 6)

    async def is_newer() -> None:
        await says(store, clock, 0, ExecutionStatus.DONE, " has started after all")

    chat.on_refusal = is_newer
    await seconds(outbox_of(store, chat, clock, "one"), clock, 60)
    assert sorted(key for key in chat.keys if key.startswith("end")) == [
        f"end:execution-e{number}" for number in range(6)
    ]
    assert [text.partition("train-0")[2] for text in lines(chat) if "train-0" in text] == [
        " has started after all"
    ]
