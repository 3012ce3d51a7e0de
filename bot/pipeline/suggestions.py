"""What was meant, perhaps: each suggestion is a button that runs what reads, or opens the form.

A button carries the command's id and an opaque one, by which what was typed is found in the
database for an hour. After that the form opens empty: nothing runs with less than was typed.
"""

import re
import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta

from bot.clock import Clock
from bot.errors import Refused
from bot.ids import UserId
from bot.language.args import BREAK_GLASS, NODE_OPTION
from bot.language.parse import NotUnderstood, Parsed, parse
from bot.language.synonyms import MOST
from bot.language.table import Command, Table
from bot.messages.ways import OPEN_FORM
from bot.model import Effect, Machine, Node
from bot.reply import Actions, Button, Line, Span, Text, say, with_commands
from bot.services.remembering import remember
from storage import Store

SUGGESTED = "command.suggested"
ON_NODE = "command.on_node"  # carries out what was typed, with the node or server it left out

_LIST = "list of"  # no parameter is called so: an empty request is kept as well
_OPEN = "open"
_LIFETIME = timedelta(hours=1)
_MOST_NODES = 5
_MOST_WAYS = 2  # out of one refusal
_GAP = re.compile("[<…]")  # of a line to fill in

Chosen = Callable[[Command, Mapping[str, str]], Awaitable[Mapping[str, str]]]


class Suggestions:
    """The suggestions of the last hour, whichever process made them."""

    def __init__(self, store: Store, table: Table, clock: Clock) -> None:
        self._store = store
        self._table = table
        self._clock = clock

    async def buttons(self, actor: UserId, meant: NotUnderstood) -> tuple[Actions, ...]:
        """A button for each command that comes nearest; nothing where none does."""
        offers = {secrets.token_urlsafe(9): command for command in meant.nearest}
        said = {one: _offered(c, meant.given.get(c.id, {})) for one, c in offers.items()}
        if not offers or not await self._are_kept(actor, said):
            return ()
        return (Actions(tuple(_suggested(c, one, said[one]) for one, c in offers.items())),)

    async def machines(
        self,
        actor: UserId,
        command: Command,
        values: Mapping[str, str],
        machines: Sequence[tuple[Machine, Text]],
    ) -> tuple[Button, ...]:
        """A button for each of the machines that may be meant, by their names."""
        if not machines:
            return ()
        rest = _offered(command, values)
        said = {
            secrets.token_urlsafe(9): {**rest, "vm": machine.task, NODE_OPTION: machine.node}
            for machine, _ in machines
        }
        if not await self._are_kept(actor, said):
            return ()
        return tuple(
            Button(name, SUGGESTED, f"{command.id}:{one}")
            for one, (_, name) in zip(said, machines, strict=True)
        )

    async def nodes(
        self,
        actor: UserId,
        command: Command,
        values: Mapping[str, str],
        name: str,
        nodes: Sequence[Node],
    ) -> tuple[Button, ...]:
        """A button for each of the nodes of which one is meant as the argument of this name.

        Of many the first ones, and the form, filled in, for any other.
        """
        rest, form = _offered(command, values), secrets.token_urlsafe(9)
        said = {secrets.token_urlsafe(9): {**rest, name: one.id} for one in nodes[:_MOST_NODES]}
        if not await self._are_kept(actor, {**said, form: rest}):
            return ()
        shown = tuple(
            Button(node.label, ON_NODE, f"{command.id}:{one}")
            for one, node in zip(said, nodes, strict=False)
        )
        if len(nodes) > _MOST_NODES:
            value = _value(command, form, rest)
            shown = (*shown, Button(say("Another node …"), OPEN_FORM, value))
        return shown

    async def choices(
        self,
        actor: UserId,
        command: Command,
        values: Mapping[str, str],
        name: str,
        texts: Sequence[str],
    ) -> tuple[Button, ...]:
        """A button for each of the first texts of which one is meant as this argument."""
        rest = _offered(command, values)
        said = {secrets.token_urlsafe(9): {**rest, name: text} for text in texts[:_MOST_NODES]}
        if not await self._are_kept(actor, said):
            return ()
        return tuple(
            Button(text, ON_NODE, f"{command.id}:{one}")
            for one, text in zip(said, texts, strict=False)
        )

    def at_hand(self, commands: Iterable[Command]) -> tuple[Actions, ...]:
        """A button for each of the commands that only reads, and needs nothing said."""
        found = [c for c in commands if c.effect_of({}) is Effect.READ and not c.missing({})]
        shown = [Button(c.called, SUGGESTED, f"{c.id}:") for c in found[:MOST]]
        return (Actions(tuple(shown)),) if shown else ()

    async def ways(self, actor: UserId, chosen: Chosen, hint: Line) -> tuple[Button, ...]:
        """A button for each command that a hint names, as far as it says all that is needed.

        `chosen` gives what is meant by its names.
        """
        found: dict[str, Parsed] = {}
        for text in _named(hint):
            with suppress(Refused):  # a usage, with gaps in it
                meant = parse(self._table, text)
                if isinstance(meant, Parsed) and not meant.command.missing(meant.values):
                    found.setdefault(meant.command.id, meant)
        said = {secrets.token_urlsafe(9): meant for meant in list(found.values())[:_MOST_WAYS]}
        kept = {
            one: _offered(meant.command, await chosen(meant.command, meant.values))
            for one, meant in said.items()
        }
        if not await self._are_kept(actor, kept):
            return ()
        return tuple(_suggested(meant.command, one, kept[one]) for one, meant in said.items())

    async def form(
        self, actor: UserId, command: Command, values: Mapping[str, str], label: Text
    ) -> Actions:
        """The button that opens a command's form, filled in, without secrets."""
        one, kept = secrets.token_urlsafe(9), _carried(command, values)
        if not await self._are_kept(actor, {one: kept}):
            return Actions((Button(label, OPEN_FORM, command.id),))
        return Actions((Button(label, OPEN_FORM, _value(command, one, kept)),))

    async def keep(self, actor: UserId, values: Mapping[str, str], *, is_open: bool) -> str:
        """Keep what a list was asked for; the id by which its buttons find that.

        `is_open`: everyone where it was asked for reads it. No id where the database fails: the
        list is read without its buttons.
        """
        one = secrets.token_urlsafe(9)
        kept = {**values, _LIST: _OPEN if is_open else "private"}
        return one if await self._are_kept(actor, {one: kept}) else ""

    async def listed(self, actor: UserId, one: str) -> tuple[Mapping[str, str], bool] | None:
        """What `actor` asked a list for, and whether everyone reads it.

        None for somebody else's, or one of long ago.
        """
        async with self._store.read() as tx:
            kept = await tx.suggestions.find(one, actor, self._clock.now())
        if _LIST not in kept:
            return None
        values = {name: text for name, text in kept.items() if name != _LIST}
        return values, kept[_LIST] == _OPEN

    async def taken(
        self, actor: UserId, value: str
    ) -> tuple[Command | None, Mapping[str, str] | None]:
        """The command of a button, and what its line said.

        None of what it said where that is somebody else's, or of long ago.
        """
        command_id, _, one = value.partition(":")
        command = self._table.get(command_id)
        if not one:
            return command, {}
        async with self._store.read() as tx:
            values = await tx.suggestions.find(one, actor, self._clock.now())
        return command, values or None

    async def _are_kept(self, actor: UserId, said: Mapping[str, Mapping[str, str]]) -> bool:
        """Keep what buttons carry; False where the database fails.

        Then the buttons are left out: people must read the refusal above them, not that.
        """
        kept = {one: values for one, values in said.items() if values}
        if not kept:
            return True
        now = self._clock.now()
        return await remember(
            self._store, lambda tx: tx.suggestions.put(kept, actor, now, now + _LIFETIME)
        )


def _suggested(command: Command, one: str, kept: Mapping[str, str]) -> Button:
    return Button(command.called, SUGGESTED, _value(command, one, kept))


def _value(command: Command, one: str, kept: Mapping[str, str]) -> str:
    """What a button carries; no id where nothing was kept under it."""
    return f"{command.id}:{one if kept else ''}"


def _named(hint: Line) -> list[str]:
    """The commands to type in a line, however deep they stand."""
    found: list[str] = []

    def noted(span: Span) -> Span:
        if span.style == "command":
            found.append(span.text)
        return span

    with_commands(hint, noted)
    return [text for text in found if not _GAP.search(text)]


def _carried(command: Command, values: Mapping[str, str]) -> dict[str, str]:
    """What a button of ours carries of what was typed: no secrets, nothing that only a press says.

    The label names the command alone, so it discloses no more than that command by itself.
    """
    pressed = {p.name for p in command.parameters if p.arg.pressed}
    return {n: text for n, text in values.items() if n not in command.secrets | pressed}


def _offered(command: Command, values: Mapping[str, str]) -> dict[str, str]:
    """What a suggestion carries: also not that the glass is broken, which no form shows.

    Whoever meant it breaks it on the card, which says so.
    """
    return {n: text for n, text in _carried(command, values).items() if n != BREAK_GLASS}
