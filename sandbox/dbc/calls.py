"""The record of every request the daemons received, for tests and the demo's page.

Holds what came in, secrets included; decides nothing.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from sandbox.dbc.values import Json


@dataclass
class Call:
    """One received request and, once given, its answer."""

    time: datetime
    daemon: str
    method: str
    path: str
    op: str = ""
    changing: bool = False
    node: str = ""
    node_name: str = ""
    task_id: str = ""
    additional: Json = field(default_factory=dict)
    envelope: Json = field(default_factory=dict, repr=False)
    status: int | None = None
    reply: str = field(default="", repr=False)


class CallLog:
    """All calls in the order of arrival."""

    def __init__(self) -> None:
        self._calls: list[Call] = []
        self._arrived = asyncio.Condition()

    def __iter__(self) -> Iterator[Call]:
        return iter(self._calls)

    def __len__(self) -> int:
        return len(self._calls)

    def __getitem__(self, index: int) -> Call:
        return self._calls[index]

    def of(self, op: str | None = None, *, changing: bool | None = None) -> list[Call]:
        """The calls of one operation, or all; optionally only changing or only reading ones."""
        return [
            call
            for call in self._calls
            if (op is None or call.op == op) and (changing is None or call.changing == changing)
        ]

    async def record(self, call: Call) -> None:
        """Add a call and wake those who wait for it."""
        async with self._arrived:
            self._calls.append(call)
            self._arrived.notify_all()

    async def wait(self, op: str | None = None, *, count: int = 1, timeout: float = 30) -> Call:  # noqa: ASYNC109 - a test's patience is part of the question
        """The `count`-th call of an operation, waiting for it up to `timeout` real seconds.

        Raises TimeoutError.
        """
        async with asyncio.timeout(timeout), self._arrived:
            await self._arrived.wait_for(lambda: len(self.of(op)) >= count)
        return self.of(op)[count - 1]

    def clear(self) -> None:
        """Forget everything so far."""
        self._calls.clear()
