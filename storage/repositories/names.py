"""Nicknames that people gave machines and nodes."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from bot.errors import Conflict
from bot.folding import fold
from bot.ids import UserId
from bot.model import Nicknamed
from bot.reply import say
from storage.repositories.repository import Repository, is_word, renewing
from storage.tables import names

_ALL = select(names)
_NEWS = ("name", "folded", "since", "given_by")


@dataclass(frozen=True, slots=True)
class Given:
    """A name that people gave; by whom and since when, where that was written down."""

    name: str
    by: UserId
    since: datetime | None


class Names(Repository):
    """One nickname a target; no two of a kind are alike once folded (`bot.folding`)."""

    async def set(
        self,
        kind: Nicknamed,
        target: str,
        name: str,
        *,
        by: UserId = UserId(""),
        now: datetime | None = None,
    ) -> None:
        """Name a target, in place of its former name; `Conflict` if another one is called so."""
        row = {
            "kind": kind,
            "target": target,
            "name": name,
            "folded": fold(name),
            "since": now,
            "given_by": by,
        }
        try:
            async with self._connection.begin_nested():
                await self._connection.execute(renewing(self._dialect, names, *_NEWS), row)
        except IntegrityError:
            taken = say("Another node is already called {name}.", name=name)
            if kind is Nicknamed.MACHINE:
                taken = say("Another machine is already called {name}.", name=name)
            raise Conflict(taken, hint=say("Choose another name.")) from None

    async def remove(self, kind: Nicknamed, target: str) -> bool:
        """Take a target's name away; says whether it had one."""
        rows = await self._connection.execute(
            delete(names).where(names.c.kind == kind, names.c.target == target)
        )
        return rows.rowcount > 0

    async def find(self, kind: Nicknamed, name: str) -> str | None:
        """The target called `name`, however it is spelled, if there is one."""
        rows = await self._connection.execute(
            select(names.c.target).where(names.c.kind == kind, names.c.folded == fold(name))
        )
        return rows.scalar_one_or_none()

    async def given(self, kind: Nicknamed, target: str) -> Given | None:
        """The name of a target, who gave it and since when, if it has one."""
        rows = await self._connection.execute(
            select(names).where(names.c.kind == kind, names.c.target == target)
        )
        row = rows.mappings().one_or_none()
        return None if row is None else Given(row["name"], row["given_by"], row["since"])

    async def all(self, kind: Nicknamed) -> dict[str, str]:
        """Every name of a kind, by target."""
        rows = await self._connection.execute(
            select(names.c.target, names.c.name).where(names.c.kind == kind)
        )
        return {row.target: row.name for row in rows}

    async def everything(self) -> dict[tuple[Nicknamed, str], Given]:
        """Every name, by kind and target; of a kind that is not known here, none."""
        rows = await self._connection.execute(_ALL)
        return {
            (Nicknamed(row["kind"]), row["target"]): Given(
                row["name"], row["given_by"], row["since"]
            )
            for row in rows.mappings()
            if is_word(Nicknamed, row["kind"])
        }
