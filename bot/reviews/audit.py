"""The audit for those who read it: who may see what, a file of it, and its head told once a day.

Writing it is not done here: entries are appended in the unit of work that they record.
"""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import UTC
from typing import BinaryIO

from bot.causes import cause
from bot.clock import Clock, meant, shown
from bot.errors import BotError
from bot.ids import ChannelId, UserId
from bot.model import AuditEntry, AuditHead, AuditKind, AuditQuery, AuditRow, Place
from bot.ports import RightsUnknown
from bot.reply import Note, Para, Reply, bold, code, dump, line, say
from bot.reviews.audit_file import Form, head_of, lines_of
from bot.reviews.policy import Policy
from bot.services.user_groups import UserGroups, group_named
from storage import Store

# An export goes through everything. It reads so many rows at once in a thread of its own, makes
# text of a few of them in a millisecond, and rests, so that others' answers come before it.
_READ = 500
_PIECE = 20
_REST = 0.002  # seconds


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
        redact: Callable[[str], str] = str,
    ) -> None:
        self._store = store
        self._groups = groups
        self._clock = clock
        self._policy = policy
        self._faults = faults
        self._redact = redact
        self._faults_told: Sequence[str] = ()
        self._recorded: Policy | None = None

    async def readable_by(
        self, person: UserId, channel: ChannelId, query: AuditQuery
    ) -> AuditQuery:
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

    async def names(self) -> list[str]:
        """The ids and labels of all machines that it was ever about."""
        async with self._store.browse(many_rows=True) as tx:
            return await tx.audit.words("label", "task")

    async def commands(self) -> list[str]:
        """The commands that it was ever about, by their ids."""
        async with self._store.browse(many_rows=True) as tx:
            return await tx.audit.words("command")

    async def page(self, query: AuditQuery, *, before: int | None, limit: int) -> list[AuditRow]:
        """Up to `limit` rows that fit, newest first, those before row `before` only.

        Their moments are those of the clock, to be told like all others.
        """
        async with self._store.browse(many_rows=True) as tx:
            rows = await tx.audit.page(query, before=before, limit=limit)
        return [
            replace(row, entry=replace(row.entry, at=meant(self._clock, row.entry.at)))
            for row in rows
        ]

    async def export(self, query: AuditQuery, form: Form, file: BinaryIO, most: int) -> int:
        """Write every row that fits, oldest first; says how many they are. Raises BotError.

        That is also raised once the file has more than `most` bytes: nothing more is written then.

        Neither the memory nor how long others wait depends on how many there are.
        """
        count = 0
        try:
            file.write(head_of(form).encode())
            async for rows in self._pieces(query):
                for text in lines_of(rows, form):
                    file.write(f"{self._redact(text[:-1])}\n".encode(errors="replace"))
                count += len(rows)
                if file.tell() > most:
                    raise BotError(
                        say("The export is larger than the files that Slack takes."),
                        hint=say(
                            "Ask for less, such as since=yesterday, or ask the bot's operator."
                        ),
                    )
            file.flush()
        except OSError as error:
            raise BotError(
                say("The bot cannot write the file: {reason}.", reason=cause(error)),
                hint=say("Ask for less, such as since=yesterday, or ask the bot's operator."),
            ) from error
        return count

    async def _pieces(self, query: AuditQuery) -> AsyncIterator[Sequence[AuditRow]]:
        """Every row that fits and is there now, a few at a time."""
        async with self._store.read() as tx:
            head = await tx.audit.head()
        last, end = 0, head.seq if head is not None else 0
        while last < end:
            async with self._store.browse(many_rows=True) as tx:
                rows = await tx.audit.after(query, last, end, limit=_READ)
            last = end  # unless there are more
            for start in range(0, len(rows), _PIECE):
                yield rows[start : start + _PIECE]
                await asyncio.sleep(_REST)
            if len(rows) == _READ:
                last = rows[-1].seq

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
            await tx.messages.put(key, Place(ChannelId(channel)), dump(_told(day, head)), now)

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
        say("Audit of {day}: row {seq}, {hash}", day=day, seq=head.seq, hash=head.hash),
        (
            Para(
                line(
                    say(
                        "Audit of {day}: row {seq}, hash {hash}",
                        day=bold(day),
                        seq=head.seq,
                        hash=code(head.hash),
                    )
                )
            ),
            Note(
                line(
                    say(
                        "Keep this message: with it, nothing up to that row can be "
                        "changed unseen. To check: {command}",
                        command=code(f"python -m bot audit verify --head {head.seq}:{head.hash}"),
                    )
                )
            ),
        ),
    )
