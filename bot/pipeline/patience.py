"""How long somebody is left in silence while something runs. Knows nothing of what runs."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import TypeVar

import structlog

from bot.clock import Clock, time_limit
from bot.errors import BotError
from bot.ports import DeliveryFailed, RightsUnknown
from bot.reply import (
    Reply,
    emoji,
    line,
    say,
)

# The silence before a person is told that something is being waited for.
PATIENCE = timedelta(seconds=2.5)
# How long what only reads may take; then it is given up. Longer than a daemon waits for a node, and
# than we wait for a daemon (`bot.dbc.guard.Limits`).
LIMIT = timedelta(seconds=40)

_SLACK_PATIENCE = timedelta(minutes=1)  # that somebody waits for an answer to a question
_SHORTEST_WAIT = timedelta(seconds=1)

T = TypeVar("T")

log = structlog.get_logger()


def slack_is_slow() -> Reply:
    """What a person is told while Slack does not say who they are."""
    return Reply.of(
        say("Slack does not say at the moment who may do this. It goes on once Slack does."),
        private=True,
    )


async def unless_soon(
    clock: Clock, run: Awaitable[T], patience: timedelta, meanwhile: Callable[[], Awaitable[None]]
) -> T:
    """The result of `run`; does `meanwhile` once where it takes longer than `patience`.

    What `meanwhile` fails with is logged: it is a courtesy, and `run` does not depend on it.
    """
    task = asyncio.ensure_future(run)
    try:
        with suppress(TimeoutError):
            async with time_limit(clock, patience):
                await asyncio.wait([task])
        if not task.done():
            await courteously(meanwhile)
        return await task
    finally:
        task.cancel()  # where whoever waits for it is stopped: nobody would learn how it ends


async def courteously(meanwhile: Callable[[], Awaitable[object]]) -> None:
    """Do what nothing depends on; what it fails with is logged."""
    try:
        await meanwhile()
    except DeliveryFailed as failed:
        log.info("courtesy_lost", reason=failed.reason)
    except Exception:  # a courtesy: what it goes with goes on
        log.exception("courtesy_failed")


def waiting_for(node: str, limit: timedelta | None = None) -> Reply:
    """What a person reads while they wait; `node` may be empty.

    It has to stay true: what is said privately in a channel cannot be taken back (decision 0008).
    """
    whom = node or say("an answer")
    told = say("Still waiting for {node}.", node=whom)
    if limit is not None:
        seconds = round(limit.total_seconds())
        told = say("Still waiting for {node} (up to {seconds} s).", node=whom, seconds=seconds)
    return Reply.of(line(emoji("hourglass_flowing_sand"), " ", told))


async def waiting_after(
    clock: Clock, limit: timedelta, tasks: Collection[asyncio.Task[T]]
) -> set[asyncio.Task[T]]:
    """Those that are not done once `limit` has passed; returns at once when all are."""
    with suppress(TimeoutError):
        async with time_limit(clock, limit):
            await asyncio.wait(tasks)
    return {task for task in tasks if not task.done()}


async def unless_late(clock: Clock, limit: timedelta, run: Awaitable[T]) -> T | None:
    """The result of `run`, or None once `limit` has passed on the clock."""
    try:
        async with time_limit(clock, limit) as scope:
            return await run
    except TimeoutError:
        if not scope.expired():
            raise
        return None


class Interim:
    """What a person is told before the answer: one text, the first that there is."""

    def __init__(
        self,
        clock: Clock,
        say: Callable[[Reply], Awaitable[None]],
        patience: timedelta = PATIENCE,
    ) -> None:
        self._clock = clock
        self._say = say
        self._patience = patience
        self.is_said = False
        self.until: timedelta | None = None  # by when an answer was promised, of the steady clock
        self.waiting = waiting_for("")  # what is said once it has taken too long
        self._promise: timedelta | None = None  # what `waiting` says of the time

    def waits(self, node: str) -> None:
        """Say of a read from now on how long it takes at most; `node` may be empty."""
        self.waiting, self._promise = waiting_for(node, LIMIT), LIMIT

    async def once(self, reply: Reply) -> None:
        """Say it, unless something was said before."""
        if not self.is_said:
            self.is_said = True
            await self._say(reply)

    async def patiently(self, run: Awaitable[T]) -> T:
        """The result; tells the person when it takes longer than they would wait in silence."""

        async def waiting() -> None:
            if not self.is_said and self._promise is not None:
                self.until = self._clock.monotonic() + self._promise
            await self.once(self.waiting)

        return await unless_soon(self._clock, run, self._patience, waiting)


async def once_known(clock: Clock, interim: Interim, run: Callable[[], Awaitable[T]]) -> T:
    """The result of what changes nothing, begun again until Slack says who may see it.

    The person is told that Slack is waited for. Raises RightsUnknown once that takes too long, or
    longer than they were promised.
    """
    patience = clock.monotonic() + _SLACK_PATIENCE
    is_told = False
    while True:
        try:
            return await run()
        except RightsUnknown as unknown:
            log.warning("rights.unknown", reason=unknown.reason)
            until = patience if interim.until is None else min(patience, interim.until)
            if clock.monotonic() + unknown.wait > until:
                raise
            if not is_told:
                await courteously(partial(interim.once, slack_is_slow()))
            is_told = True
            await clock.sleep(max(unknown.wait, _SHORTEST_WAIT))


async def in_time(clock: Clock, interim: Interim, run: Awaitable[T]) -> T:
    """The result of what only reads.

    Raises NotInTime once it has taken all of `LIMIT`, or longer than was promised.
    """
    limit = LIMIT
    if interim.until is not None:
        limit = max(min(limit, interim.until - clock.monotonic()), timedelta(0))
    try:
        async with time_limit(clock, limit) as scope:
            return await run
    except TimeoutError:
        if not scope.expired():
            raise
        raise NotInTime from None


class NotInTime(BotError):
    """What was asked for took longer than people were told."""

    def __init__(self) -> None:
        seconds = f"{LIMIT.total_seconds():.0f}"
        super().__init__(
            say("No answer within {seconds} s.", seconds=seconds),
            hint=say("Try again in a moment."),
        )
