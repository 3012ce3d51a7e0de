"""During an upgrade, replicas of an older version go on: they know fewer columns than this one."""

from typing import Any

import pytest
from sqlalchemy import text

from bot.messages.cards import announcement, end_key
from bot.messages.facts import OF_MACHINES, rental_told
from bot.messages.gathering import part_given_up
from bot.model import ExecutionStatus
from bot.reply import dump, line
from sandbox.dbc import ManualClock
from storage import Store
from storage.migrations import is_known
from tests.messages.test_outbox import Chat, outbox_of
from tests.storage.samples import HERE, NOW, execution, put


async def _older(store: Store, statement: str, **values: Any) -> None:
    """What a replica of an older version writes."""
    async with store._engines.writing() as connection:
        await connection.execute(text(statement), values)


async def test_a_copy_that_an_older_replica_put_is_known_as_one(store: Store) -> None:
    for key in ("card:1", "card:1:U1", "card:1:U2", "card:12:U1", "card:2"):
        await put(store, key, "a", NOW)
    await _older(store, "UPDATE messages SET copy_of = NULL WHERE key <> 'card:1:U2'")
    async with store.read() as tx:
        found = [message.key for message in await tx.messages.copies("card:1")]
    assert sorted(found) == ["card:1", "card:1:U1", "card:1:U2"]


@pytest.mark.parametrize("is_older", [False, True])
async def test_what_slack_shows_is_known_unless_an_older_replica_has_shown_something_else(
    store: Store, *, is_older: bool
) -> None:
    clock, chat = ManualClock(), Chat()
    outbox = outbox_of(store, chat, clock, "one")
    for content in ("waits", "runs", "waits"):
        async with store.write() as tx:
            wanted = dump(announcement(execution(), ExecutionStatus.DONE, line(content)))
            message = await tx.messages.put("card:1", HERE, wanted, clock.now())
        if content == "waits":
            await outbox.deliver_due()
        elif is_older:
            chat.shown[0] = (*chat.shown[0][:2], "runs")
            await _older(store, "UPDATE messages SET delivered = version")
    async with store.read() as tx:
        found = await tx.messages.find("card:1")
    assert found is not None
    assert (found.delivered, message.version) == (3, 3)
    assert chat.edits == int(is_older)
    assert "waits" in chat.shown[0][2]


async def test_ends_that_an_older_replica_gave_up_together_are_told_one_by_one(
    store: Store,
) -> None:
    clock, chat = ManualClock(), Chat()
    chat.busy = True
    for number in range(5):
        one = execution(f"e{number}")
        assert await store.record(one, by="one", until=clock.now())
        async with store.write() as tx:
            told = dump(announcement(one, ExecutionStatus.DONE, line(f"{number} is done")))
            await tx.messages.put(end_key(one.id), HERE, told, clock.now())
    outbox = outbox_of(store, chat, clock, "one")
    await outbox.deliver_due()
    await _older(
        store,
        "UPDATE messages SET abandoned = version, problem = 'msg_too_long' WHERE key LIKE 'ends:%'",
    )
    chat.busy = False
    for _ in range(2):
        await part_given_up(store, clock)
        await outbox.deliver_due()
    assert sorted(chat.keys) == [f"end:execution-e{number}" for number in range(5)]


# What each row of a card's facts may be. Where this changes so that a former version fails at it or
# shows what nobody can read, add a revision, so that it stands down (decision 0025).
KEPT = {
    "alike", "caution", "description", "disks", "ending", "node", "node_renamed", "renamed",
    "rental", "session", "snapshots", "state", "why",
}  # fmt: skip


def test_a_version_that_cannot_read_what_cards_keep_stands_down() -> None:
    assert rental_told("renting", 5, NOW, 1234) == f"renting 5 {NOW:%Y-%m-%dT%H:%M:%S}+00:00 1234"
    assert OF_MACHINES.keys() == KEPT
    assert is_known("rentals_on_cards")  # the last revision for this
