"""The ledger: commands that change something, from recorded to their end."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    RowMapping,
    Text,
    and_,
    cast,
    exists,
    literal,
    or_,
    select,
    true,
)

from bot.errors import NotFound
from bot.ids import ApprovalId, ChannelId, ExecutionId, NodeId, TaskId, UserId
from bot.loop import in_pieces
from bot.model import (
    LOCKED_SECRETS,
    AuditEntry,
    AuditKind,
    Execution,
    ExecutionStatus,
    Meant,
)
from bot.reply import Words, keep, plain, say
from storage.connection import OpenConnection
from storage.errors import BadKey
from storage.repositories import execution_statements as statements
from storage.repositories.audit import Audit
from storage.repositories.execution_rows import from_row, meant_as_kept, was_given
from storage.repositories.repository import (
    Repository,
    at,
    texts,
)
from storage.repositories.rivals import is_rival
from storage.tables import executions, messages, watches
from storage.vault import Vault


def _target(execution: Execution) -> dict[str, str]:
    return {"its_node": execution.node, "its_task": execution.task}


class Executions(Repository):
    """Recorded commands. `Store.record` adds them."""

    def __init__(self, connection: OpenConnection, vault: Vault, audit: Audit) -> None:
        super().__init__(connection)
        self._vault = vault
        self._audit = audit
        self.shown = audit.shown
        self.erased = False  # whether secrets were erased in this unit of work
        self.ended: list[Execution] = []  # in this unit of work

    async def get(self, execution_id: ExecutionId) -> Execution:
        """The execution, or `NotFound`."""
        execution = await self.find(execution_id)
        if execution is None:
            raise NotFound(say("That command is not in the ledger."))
        return execution

    async def find(self, execution_id: ExecutionId) -> Execution | None:
        """The execution, if there is one."""
        rows = await self._connection.execute(statements.FIND, {"one": execution_id})
        row = rows.mappings().one_or_none()
        return None if row is None else self._open(row)

    async def keyed(self, key: str) -> Execution | None:
        """The execution that was recorded with this key, if there is one."""
        rows = await self._connection.execute(statements.KEYED, {"its_key": key})
        row = rows.mappings().one_or_none()
        return None if row is None else self._open(row)

    async def was_given(self, key: str, secrets: Mapping[str, str]) -> bool:
        """Whether what was recorded with this key had these secrets; True where nobody can tell."""
        rows = await self._connection.execute(statements.KEYED, {"its_key": key})
        row = rows.mappings().one_or_none()
        return row is not None and was_given(row, secrets, self._vault)

    async def some(self, execution_ids: Collection[ExecutionId]) -> dict[ExecutionId, Execution]:
        """Those of these executions that there are, by id, without their secrets."""
        found: dict[ExecutionId, Execution] = {}
        async for some in in_pieces(sorted(set(execution_ids))):
            rows = await self._connection.execute(statements.SOME, {"its_ids": some})
            found |= {row["id"]: from_row(row, secrets={}) for row in rows.mappings()}
        return found

    async def claim(
        self,
        execution_id: ExecutionId,
        by: str,
        now: datetime,
        until: datetime,
        *,
        expect: Collection[ExecutionStatus],
        to: ExecutionStatus,
        facts: Mapping[str, str] | None = None,
        session_of: UserId = UserId(""),
    ) -> Execution | None:
        """Move an execution on and lease it, or None if somebody else was faster.

        Conditions, checked by one statement: its status is one of `expect`, and its lease is free
        or held by `by` itself. `started_at` is set when `to` is RUNNING. Give an `expect` without
        `to` and at most one claim ever wins. A claim for RUNNING is in the audit. `facts`, and
        whose session it is carried out with, are written down with it, where they are given.
        """
        values: dict[str, Any] = {"status": to, "leased_by": by, "leased_until": until}
        values |= {"facts": dict(facts)} if facts is not None else {}
        values |= {"session_of": session_of} if session_of else {}
        if to is ExecutionStatus.RUNNING:
            values["started_at"] = now
        rows = await self._connection.execute(
            statements.CLAIM,
            {"one": execution_id, "expected": list(expect), "by": by, **at(now), **values},
        )
        row = rows.mappings().one_or_none()
        if row is None:
            return None
        claimed = self._open(row)
        if to is ExecutionStatus.RUNNING:
            details = {"approved_by": list(claimed.approved_by)} if claimed.approved_by else {}
            self._audit.append(AuditEntry.about(claimed, AuditKind.STARTED, now, details=details))
        return claimed

    async def claim_stranded(
        self, by: str, now: datetime, until: datetime, limit: int
    ) -> list[Execution]:
        """Lease executions that lost their process, oldest first; their status stays.

        Conditions: status RECORDED or RUNNING, and the lease is free. A living process holds the
        lease from the moment of recording, so a free one means that it stopped.
        """
        rows = await self._connection.execute(
            statements.CLAIM_STRANDED,
            {"leased_by": by, "leased_until": until, "its_limit": limit, **at(now)},
        )
        stranded = [self._open(row) for row in rows.mappings()]
        return sorted(stranded, key=lambda execution: execution.created_at)

    async def set_target(
        self,
        execution_id: ExecutionId,
        node: NodeId,
        task: TaskId,
        label: str,
        meant: Mapping[str, Meant],
    ) -> None:
        """Write down which machine the command turned out to mean, and what all its names did."""
        kept = meant_as_kept(meant)
        await self._set(execution_id, node=node, task=task, label=label, meant=kept)

    async def set_facts(self, execution_id: ExecutionId, facts: Mapping[str, str]) -> None:
        """Write down what was read before the command is asked about or sent."""
        await self._set(execution_id, facts=dict(facts))

    async def set_approvers(self, execution_id: ExecutionId, people: Collection[UserId]) -> None:
        """Write down who approved it."""
        await self._set(execution_id, approved_by=" ".join(people))

    async def set_session_of(self, execution_id: ExecutionId, user: UserId) -> None:
        """Write down whose session the command is carried out with."""
        await self._set(execution_id, session_of=user)

    async def set_status(
        self,
        execution_id: ExecutionId,
        status: ExecutionStatus,
        *,
        outcome: Words = "",
        decided_by: Sequence[str] = (),
        now: datetime,
        expect: Collection[ExecutionStatus],
    ) -> bool:
        """Move an execution on and release its lease; says whether it did.

        Condition: its status is one of `expect`. An end sets `finished_at`, erases the secrets and
        is in the audit, with who `decided_by` their own will that it ends like this.
        """
        values: dict[str, Any] = {
            "status": status,
            "outcome": keep(outcome),
            "leased_by": None,
            "leased_until": None,
        }
        if status.is_end:
            values["finished_at"] = now
        rows = await self._connection.execute(
            statements.MOVE, {"one": execution_id, "expected": list(expect), **values}
        )
        row = rows.mappings().one_or_none()
        if row is None:
            return False
        if status.is_end:
            self._note_end(from_row(row, secrets={}), decided_by, now)
            if row["secrets"] is not None:
                await self._set(execution_id, secrets=None)
                self.erased = True
        return True

    async def recent(
        self, *, actor: UserId | None = None, task: TaskId | None = None, limit: int = 20
    ) -> list[Execution]:
        """The latest executions, newest first, without their secrets."""
        query = select(executions).order_by(executions.c.created_at.desc()).limit(limit)
        if actor is not None:
            query = query.where(executions.c.actor == actor)
        if task is not None:
            query = query.where(executions.c.task == task)
        rows = await self._connection.execute(query)
        return [from_row(row, secrets={}) for row in rows.mappings()]

    async def open_before(
        self,
        execution: Execution,
        *,
        unknown_since: datetime,
        done_since: datetime | None = None,
    ) -> list[Execution]:
        """Other executions of the same command that may still do something, oldest first.

        Of those that nobody has sent yet, only earlier ones: so of two, one gives way. What was
        sent counts whatever its time, for clocks are set and differ between processes. Those that
        ended as unknown, or done, count since these moments.
        """
        status, ended_at = executions.c.status, executions.c.finished_at
        ended = [and_(status == ExecutionStatus.UNKNOWN, ended_at >= unknown_since)]
        if done_since is not None:
            ended.append(and_(status == ExecutionStatus.DONE, ended_at >= done_since))
        is_before = or_(
            status.in_([ExecutionStatus.RUNNING, ExecutionStatus.FOLLOWING]),
            *ended,
            executions.c.created_at < execution.created_at,
            and_(
                executions.c.created_at == execution.created_at,
                executions.c.id < execution.id,
            ),
        )
        rows = await self._connection.execute(
            select(executions)
            .where(
                executions.c.command == execution.command,
                executions.c.id != execution.id,
                is_before,
                or_(status.in_(statements.UNFINISHED), *ended),
            )
            .order_by(executions.c.created_at)
        )
        return [from_row(row, secrets={}) for row in rows.mappings()]

    async def sent_to(self, execution: Execution) -> int:
        """How many executions for the same machine were sent so far, whatever became of them."""
        counted = await self._connection.execute(statements.SENT, _target(execution))
        return int(counted.scalar_one())

    async def sent_after(self, execution: Execution) -> list[Execution]:
        """The changes of the same machine that were sent later and did not fail, newest first."""
        if not execution.task or execution.started_at is None:
            return []
        rows = await self._connection.execute(
            statements.SENT_AFTER, {"its_since": execution.started_at, **_target(execution)}
        )
        return [from_row(row, secrets={}) for row in rows.mappings()]

    async def sent_again(self, execution: Execution) -> list[Execution]:
        """Those of the same command on the same target that were sent later and did not fail.

        Newest first.
        """
        its = {"its_since": execution.started_at, "its_command": execution.command}
        rows = await self._connection.execute(statements.SENT_AGAIN, {**its, **_target(execution)})
        return [from_row(row, secrets={}) for row in rows.mappings()]

    async def open_on_target(
        self,
        execution: Execution,
        *,
        unknown_since: datetime | None = None,
        done_since: datetime | None = None,
    ) -> list[Execution]:
        """Other executions of the same command with the same target that have not ended.

        Oldest first. Those that ended as unknown since one moment, or were sent since the other
        and are done, count as well where these are given. Nobody else asks this before this unit
        of work ends.
        """
        given = {
            "one": execution.id,
            "its_command": execution.command,
            "unknown_since": unknown_since,
            "done_since": done_since,
            **_target(execution),
        }
        rows = await self._connection.execute(statements.OPEN_ON_TARGET, given)
        return [from_row(row, secrets={}) for row in rows.mappings()]

    async def has_rival(
        self,
        execution: Execution,
        *,
        unknown_since: datetime,
        since: datetime | None = None,
        of_any_command: bool = False,
    ) -> bool:
        """Whether there is one that `is_rival`, by default since this one was sent."""
        since = since or execution.started_at or execution.created_at
        rival = is_rival(execution, since, unknown_since, of_any_command=of_any_command)
        rows = await self._connection.execute(select(executions.c.id).where(rival).limit(1))
        return rows.first() is not None

    async def unfinished(self) -> list[Execution]:
        """What has not ended yet, oldest first."""
        rows = await self._connection.execute(
            select(executions).where(statements.IS_UNFINISHED).order_by(executions.c.created_at)
        )
        return [self._open(row) for row in rows.mappings()]

    async def done(self, commands: Collection[str], since: datetime) -> list[Execution]:
        """Those that are done, of these commands, recorded since then; without their secrets."""
        rows = await self._connection.execute(
            select(executions).where(
                executions.c.created_at >= since,
                executions.c.status == ExecutionStatus.DONE,
                executions.c.command.in_(commands),
            )
        )
        return [from_row(row, secrets={}) for row in rows.mappings()]

    async def carded(
        self, channel: ChannelId, ts: str, since: datetime, until: datetime
    ) -> Execution | None:
        """The one recorded between these whose card, or a copy of it, this message is.

        Without its secrets.
        """
        keys = literal("card:").concat(executions.c.id)
        is_card = or_(messages.c.key == keys, messages.c.copy_of == keys)
        rows = await self._connection.execute(
            select(executions)
            .select_from(executions.join(messages, is_card))
            .where(
                executions.c.created_at.between(since, until),
                messages.c.ref_channel == channel,
                messages.c.ref_ts == ts,
            )
        )
        row = rows.mappings().first()
        return None if row is None else from_row(row, secrets={})

    async def of_machines(
        self, tasks: Collection[str], commands: Collection[str]
    ) -> list[Execution]:
        """All of these commands for these machines, oldest first; without their secrets."""
        rows = await self._connection.execute(
            select(executions)
            .where(executions.c.task.in_(sorted(tasks)), executions.c.command.in_(commands))
            .order_by(executions.c.created_at)
        )
        return [from_row(row, secrets={}) for row in rows.mappings()]

    async def of_file(
        self,
        place: str,
        name: str,
        commands: Collection[str],
        *,
        stand: Collection[ExecutionStatus],
        since: datetime | None = None,
    ) -> list[Execution]:
        """The latest of these commands that name a file and the node or server where it is, newest
        first, without their secrets. Others may be among them whose texts hold these names.

        A failed one counts only where the node had accepted it. For `Store.browse`: it searches
        in the texts of arguments and facts.
        """
        arguments, facts = (
            cast(column, Text) for column in (executions.c.arguments, executions.c.facts)
        )
        accepted = exists().where(
            watches.c.execution == executions.c.id,
            or_(watches.c.unsure.is_(False), watches.c.moved.is_(True)),
        )
        rows = await self._connection.execute(
            select(executions)
            .where(
                executions.c.command.in_(commands),
                executions.c.created_at >= since if since else true(),
                executions.c.status.in_(stand),
                or_(executions.c.status != ExecutionStatus.FAILED, accepted),
                or_(*(text.contains(name, autoescape=True) for text in (arguments, facts))),
                or_(executions.c.node == place, facts.contains(place, autoescape=True)),
            )
            .order_by(executions.c.created_at.desc())
            .limit(statements.LATEST)
        )
        return [from_row(row, secrets={}) for row in rows.mappings()]

    async def note(
        self,
        execution_id: ExecutionId,
        kind: AuditKind,
        at: datetime,
        *,
        actor: UserId | None = None,
        approval: ApprovalId = ApprovalId(""),
        reason: str = "",
        details: Mapping[str, Any] | None = None,
    ) -> None:
        """Append to the audit what happened to an execution; `actor` is by default its own."""
        rows = await self._connection.execute(statements.FIND, {"one": execution_id})
        about = from_row(rows.mappings().one(), secrets={})
        self._audit.append(
            AuditEntry.about(
                about,
                kind,
                at,
                actor=actor,
                approval=approval,
                reason=reason,
                details=details,
            )
        )

    async def reseal(self) -> int:
        """Encrypt every secret anew under the first key, but for those that no key opens.

        Says how many there were.
        """
        rows = await self._connection.execute(
            select(executions.c.id, executions.c.secrets).where(executions.c.secrets.is_not(None))
        )
        sealed = [(one, secrets) for one, secrets in rows if self._vault.opens(secrets)]
        for execution_id, secrets in sealed:
            await self._set(execution_id, secrets=self._vault.rotate(secrets))
        return len(sealed)

    def _note_end(self, ended: Execution, decided_by: Sequence[str], now: datetime) -> None:
        self.ended.append(ended)
        details: dict[str, Any] = {}
        if ended.session_of not in {"", ended.actor}:
            details["session_of"] = ended.session_of
        if decided_by:
            details["decided_by"] = list(decided_by)
        self._audit.append(
            AuditEntry.about(
                ended,
                AuditKind.ENDED,
                now,
                outcome=str(ended.status),
                reason=plain(ended.outcome),
                details=details,
            )
        )

    async def _set(self, execution_id: ExecutionId, **values: Any) -> None:
        await self._connection.execute(statements.SET, {"one": execution_id, **values})

    def _open(self, row: RowMapping) -> Execution:
        """The execution of a row, `unreadable` where no key opens its secrets."""
        sealed = row["secrets"]
        try:
            secrets = texts(self._vault.decrypt(sealed)) if sealed else {}
        except BadKey:
            opened = from_row(row, secrets={})
            return replace(opened, unreadable=opened.unreadable or LOCKED_SECRETS)
        return from_row(row, secrets=secrets)
