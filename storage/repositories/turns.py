"""The changes of one machine: which of them occupy it, and which wait for their turn."""

from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from sqlalchemy import ColumnElement, and_, bindparam, exists, func, or_, select, update

from bot.model import Execution, ExecutionStatus, ReviewKind, WatchState
from storage.repositories.execution_rows import from_row
from storage.repositories.repository import Repository, at, is_free
from storage.tables import approvals, executions, watches

_OCCUPYING = (ExecutionStatus.RUNNING, ExecutionStatus.FOLLOWING)
# How the ids of commands begin that change what is on a node.
_OF_MACHINES = ("vm.", "disk.", "snapshot.", "image.")
_OF_METAL = ("metal.",)
_OF_NODES = (*_OF_MACHINES, "lan.", *_OF_METAL)

_status, _created_at = executions.c.status, executions.c.created_at
_WAITS = and_(_status == ExecutionStatus.RECORDED, executions.c.behind != "")
_WAITING = select(executions).where(_WAITS).order_by(_created_at, executions.c.id)
# Nobody knows whether it arrived: like one whose end is unknown, it occupies nothing.
_IS_UNANSWERED = and_(
    _status == ExecutionStatus.FOLLOWING,
    exists().where(
        watches.c.execution == executions.c.id,
        watches.c.state == WatchState.OPEN,
        watches.c.unsure.is_(True),
        watches.c.moved.is_(False),
    ),
)
# Its upload takes hours, and the machine may run meanwhile.
_IS_UPLOADED = and_(
    _status == ExecutionStatus.FOLLOWING, executions.c.command.startswith("snapshot.")
)
_IS_BROKEN = exists().where(
    approvals.c.execution == executions.c.id, approvals.c.kind == ReviewKind.AFTERWARDS
)
_PUT_OFF = (
    update(executions)
    .where(
        executions.c.id == bindparam("one"),
        _status == ExecutionStatus.RECORDED,
        or_(is_free(executions), executions.c.leased_by == bindparam("by")),
    )
    .returning(executions.c.id)
)


class Turns(Repository):
    """Who is at a machine, and who is next."""

    async def others(self, execution: Execution) -> list[Execution]:
        """The other changes of its machine that are sent and have not ended, or wait, oldest first.

        What got no answer is not among them, as long as nothing was seen of it, nor a snapshot
        that the node has begun. Nobody else sends one before this unit of work ends, where it
        writes.
        """
        rows = await self._connection.execute(
            select(executions)
            .where(
                _is_same_machine(execution),
                executions.c.id != execution.id,
                or_(and_(_status.in_(_OCCUPYING), ~_IS_UNANSWERED, ~_IS_UPLOADED), _WAITS),
            )
            .order_by(_created_at, executions.c.id)
        )
        return [from_row(row, secrets={}) for row in rows.mappings()]

    async def waiting(self) -> list[Execution]:
        """All that wait for their turn, oldest first, without their secrets."""
        rows = await self._connection.execute(_WAITING)
        return [from_row(row, secrets={}) for row in rows.mappings()]

    async def ahead_no_more(self, execution: Execution) -> list[Execution]:
        """Of those that it has waited for: what was sent and has ended, or got no answer.

        The latter reads as UNKNOWN.
        """
        rows = await self._connection.execute(
            select(executions, _IS_UNANSWERED.label("is_unanswered")).where(
                executions.c.id.in_(execution.behind), executions.c.started_at.is_not(None)
            )
        )
        found = []
        for row in rows.mappings():
            one = from_row(row, secrets={})
            if row["is_unanswered"]:
                one = replace(one, status=ExecutionStatus.UNKNOWN)
            if one.status.is_end:
                found.append(one)
        return found

    async def sent_since(self, execution: Execution, since: datetime) -> Counter[str]:
        """How many changes of its machine were sent since then, by who requested them."""
        rows = await self._connection.execute(
            select(executions.c.actor, func.count())
            .where(_is_same_machine(execution), executions.c.started_at > since)
            .group_by(executions.c.actor)
        )
        return Counter({row[0]: row[1] for row in rows})

    async def put_off(
        self, execution_id: str, by: str, now: datetime, until: datetime, behind: Collection[str]
    ) -> bool:
        """Let it wait for these until somebody looks again; says whether it does.

        Conditions: it is RECORDED, and its lease is free or held by `by`. Whoever takes it up
        after `until` looks whether its turn has come.
        """
        values = {"leased_by": by, "leased_until": until, "behind": " ".join(behind)}
        rows = await self._connection.execute(
            _PUT_OFF, {"one": execution_id, "by": by, **at(now), **values}
        )
        return rows.first() is not None

    async def requested_before(
        self, execution: Execution, since: datetime, *, channel: bool
    ) -> list[Execution]:
        """The changes that the same person requested since then and before it, newest first.

        Or with `channel`: in the same channel, by anybody. What was refused unsent is not among
        them, nor that for which glass was broken. They come without their secrets.
        """
        column = executions.c.channel if channel else executions.c.actor
        mine = execution.place.channel if channel else execution.actor
        is_refused = and_(_status == ExecutionStatus.REFUSED, executions.c.started_at.is_(None))
        is_before = or_(
            _created_at < execution.created_at,
            and_(_created_at == execution.created_at, executions.c.id < execution.id),
        )
        rows = await self._connection.execute(
            select(executions)
            .where(
                column == mine, _created_at > since, is_before, ~is_refused, ~_IS_BROKEN,
                _is_of(_OF_NODES),
            )
            .order_by(_created_at.desc())
        )  # fmt: skip
        return [from_row(row, secrets={}) for row in rows.mappings()]


def _is_same_machine(execution: Execution) -> ColumnElement[bool]:
    """Whether a change is of the machine of `execution`; bare metal is a node without tasks."""
    return and_(
        executions.c.node == execution.node,
        executions.c.task == execution.task,
        _is_of(_OF_MACHINES if execution.task else _OF_METAL),
    )


def _is_of(groups: Collection[str]) -> ColumnElement[bool]:
    return or_(*(executions.c.command.startswith(group) for group in groups))
