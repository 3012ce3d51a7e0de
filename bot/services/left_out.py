"""Looks at machines one by one, where a node's list does not tell of them.

A list can be short for a moment, as of a node that has just started. That a machine is gone, only
the node's answer about this very one says.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from bot.clock import Clock
from bot.dbc.client import DbcClient
from bot.dbc.errors import TaskNotFound, Unreadable
from bot.dbc.models import TaskDetail
from bot.errors import BotError
from bot.ids import TaskId
from bot.model import DbcSession, Machine
from bot.services.sessions import target_of

_MOST_LOOKS = 10  # for one list; the rest is looked at after the next ones

log = structlog.get_logger()


async def look_for(
    missing: Sequence[Machine], session: DbcSession, dbc: DbcClient, clock: Clock
) -> tuple[Sequence[Machine], Mapping[str, BotError | None]]:
    """Those that are there all the same; and of which ones, by id, the node has said nothing, and
    why, if it was asked. Neither of them: those that are gone.
    """
    found: list[Machine] = []
    missing = sorted(missing, key=lambda machine: machine.seen_at)
    asked = missing[:_MOST_LOOKS]
    for position, machine in enumerate(asked):
        now = clock.now()
        try:
            detail = await dbc.tasks.get(target_of(session), machine.task)
        except TaskNotFound:
            continue
        except BotError as problem:
            log.info("inventory.not_looked_for", node=session.node, problem=problem.sentence)
            return found, dict.fromkeys((one.task for one in missing[position:]), problem)
        found.append(as_read(machine, machine_of(session, machine.task, detail, now)))
    return found, dict.fromkeys(one.task for one in missing[_MOST_LOOKS:])


@dataclass(frozen=True, slots=True)
class Each:
    """Machines looked at one by one: those in `fresh` were read, those in `odd` are unreadable."""

    seen: tuple[Machine, ...]
    odd: frozenset[str]
    fresh: frozenset[str]


async def read_each(
    known: Iterable[Machine], session: DbcSession, dbc: DbcClient, clock: Clock
) -> Each:
    """The known machines, each as its own details show it, or as last seen; none that is gone."""
    seen, odd, fresh = [], set(), set()
    for machine in known:
        now = clock.now()
        try:
            detail = await dbc.tasks.get(target_of(session), machine.task)
        except TaskNotFound:
            continue
        except BotError as fault:
            seen.append(machine)
            if isinstance(fault, Unreadable) and fault.is_of_the_node:
                odd.add(machine.task)
            continue
        fresh.add(machine.task)
        seen.append(as_read(machine, machine_of(session, machine.task, detail, now)))
    return Each(tuple(seen), frozenset(odd), frozenset(fresh))


def as_read(known: Machine, read: Machine) -> Machine:
    """A known machine as it was read; details may leave out what it is called."""
    return replace(
        read,
        nickname=known.nickname,
        desc=read.desc or known.desc,
        created=read.created or known.created,
    )


def machine_of(session: DbcSession, task: TaskId, detail: TaskDetail, now: datetime) -> Machine:
    """A machine as its details show it; `now` is when they were asked for."""
    created = detail.create_time or ""
    return Machine(session.node, task, session.user, detail.desc, str(detail.status), created, now)
