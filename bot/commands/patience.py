"""How long somebody is left in silence while something runs. Knows nothing of what runs."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

import structlog

from bot.ports import Answer, DeliveryFailed
from bot.reply import Reply

_PATIENCE = 2.5  # seconds of silence before a person is told that something is being waited for
# A slash command's answers cannot replace each other (bolt-python#1268, bolt-js#2287), so this has
# to stay true when the answer stands below it.
_ASKING = Reply.of(
    "Waiting for an answer, which can take up to 40 s; it will stand below.", private=True
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
