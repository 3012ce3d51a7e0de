"""What people say of an order: who renews it, that fewer warnings are wanted, that it is signed."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from bot.clock import Clock
from bot.ids import UserId
from bot.model import OrderPhase, Place, RentalOrder
from bot.orders import handling_words
from bot.orders.facts import Facts
from bot.orders.handled import fitting, told_anew
from bot.orders.putting import Keyed, put
from bot.orders.said import beginnings, key_of
from bot.reply import dump, load
from storage import Store, UnitOfWork

_SHOWN_BY = timedelta(seconds=30)  # a transaction is in a block by then
# What is said of an order, and where; in each place with its machines or without.
ToldOf = Callable[[RentalOrder], Awaitable[tuple[Facts, Sequence[tuple[Place, bool]]]]]


class Handlings:
    """Writes down what people say, and tells all who are told of the order."""

    def __init__(self, store: Store, clock: Clock, told_of: ToldOf) -> None:
        self._store = store
        self._clock = clock
        self._told_of = told_of

    async def snooze(self, order: RentalOrder, user: UserId) -> bool:
        """Write down that fewer warnings are wanted, and tell all; says whether that is new."""
        facts, places = await self._told_of(order)
        handled = replace(order, snoozed=True)
        facts = replace(facts, order=handled)
        messages = [
            (
                key_of(order, "order-snooze", place), place,
                fitting(handling_words.snoozed(facts.to(sees=sees), user), handled, place),
            )
            for place, sees in places
        ]  # fmt: skip
        async with self._store.write() as tx:
            if is_new := await tx.orders.set_handled(order, snoozed=True):
                await put(tx, messages, self._clock.now(), can_wait=True)
                await self._draw_anew(tx, order, handled, messages)
        return is_new

    async def take(self, order: RentalOrder, user: UserId, instead_of: str) -> bool:
        """Write down that somebody renews or confirms it, and tell all who are told.

        Says whether they do: not where another one than `instead_of` has taken it meanwhile. Who
        did until now gets a message of their own, since that to all is edited in place.
        """
        now = self._clock.now()
        facts, places = await self._told_of(order)
        is_waiting = order.phase is OrderPhase.WAITING
        handled = replace(order, renewer=user, renewer_since=now)
        facts = replace(facts, order=handled)
        name = "confirm-taken" if is_waiting else "order-renews"
        messages = [
            (
                key_of(order, name, place), place,
                fitting(handling_words.taken(facts.to(sees=sees), user), handled, place),
            )
            for place, sees in places
        ]  # fmt: skip
        name = f"{name}-over-{int(now.timestamp())}"
        lost = [
            (
                key_of(order, name, place),
                place,
                handling_words.taken_over(facts.to(sees=sees), user),
            )
            for place, sees in places
            if place == Place.direct(UserId(instead_of)) and instead_of not in {"", user}
        ]
        async with self._store.write() as tx:
            is_taken = await tx.orders.take(order, user, instead_of, now)
            if is_taken:
                await put(tx, messages, now, can_wait=not is_waiting)
                await put(tx, lost, now)
                await self._draw_anew(tx, order, handled, [*messages, *lost])
        return is_taken

    async def _draw_anew(
        self, tx: UnitOfWork, before: RentalOrder, order: RentalOrder, fresh: Sequence[Keyed]
    ) -> None:
        """Let what was told before offer nobody what they have done already."""
        keys = {key for key, _, _ in fresh}
        for beginning in beginnings(order):
            for message in await tx.messages.of_order(beginning):
                if message.key in keys or message.ref is None:
                    continue
                with suppress(ValueError):  # of a version that says it otherwise
                    told = load(message.content)
                    shown = told_anew(told, before, order, message.place)
                    if shown != told:
                        await tx.messages.put(
                            message.key, message.place, dump(shown), self._clock.now()
                        )

    async def look_soon(self, order: RentalOrder, user: UserId) -> None:
        """Look at an order once what somebody says to have signed is in a block."""
        now = self._clock.now()
        async with self._store.write() as tx:
            await tx.orders.signed(order, user, now)
            await tx.orders.look_by(order.id, now + _SHOWN_BY)
