"""Remembers what was read, as far as the database takes it: an answer never depends on that."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace

from bot.model import AuditEntry, Node
from bot.services.database import not_remembered
from storage import StorageFailed, Store, UnitOfWork


async def remember(store: Store, work: Callable[[UnitOfWork], Awaitable[None]]) -> bool:
    """Do the work in a unit of its own; False where the database failed, and nothing was kept.

    For what can be read again: whoever asked gets the answer all the same.
    """
    try:
        async with store.write() as tx:
            await work(tx)
    except StorageFailed as error:
        not_remembered(store, error)
        return False
    return True


async def note_denied(store: Store, entry: AuditEntry) -> None:
    """Put into the audit that somebody was denied a read: denied it is in any case."""

    async def put(tx: UnitOfWork) -> None:
        tx.audit.append(entry)

    await remember(store, put)


def updated_nodes(known: Iterable[Node], seen: Iterable[Node]) -> list[Node]:
    """The nodes that are known, as they were just seen, where that is not kept; by label."""
    nodes = {node.id: node for node in known}
    for one in seen:
        was = nodes.get(one.id, one)
        name, version = one.name or was.name, one.version or was.version
        nodes[one.id] = replace(was, kind=one.kind, seen_at=one.seen_at, name=name, version=version)
    return sorted(nodes.values(), key=lambda node: node.label.casefold())
