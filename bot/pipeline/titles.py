"""What a review's card asks, and what else it says that waits for the same machine."""

from collections.abc import Sequence

from bot.language.table import Table
from bot.messages.facts import ALIKE
from bot.messages.question import (
    DONE_TWICE,
    PERHAPS_TWICE,
    Beside,
    Losses,
    requested_by,
    second_time,
    subject_of,
)
from bot.model import Approval, Effect, Execution, ReviewKind
from bot.pipeline.joining import instead_of
from bot.reply import Line
from storage import Store


def title_of(table: Table, approval: Approval, execution: Execution, node_label: str) -> Line:
    """`Delete train-01 on gpu1`."""
    command = table.spoken_of(execution.command)
    subject = subject_of(approval, execution, node_label)
    if _is_second(approval, execution):
        return second_time(command.brief(execution.known, subject))
    return command.asked(execution.known, subject)


def losses_of(table: Table, approval: Approval, execution: Execution) -> Losses:
    """What is lost by it."""
    command = table.spoken_of(execution.command)
    if _is_second(approval, execution):
        return DONE_TWICE if command.alike else PERHAPS_TWICE
    return command.lost(execution.known, approval.shown)


def told_beside(
    table: Table,
    asked: Execution,
    beside: Sequence[tuple[Approval, Execution]],
    node_label: str,
) -> Beside:
    """`Delete train-01 on gpu1, requested by @bob`, of each other one for the same machine.

    Of what was requested in another conversation than `asked`, only how many: whoever reads the
    card there may not read that one.
    """
    here = [one for one in beside if one[1].place.channel == asked.place.channel]
    titles = [
        requested_by(title_of(table, approval, execution, node_label), execution)
        for approval, execution in here
    ]
    return Beside(titles, len(beside) - len(here))


async def pressed_on(
    store: Store, approval: Approval, execution: Execution
) -> tuple[Approval, Execution] | None:
    """The review on whose card the glass was broken, as far as it is kept, and of what it is."""
    about = instead_of(execution) if approval.kind is ReviewKind.AFTERWARDS else None
    if about is None:
        return None
    async with store.read() as tx:
        first = await tx.approvals.find(about)
        return None if first is None else (first, await tx.executions.get(first.execution))


def _is_second(approval: Approval, execution: Execution) -> bool:
    return ALIKE in approval.shown and execution.effect is Effect.CHANGE
