"""Audit entries to test with, how they are appended and how they are read and verified."""

from typing import Any

from bot.ids import ChannelId
from bot.model import AuditEntry, AuditHead, AuditKind, AuditQuery, AuditRow, Place
from storage import Archive, Store
from tests.storage.samples import NOW

EVERYTHING = AuditQuery()


def entry(name: str = "1", **changes: Any) -> AuditEntry:
    values: dict[str, Any] = {
        "kind": AuditKind.SESSION_SHARED,
        "at": NOW,
        "actor": f"U{name}",
        "command": "session.share",
        "arguments": {"note": "重启 ‘now’"},
        "node": "node-1",
        "task": "task-1",
        "label": "train-01",
        "execution": f"execution-{name}",
        "approval": f"approval-{name}",
        "outcome": "done",
        "reason": "because",
        "place": Place(ChannelId("C1"), "171.2"),
        "message": f"card:execution-{name}",
        "details": {"with": ["U2"], "n": 1},
    }
    return AuditEntry(**{**values, **changes})


async def append(store: Store, *entries: AuditEntry) -> None:
    async with store.write() as tx:
        for each in entries:
            tx.audit.append(each)


async def rows(store: Store, query: AuditQuery = EVERYTHING) -> list[AuditRow]:
    async with store.read() as tx:
        return [row async for row in tx.audit.all(query)]


async def fault(archive: Archive, known: AuditHead | None = None) -> tuple[int, str] | None:
    found, _ = await archive.verify(known)
    return None if found is None else (found.seq, found.sentence)
