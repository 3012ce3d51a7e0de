"""What was last read of each machine, for when its node does not answer. Passwords stay sealed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel, SecretStr

from bot.dbc.models import TaskDetail
from bot.dbc.sizes import Size
from bot.ids import NodeId, TaskId, UserId
from bot.model import DbcSession, Machine
from bot.redaction import secrets_in
from bot.services.remembering import remember
from storage import Store, UnitOfWork


@dataclass(frozen=True, slots=True)
class Known:
    """What was read of a machine, and when."""

    detail: TaskDetail
    seen_at: datetime


class LastKnown:
    """Keeps what a session has shown of a machine; nobody sees it with another session."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def saw(
        self,
        session: DbcSession,
        task: TaskId,
        detail: TaskDetail,
        asked_at: datetime,
        machine: Machine | None = None,
    ) -> None:
        """Remember what a session has shown, as it was asked for at that moment.

        With it the `machine` as a list has it, if that is given.
        """
        text = json.dumps(_plain(detail))
        put = (session.node, task, session.user, text, asked_at)

        async def keep(tx: UnitOfWork) -> None:
            if machine is not None:
                await tx.inventory.put_machine(machine)
            await tx.details.put(*put)

        await remember(self._store, keep)

    async def find(self, session: DbcSession, task: TaskId) -> Known | None:
        """What was last read with the session."""
        async with self._store.read() as tx:
            return await self.find_in(tx, session, task)

    async def find_in(self, tx: UnitOfWork, session: DbcSession, task: TaskId) -> Known | None:
        """The same, in a unit of work that is open already."""
        found = await tx.details.find(session.node, task, session.user)
        return Known(_read(found[0]), found[1]) if found else None

    async def gpus(self, machines: Sequence[Machine]) -> Mapping[tuple[str, str], int]:
        """How many GPUs the machines had when read last, by node and task, where they were."""
        counts = {at: json.loads(text).get("gpu_count") for at, text in await self._texts(machines)}
        return {at: count for at, count in counts.items() if count is not None}

    async def details(self, machines: Sequence[Machine]) -> Mapping[tuple[str, str], TaskDetail]:
        """What was last read of the machines with the sessions that show them, where it was."""
        return {at: _read(text) for at, text in await self._texts(machines)}

    async def _texts(self, machines: Sequence[Machine]) -> list[tuple[tuple[str, str], str]]:
        by_session: dict[tuple[NodeId, UserId], list[TaskId]] = {}
        for one in machines:
            by_session.setdefault((one.node, one.owner), []).append(one.task)
        found: list[tuple[tuple[str, str], str]] = []
        async with self._store.read() as tx:
            for (node, owner), tasks in by_session.items():
                kept = await tx.details.of(node, owner, tasks)
                found += [((node, task), text) for task, text in kept.items()]
        return found

    async def secrets(self) -> list[str]:
        """The passwords in all that is kept."""
        async with self._store.read() as tx:
            kept = await tx.details.all()
        return [secret for text in kept for secret in secrets_in(_read(text)) if secret]

    async def forget_gone(self) -> None:
        """Erase what was read of machines that are gone."""
        async with self._store.browse() as tx:
            if not await tx.details.any_gone():
                return
        async with self._store.write() as tx:
            await tx.details.forget_gone()


def _read(text: str) -> TaskDetail:
    return TaskDetail.model_validate_json(text)


def _plain(value: Any) -> Any:
    """A value as JSON takes it, secrets in clear: it is sealed as a whole."""
    match value:
        case SecretStr():
            return value.get_secret_value()
        case Size():
            return value.text
        case BaseModel():
            return {name: _plain(getattr(value, name)) for name in type(value).model_fields}
        case tuple():
            return [_plain(one) for one in value]
    return value
