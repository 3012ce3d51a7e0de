"""The doctor's look at the audit stream: whether it is passed on, and whether it could be."""

import asyncio
from datetime import datetime, timedelta

from bot.causes import cause
from bot.config import Settings
from bot.monitoring.findings import Findings, Sight, ok, warning
from bot.monitoring.sinks import sink_of
from bot.reply import Words, say, say_number, sentences
from bot.reviews.audit_stream import STREAM
from storage import Inspection

_ABOUT = say("audit stream")
_LATE = timedelta(minutes=1)  # a sink that was away is tried again at least so often


async def streaming(
    settings: Settings, inspection: Inspection, now: datetime, sight: Sight
) -> Findings:
    """Why rows of the audit are not passed on, where they are wanted. Gives none away."""
    if not settings.audit_stream:
        return
    waiting = await inspection.waiting(STREAM)
    since = waiting.since
    stands = None
    if since is not None and now - since >= _LATE:
        stands = _standing(waiting.rows, now - since)
    if sight.is_local:  # the bot that runs says itself why its sink takes nothing
        try:
            await asyncio.to_thread(sink_of(settings.audit_stream).look)
        except OSError as error:
            told = say("AUDIT_STREAM takes nothing: {why}.", why=cause(error))
            mend = say("Mend it, or set AUDIT_STREAM; no row is lost.")
            yield warning(_ABOUT, told if stands is None else sentences((told, stands)), mend)
            return
    if stands is None:
        yield ok(_ABOUT, say("It is up to date."))
    else:
        yield warning(_ABOUT, stands, sight.see("audit_stream.stands"))


def _standing(rows: int, waited: timedelta) -> Words:
    return say_number(
        "{number} row of the audit waits to be passed on, the oldest for {minutes} min.",
        "{number} rows of the audit wait to be passed on, the oldest for {minutes} min.",
        rows, minutes=waited // timedelta(minutes=1),
    )  # fmt: skip
