"""One delivery, one taking: Slack repeats events, and Socket Mode may deliver anything twice.

Across restarts the core recognises a repeated change by its key; this memory also spares it
repeated reads.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from cachetools import TTLCache
from slack_bolt import BoltResponse

from bot.clock import Clock
from handlers.payloads import Json
from handlers.recent import remember

# Slack's last repetition of an event comes about an hour after the first.
MEMORY = timedelta(hours=2)
NOT_TAKEN = 500


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """What Slack is told: nothing, or what becomes of the form.

    `final`: the delivery is taken; a repetition gets the same and nothing happens.
    """

    body: Json | None = None
    final: bool = True

    def response(self) -> BoltResponse:
        """As a Bolt response; a new one each time, as the adapters take them apart."""
        return BoltResponse(status=200, body=self.body if self.body is not None else "")


Taking = Callable[[], Awaitable[Acknowledgement]]


class Deliveries:
    """Remembers what was taken, and joins repetitions to one that is under way."""

    def __init__(self, clock: Clock) -> None:
        self._taken: TTLCache[str, Acknowledgement] = remember(clock, size=10_000, lifetime=MEMORY)
        self._keys: TTLCache[str, str] = remember(clock, size=10_000, lifetime=MEMORY)
        self._under_way: dict[str, asyncio.Future[Acknowledgement | None]] = {}
        self._all_taken = asyncio.Event()
        self._all_taken.set()

    async def once(self, key: str, take: Taking, *, also: str = "") -> BoltResponse:
        """Take the delivery unless that has happened. What `take` raises goes to the first only.

        `also` is another key that the same delivery may come with.
        """
        if also:
            first_key = self._keys.get(also) or key
            self._keys[also] = first_key
            key = first_key
        if (taken := self._taken.get(key)) is not None:
            return taken.response()
        if (first := self._under_way.get(key)) is not None:
            shared = await asyncio.shield(first)
            return shared.response() if shared else BoltResponse(status=NOT_TAKEN, body="")
        future = asyncio.get_running_loop().create_future()
        self._under_way[key] = future
        self._all_taken.clear()
        acknowledgement = None
        try:
            acknowledgement = await take()
            if acknowledgement.final:
                self._taken[key] = acknowledgement
            return acknowledgement.response()
        finally:
            del self._under_way[key]
            future.set_result(acknowledgement)
            if not self._under_way:
                self._all_taken.set()

    async def all_taken(self) -> None:
        """Return when no delivery is under way."""
        await self._all_taken.wait()
