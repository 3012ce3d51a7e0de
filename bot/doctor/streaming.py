"""The doctor's look at the audit stream: whether it is passed on, and whether it could be."""

import asyncio
from datetime import datetime, timedelta

from bot.causes import cause
from bot.config import Settings
from bot.monitoring.findings import Findings, Sight, ok, warning
from bot.monitoring.sinks import sink_of
from bot.reply import Text, Words, say, say_number, sentences
from bot.reviews.audit_stream import STREAM
from storage import Inspection

_ABOUT = say("audit stream")
_MEND = say("Mend it, or set AUDIT_STREAM; no row is lost.")
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
    if why := await _refused(settings, sight):
        told = say("AUDIT_STREAM takes nothing: {why}.", why=why)
        yield warning(_ABOUT, told if stands is None else sentences((told, stands)), _MEND)
        return
    if stands is None:
        yield ok(_ABOUT, say("It is up to date."))
    else:
        yield warning(_ABOUT, stands, sight.see("audit_stream.stands"))


async def sink(settings: Settings, sight: Sight) -> Findings:
    """Whether rows could be passed on, where there is no database yet that has any."""
    if settings.audit_stream and (why := await _refused(settings, sight)):
        yield warning(_ABOUT, say("AUDIT_STREAM takes nothing: {why}.", why=why), _MEND)


async def _refused(settings: Settings, sight: Sight) -> Text:
    """Why the sink takes nothing; the bot that runs says so itself."""
    if sight.is_local:
        try:
            await asyncio.to_thread(sink_of(settings.audit_stream).look)
        except OSError as error:
            return cause(error)
    return ""


def _standing(rows: int, waited: timedelta) -> Words:
    return say_number(
        "{number} row of the audit waits to be passed on, the oldest for {minutes} min.",
        "{number} rows of the audit wait to be passed on, the oldest for {minutes} min.",
        rows, minutes=waited // timedelta(minutes=1),
    )  # fmt: skip
