"""How long somebody is left in silence while something runs. Knows nothing of what runs."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import TypeVar

import structlog

from bot.clock import Clock
from bot.errors import BotError
from bot.ports import Answer, DeliveryFailed
from bot.reply import Reply

_PATIENCE = 2.5  # seconds of silence before a person is told that something is being waited for
# How long what only reads may take; then it is given up. Longer than a daemon waits for a node, and
# than we wait for a daemon (`bot.dbc.guard.Limits`).
LIMIT = timedelta(seconds=40)
# A slash command's answers cannot replace each other (bolt-python#1268, bolt-js#2287), so these
# have to stay true when the answer stands below them.
_ASKING = Reply.of("Still waiting for an answer. It will appear below.", private=True)
READING = Reply.of(
    f"Still waiting for an answer (up to {LIMIT.total_seconds():.0f} s). It will appear below.",
    private=True,
)

T = TypeVar("T")

log = structlog.get_logger()


def slack_is_slow() -> Reply:
    """What a person is told while Slack does not say who they are."""
    return Reply.of(
        "Slack does not say at the moment who may do this. It goes on once Slack does.",
        private=True,
    )


async def unless_soon(
    run: Awaitable[T], patience: float, meanwhile: Callable[[], Awaitable[None]]
) -> T:
    """The result of `run`; does `meanwhile` once where it takes longer than `patience` seconds.

    What `meanwhile` fails with is logged: it is a courtesy, and `run` does not depend on it.
    """
    task = asyncio.ensure_future(run)
    try:
        await asyncio.wait([task], timeout=patience)
        if not task.done():
            await courteously(meanwhile)
        return await task
    finally:
        task.cancel()  # where whoever waits for it is stopped: nobody would learn how it ends


async def courteously(meanwhile: Callable[[], Awaitable[None]]) -> None:
    """Do what nothing depends on; what it fails with is logged."""
    try:
        await meanwhile()
    except DeliveryFailed as failed:
        log.info("courtesy_lost", reason=failed.reason)
    except Exception:
        log.exception("courtesy_failed")


async def patiently(run: Awaitable[T], answer: Answer) -> T:
    """Tell the person when it takes longer than they would wait in silence."""
    return await unless_soon(run, _PATIENCE, partial(answer.meanwhile, _ASKING))


async def unless_late(clock: Clock, limit: timedelta, run: Awaitable[T]) -> T | None:
    """The result of `run`, or None once `limit` has passed on the clock."""
    work, late = asyncio.ensure_future(run), asyncio.ensure_future(clock.sleep(limit))
    try:
        await asyncio.wait([work, late], return_when=asyncio.FIRST_COMPLETED)
        return await work if work.done() else None
    finally:
        work.cancel()
        late.cancel()


class Interim:
    """What a person is told before the answer of a read: one text, the first that there is."""

    def __init__(self, say: Callable[[Reply], Awaitable[None]]) -> None:
        self._say = say
        self._is_said = False

    async def once(self, reply: Reply) -> None:
        """Say it, unless something was said before."""
        if not self._is_said:
            self._is_said = True
            await self._say(reply)

    async def patiently(self, run: Awaitable[T], answer: Answer) -> T:
        """The same as `patiently`, once."""

        async def waiting() -> None:
            if not self._is_said:
                self._is_said = True
                await answer.meanwhile(READING)

        return await unless_soon(run, _PATIENCE, waiting)


async def in_time(run: Awaitable[T]) -> T:
    """The result of what only reads. Raises NotInTime once it has taken all of `LIMIT`."""
    try:
        async with asyncio.timeout(LIMIT.total_seconds()) as limit:
            return await run
    except TimeoutError:
        if not limit.expired():
            raise
        raise NotInTime from None


class NotInTime(BotError):
    """What was asked for took longer than people were told."""

    def __init__(self) -> None:
        super().__init__(
            f"No answer within {LIMIT.total_seconds():.0f} s.", hint="Try again in a moment."
        )
