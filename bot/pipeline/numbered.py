"""Options for what the bot or the chain numbers: each in words, with what may be chosen here.

Only what this person may act on with the form's command is offered. Reads what is stored; Slack
is asked who may decide where that matters, for no longer than a search field waits.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta

from bot.clock import time_limit
from bot.ids import UserId
from bot.language.kind import Kind
from bot.language.kinds import (
    ALIAS,
    APPROVAL,
    DECISION,
    ORDER,
    RENTAL,
    REQUEST,
    WATCH,
    WATCHED,
)
from bot.language.row_parts import Listing
from bot.messages.question import subject_of
from bot.model import RentalOrder
from bot.orders.coming import briefly
from bot.pipeline.context import Services
from bot.pipeline.formatting import short
from bot.pipeline.under_way import called as followed_as
from bot.pipeline.waiting import Waiting, decisions_of, requests_of, waiting_for
from bot.ports import DeliveryFailed, Search
from bot.reply import Choice, Text, line, listed, say

Source = Callable[[Search], Awaitable[list[Choice]]]

# Slack gives up on options after 3 s: who may decide and what people are called are two looks.
_PATIENCE = timedelta(seconds=1)
_RESCUE = "order.rescue"
_SHOWN = 6  # characters at each end of an address


class Numbered:
    """What there is to choose from, by kind."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.sources: Mapping[Kind, Source] = {
            APPROVAL: self._approvals,
            REQUEST: self._requests,
            DECISION: self._decisions,
            WATCH: self._watches,
            ALIAS: self._aliases,
            ORDER: self._orders,
            RENTAL: self._orders,
            WATCHED: self._wallets,
        }

    async def _approvals(self, search: Search) -> list[Choice]:
        """What waits for this person, then what is theirs; theirs alone while Slack is silent."""
        services = self._services
        try:
            async with time_limit(services.clock, _PATIENCE):
                found = await waiting_for(services, search.user, search.place.channel)
        except (DeliveryFailed, TimeoutError):
            return await self._requests(search)
        found.sort(key=lambda one: not one.for_me)
        return await self._reviews(found)

    async def _requests(self, search: Search) -> list[Choice]:
        async with self._services.store.read() as tx:
            found = await requests_of(tx, search.user, self._services.clock.now())
        return await self._reviews(found)

    async def _decisions(self, search: Search) -> list[Choice]:
        async with self._services.store.read() as tx:
            found = await decisions_of(tx, search.user, self._services.clock.now())
        return await self._reviews(found)

    async def _reviews(self, found: Sequence[Waiting]) -> list[Choice]:
        """`Delete train-01 on gpu1`, and below it whose request it is."""
        numbers = _numbers([one.approval.id for one in found])
        people = list({one.execution.actor for one in found if not one.is_mine})
        called = await asyncio.gather(*map(self._name, people))
        names = dict(zip(people, called, strict=True))
        choices = []
        for one in found:
            node = one.execution.node
            label = await self._services.inventory.label(node) if node else ""
            row = self._services.table.spoken_of(one.execution.command)
            subject = subject_of(one.approval, one.execution, label)
            what = row.asked(one.execution.known, subject)
            whose: Text = say("your request")
            if not one.is_mine:
                whose = say("requested by {user}", user=names[one.execution.actor])
            number = numbers[one.approval.id]
            hint = say("{whose} · {number}", whose=whose, number=number)
            choices.append(Choice(say("{what}", what=what), number, hint))
        return choices

    async def _name(self, user: UserId) -> str:
        """What somebody is called; their id while Slack does not say."""
        with suppress(DeliveryFailed, TimeoutError):
            async with time_limit(self._services.clock, _PATIENCE):
                return (await self._services.directory.person(user)).name
        return user

    async def _watches(self, search: Search) -> list[Choice]:
        """`Create a machine: train-01 on gpu1`, of what is followed for this person."""
        services = self._services
        async with services.store.read() as tx:
            watches = await tx.watches.open(asked_by=search.user)
        hidden = await self._hidden(search)
        watches = [watch for watch in watches if watch.node not in hidden]
        numbers, label = _numbers([watch.id for watch in watches]), services.inventory.label
        told = [followed_as(services.table, watch, await label(watch.node)) for watch in watches]
        return [
            Choice(say("{what}", what=what), numbers[watch.id])
            for what, watch in zip(told, watches, strict=True)
        ]

    async def _aliases(self, search: Search) -> list[Choice]:
        own = self._services.aliases.of(search.user)
        return [Choice(name, name, body) for name, body in own.items()]

    async def _orders(self, search: Search) -> list[Choice]:
        """`1287 · gpu1 · ends in 3 days`, of the rentals that this person is told of."""
        rescues = search.form == _RESCUE
        rentals = await self._rentals(search, to_rescue=rescues)
        facts = [await self._services.orders.facts(order, at_once=True) for order in rentals]
        return [
            Choice(
                say(
                    "{order} · {node} · {ends}",
                    order=str(one.order.number), node=one.node, ends=briefly(one),
                ),
                str(one.order.number),
            )
            for one in facts
        ]  # fmt: skip

    async def _rentals(self, search: Search, *, to_rescue: bool = False) -> list[RentalOrder]:
        hidden, orders = await self._hidden(search), self._services.orders.holdings
        known = orders.to_rescue if to_rescue else orders.of_person
        found = await known(search.user)
        return [order for order in found if order.node not in hidden]

    async def _wallets(self, search: Search) -> list[Choice]:
        """The wallets that this person watches, with what each rents as far as they may know."""
        async with self._services.store.read() as tx:
            wallets = await tx.orders.watched_by(search.user)
        orders = await self._rentals(search)
        label = self._services.inventory.label
        found = []
        for wallet in wallets:
            nodes = [await label(one.node) for one in orders if one.renter == wallet]
            rents = line(listed(dict.fromkeys(nodes))) if nodes else say("no rental known")
            shown = f"{wallet[:_SHOWN]}…{wallet[-_SHOWN:]}"
            found.append(Choice(say("{wallet} · {nodes}", wallet=shown, nodes=rents), wallet))
        return found

    async def _hidden(self, search: Search) -> frozenset[str]:
        """The nodes of which the rules deny to list machines here."""
        reviewers, table = self._services.reviews.reviewers, self._services.table
        listing = table.listing(Listing.MACHINES)
        return await reviewers.hidden(search.user, search.place.channel, listing)


def _numbers(ids: Iterable[str]) -> dict[str, str]:
    """Each id by what lists call it: its beginning, where that tells it from the others."""
    known = list(ids)
    beginnings = [short(one) for one in known]
    return {
        one: beginning if beginnings.count(beginning) == 1 else one
        for one, beginning in zip(known, beginnings, strict=True)
    }
