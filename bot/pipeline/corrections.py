"""A form that was taken and is sent in again, perhaps with other values.

Slack leaves a form open whose acknowledgement got lost. Sent in as it was, it is the same request;
with other values it is a correction, and never are both carried out.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from bot.errors import Refused
from bot.language.args import option_called
from bot.language.table import Command
from bot.model import Execution, ExecutionStatus, Vote
from bot.pipeline.context import Services
from bot.reply import Line, Text, Words, line, listed, say

_MOST = 20  # corrections of one form, each of a request of which nothing came

# Of these nothing was done, so the correction is a request of its own. A failed one may have done
# a part: a machine that was made and does not start, the first of several changes.
_NOTHING_DONE = frozenset(
    {
        ExecutionStatus.REFUSED,
        ExecutionStatus.DENIED,
        ExecutionStatus.CANCELLED,
        ExecutionStatus.EXPIRED,
        ExecutionStatus.VOIDED,
    }
)


class AlreadyTaken(Refused):
    """The form was taken with other values: the correction is not."""


async def recorded(
    services: Services, record: Callable[[Execution], Awaitable[bool]], wanted: Execution
) -> tuple[Execution, bool]:
    """The request of a form, and whether it is new; else the form is sent in again as it was.

    Its key is the form's. Raises AlreadyTaken where another request of the same form is under way,
    has come to something, or was corrected too often.
    """
    for number in range(1, _MOST + 1):
        one = wanted if number == 1 else replace(wanted, key=f"{wanted.key}:{number}")
        if await record(one):
            return one, True
        async with services.store.read() as tx:
            first = await tx.executions.keyed(one.key)
            has_secrets = await tx.executions.was_given(one.key, wanted.secrets)
        if first is None or (has_secrets and _is_same(first, wanted)):
            return first or one, False
        if first.status not in _NOTHING_DONE:
            raise _taken(services.table[first.command], first, wanted)
    raise AlreadyTaken(
        say("You have changed this form {number} times, so I take no more of it.", number=_MOST),
        hint=say("Nothing was done. Close it and open a new one."),
    )


async def was_taken(services: Services, key: str, given: Mapping[str, str]) -> bool:
    """Whether a form that can no longer be taken was taken before, with what is `given` now.

    Raises AlreadyTaken where that was something else.
    """
    async with services.store.read() as tx:
        first = await tx.executions.keyed(key)
    if first is None:
        return False
    now = replace(first, arguments={**first.arguments, **given})
    if now.arguments != first.arguments:
        raise _taken(services.table[first.command], first, now)
    return True


def require_same(first: Vote, vote: Vote) -> None:
    """Raise AlreadyTaken for a decision that was taken with another reason."""
    if (first.verdict, first.reason) != (vote.verdict, vote.reason):
        reason = _said(say("Reason"), first.reason)
        raise AlreadyTaken(say("{taken} Your decision stands.", taken=_told([reason])))


def _is_same(first: Execution, wanted: Execution) -> bool:
    return (first.command, first.arguments) == (wanted.command, wanted.arguments)


def _taken(command: Command, first: Execution, wanted: Execution) -> AlreadyTaken:
    told = _told(_differences(command, first, wanted))
    if first.status is ExecutionStatus.WAITING:
        return AlreadyTaken(
            say("{taken} Withdraw that request first, then send this one again.", taken=told)
        )
    if first.status.is_end:
        return AlreadyTaken(
            say("{taken} See what became of it, then request the change anew.", taken=told)
        )
    return AlreadyTaken(
        say("{taken} See what becomes of it, then request the change anew.", taken=told)
    )


def _told(values: list[Words]) -> Text:
    if not values:
        return say("This form was taken when you sent it first; what you changed since was not.")
    return say(
        "This form was taken when you sent it first ({values}); what you changed since was not.",
        values=listed(line(one) for one in values),
    )


def _differences(command: Command, first: Execution, wanted: Execution) -> list[Words]:
    """With what it was taken, where that is not what is sent now; of secrets nothing."""
    names = list({**first.arguments, **wanted.arguments})
    target = command.target
    found: list[Words] = []
    for name in names:
        text, other = first.arguments.get(name, ""), wanted.arguments.get(name, "")
        one = command.parameter(name) or option_called(name)
        if text == other or one is None:
            continue
        is_machine = target is not None and target.name == name and target.arg.kind.is_machine
        shown = first.label if is_machine and first.label else text
        found.append(_said(one.arg.label, one.arg.said(shown) if shown else ""))
    return found


def _said(label: Text, value: Words) -> Line:
    if not value:
        return line(say("{label} left blank", label=label))
    return line(say("{label}: {value}", label=label, value=line(value)))
