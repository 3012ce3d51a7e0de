"""Makes one card of requests that are the same: of two taps, or two people, the second one joins.

Which of two is the first is decided by the database, in the unit of work that puts up the question
or claims the run: two processes at the same moment never both find nothing.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from bot.errors import Refused
from bot.ids import ApprovalId, ExecutionId
from bot.language.args import BREAK_GLASS, DRY_RUN, NODE_OPTION, REASON
from bot.language.table import Command
from bot.model import Approval, ApprovalStatus, Execution, ExecutionStatus, ReviewKind
from bot.reply import say
from storage import UnitOfWork

# Two taps, or two people who see the same alarm. What waits for others' approval is asked for once
# however long it waits; a question that one person alone can confirm keeps nobody else, and that
# person is shown it again, since Slack may have lost it.
_AT_ONCE = timedelta(seconds=30)
_MEANT_TWICE = "again:"  # the beginning of the key of a request that is meant as a second one
_ANEW = "anew:"  # of one that is requested again, of which nothing was done
_INSTEAD = "glass:"  # of the key of a request by which glass is broken for one that is pending
_BESIDE = frozenset({REASON, BREAK_GLASS, DRY_RUN, NODE_OPTION})


class SameRequest(Refused):
    """The same was requested just before, and is still open."""

    def __init__(self, first: Execution) -> None:
        super().__init__(say("The same request is already open, so this one was not added."))
        self.first = first


def key_of_second(execution_id: ExecutionId) -> str:
    """The key of what is requested once more, knowing of the first: pressed twice, it is one."""
    return f"{_MEANT_TWICE}{execution_id}"


def key_of_new(execution_id: ExecutionId) -> str:
    """The key of what is requested again since nothing was done: it joins one like it."""
    return f"{_ANEW}{execution_id}"


def key_of_glass(approval_id: ApprovalId, delivery: str) -> str:
    """The key of a request that runs instead of one whose review is pending."""
    return f"{_INSTEAD}{approval_id}:{delivery}"


def instead_of(execution: Execution) -> ApprovalId | None:
    """The pending review for which the glass is broken, where it was pressed on that one."""
    if not execution.key.startswith(_INSTEAD):
        return None
    return ApprovalId(execution.key.removeprefix(_INSTEAD).partition(":")[0])


async def require_first(
    tx: UnitOfWork,
    command: Command,
    execution: Execution,
    review: ReviewKind | None,
    now: datetime,
) -> None:
    """Raise SameRequest where the same waits for such a review, or was sent just now.

    A request without a `review` runs at once and never joins one that is pending review. Broken
    glass joins what is on its way already, also what has just been done. Other units of work wait
    here until this one ends, so that only one of two like requests goes on.
    """
    if not can_be_twice(command, execution):
        return
    is_glass = review is ReviewKind.AFTERWARDS
    done_since = now - _AT_ONCE if is_glass else None
    for one in await tx.executions.open_on_target(execution, done_since=done_since):
        if not is_same(command, one, execution):
            continue
        approval = await tx.approvals.for_execution(one.id)
        if is_glass:
            is_open = _is_on_its_way(one, approval)
        else:
            is_open = _is_open(one, approval, execution, review, now)
        if is_open:
            raise SameRequest(one)


def is_meant_twice(execution: Execution) -> bool:
    """Whether it was requested once more by who knows of the first."""
    return execution.key.startswith(_MEANT_TWICE)


def can_be_twice(command: Command, execution: Execution) -> bool:
    """Whether a second one may be an accident: it has a target, and all of it is known.

    Of what makes something, `twins` asks; two passwords are not compared.
    """
    if not execution.node or command.secrets:
        return False
    is_new = execution.task in {"", execution.id} and bool(command.alike)
    return not is_new and not is_meant_twice(execution)


def is_same(command: Command, one: Execution, execution: Execution) -> bool:
    """Whether two requests with one target are for the same, as far as people say it."""
    if one.unreadable or (command.is_personal and one.actor != execution.actor):
        return False
    return _wanted(command, one) == _wanted(command, execution)


def _wanted(command: Command, execution: Execution) -> Mapping[str, str]:
    """The arguments but for the target, which was looked up, and for what is said about them."""
    targets = [p.name for p in command.parameters if p.arg.kind.is_target]
    left_out = _BESIDE | (frozenset(targets) if len(targets) == 1 else frozenset())
    return {name: text for name, text in execution.arguments.items() if name not in left_out}


def _is_on_its_way(one: Execution, approval: Approval | None) -> bool:
    """Whether it is sent, or about to be: what is pending keeps no glass from breaking."""
    if one.status is ExecutionStatus.WAITING:
        return False
    if one.status is not ExecutionStatus.RECORDED:
        return True
    if one.behind:
        return False
    return approval is not None and (
        approval.kind is ReviewKind.AFTERWARDS or approval.status is ApprovalStatus.APPROVED
    )


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
        is_own = one.actor == execution.actor and one.place.is_channel  # it is shown again
        return is_at_once or review is ReviewKind.APPROVE or is_own
    if one.behind and one.status is ExecutionStatus.RECORDED:  # it runs by itself
        return True
    if one.status is ExecutionStatus.RECORDED:  # of two that begin, the faster one is the first
        return is_at_once and _is_on_its_way(one, approval)
    return is_at_once
