"""What is kept in memory is what the database has, whoever has changed it and however."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import text

from bot.ids import ChannelId, NodeId, UserId
from bot.model import Audience, Nicknamed, Scope, Share
from storage import Known, StorageFailed, Store, UnitOfWork, Vault
from storage.engine import open_engines
from tests.storage.samples import LATER, NOW, machine, node, session

Change = Callable[[UnitOfWork], Awaitable[object]]
Look = Callable[[Known], object]

WITH_BOB = Share(UserId("U1"), NodeId("node-1"), Audience.PERSON, UserId("U2"), NOW)
WITH_CHANNEL = Share(UserId("U1"), NodeId("node-1"), Audience.CHANNEL, ChannelId("C1"), NOW)


async def does(store: Store, *changes: Change) -> None:
    for change in changes:
        async with store.write() as tx:
            await change(tx)


def shared(known: Known) -> object:
    return [one.user for one in known.usable(UserId("U2"))], [
        one.user for one in known.usable(UserId("U3"), ChannelId("C1"))
    ]


CHANGES: list[tuple[str, list[Change], Change, Look, object]] = [
    (
        "a session erased",
        [lambda tx: tx.sessions.put(session())],
        lambda tx: tx.sessions.remove(UserId("U1"), NodeId("node-1")),
        lambda known: (known.usable(UserId("U1")), known.entitled(NodeId("node-1"))),
        ([], []),
    ),
    (
        "a share taken back",
        [lambda tx: tx.sessions.put(session()), lambda tx: tx.sessions.share(WITH_BOB)],
        lambda tx: tx.sessions.unshare(UserId("U1"), NodeId("node-1"), "U2"),
        shared,
        ([], []),
    ),
    (
        "a share with a channel taken back",
        [lambda tx: tx.sessions.put(session()), lambda tx: tx.sessions.share(WITH_CHANNEL)],
        lambda tx: tx.sessions.unshare(UserId("U1"), NodeId("node-1")),
        shared,
        ([], []),
    ),
    (
        "a session shared",
        [lambda tx: tx.sessions.put(session())],
        lambda tx: tx.sessions.share(WITH_CHANNEL),
        shared,
        ([], ["U1"]),
    ),
    (
        "a nickname moved",
        [
            lambda tx: tx.names.set(Nicknamed.MACHINE, "task-1", "train"),
            lambda tx: tx.names.remove(Nicknamed.MACHINE, "task-1"),
        ],
        lambda tx: tx.names.set(Nicknamed.MACHINE, "task-2", "train"),
        lambda known: (
            known.target(Nicknamed.MACHINE, "Train"),
            known.nickname(Nicknamed.MACHINE, "task-1"),
        ),
        ("task-2", ""),
    ),
    (
        "a machine renamed",
        [
            lambda tx: tx.inventory.put_machine(machine(desc="old")),
            lambda tx: tx.names.set(Nicknamed.MACHINE, "task-1", "train"),
        ],
        lambda tx: tx.inventory.put_machine(machine(desc="new", seen_at=LATER)),
        lambda known: [(m.desc, m.nickname) for m in known.machines([("U1", "node-1")])],
        [("new", "train")],
    ),
    (
        "a machine gone",
        [lambda tx: tx.inventory.put_machine(machine())],
        lambda tx: tx.inventory.replace_machines(NodeId("node-1"), UserId("U1"), [], LATER),
        lambda known: known.machines([("U1", "node-1")]),
        [],
    ),
    (
        "a node renamed",
        [lambda tx: tx.inventory.put_nodes([node(name="gpu1")])],
        lambda tx: tx.inventory.put_nodes([node(name="gpu9", seen_at=LATER)]),
        lambda known: [one.name for one in known.nodes()],
        ["gpu9"],
    ),
    (
        "another default node",
        [lambda tx: tx.defaults.set(Scope.CHANNEL, ChannelId("C1"), NodeId("node-1"))],
        lambda tx: tx.defaults.set(Scope.CHANNEL, ChannelId("C1"), NodeId("node-2")),
        lambda known: known.default(Scope.CHANNEL, ChannelId("C1")),
        "node-2",
    ),
]


@pytest.mark.parametrize(
    ("before", "change", "look", "expected"),
    [case[1:] for case in CHANGES],
    ids=[case[0] for case in CHANGES],
)
async def test_what_another_process_has_changed_is_known_at_the_next_look(
    store: Store, replica: Store, before: list[Change], change: Change, look: Look, expected: object
) -> None:
    await does(store, *before)
    for one in (store, replica):
        assert look(await one.known()) != expected
    await does(replica, change)
    for one in (store, replica):
        assert look(await one.known()) == expected


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM session_shares",
        "DELETE FROM dbc_sessions",
        "UPDATE names SET name = 'other', folded = 'other'",
        "UPDATE nodes SET name = 'other'",
        "UPDATE machines SET \"desc\" = 'other'",
        "UPDATE machines SET node = 'node-2'",
        "UPDATE defaults SET node = 'node-2'",
    ],
)
async def test_what_somebody_changes_by_hand_is_known_at_the_next_look(
    store: Store, url: str, statement: str
) -> None:
    await does(
        store,
        lambda tx: tx.sessions.put(session()),
        lambda tx: tx.sessions.share(WITH_BOB),
        lambda tx: tx.names.set(Nicknamed.NODE, "node-1", "called"),
        lambda tx: tx.inventory.put_nodes([node()]),
        lambda tx: tx.inventory.put_machine(machine()),
        lambda tx: tx.defaults.set(Scope.PERSON, UserId("U1"), NodeId("node-1")),
    )
    before = everything(await store.known())
    engines = open_engines(url)
    async with engines.writing() as connection:
        await connection.execute(text(statement))
    await engines.dispose()
    assert everything(await store.known()) != before
    fresh = everything(await store.known())
    async with looking_anew(store) as other:
        assert everything(await other.known()) == fresh


def everything(known: Known) -> object:
    machines = [m for n in ("node-1", "node-2") for m in known.machines([("U1", n)])]
    return (
        known.nodes(),
        known.target(Nicknamed.NODE, "called"),
        known.default(Scope.PERSON, UserId("U1")),
        machines,
        known.usable(UserId("U1")),
        known.usable(UserId("U2")),
    )


@asynccontextmanager
async def looking_anew(store: Store) -> AsyncIterator[Store]:
    """The same database, of which nothing is in memory."""
    other = Store(str(store_url(store)), store._vault)
    yield other
    await other.close()


def store_url(store: Store) -> object:
    engines = store._engines
    return getattr(engines, "url", None) or f"sqlite+aiosqlite:///{engines.file}"


async def test_a_table_that_somebody_empties_is_known_to_be_empty(
    postgres_url: str, vault: Vault
) -> None:
    store = Store(postgres_url, vault)
    await store.migrate()
    await does(
        store,
        lambda tx: tx.sessions.put(session()),
        lambda tx: tx.inventory.put_machine(machine()),
    )
    assert await known_aside(store) == ["node-1"]
    async with store._engines.writing() as connection:
        await connection.execute(text("TRUNCATE dbc_sessions, machines"))
    assert await known_aside(store) == []
    assert (await store.known()).machines([("U1", "node-1")]) == []
    await store.close()


async def test_what_is_seen_again_unchanged_is_not_read_again(store: Store) -> None:
    await does(
        store,
        lambda tx: tx.inventory.put_nodes([node()]),
        lambda tx: tx.inventory.put_machine(machine()),
    )
    known = await store.known()
    await does(
        store,
        lambda tx: tx.inventory.put_nodes([node(seen_at=LATER)]),
        lambda tx: tx.inventory.put_machine(machine(seen_at=LATER)),
    )
    assert await store.known() is known


async def test_what_was_undone_is_not_known(store: Store) -> None:
    await does(store, lambda tx: tx.sessions.put(session()))
    with pytest.raises(ZeroDivisionError):
        await does(store, undone)
    assert await known_aside(store) == ["node-1"]


async def undone(tx: UnitOfWork) -> None:
    await tx.sessions.remove(UserId("U1"), NodeId("node-1"))
    raise ZeroDivisionError


async def known_aside(store: Store) -> list[str]:
    return [one.node for one in (await store.known()).usable(UserId("U1"))]


@pytest.mark.parametrize("is_cancelled", [False, True], ids=["fails", "is cancelled"])
async def test_a_look_that_comes_to_nothing_is_none_for_whoever_waited_for_it(
    store: Store, replica: Store, monkeypatch: pytest.MonkeyPatch, *, is_cancelled: bool
) -> None:
    reading, begun, goes_on = store._engines.reading, asyncio.Event(), asyncio.Event()
    looks = 0

    @asynccontextmanager
    async def in_turn() -> AsyncIterator[object]:
        nonlocal looks
        looks += 1
        if looks == 2:
            if is_cancelled:
                second.cancel()
                await asyncio.sleep(1)
            raise StorageFailed("cut off")
        async with reading() as connection:
            yield connection
        begun.set()
        await goes_on.wait()

    monkeypatch.setattr(store._engines, "reading", in_turn)
    await does(replica, lambda tx: tx.sessions.put(session()))
    first = asyncio.create_task(known_aside(store))
    await begun.wait()
    await does(replica, lambda tx: tx.sessions.remove(UserId("U1"), NodeId("node-1")))
    second, third = (asyncio.create_task(known_aside(store)) for _ in range(2))
    await asyncio.sleep(0)
    goes_on.set()
    assert await first == ["node-1"]
    assert await third == []
    with pytest.raises((StorageFailed, asyncio.CancelledError)):
        await second


async def test_what_other_keys_open_is_known_once_they_are_there(url: str, tmp_path: Path) -> None:
    right, file = Fernet.generate_key().decode(), tmp_path / "credential.key"
    former = Store(url, Vault([right]))
    await former.migrate()
    await does(former, lambda tx: tx.sessions.put(session()))
    await former.close()
    file.write_text(Fernet.generate_key().decode())
    store = Store(url, Vault.from_file(file))
    [locked] = (await store.known()).usable(UserId("U1"))
    assert locked.is_locked
    with file.open("a") as keys:
        keys.write(f"\n{right}\n")
    async with store.read() as tx:
        assert [one.is_locked for one in await tx.sessions.all()] == [False]
    [opened] = (await store.known()).usable(UserId("U1"))
    assert not opened.is_locked
    await store.close()
