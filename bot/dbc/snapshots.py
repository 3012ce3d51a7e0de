"""Snapshots of system disks (docs/dbc-api.md §3.4, §6)."""

from pydantic import TypeAdapter

from bot.dbc import fields
from bot.dbc.endpoint import Auth, Caller, change, read
from bot.dbc.identity import Target
from bot.dbc.models import Snapshot
from bot.dbc.success import done

_LISTING = "list snapshot"
_LIST = read("/snapshot/list/{task_id}", Auth.RENTER, TypeAdapter(tuple[Snapshot, ...]), _LISTING)
_GET = read("/snapshot/list/{task_id}/{name}", Auth.RENTER, TypeAdapter(Snapshot), _LISTING)
_CREATE = change("/snapshot/create/{task_id}", Auth.RENTER, done)
_DELETE = change("/snapshot/delete/{task_id}/{name}", Auth.RENTER, done)


class Snapshots:
    """Calls about snapshots."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def list(self, target: Target, task_id: str) -> tuple[Snapshot, ...]:
        """A machine's snapshots; empty for an unknown machine, too."""
        return await self._caller.call(_LIST, target, task_id=fields.task_in_path(task_id))

    async def get(self, target: Target, task_id: str, name: str) -> Snapshot:
        """One snapshot; of several with one name, the first."""
        return await self._caller.call(
            _GET,
            target,
            task_id=fields.task_in_path(task_id),
            name=fields.snapshot_name(name),
        )

    async def create(
        self, target: Target, task_id: str, name: str, server: str, desc: str = ""
    ) -> None:
        """Queue a snapshot of a machine that is off, and its upload to an image server.

        DBC accepts a name twice and then mixes the two up: list first. Success is seen on the
        image server alone, under the base name of the snapshot's file.
        """
        additional = {
            "snapshot_name": fields.snapshot_name(name),
            "image_server": fields.server_id(server),
            "desc": fields.echoed(desc, "desc"),
        }
        await self._caller.call(_CREATE, target, additional, task_id=fields.task_in_path(task_id))

    async def delete(self, target: Target, task_id: str, name: str) -> None:
        """Delete a snapshot's record and local file, not the copy on the image server."""
        await self._caller.call(
            _DELETE,
            target,
            task_id=fields.task_in_path(task_id),
            name=fields.snapshot_name(name),
        )
