"""Statements about executions that are carried out often, built once (see `repository`)."""

from sqlalchemy import and_, bindparam, func, or_, select, update

from bot.model import ExecutionStatus
from storage.repositories.repository import LIMIT, claiming, is_free
from storage.tables import executions

LATEST = 100  # of the commands about a file or machine: what has become of it, the newest tell
UNFINISHED = [status for status in ExecutionStatus if not status.is_end]
_MAY_BE_DONE = [s for s in UNFINISHED if s is not ExecutionStatus.WAITING]
_MAY_BE_DONE += [ExecutionStatus.DONE, ExecutionStatus.UNKNOWN]
_OF_MACHINES = "vm."  # how their ids begin that change a machine

_IS_IT = executions.c.id == bindparam("one")
FIND = select(executions).where(_IS_IT)
KEYED = select(executions).where(executions.c.key == bindparam("its_key"))
SOME = select(executions).where(executions.c.id.in_(bindparam("its_ids", expanding=True)))
SET = update(executions).where(_IS_IT)
_EXPECTED = executions.c.status.in_(bindparam("expected", expanding=True))
MOVE = SET.where(_EXPECTED).returning(executions)
_IS_MINE = or_(is_free(executions), executions.c.leased_by == bindparam("by"))
CLAIM = SET.where(_EXPECTED, _IS_MINE).returning(executions)
CLAIM_STRANDED = claiming(
    executions,
    [
        executions.c.status.in_([ExecutionStatus.RECORDED, ExecutionStatus.RUNNING]),
        is_free(executions),
    ],
    executions.c.created_at,
    LIMIT,
).returning(executions)
IS_UNFINISHED = executions.c.status.in_(UNFINISHED)
_IS_TARGET = and_(
    executions.c.node == bindparam("its_node"), executions.c.task == bindparam("its_task")
)
SENT = select(func.count(executions.c.id)).where(_IS_TARGET, executions.c.started_at.is_not(None))
_SENT_LATER = (
    select(executions)
    .where(
        _IS_TARGET,
        executions.c.started_at > bindparam("its_since"),
        executions.c.status.in_(_MAY_BE_DONE),
    )
    .order_by(executions.c.started_at.desc())
    .limit(LATEST)
)
SENT_AFTER = _SENT_LATER.where(executions.c.command.startswith(_OF_MACHINES))
SENT_AGAIN = _SENT_LATER.where(executions.c.command == bindparam("its_command"))
# What is since no moment at all is none of them.
_IS_RECENT = or_(
    and_(
        executions.c.status == ExecutionStatus.UNKNOWN,
        executions.c.finished_at >= bindparam("unknown_since"),
    ),
    and_(
        executions.c.status == ExecutionStatus.DONE,
        executions.c.started_at >= bindparam("done_since"),
    ),
)
OPEN_ON_TARGET = (
    select(executions)
    .where(
        executions.c.command == bindparam("its_command"),
        _IS_TARGET,
        executions.c.id != bindparam("one"),
        or_(IS_UNFINISHED, _IS_RECENT),
    )
    .order_by(executions.c.created_at)
)
