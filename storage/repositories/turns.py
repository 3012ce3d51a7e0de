"""The changes of one machine: which of them occupy it, and which wait for their turn."""

from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Select,
    Text,
    and_,
    bindparam,
    exists,
    func,
    or_,
    select,
    update,
)

from bot.model import Execution, ExecutionStatus, ReviewKind, WatchState
from storage.repositories.execution_rows import from_row
from storage.repositories.repository import LIMIT, Repository, at, is_free
from storage.tables import UtcDateTime, approvals, executions, watches

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
        # So SQLite does not go through all open watches, by its index of states, for the one.
        watches.c.state.concat("") == WatchState.OPEN,
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


_ONE, _NODE, _TASK, _SINCE = (
    bindparam("its_id", type_=Text()),
    bindparam("its_node", type_=Text()),
    bindparam("its_task", type_=Text()),
    bindparam("its_since", type_=UtcDateTime()),
)


def _is_of(groups: Collection[str]) -> ColumnElement[bool]:
    return or_(*(executions.c.command.startswith(group) for group in groups))


def _of_a_machine(groups: Collection[str]) -> ColumnElement[bool]:
    return and_(executions.c.node == _NODE, executions.c.task == _TASK, _is_of(groups))


def _others(groups: Collection[str]) -> Select[Any]:
    is_occupying = and_(_status.in_(_OCCUPYING), ~_IS_UNANSWERED, ~_IS_UPLOADED)
    return (
        select(executions)
        .where(_of_a_machine(groups), executions.c.id != _ONE, or_(is_occupying, _WAITS))
        .order_by(_created_at, executions.c.id)
    )


def _sent_since(groups: Collection[str]) -> Select[Any]:
    return (
        select(executions.c.actor, func.count())
        .where(_of_a_machine(groups), executions.c.started_at > _SINCE)
        .group_by(executions.c.actor)
    )


# Of a machine, and of bare metal, which is a node without tasks.
_OTHERS = {True: _others(_OF_MACHINES), False: _others(_OF_METAL)}
_SENT_SINCE = {True: _sent_since(_OF_MACHINES), False: _sent_since(_OF_METAL)}


def _requested_before(column: Column[str]) -> Select[Any]:
    before = bindparam("its_created_at", type_=UtcDateTime())
    is_refused = and_(_status == ExecutionStatus.REFUSED, executions.c.started_at.is_(None))
    is_before = or_(_created_at < before, and_(_created_at == before, executions.c.id < _ONE))
    return (
        select(executions)
        .where(
            column == bindparam("its_own", type_=Text()), _created_at > _SINCE, is_before,
            ~is_refused, ~_IS_BROKEN, _is_of(_OF_NODES),
        )
        .order_by(_created_at.desc())
    )  # fmt: skip


# By whether it is asked for a channel.
_REQUESTED_BEFORE = {
    False: _requested_before(executions.c.actor),
    True: _requested_before(executions.c.channel),
}
_COUNTED_BEFORE = {
    channel: select(func.count()).select_from(
        statement.with_only_columns(executions.c.id).order_by(None).limit(LIMIT).subquery()
    )
    for channel, statement in _REQUESTED_BEFORE.items()
}


class Turns(Repository):
    """Who is at a machine, and who is next."""

    async def others(self, execution: Execution) -> list[Execution]:
        """The other changes of its machine that are sent and have not ended, or wait, oldest first.

        What got no answer is not among them, as long as nothing was seen of it, nor a snapshot
        that the node has begun. Nobody else sends one before this unit of work ends, where it
        writes.
        """
        of = {**_its_machine(execution), _ONE.key: execution.id}
        rows = await self._connection.execute(_OTHERS[bool(execution.task)], of)
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
        of = {**_its_machine(execution), _SINCE.key: since}
        rows = await self._connection.execute(_SENT_SINCE[bool(execution.task)], of)
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
        self, execution: Execution, since: datetime, most: int, *, channel: bool
    ) -> list[Execution]:
        """The changes that the same person requested since then and before it, newest first.

        Or with `channel`: in the same channel, by anybody. Nothing is read of fewer than `most`.
        What was refused unsent is not among them, nor that for which glass was broken. They come
        without their secrets.
        """
        of = {
            "its_own": execution.place.channel if channel else execution.actor,
            "its_created_at": execution.created_at,
            _ONE.key: execution.id,
            _SINCE.key: since,
        }
        counted = await self._connection.execute(_COUNTED_BEFORE[channel], {**of, LIMIT.key: most})
        if counted.scalar_one() < most:
            return []
        rows = await self._connection.execute(_REQUESTED_BEFORE[channel], of)
        return [from_row(row, secrets={}) for row in rows.mappings()]


def _its_machine(execution: Execution) -> dict[str, str]:
    return {_NODE.key: execution.node, _TASK.key: execution.task}
