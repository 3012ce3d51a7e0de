"""Data disks of machines (docs/dbc-api.md §3.3). Not for pxe machines."""

from pydantic import TypeAdapter

from bot.dbc import fields
from bot.dbc.endpoint import Auth, Caller, change, read
from bot.dbc.identity import Target
from bot.dbc.models import TaskDisk
from bot.dbc.success import done

_LIST = read("/disk/list/{task_id}", Auth.RENTER, TypeAdapter(tuple[TaskDisk, ...]))
_RESIZE = change("/disk/resize/{task_id}", Auth.RENTER, done)
_ADD = change("/disk/add/{task_id}", Auth.RENTER, done)
_DELETE = change("/disk/delete/{task_id}", Auth.RENTER, done)


class Disks:
    """Calls about disks. Changes need the machine off and are only queued when they return.

    No status ever shows them: success is seen in the list alone.
    """

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def list(self, target: Target, task_id: str) -> tuple[TaskDisk, ...]:
        """A machine's disks. Above 1 T, sizes in the machine's detail are more exact."""
        return await self._caller.call(_LIST, target, task_id=fields.task_in_path(task_id))

    async def resize(self, target: Target, task_id: str, disk: str, add_gib: int) -> None:
        """Queue the growth of a disk BY `add_gib` GiB. There is no shrinking."""
        additional = {"disk": fields.disk_name(disk), "size": fields.gib(add_gib)}
        await self._caller.call(_RESIZE, target, additional, task_id=fields.task_in_path(task_id))

    async def add(
        self, target: Target, task_id: str, size_gib: int, mount_dir: str = fields.DATA_DIR
    ) -> None:
        """Queue a new disk. `mount_dir` is where the host keeps its file, nothing in the guest."""
        additional = {
            "size": fields.gib(size_gib),
            "mount_dir": fields.directory(mount_dir, "mount_dir"),
        }
        await self._caller.call(_ADD, target, additional, task_id=fields.task_in_path(task_id))

    async def delete(self, target: Target, task_id: str, disk: str) -> None:
        """Queue the deletion of a data disk and its file."""
        additional = {"disk": fields.data_disk(disk)}
        await self._caller.call(_DELETE, target, additional, task_id=fields.task_in_path(task_id))
