"""The audit for those who read it: who may see what, its files, and its head told once a day.

Writing it is not done here: entries are appended in the unit of work that they record.
"""

import csv
import hashlib
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from bot.clock import UNTOLD, Clock, meant, shown
from bot.model import AuditEntry, AuditHead, AuditKind, AuditQuery, AuditRow, Place
from bot.ports import RightsUnknown
from bot.reply import Note, Para, Reply, bold, code, dump, line
from bot.reviews.policy import Policy
from bot.services.user_groups import UserGroups, group_named
from storage import Store

COLUMNS = (
    "seq", "at", "kind", "actor", "command", "arguments", "node", "task", "label", "execution",
    "approval", "outcome", "reason", "channel", "thread", "message", "message_channel",
    "message_ts", "details", "prev_hash", "hash",
)  # fmt: skip


class AuditLog:
    """Reads the audit. `policy` is asked for each time: it may be read anew.

    `faults` are those of a file that was not taken at the last reload.
    """

    def __init__(
        self,
        store: Store,
        groups: UserGroups,
        clock: Clock,
        policy: Callable[[], Policy],
        faults: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        self._store = store
        self._groups = groups
        self._clock = clock
        self._policy = policy
        self._faults = faults
        self._faults_told: Sequence[str] = ()
        self._recorded: Policy | None = None

    async def readable_by(self, person: str, channel: str, query: AuditQuery) -> AuditQuery:
        """The query, narrowed to what `person` may read when asking in `channel`.

        Auditors read everything; others what they did, what became of what they asked for, and
        what happened on the nodes that they are entitled to.
        """
        auditors = self._policy().audit.auditors
        everything = replace(query, hidden_nodes=frozenset())
        if person in auditors.persons:
            return everything
        known = await self._groups.recent() if auditors.groups else {}
        unread: RightsUnknown | None = None
        for name in auditors.groups:
            try:
                group = group_named(known, name)
            except RightsUnknown as unknown:
                unread = unknown
                continue
            if group is not None and group.is_active and person in group.members:
                return everything
        if unread is not None:
            raise unread
        async with self._store.read() as tx:
            sessions = await tx.sessions.usable(person, channel)
        return replace(query, reader=person, reader_nodes=frozenset(s.node for s in sessions))

    async def page(self, query: AuditQuery, *, before: int | None, limit: int) -> list[AuditRow]:
        """Up to `limit` rows that fit, newest first, those before row `before` only.

        Their moments are those of the clock, to be told like all others.
        """
        async with self._store.browse() as tx:
            rows = await tx.audit.page(query, before=before, limit=limit)
        return [
            replace(row, entry=replace(row.entry, at=meant(self._clock, row.entry.at)))
            for row in rows
        ]

    async def rows(self, query: AuditQuery) -> list[AuditRow]:
        """Every row that fits, oldest first."""
        async with self._store.browse() as tx:
            return [row async for row in tx.audit.all(query)]

    async def post_head(self) -> None:
        """Tell the head where the policy says, once a day (UTC)."""
        channel = self._policy().audit.channel
        if not channel:
            return
        now = self._clock.now()
        day = shown(self._clock, now).astimezone(UTC).date().isoformat()
        key = f"audit-head:{day}"
        async with self._store.read() as tx:
            if await tx.messages.find(key) is not None:
                return
        async with self._store.write() as tx:
            await tx.audit.freeze()  # two replicas at once: the second one finds the message
            head = await tx.audit.head()
            if head is None or await tx.messages.find(key) is not None:
                return
            await tx.messages.put(key, Place(channel), dump(_told(day, head)), now)

    async def record_policy(self) -> None:
        """Record the rules in force, and a reload that was refused, if new since the last call."""
        if (faults := self._faults()) is not self._faults_told:
            if faults:
                details = {"faults": list(faults)}
                entry = AuditEntry(AuditKind.POLICY_FAULTY, self._clock.now(), details=details)
                async with self._store.write() as tx:
                    tx.audit.append(entry)
            self._faults_told = faults
        policy = self._policy()
        if policy is self._recorded:
            return
        rules = policy.model_dump(mode="json")
        digest = hashlib.sha256(json.dumps(rules, sort_keys=True).encode()).hexdigest()
        loaded = {"sha256": digest, "policy": rules}
        async with self._store.write() as tx:
            tx.audit.append(AuditEntry(AuditKind.POLICY_LOADED, self._clock.now(), details=loaded))
        self._recorded = policy


def _told(day: str, head: AuditHead) -> Reply:
    return Reply(
        f"Audit of {day}: row {head.seq}, {head.hash}",
        (
            Para(line("Audit of ", bold(day), f": row {head.seq}, hash ", code(head.hash))),
            Note(
                line(
                    "Keep this message: with it, nothing up to that row can be changed unseen. "
                    "To check: ",
                    code(f"python -m bot audit verify --head {head.seq}:{head.hash}"),
                )
            ),
        ),
    )


def record_of(row: AuditRow) -> Mapping[str, Any]:
    """A row as people's tools read it. All but the two `message_…` is what the hash covers."""
    entry = row.entry
    values = (
        row.seq, _moment(entry.at), str(entry.kind),
        entry.actor, entry.command, dict(entry.arguments), entry.node, entry.task, entry.label,
        entry.execution, entry.approval, entry.outcome, entry.reason, entry.place.channel,
        entry.place.thread, entry.message, row.ref.channel if row.ref else "",
        row.ref.ts if row.ref else "", dict(entry.details), row.prev_hash, row.hash,
    )  # fmt: skip
    return dict(zip(COLUMNS, values, strict=True))


def _moment(at: datetime) -> str:
    """The moment as the hash covers it; nothing where it cannot be read."""
    return "" if at == UNTOLD else at.astimezone(UTC).isoformat(timespec="microseconds")


def as_jsonl(row: AuditRow) -> str:
    """One line of JSON Lines."""
    return json.dumps(record_of(row), ensure_ascii=False) + "\n"


def csv_head() -> str:
    """The first line of a CSV file."""
    return _csv_line(COLUMNS)


def as_csv(row: AuditRow) -> str:
    """One line of CSV; a cell that a spreadsheet would run as a formula begins with a quote."""
    cells = []
    for value in record_of(row).values():
        text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)
        cells.append(f"'{text}" if text[:1] in set("=+-@\t\r") and text[:1] else text)
    return _csv_line(cells)


def _csv_line(cells: "list[str] | tuple[str, ...]") -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(cells)
    return buffer.getvalue()
