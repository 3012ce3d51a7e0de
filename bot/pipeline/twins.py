"""Finds requests like one that is about to run, whose outcome nobody knows yet.

DBC does not notice that two requests are alike: sent twice while a node is silent, both are carried
out. What makes two of them alike is said by the command's row; without that, two are alike that do
the same to the same target.
"""

from collections.abc import Sequence
from datetime import datetime

from bot.errors import Passing
from bot.folding import plain
from bot.language.args import BREAK_GLASS
from bot.language.table import BY_ACTOR, Command
from bot.messages.facts import ALIKE
from bot.model import Approval, Execution, ExecutionStatus, Fact, ReviewKind, WatchState
from bot.pipeline.context import Services
from bot.pipeline.joining import can_be_twice, is_meant_twice, is_same, require_first
from bot.pipeline.targets import Bound
from bot.reply import say
from bot.watches.late import LOOKED_FOR
from storage import UnitOfWork


class Repeated(Passing):
    """The same was sent since an approver was shown this one."""

    def __init__(self) -> None:
        super().__init__(
            say("The same request has been sent since this was shown."),
            hint=say(
                "Nothing was done. Look at what becomes of that one before you request this again."
            ),
        )


_SENT = frozenset({ExecutionStatus.RUNNING, ExecutionStatus.FOLLOWING})


async def twins_of(
    services: Services, command: Command, execution: Execution, bound: Bound
) -> dict[str, Fact]:
    """The like requests that are in progress, or unknown, as the fact that a review shows."""
    async with services.store.read() as tx:
        found = await _alike(tx, command, execution, bound, services.clock.now())
    return {ALIKE: Fact(_told(found))} if found else {}


async def require_unrepeated(
    tx: UnitOfWork,
    command: Command,
    execution: Execution,
    bound: Bound,
    reviewed: Approval | None,
    now: datetime,
) -> None:
    """Raise Repeated where a like request was sent, or is about to be, that no approver was shown.

    Also one that is done, since the question was put: it has made what this one would make. Nobody
    else sends one before this unit of work ends. Broken glass was held to it when it was broken;
    what nobody reviews raises SameRequest, as `require_first` says.
    """
    if reviewed is None:
        await require_first(tx, command, execution, None, now)
        return
    if reviewed.kind is ReviewKind.AFTERWARDS:
        return
    known = reviewed.shown[ALIKE].text if ALIKE in reviewed.shown else ""
    since = reviewed.created_at
    for one in await _alike(tx, command, execution, bound, now, done_since=since):
        if one.status is not ExecutionStatus.WAITING and _named(one) not in known:
            raise Repeated


async def under_way(
    services: Services, command: Command, execution: Execution, bound: Bound
) -> Execution | None:
    """The like request that breaking the glass once more would only repeat, if there is one.

    What is pending, or unknown, keeps no glass from breaking.
    """
    if not command.alike or is_meant_twice(execution):
        return None
    async with services.store.read() as tx:
        found = await _alike(tx, command, execution, bound, services.clock.now())
    for one in found:
        begins = one.status is ExecutionStatus.RECORDED and one.arguments.get(BREAK_GLASS)
        if begins or one.status in _SENT:
            return one
    return None


async def _alike(
    tx: UnitOfWork,
    command: Command,
    execution: Execution,
    bound: Bound,
    now: datetime,
    done_since: datetime | None = None,
) -> list[Execution]:
    since = now - LOOKED_FOR
    if not command.alike:
        return await _same(tx, command, execution, since, done_since)
    before = await tx.executions.open_before(execution, unknown_since=since, done_since=done_since)
    return [one for one in before if _is_alike(one, command, execution, bound)]


async def _same(
    tx: UnitOfWork,
    command: Command,
    execution: Execution,
    since: datetime,
    done_since: datetime | None,
) -> list[Execution]:
    """What was sent to the same target with the same arguments, and is still looked for.

    Also, since `done_since`, what came of it already, and broken glass that is about to be sent.
    """
    if not can_be_twice(command, execution):
        return []
    found = await tx.executions.open_on_target(
        execution, unknown_since=since, done_since=done_since
    )
    same = [one for one in found if is_same(command, one, execution)]
    return [
        one
        for one in same
        if await _is_looked_for(tx, one) or (done_since and _came_since(one, done_since))
    ]


def _came_since(one: Execution, since: datetime) -> bool:
    """Whether it was sent since then, whatever came of it, or is broken glass."""
    if one.status is ExecutionStatus.RECORDED:
        return bool(one.arguments.get(BREAK_GLASS))
    return one.started_at is not None and one.started_at >= since


async def _is_looked_for(tx: UnitOfWork, one: Execution) -> bool:
    if one.status is not ExecutionStatus.UNKNOWN:
        return one.status in _SENT
    watch = await tx.watches.for_execution(one.id)
    return watch is not None and watch.state is WatchState.OPEN


def _is_alike(one: Execution, command: Command, execution: Execution, bound: Bound) -> bool:
    if one.node:  # else it has not been found out yet, and only the words can be compared
        machines = {one.task, execution.task} if bound.machine is not None else {""}
        if one.node != execution.node or len(machines) > 1:
            return False
    elif _words(one, command) != _words(execution, command):
        return False
    if BY_ACTOR in command.alike and one.actor != execution.actor:
        return False
    values = [(_value(one, name), _value(execution, name)) for name in command.alike]
    return all(mine == theirs or not mine or not theirs for mine, theirs in values)


def _value(execution: Execution, name: str) -> str:
    return plain(execution.known.get(name, ""))


def _words(execution: Execution, command: Command) -> Sequence[str]:
    """The texts that say where it is done."""
    places = [p.name for p in command.parameters if p.arg.kind.is_target]
    return [plain(execution.arguments.get(name, "")) for name in places]


def _told(found: Sequence[Execution]) -> str:
    newest = sorted(found, key=lambda one: one.created_at, reverse=True)
    return "\n".join(f"{_named(one)} {one.status}" for one in newest)


def _named(one: Execution) -> str:
    return f"{one.actor} {one.created_at.isoformat()}"
