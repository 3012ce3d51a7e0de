"""Ports and names that other machines of a node have, as far as whoever asks may see them.

DBC tells the ports of a machine in its details alone, and no more ports at all (docs/dbc-api.md
§3.2.2). So what was last read counts only where a look at that very machine bears it out.
"""

import asyncio
import re
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta

from bot.clock import time_limit
from bot.commands.addresses import own_public_ip
from bot.dbc.errors import DbcError, TaskNotFound
from bot.dbc.models import Phase, TaskDetail, phase_of
from bot.errors import BotError
from bot.folding import fold
from bot.ids import TaskId
from bot.language.row_parts import Foreseen, Listing
from bot.model import Machine, Node
from bot.pipeline.context import Context
from bot.pipeline.machine_looks import look_at
from bot.reply import Phrase, Text, say, say_number
from bot.watches.observers.look import is_silence

_PORTS = {"ssh": "SSH", "rdp": "RDP", "vnc": "VNC"}
_MOST = 10  # machines that are looked at for the first time: a node answers one by one
_LOOK = timedelta(seconds=5)  # a node that says nothing for so long leaves it as it was seen
_NUMBERED = re.compile(r"(.*?)(\d*)", re.DOTALL)


async def ports_taken(
    ctx: Context,
    node: Node,
    picked: Mapping[str, int],
    own: str = "",
    looks: "Looks | None" = None,
    **wanted: int | None,
) -> Foreseen:
    """Which of the ports that are `wanted` other machines have, by argument.

    `picked` are those that would be picked instead, `own` the machine's own id. A machine with a
    public IP of its own shares no SSH and RDP port with others: where it cannot be told whether
    one has it, its node decides. `looks` learn what is read here.
    """
    looks = looks or Looks(ctx)
    ports = {name: port for name, port in wanted.items() if port is not None}
    if not ports:
        return Foreseen()
    others = [one for one in await machines_seen(ctx) if one.node == node.id and one.task != own]
    details = dict(await ctx.services.last_known.details(others))
    unknown = [one for one in others if (one.node, one.task) not in details]
    suspects = [
        one
        for one in others
        if (known := details.get((one.node, one.task))) and _common(ports, known)
    ]
    used: dict[int, Machine] = {}
    for one in [*suspects, *unknown[:_MOST]]:
        detail = await looks.at(one)
        if detail is not None:
            details[one.node, one.task] = detail
            if detail.phase is Phase.ON:  # what is off frees its ports
                used |= dict.fromkeys(await _held(ctx, node, ports, detail), one)
    known_ports = {port for detail in details.values() for port in _ports_of(detail)}
    return Foreseen(
        {
            name: _used(name, port, used[port], picked.get(name), known_ports)
            for name, port in ports.items()
            if port in used
        },
        untold=_unlooked(len(unknown) - _MOST),
    )


async def name_taken(ctx: Context, node: Node, name: str) -> Foreseen:
    """Whether a machine is called so already: DBC would make a second one of that name."""
    seen = await machines_seen(ctx)
    called = [one for one in seen if _is_called(one, name, node) and not _is_unmade(one.status)]
    there = await _still_there(ctx, called)
    if not there:
        return Foreseen()
    names = {fold(text) for one in seen for text in (one.desc, one.nickname)}
    where = await ctx.services.inventory.label(there[0].node)
    told = say(
        "{node} already has a machine called {name}; {other} is free.",
        node=where, name=name, other=_free_name(name, names),
    )  # fmt: skip
    return Foreseen({"name": told})


async def machines_seen(ctx: Context) -> list[Machine]:
    """The machines that whoever asks may see here."""
    seen = await ctx.services.inventory.machines(ctx.actor, ctx.place.channel)
    hidden = await ctx.hidden(Listing.MACHINES)
    return [one for one in seen if one.node not in hidden]


class Looks:
    """Looks at machines before a change is sent: what was read once is not asked again."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._found: dict[TaskId, TaskDetail | None] = {}

    async def at(self, machine: Machine) -> TaskDetail | None:
        """How a machine is now; None where that cannot be read. Raises DbcError in silence."""
        try:
            return await self._look(machine)
        except DbcError as problem:
            if is_silence(problem):
                raise
            return None

    async def at_all(self, machines: Sequence[Machine]) -> Mapping[TaskId, TaskDetail | None]:
        """How the machines are now, as far as their nodes say so soon; None is one that is gone."""
        looks = [asyncio.ensure_future(self._look(one)) for one in machines]
        try:
            with suppress(TimeoutError):
                async with time_limit(self._ctx.services.clock, _LOOK):
                    await asyncio.gather(*looks, return_exceptions=True)
            for look in looks:
                if look.done() and not look.cancelled():
                    with suppress(DbcError):
                        look.result()
        finally:
            for look in looks:
                look.cancel()
        return {one.task: self._found[one.task] for one in machines if one.task in self._found}

    async def _look(self, machine: Machine) -> TaskDetail | None:
        if machine.task not in self._found:
            detail: TaskDetail | None = None
            with suppress(TaskNotFound):
                detail = await look_at(self._ctx, machine)
            self._found[machine.task] = detail
        return self._found[machine.task]


async def _still_there(ctx: Context, machines: Sequence[Machine]) -> list[Machine]:
    """Those of them that are there now: they may have been deleted since they were seen.

    Only its node can say that one is gone; what does not answer soon is there as it was seen.
    """
    found = await Looks(ctx).at_all(machines)
    return [one for one in machines if one.task not in found or _is_made(found[one.task])]


def _is_made(detail: TaskDetail | None) -> bool:
    return detail is not None and not _is_unmade(detail.status)


def _is_called(machine: Machine, name: str, node: Node) -> bool:
    if fold(machine.nickname) == fold(name):
        return True
    return machine.node == node.id and fold(machine.desc) == fold(name)


def _is_unmade(status: str) -> bool:
    """Whether a machine is not there yet, or never came to be: what may be tried again."""
    return status == "creating" or phase_of(status) is Phase.FAILED


def _ports_of(detail: TaskDetail) -> set[int]:
    ports = (detail.ssh_port, detail.rdp_port, detail.vnc_port)
    return {port for port in ports if port is not None}


def _common(wanted: Mapping[str, int], detail: TaskDetail) -> set[int]:
    return set(wanted.values()) & _ports_of(detail)


async def _held(
    ctx: Context, node: Node, wanted: Mapping[str, int], detail: TaskDetail
) -> set[int]:
    """Which of the wanted ports it surely holds."""
    common = _common(wanted, detail)
    vnc = common & {detail.vnc_port}
    if common == vnc:
        return vnc
    try:
        address = await own_public_ip(ctx, node.id, detail)
    except DbcError as problem:
        if is_silence(problem):
            raise
        return vnc
    except BotError:
        return vnc
    return common if address is None else vnc


def _used(name: str, port: int, by: Machine, picked: int | None, used: Collection[int]) -> Text:
    called = _PORTS[name]
    told = say(
        "{called} port {port} is used by {machine}", called=called, port=port, machine=by.label
    )
    free = next((one for one in _from(picked) if one not in used), None)
    if free is None:
        return say("{told}.", told=told)
    return say("{told}; {free} is free on the machines you can see.", told=told, free=free)


def _from(picked: int | None) -> Collection[int]:
    return range(picked, picked + 100) if picked is not None else ()


def _unlooked(left: int) -> tuple[Phrase, ...]:
    if left <= 0:
        return ()
    told = say_number(
        "The ports of {number} more machine were never read.",
        "The ports of {number} more machines were never read.",
        left,
    )
    return (told,)


def _free_name(name: str, taken: Collection[str]) -> str:
    """The next name of the kind: `train-02` for `train-01`."""
    found = _NUMBERED.fullmatch(name)
    stem, digits = found.groups() if found else (name, "")
    first, width = (int(digits) + 1, len(digits)) if digits else (2, 1)
    dash = "" if digits or not stem or not stem[-1].isalnum() else "-"
    names = (f"{stem}{dash}{number:0{width}}" for number in range(first, first + len(taken) + 1))
    return next(one for one in names if fold(one) not in taken)
