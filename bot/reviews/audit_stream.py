"""Passes the audit on to a SIEM as it is written: JSON Lines, each row at least once, in order.

How far it has come is stored behind each batch, so a crash between the two repeats that batch; the
rows' numbers tell. One replica does it at a time.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from datetime import timedelta

import structlog

from bot.causes import cause
from bot.clock import Clock
from bot.model import AuditQuery, AuditRow
from bot.monitoring.sinks import Record, Sink
from bot.reply import Text, say_number
from bot.reviews.audit_file import record_of
from storage import Store

SCHEMA = "dbc-bot.audit.1"
STREAM = "audit"
_BATCH = 200
# Longer than a batch may take; a process that dies is replaced after it.
_LEASE = timedelta(minutes=1)
_LONGEST_PAUSE = timedelta(minutes=1)  # between tries at a sink that takes nothing

_json = json.JSONEncoder(ensure_ascii=False).encode

log = structlog.get_logger()


class AuditStream:
    """Reads what is new and gives it to the sink."""

    def __init__(
        self, store: Store, sink: Sink, clock: Clock, by: str, redact: Callable[[str], str] = str
    ) -> None:
        self._store = store
        self._sink = sink
        self._clock = clock
        self._by = by
        self._redact = redact
        self._fault: Text = ""
        self._waiting = 0  # rows
        self._pause = timedelta(seconds=1)
        self._next_try = clock.now()

    def impairments(self) -> Sequence[Text]:
        """Why nothing is passed on; nothing while it is."""
        if not self._fault:
            return []
        told = say_number(
            "The audit stream takes nothing ({why}): {number} row waits. See AUDIT_STREAM.",
            "The audit stream takes nothing ({why}): {number} rows wait. See AUDIT_STREAM.",
            self._waiting, why=self._fault,
        )  # fmt: skip
        return [told]

    async def pass_on(self) -> None:
        """Pass on all that is new, unless another replica does, or the sink rests."""
        now = self._clock.now()
        if self._fault and now < self._next_try:
            return
        async with self._store.read() as tx:
            head = await tx.audit.head()
            position = await tx.streams.position(STREAM)
        end = head.seq if head is not None else 0
        while position < end:
            async with self._store.write() as tx:
                now = self._clock.now()
                claimed = await tx.streams.claim(STREAM, self._by, now, now + _LEASE)
            if claimed is None:
                return
            async with self._store.browse(many_rows=True) as tx:
                rows = list(await tx.audit.after(AuditQuery(), claimed, end, limit=_BATCH))
            taken = await self._taken(rows, end - claimed) if rows else 0
            position = rows[taken - 1].seq if taken else claimed
            async with self._store.write() as tx:
                is_mine = await tx.streams.move(STREAM, self._by, position)
                if not is_mine or not taken or taken < len(rows):
                    return

    async def _taken(self, rows: Sequence[AuditRow], waiting: int) -> int:
        """How many of them the sink has taken."""
        records = [self._record(row) for row in rows]
        try:
            taken = await asyncio.to_thread(self._sink.take, records)
        except OSError as error:
            why = cause(error)
            if not self._fault:
                log.warning("audit_stream.stands", why=str(why), rows=waiting)
            self._fault, self._waiting = why, waiting
            self._next_try = self._clock.now() + self._pause
            self._pause = min(self._pause * 2, _LONGEST_PAUSE)
            return 0
        if self._fault:
            log.info("audit_stream.goes_on")
        self._fault, self._pause = "", timedelta(seconds=1)
        return taken

    def _record(self, row: AuditRow) -> Record:
        whole = {"schema": SCHEMA, **record_of(row)}
        brief = {**whole, "arguments": {}, "details": {}, "truncated": True}
        told = str(whole["at"])
        texts = [self._redact(_json(one)) for one in (whole, brief)]
        return Record(told.replace("+00:00", "Z"), *texts)
