"""Closes open requests by themselves once what they are about is gone, and says why.

What is known here is enough (the ledger, the inventory, sessions): nobody is asked. The inventory
loses a machine only by its node's answer about that very one (`bot.services.left_out`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from bot.ids import TaskId, UserId
from bot.language.args import BREAK_GLASS, NODE_OPTION, REASON
from bot.language.table import Command
from bot.messages.facts import may_be_deleted
from bot.messages.outbox import Outbox
from bot.model import Approval, Execution, Goal, ReviewKind
from bot.pipeline.context import Services
from bot.pipeline.ended import ended_of
from bot.pipeline.voiding import void
from bot.reply import (
    Phrase,
    mention,
    say,
)
from storage import UnitOfWork

_BEFORE = {ReviewKind.CONFIRM, ReviewKind.APPROVE}
_LONGEST_RUN = timedelta(days=1)  # between the request of a removal and its end
_SAID_BESIDE = {REASON, BREAK_GLASS, NODE_OPTION}  # they change nothing of what is done to what

_Told = tuple[Phrase, Phrase]
_FORGOTTEN = (
    say("Its manager was told to forget it."),
    say("Its manager was told to forget it by {user}."),
)
_DELETED = (say("The machine was deleted."), say("The machine was deleted by {user}."))
_DONE_BEFORE = (say("It was deleted already."), say("It was deleted already by {user}."))
_NOT_THERE = say("The machine is no longer on its node.")
_OVER = say("Its node must have deleted the machine: its order ended more than 72 hours ago.")
_NO_SESSION = say("The requester has no session for its node any more.")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Gone:
    """Why nothing can come of a request any more: for the ledger, and with whose doing it was."""

    why: Phrase
    told: Phrase
    by: UserId = UserId("")


class Obsolete:
    """Looks at what is open."""

    def __init__(self, services: Services, outbox: Outbox) -> None:
        self._services = services
        self._store = services.store
        self._table = services.table
        self._clock = services.clock
        self._outbox = outbox
        self._removing = [row.id for row in services.table if row.removes]

    async def close(self) -> None:
        """Close every open request whose subject is gone. Broken glass stays to be reviewed."""
        async with self._store.read() as tx:
            pending = [one for one in await tx.approvals.open() if one.kind in _BEFORE]
            if not pending:
                return
            since = min(one.created_at for one in pending) - _LONGEST_RUN
            removals = await tx.executions.done(self._removing, since)
            found = []
            for approval in pending:
                execution = await tx.executions.get(approval.execution)
                asked_at = approval.created_at
                later = [r for r in removals if r.finished_at and r.finished_at >= asked_at]
                if gone := await self._gone(tx, execution, later):
                    found.append((approval, execution, gone))
        closed = {approval.id for approval, _, _ in found}
        for approval in pending:
            if approval.id not in closed and may_be_deleted(approval.shown):
                found += await self._deleted_with_its_order(approval)
        for approval, execution, gone in found:
            await self._close(approval, execution, gone)
        if found:
            await self._outbox.deliver_due()

    async def _gone(
        self, tx: UnitOfWork, asked: Execution, removals: Sequence[Execution]
    ) -> _Gone | None:
        """Why nothing can come of what was asked, after these removals; None where it still can."""
        if not asked.node:
            return None
        is_known = await tx.inventory.find_node(asked.node) is not None
        for removal in removals:
            if told := self._removed(asked, removal, is_known=is_known):
                why, by_whom = told
                return _Gone(why, _by(by_whom, removal.actor), removal.actor)
        if self._is_of_a_machine(asked) and not await tx.inventory.knows(asked.node, asked.task):
            return _Gone(_NOT_THERE, _NOT_THERE)
        if not self._needs_session(asked):
            return None
        if not await tx.sessions.usable(asked.actor, asked.place.channel, asked.node):
            return _Gone(_NO_SESSION, _NO_SESSION)
        return None

    def _removed(self, asked: Execution, removal: Execution, *, is_known: bool) -> _Told | None:
        """What a removal has made of the subject of `asked`, if it is gone with it."""
        row = self._table.get(asked.command)
        if row is None:  # of another version: it is refused when somebody decides
            return None
        if _is_of_metal(self._table[removal.command]):
            is_forgotten = _is_of_metal(row) and not is_known
            return _FORGOTTEN if is_forgotten else None
        if (asked.node, asked.task) != (removal.node, removal.task):
            return None
        follow = self._table[removal.command].follow
        if asked.task and follow is not None and follow.goal is Goal.GONE:
            return _DELETED
        if asked.command == removal.command and _meant(row, asked) == _meant(row, removal):
            return _DONE_BEFORE
        return None

    async def _deleted_with_its_order(
        self, approval: Approval
    ) -> list[tuple[Approval, Execution, _Gone]]:
        """The request, if the block was read after which its node deletes the machine.

        A node that nobody rents never tells that it has.
        """
        async with self._store.read() as tx:
            execution = await tx.executions.get(approval.execution)
        sessions = self._services.sessions
        usable = await sessions.usable(execution.actor, execution.place.channel)
        here = [one for one in usable if one.node == execution.node]
        deleted = (await ended_of(self._services, here)).deleted
        is_sure = deleted.get((execution.node, execution.task), False)
        return [(approval, execution, _Gone(_OVER, _OVER))] if is_sure else []

    def _is_of_a_machine(self, asked: Execution) -> bool:
        """Whether a machine is meant that exists: a creation's has the ledger entry's own id."""
        return bool(asked.task) and asked.task != TaskId(asked.id)

    def _needs_session(self, asked: Execution) -> bool:
        row = self._table.get(asked.command)
        return row is not None and self._table.needs_session(row)

    async def _close(self, approval: Approval, execution: Execution, gone: _Gone) -> None:
        now = self._clock.now()
        sentence = await self._services.reviews.questions.not_done(approval, execution, gone.told)
        by = [gone.by] if gone.by else []
        async with self._store.write() as tx:
            if not await void(tx, approval, execution, sentence, now, outcome=gone.why, by=by):
                return
        log.info("approval.obsolete", approval=approval.id, execution=execution.id)


def _by(told: Phrase, user: UserId) -> Phrase:
    return told.filled(lambda _name: mention(user))


def _is_of_metal(row: Command) -> bool:
    """Whether it is about a bare-metal machine."""
    return any(p.arg.kind.is_metal for p in row.parameters)


def _meant(row: Command, execution: Execution) -> dict[str, str]:
    """The arguments by which two requests on one machine or node are for the same thing."""
    beside = {p.name for p in row.parameters if p.arg.kind.is_target}
    return {k: v for k, v in execution.arguments.items() if k not in beside | _SAID_BESIDE}
