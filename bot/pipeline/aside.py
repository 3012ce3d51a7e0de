"""Says to one person what is stored for them; where that fails, the outbox delivers it."""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta

import structlog

from bot.clock import Clock
from bot.ports import DeliveryFailed
from storage import StorageFailed, Store

# Longer than saying it may take: what was said must not arrive a second time.
BEING_SAID = timedelta(minutes=1)

log = structlog.get_logger()


async def aside(store: Store, clock: Clock, key: str, saying: Awaitable[object]) -> None:
    """Say what the message `key` says, which is not due for `BEING_SAID`, in another way."""
    still = asyncio.create_task(_still_saying(store, clock, key))
    try:
        await saying
    except DeliveryFailed as failure:
        log.warning("answer_lost", key=key, reason=failure.reason)
        return
    finally:
        still.cancel()
    try:
        async for attempt in store.attempts():
            async with attempt as tx:
                await tx.messages.was_said(key)
    except StorageFailed:  # then it is said twice
        log.exception("answer_repeated", key=key)


async def _still_saying(store: Store, clock: Clock, key: str) -> None:
    """Keep the outbox from telling as well what is being said, however slow Slack is."""
    while True:
        await clock.sleep(BEING_SAID / 2)
        try:
            async with store.write() as tx:
                await tx.messages.put_off(key, clock.now() + BEING_SAID)
        except StorageFailed:  # then it may be said twice
            log.exception("answer_repeated", key=key)
