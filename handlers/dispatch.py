"""Hands a delivery to Bolt, and tells what Bolt cannot read from what we do wrong."""

from slack_bolt import BoltResponse
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest

from handlers.payloads import OTHER_SHAPE

_BOLTS = ("slack_bolt.", "slack_sdk.")


async def dispatched(app: AsyncApp, delivery: AsyncBoltRequest) -> BoltResponse | None:
    """What the listeners answer; None where Bolt cannot read what was delivered."""
    try:
        return await app.async_dispatch(delivery)
    except OTHER_SHAPE as error:
        if not _is_bolts(error):
            raise
        return None


def _is_bolts(error: BaseException) -> bool:
    """Whether Bolt's own code raised it: it relies on the shape of what Slack documents."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and str(trace.tb_frame.f_globals.get("__name__")).startswith(_BOLTS)
