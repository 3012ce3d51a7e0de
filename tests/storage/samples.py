"""Rows to test with, complete but for what a test is about."""

from datetime import UTC, datetime, timedelta
from typing import Any

from bot.ids import ChannelId
from bot.model import (
    Approval,
    DbcSession,
    Effect,
    Execution,
    Goal,
    Machine,
    Meant,
    Message,
    MessageRef,
    Node,
    OrderPhase,
    Place,
    RentalOrder,
    Source,
    Watch,
)
from storage import Store, UnitOfWork

NOW = datetime(2026, 3, 1, 9, 30, 0, 123456, tzinfo=UTC)
SOON = NOW + timedelta(minutes=1)
LATER = NOW + timedelta(minutes=9)
HERE = Place(ChannelId("C1"), "171.2")
REF = MessageRef(ChannelId("C1"), "171.3")


def execution(name: str = "1", **changes: Any) -> Execution:
    values: dict[str, Any] = {
        "id": f"execution-{name}",
        "key": f"delivery-{name}",
        "actor": "U1",
        "place": HERE,
        "source": Source.SLASH,
        "command": "vm.restart",
        "arguments": {"vm": "7a9Q", "force": "true", "note": "重启 ‘now’"},
        "effect": Effect.DESTROY,
        "created_at": NOW,
        "meant": {"vm": Meant("task-1", is_sure=True), "on": Meant("node-1"), "node": Meant()},
    }
    return Execution(**{**values, **changes})


def approval(name: str = "1", **changes: Any) -> Approval:
    values: dict[str, Any] = {
        "id": f"approval-{name}",
        "execution": "execution-1",
        "binding": "b1",
        "reviewer": "U2",
        "created_at": NOW,
        "expires_at": LATER,
    }
    return Approval(**{**values, **changes})


def watch(name: str = "1", **changes: Any) -> Watch:
    values: dict[str, Any] = {
        "id": f"watch-{name}",
        "execution": "execution-1",
        "node": "node-1",
        "task": f"task-{name}",
        "label": "train-01",
        "goal": Goal.RUNNING,
        "owner": "U1",
        "place": HERE,
        "started_at": NOW,
        "deadline_at": LATER,
        "next_poll_at": NOW,
    }
    return Watch(**{**values, **changes})


def order(number: int = 1287, **changes: Any) -> RentalOrder:
    values: dict[str, Any] = {
        "id": f"rentMachine.{number}",
        "number": number,
        "node": "node-1",
        "renter": "5Grw",
        "phase": OrderPhase.RENTING,
        "began": 9_000_000,
        "ends": 9_144_000,
        "gpus": (0, 1),
        "stake": 0,
        "seen_block": 9_000_100,
        "seen_at": NOW,
        "first_block": 9_000_000,
        "first_at": NOW,
        "next_look_at": NOW,
        "created_at": NOW,
    }
    return RentalOrder(**{**values, **changes})


def session(user: str = "U1", node: str = "node-1", **changes: Any) -> DbcSession:
    values: dict[str, Any] = {
        "user": user,
        "node": node,
        "session_id": "SECRET-ID",
        "session_id_sign": "SECRET-SIGN",
        "rent_order": "RENT-ORDER",
        "added_at": NOW,
    }
    return DbcSession(**{**values, **changes})


def machine(task: str = "task-1", **changes: Any) -> Machine:
    values: dict[str, Any] = {
        "node": "node-1",
        "task": task,
        "owner": "U1",
        "desc": "",
        "status": "running",
        "created": "2026-03-01 10:00:00",
        "seen_at": NOW,
    }
    return Machine(**{**values, **changes})


def node(node_id: str = "node-1", **changes: Any) -> Node:
    values: dict[str, Any] = {"id": node_id, "name": "", "version": "0.4.1", "seen_at": NOW}
    return Node(**{**values, **changes})


async def record(store: Store, *executions: Execution, by: str = "process-1") -> None:
    """Put executions on disk, leased to `by` for a minute."""
    for each in executions:
        assert await store.record(each, by=by, until=SOON)


async def put(store: Store, key: str, content: str, now: datetime = NOW) -> Message:
    """Want a message, in a unit of work of its own."""
    async with store.write() as tx:
        return await tx.messages.put(key, HERE, content, now)


async def claim_watches(
    tx: UnitOfWork, by: str, now: datetime, until: datetime, groups: int = 1000
) -> list[Watch]:
    """Lease the watches that are due, of so many groups at most."""
    claimed = [
        one
        for group in await tx.watches.due(now, groups)
        for one in await tx.watches.claim(group, by, now, until)
    ]
    return await tx.watches.held(claimed, by)
