"""Hands a delivery to Bolt, and tells what nobody can read from what we do wrong."""

import secrets
import time
import traceback
from collections.abc import Iterator
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path

import structlog
from slack_bolt import BoltResponse
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest

from bot.metrics import Metrics
from handlers.arrivals import arrival
from handlers.payloads import OTHER_SHAPE, kind_of

_BOLTS = ("slack_bolt.", "slack_sdk.")
# Listeners read the payload themselves before the boundary takes over.
_READERS = frozenset(
    f"handlers.{name}"
    for name in ("payloads", "lines", "buttons", "submissions", "home", "forms", "members")
)
_BEHIND = ("bot.commands.", "bot.services.", "bot.dbc.", "storage.")

log = structlog.get_logger()


async def dispatched(
    app: AsyncApp, delivery: AsyncBoltRequest, metrics: Metrics
) -> BoltResponse | None:
    """What the listeners answer; None where Bolt cannot read what was delivered."""
    outcome, kind = "failed", kind_of(delivery.body)
    began, came = time.perf_counter(), arrival.get()
    try:
        response = await _dispatched(app, delivery)
        outcome = _outcome(response)
    finally:
        lay = came.lay if came is not None else timedelta()
        metrics.delivered(kind, outcome, timedelta(seconds=time.perf_counter() - began) + lay)
    return response


async def _dispatched(app: AsyncApp, delivery: AsyncBoltRequest) -> BoltResponse | None:
    try:
        return await app.async_dispatch(delivery)
    except OTHER_SHAPE as error:
        if not is_odd_payload(error):
            raise
        return None


def _outcome(response: BoltResponse | None) -> str:
    if response is None:
        return "not_understood"
    return "acknowledged" if response.status == HTTPStatus.OK else "not_taken"


async def on_error(error: Exception) -> BoltResponse:
    """What no boundary caught: a payload of a shape that Slack does not document, or our fault."""
    if is_odd_payload(error):
        at = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(at.filename).name}:{at.lineno} in {at.name}"
        log.error("delivery_not_understood", error=type(error).__name__, where=where)
        return BoltResponse(status=400, body="")
    log.error("surprise", error_id=secrets.token_hex(4), exc_info=error)
    return BoltResponse(status=500, body="")


def is_odd_payload(error: BaseException) -> bool:
    """Whether it was raised where a payload is read, by us or by Bolt, since it is built otherwise.

    Both rely on the shape that Slack documents. What is raised anywhere else is our own fault.
    """
    modules = [name for name in _modules(error) if name != __name__]
    if not isinstance(error, OTHER_SHAPE) or not modules:
        return False
    edge = [name for name in modules if name.startswith("handlers.")]
    if edge:
        return edge[-1] in _READERS and not any(name.startswith(_BEHIND) for name in modules)
    return modules[-1].startswith(_BOLTS)


def _modules(error: BaseException) -> Iterator[str]:
    """Through which modules it came, the one that raised it last."""
    trace = error.__traceback__
    while trace is not None:
        yield str(trace.tb_frame.f_globals.get("__name__"))
        trace = trace.tb_next
