"""What was last read of each machine, by whose session; encrypted at rest, for it has passwords."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, bindparam, delete, exists, not_, select, update

from bot.ids import NodeId, TaskId, UserId
from bot.loop import in_pieces
from storage.connection import OpenConnection
from storage.errors import BadKey
from storage.repositories.repository import Repository, renewing
from storage.tables import machine_details, machines
from storage.vault import Vault

_DETAIL = "detail"
_ALL = select(machine_details.c.sealed)
_GONE = not_(
    exists().where(
        machines.c.node == machine_details.c.node, machines.c.task == machine_details.c.task
    )
)
_ANY_GONE = select(machine_details.c.task).where(_GONE).limit(1)
_FIND = select(machine_details).where(
    *(machine_details.c[name] == bindparam(f"its_{name}") for name in ("node", "task", "owner"))
)


class Details(Repository):
    """One row for each machine and session. What is in it is a text to this room."""

    def __init__(self, connection: OpenConnection, vault: Vault) -> None:
        super().__init__(connection)
        self._vault = vault
        self.erased = False  # whether passwords were erased in this unit of work

    async def put(
        self, node: NodeId, task: TaskId, owner: UserId, detail: str, now: datetime
    ) -> None:
        """Write down what the session of `owner` has shown of a machine."""
        row = {
            "node": node,
            "task": task,
            "owner": owner,
            "sealed": self._vault.encrypt({_DETAIL: detail}),
            "seen_at": now,
        }
        await self._connection.execute(
            renewing(self._dialect, machine_details, "sealed", "seen_at"), row
        )

    async def find(self, node: NodeId, task: TaskId, owner: UserId) -> tuple[str, datetime] | None:
        """What was last read with the session of `owner`, and when.

        None where nothing was, or no key opens it any more.
        """
        given = {"its_node": node, "its_task": task, "its_owner": owner}
        rows = await self._connection.execute(_FIND, given)
        row = rows.mappings().first()
        text = self._open(row["sealed"]) if row else None
        return (text, row["seen_at"]) if row and text is not None else None

    async def of(
        self, node: NodeId, owner: UserId, tasks: Sequence[TaskId]
    ) -> Mapping[TaskId, str]:
        """What was last read of these with the session of `owner`, as far as a key opens it."""
        found: dict[TaskId, str] = {}
        async for some in in_pieces(tasks):
            rows = await self._connection.execute(
                select(machine_details.c.task, machine_details.c.sealed).where(
                    machine_details.c.node == node,
                    machine_details.c.owner == owner,
                    machine_details.c.task.in_(some),
                )
            )
            for task, sealed in rows:
                if (text := self._open(sealed)) is not None:
                    found[task] = text
        return found

    async def all(self) -> list[str]:
        """Everything that can be opened."""
        rows = await self._connection.execute(_ALL)
        return [text for row in rows if (text := self._open(row.sealed)) is not None]

    async def forget(self, owner: UserId, node: NodeId) -> None:
        """Erase what was read with a session."""
        await self._erase(machine_details.c.owner == owner, machine_details.c.node == node)

    async def any_gone(self) -> bool:
        """Whether something was read of a machine that no list shows any more.

        Goes through all that is kept: for `Store.browse`.
        """
        rows = await self._connection.execute(_ANY_GONE)
        return rows.first() is not None

    async def forget_gone(self) -> int:
        """Erase what was read of machines that no list shows any more; says of how many."""
        return await self._erase(_GONE)

    async def reseal(self) -> int:
        """Encrypt every row anew that a key opens; says how many there were."""
        rows = await self._connection.execute(select(machine_details))
        stored = [row for row in rows.mappings() if self._vault.opens(row["sealed"])]
        for row in stored:
            keys = [machine_details.c[name] == row[name] for name in ("node", "task", "owner")]
            sealed = self._vault.rotate(row["sealed"])
            await self._connection.execute(
                update(machine_details).where(*keys).values(sealed=sealed)
            )
        self.erased = self.erased or bool(stored)
        return len(stored)

    async def _erase(self, *conditions: ColumnElement[bool]) -> int:
        rows = await self._connection.execute(delete(machine_details).where(*conditions))
        self.erased = self.erased or rows.rowcount > 0
        return rows.rowcount

    def _open(self, sealed: bytes) -> str | None:
        try:
            return self._vault.decrypt(sealed)[_DETAIL]
        except BadKey:
            return None
