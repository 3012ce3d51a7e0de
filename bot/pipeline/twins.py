"""Finds requests like one that is about to run, whose outcome nobody knows yet.

DBC does not notice that two requests are alike: sent twice while a node is silent, both are carried
out. What makes two of them alike is said by the command's row.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.folding import plain
from bot.language.table import BY_ACTOR, Command
from bot.messages.facts import ALIKE
from bot.model import Execution, ExecutionStatus, Fact
from bot.pipeline.context import Services
from bot.pipeline.targets import Bound
from bot.watches.late import LOOKED_FOR


async def twins_of(
    services: Services, command: Command, execution: Execution, bound: Bound
) -> dict[str, Fact]:
    """The like requests that are in progress, or unknown, as the fact that a review shows."""
    if not command.alike:
        return {}
    found = await _alike(services, command, execution, bound)
    return {ALIKE: Fact(_told(found))} if found else {}


async def came_meanwhile(
    services: Services,
    command: Command,
    execution: Execution,
    bound: Bound,
    shown: Mapping[str, Fact],
    since: datetime,
) -> bool:
    """Whether a like request was sent, or is about to be, that whoever decided was not shown.

    Also one that is done, since the question was put: it has made what this one would make.
    """
    if not command.alike:
        return False
    known = shown[ALIKE].text if ALIKE in shown else ""
    return any(
        one.status is not ExecutionStatus.WAITING and _named(one) not in known
        for one in await _alike(services, command, execution, bound, done_since=since)
    )


async def _alike(
    services: Services,
    command: Command,
    execution: Execution,
    bound: Bound,
    done_since: datetime | None = None,
) -> list[Execution]:
    since = services.clock.now() - LOOKED_FOR
    async with services.store.read() as tx:
        before = await tx.executions.open_before(
            execution, unknown_since=since, done_since=done_since
        )
    return [one for one in before if _is_alike(one, command, execution, bound)]


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
    places = [p.name for p in command.parameters if p.arg.kind in {"vm", "node", "peer", "manager"}]
    return [plain(execution.arguments.get(name, "")) for name in places]


def _told(found: Sequence[Execution]) -> str:
    newest = sorted(found, key=lambda one: one.created_at, reverse=True)
    return "\n".join(f"{_named(one)} {one.status}" for one in newest)


def _named(one: Execution) -> str:
    return f"{one.actor} {one.created_at.isoformat()}"
