"""Makes one card of requests that are the same: of two taps, or two people, the second one joins.

Which of two is the first is decided by the database, in the unit of work that puts up the question
or claims the run: two processes at the same moment never both find nothing.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from bot.errors import Refused
from bot.language.args import BREAK_GLASS, DRY_RUN, NODE_OPTION, NODES, REASON, Kind
from bot.language.table import Command
from bot.model import Approval, ApprovalStatus, Execution, ExecutionStatus, ReviewKind
from storage import UnitOfWork

# Two taps, or two people who see the same alarm. What waits for others' approval is asked for once
# however long it waits; a question that one person alone can confirm keeps nobody else.
_AT_ONCE = timedelta(seconds=30)
_MEANT_TWICE = "again:"  # the beginning of the key of a request that is meant as a second one
_TARGETS: frozenset[Kind] = NODES | {"vm"}
_BESIDE = frozenset({REASON, BREAK_GLASS, DRY_RUN, NODE_OPTION})


class SameRequest(Refused):
    """The same was requested just before, and is still open."""

    def __init__(self, first: Execution) -> None:
        super().__init__("The same request is already open, so this one was not added to it.")
        self.first = first


def key_of_second(execution_id: str) -> str:
    """The key of what is requested once more, knowing of the first: pressed twice, it is one."""
    return f"{_MEANT_TWICE}{execution_id}"


async def require_first(
    tx: UnitOfWork,
    command: Command,
    execution: Execution,
    review: ReviewKind | None,
    now: datetime,
) -> None:
    """Raise SameRequest where the same waits for such a review, or was sent just now.

    A request without a `review` runs at once and never joins one that is pending review. Other
    units of work wait here until this one ends, so that only one of two like requests goes on.
    """
    if not _can_be_twice(command, execution):
        return
    for one in await tx.executions.open_on_target(execution):
        if not _is_same(command, one, execution):
            continue
        approval = await tx.approvals.for_execution(one.id)
        if _is_open(one, approval, execution, review, now):
            raise SameRequest(one)


def _can_be_twice(command: Command, execution: Execution) -> bool:
    """Whether a second one may be an accident: it has a target, and all of it is known.

    Of what makes something, `twins` asks; what is broken glass waits for nobody; two passwords are
    not compared.
    """
    if not execution.node or command.secrets or execution.arguments.get(BREAK_GLASS):
        return False
    is_new = execution.task in {"", execution.id} and bool(command.alike)
    return not is_new and not execution.key.startswith(_MEANT_TWICE)


def _is_same(command: Command, one: Execution, execution: Execution) -> bool:
    if one.unreadable or (command.is_personal and one.actor != execution.actor):
        return False
    return _wanted(command, one) == _wanted(command, execution)


def _wanted(command: Command, execution: Execution) -> Mapping[str, str]:
    """The arguments but for the target, which was looked up, and for what is said about them."""
    targets = [p.name for p in command.parameters if p.arg.kind in _TARGETS]
    left_out = _BESIDE | (frozenset(targets) if len(targets) == 1 else frozenset())
    return {name: text for name, text in execution.arguments.items() if name not in left_out}


def _is_open(
    one: Execution,
    approval: Approval | None,
    execution: Execution,
    review: ReviewKind | None,
    now: datetime,
) -> bool:
    """Whether `one` waits for the same review, or runs and was requested at the same time."""
    is_at_once = abs(execution.created_at - one.created_at) <= _AT_ONCE
    if one.status is ExecutionStatus.WAITING:
        if approval is None or approval.kind is not review or approval.expires_at <= now:
            return False
        return is_at_once or review is ReviewKind.APPROVE
    if one.status is ExecutionStatus.RECORDED:  # of two that begin, the faster one is the first
        return is_at_once and approval is not None and approval.status is ApprovalStatus.APPROVED
    return is_at_once
