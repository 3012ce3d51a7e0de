"""A command as asked for, however it was asked: typed, clicked or by form."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.ids import UserId
from bot.language.table import Command
from bot.model import Place, Source


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

    @property
    def task(self) -> str:
        """The task id of the machine that was pressed or chosen; empty where a name was typed."""
        return self.values.get("vm", "") if self.by_id else ""

    @property
    def is_private(self) -> bool:
        """Whether the person asked where nobody else sees it."""
        return not self.is_open and self.source not in {Source.MENTION, Source.DIRECT}
