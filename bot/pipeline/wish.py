"""A command as asked for, however it was asked: typed, clicked or by form."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.language.table import Command
from bot.model import Place, Source


@dataclass(frozen=True, slots=True)
class Wish:
    """Who wants what, and where. `key` is the delivery's; `values` are texts by name.

    `page` is of a list; `list` the id under which what was asked for it is kept, once somebody
    turns its pages.
    """

    key: str
    actor: str
    place: Place
    source: Source
    command: Command
    values: Mapping[str, str]
    page: int = 1
    list: str = ""

    def option(self, name: str) -> str:
        """What was given for one of everyone's options; empty where nothing was."""
        return "" if self.command.parameter(name) else self.values.get(name, "")

    @property
    def is_private(self) -> bool:
        """Whether the person asked where nobody else sees it."""
        return self.source not in {Source.MENTION, Source.DIRECT}
