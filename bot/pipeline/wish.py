"""A command as asked for, however it was asked: typed, clicked or by form."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.ids import ExecutionId, TaskId, UserId, new_id
from bot.language.table import Command
from bot.model import Execution, Place, Source


@dataclass(frozen=True, slots=True)
class Wish:
    """Who wants what, and where. `key` is the delivery's; `values` are texts by name.

    `page` is of a list; `list` the id under which what was asked for it is kept, once somebody
    turns its pages. `by_id`: the machine was pressed or chosen, so the text is its task id and can
    mean nothing else; a name that reads like it is another machine's. `is_open`: everyone reads
    the list whose page is turned.
    """

    key: str
    actor: UserId
    place: Place
    source: Source
    command: Command
    values: Mapping[str, str]
    page: int = 1
    list: str = ""
    by_id: bool = False
    is_open: bool = False

    def option(self, name: str) -> str:
        """What was given for one of everyone's options; empty where nothing was."""
        return "" if self.command.parameter(name) else self.values.get(name, "")

    def requested(self, now: datetime) -> Execution:
        """It, as the ledger has it: a machine that was pressed or chosen by its task id."""
        secret = self.command.secrets
        return Execution(
            id=ExecutionId(new_id()),
            key=self.key,
            actor=self.actor,
            place=self.place,
            source=self.source,
            command=self.command.id,
            arguments={k: v for k, v in self.values.items() if k not in secret},
            effect=self.command.effect_of(self.values),
            created_at=now,
            secrets={k: v for k, v in self.values.items() if k in secret},
            task=TaskId(self.values.get("vm", "") if self.by_id else ""),
        )

    @property
    def is_private(self) -> bool:
        """Whether the person asked where nobody else sees it."""
        return not self.is_open and self.source not in {Source.MENTION, Source.DIRECT}
