"""Bare-metal machines and their managers (docs/dbc-api.md §3.7, §3.8).

Two kinds of node ids: power and boot go to the machine's, administration to its manager's, signed
with the manager's own node key.
"""

from dataclasses import replace
from typing import get_args

from pydantic import TypeAdapter

from bot.dbc import fields
from bot.dbc.endpoint import MOST_NODES, Auth, Caller, Endpoint, change, read
from bot.dbc.errors import InvalidField, Mode, NoBackEnd, Unconfirmed
from bot.dbc.identity import NodeKeySignature, Target
from bot.dbc.models import (
    BareMetal,
    BareMetals,
    BootDevice,
    BootResult,
    PowerCommand,
    PowerReport,
    power_in,
)
from bot.dbc.requests import BareMetalChange, BareMetalSpec
from bot.dbc.success import booting, forgotten, powered, silent
from bot.reply import listed, say

_METALS: TypeAdapter[tuple[BareMetal, ...]] = TypeAdapter(BareMetals)


def _report(message: object) -> PowerReport:
    return PowerReport(text=str(message), is_on=power_in(str(message)))


_KNOWN = read("/bare_metal", Auth.NONE, _METALS, most=MOST_NODES)
_LIST = read("/bare_metal", Auth.MANAGER_IF_GIVEN, _METALS, "list bare metal")
_FIND = read("/bare_metal/{machine}", Auth.MANAGER_IF_GIVEN, _METALS, "list bare metal")
_GET = read("/bare_metal", Auth.RENTER, TypeAdapter(BareMetal), "list bare metal")
_ADD = change("/bare_metal/add", Auth.MANAGER, _METALS.validate_python)
_MODIFY = change("/bare_metal/modify/{machine}", Auth.MANAGER, silent)
_REMOVE = change("/bare_metal/delete", Auth.MANAGER, forgotten)
_STATUS = Endpoint("/bare_metal/power", Mode.READ, Auth.RENTER, _report)
_POWER = change("/bare_metal/power", Auth.RENTER, _report)
_BOOT = change("/bare_metal/bootdev", Auth.RENTER, booting)


class Metal:
    """Calls about bare metal; all are carried out when they return (power tools may be slow)."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def known(self) -> tuple[BareMetal, ...]:
        """The machines that the daemon knows from gossip: node id, name, version."""
        return await self._caller.call(_KNOWN)

    async def list(
        self, manager_id: str, signature: NodeKeySignature | None = None
    ) -> tuple[BareMetal, ...]:
        """A manager's machines (51 at most); what is secret is masked without its signature."""
        target = Target(node_id=manager_id, credentials=signature)
        return await self._caller.call(_LIST, target)

    async def find(
        self, manager_id: str, machine_id: str, signature: NodeKeySignature | None = None
    ) -> tuple[BareMetal, ...]:
        """A manager's machine by node id, with its power status; none if it is not there."""
        target = Target(node_id=manager_id, credentials=signature)
        return await self._caller.call(_FIND, target, machine=fields.node_id(machine_id))

    async def get(self, target: Target) -> BareMetal:
        """A machine as its renter sees it. `target` is the machine."""
        return await self._caller.call(_GET, target)

    async def add(self, manager: Target, machine: BareMetalSpec) -> BareMetal:
        """Let a manager take on a machine; gives its node id and uuid.

        One at a time: of several, DBC keeps the first ones when a later one fails.
        """
        added = await self._caller.call(_ADD, manager, machine.additional())
        found = next((it for it in added if it.uuid == machine.uuid and it.node_id), None)
        if found is None:
            raise Unconfirmed(mode=Mode.CHANGE, errcode=0)
        return found

    async def modify(self, manager: Target, machine_id: str, wanted: BareMetalChange) -> None:
        """Change what a manager knows of a machine."""
        await self._caller.call(
            _MODIFY, manager, wanted.additional(), machine=fields.node_id(machine_id)
        )

    async def remove(self, manager: Target, machine_id: str) -> None:
        """Let a manager forget a machine."""
        additional = {"bare_metal_node_ids": [fields.node_id(machine_id, "machine_id")]}
        await self._caller.call(_REMOVE, manager, additional)

    async def power_status(self, target: Target) -> PowerReport:
        """Whether a machine has power. `target` is the machine."""
        return await self._caller.call(_STATUS, target, {"command": "status"})

    async def power(self, target: Target, command: PowerCommand) -> PowerReport:
        """Switch a machine on or off or reset it; the report is the power tool's own text.

        Raises Unconfirmed where that text is none of success: the error code is 0 then, too.
        """
        _one(command, PowerCommand, "command")
        endpoint = replace(_POWER, decode=powered(command))
        return await self._caller.call(endpoint, target, {"command": command})

    async def boot(self, target: Target, device: BootDevice) -> BootResult:
        """Choose what a machine boots from next. SENT is the rule: DBC always reports failure."""
        try:
            return await self._caller.call(
                _BOOT, target, {"device": _one(device, BootDevice, "device")}
            )
        except NoBackEnd:
            return BootResult.SENT


def _one(word: str, words: object, field: str) -> str:
    if word not in get_args(words):
        raise InvalidField(
            say(
                "{field} must be one of {words}.",
                field=field,
                words=listed(get_args(words)),
            ),
            field=field,
        )
    return word
