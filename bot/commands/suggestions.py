"""What was meant, perhaps: each suggestion is a button that runs what reads, or opens the form.

A button carries the command's id and an opaque one, by which what was typed is remembered: for an
hour and in memory. After a restart, or in another replica, the form opens empty.
"""

import secrets
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from bot.clock import Clock
from bot.commands.parse import NotUnderstood
from bot.commands.table import Command, Table
from bot.reply import Actions, Button

SUGGESTED = "command.suggested"

_LIFETIME = timedelta(hours=1)
_MOST = 1_000


@dataclass(frozen=True, slots=True)
class _Offer:
    actor: str
    values: Mapping[str, str]
    until: timedelta


class Suggestions:
    """The suggestions of the last hour."""

    def __init__(self, table: Table, clock: Clock) -> None:
        self._table = table
        self._clock = clock
        self._offers: OrderedDict[str, _Offer] = OrderedDict()

    def buttons(self, actor: str, meant: NotUnderstood) -> tuple[Actions, ...]:
        """A button for each command that comes nearest; nothing where none does."""
        until = self._clock.monotonic() + _LIFETIME
        buttons = []
        for command in meant.nearest:
            offer = secrets.token_urlsafe(9)
            self._offers[offer] = _Offer(actor, meant.given.get(command.id, {}), until)
            buttons.append(Button(command.title, SUGGESTED, f"{command.id}:{offer}"))
        while len(self._offers) > _MOST:
            self._offers.popitem(last=False)
        return (Actions(tuple(buttons)),) if buttons else ()

    def taken(self, actor: str, value: str) -> tuple[Command | None, Mapping[str, str]]:
        """The command of a button, and what its line said, if that is known and was `actor`'s."""
        command_id, _, offer_id = value.partition(":")
        offer = self._offers.get(offer_id)
        if offer is None or offer.actor != actor or offer.until < self._clock.monotonic():
            return self._table.get(command_id), {}
        return self._table.get(command_id), offer.values
