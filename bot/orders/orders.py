"""Watches rentals on the chain: finds them, looks when something may be due, tells it once.

An order is a row, leased while it is looked at. What is told is put into the outbox in the unit of
work that writes it down, under a key that names order, end, warning and person: so it is told once,
whoever does it and however often it is begun.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from bot.chain.errors import ChainError, ChainUnreachable
from bot.chain.reader import ChainReader, ChainView, OrderRef, Pallet
from bot.clock import Clock
from bot.ids import ChannelId, UserId
from bot.messages.outbox import Outbox
from bot.model import DbcSession, OrderPhase, Place, RentalOrder
from bot.orders import said, vague
from bot.orders.asked import Asked
from bot.orders.changes import Event, Looked, Read, goes_on, looked, over_by, unread
from bot.orders.concerned import Concerned, People
from bot.orders.facts import Facts
from bot.orders.finding import Finder, Search, Searched
from bot.orders.handled import fitting
from bot.orders.handling_words import unsigned
from bot.orders.handlings import Handlings
from bot.orders.holdings import Holdings
from bot.orders.offers import Offer, paid_since
from bot.orders.over import settle, supersede, unsettle, unshown_end
from bot.orders.present_prices import PresentPrices
from bot.orders.putting import Keyed, put, wanted
from bot.orders.rounds import Round, Rounds
from bot.orders.said import key_of
from bot.orders.schedule import (
    DAY,
    KEPT,
    LOOP,
    awaits_news,
    by_newest,
    goal_of,
    head_at,
    next_look,
)
from bot.orders.unread import Unread
from bot.orders.vague import Told
from bot.plural import counted
from bot.reply import Text, listed, say, say_number
from bot.services.inventory import Inventory
from storage import StorageFailed, Store

_LEASE = timedelta(minutes=1)  # a round is over by then, and the last call is 2 minutes before
_DUE = 200
# An order can be confirmed for 15 minutes: it has to be found well before they are over.
_FINDING = timedelta(seconds=30)
_WORTH_SAYING = timedelta(minutes=5)
_AGAIN = timedelta(seconds=30)  # after a chain that could not be read
_SHOWS = timedelta(seconds=80)  # after a signature: a transaction is final after half a minute
# After so long, one node that is behind what was read before is right, and that was made up.
_CONVINCES = timedelta(days=1)

log = structlog.get_logger()


class Orders:
    """Owns the rentals' rows. Whose they are is known to `holdings`.

    `channel` gives the one in which the rules let everybody be told.
    """

    def __init__(
        self,
        store: Store,
        chain: ChainReader,
        concerned: Concerned,
        inventory: Inventory,
        outbox: Outbox,
        clock: Clock,
        by: str,
        channel: Callable[[], str],
        searched: Searched,
    ) -> None:
        self._store = store
        self.chain = chain
        self.concerned = concerned
        self.holdings = Holdings(store, concerned, self._head)
        self._inventory = inventory
        self._outbox = outbox
        self._clock = clock
        self._by = by
        self._channel = channel
        self._finder = Finder(store, concerned, clock, chain.view, self._returned, searched)
        self._found_at: timedelta | None = None
        self._searched, self.odd = searched, searched.odd
        self._unread = Unread(clock, "orders.not_read", "orders.read_again")
        self._elsewhere = Unread(clock, "orders.another_chain", "orders.same_chain_again")
        self._apart: dict[str, timedelta] = {}  # orders that the chain does not go on from
        self.prices = PresentPrices(store, chain, clock)
        self.handlings = Handlings(store, clock, self._told_of)
        self._asked = Asked(store, chain, clock, self._view, self._looked, searched)
        self._rounds = Rounds(clock, self._view)
        self._failed: set[str] = set()  # orders whose looks fail by a fault of ours

    async def find_due(self) -> None:
        """Look at the chain for orders that are new."""
        passed = self._clock.monotonic()
        if not self.chain.is_on:
            return
        if self._found_at is not None and passed - self._found_at < _FINDING:
            return
        if await self._view() is not None:
            self._found_at = passed
            await self._finder.find()
            await self.poll_due()

    async def poll_due(self) -> None:
        """Look at the orders whose time has come, those to be confirmed first."""
        if not self.chain.is_on or await self.chain.is_undecided():
            return
        now = self._clock.now()
        async with self._store.write() as tx:
            due = await tx.orders.claim_due(now, self._by, now + _LEASE, _DUE)
        if not due:
            await self._view()  # whether the chain can be read is known at any time
        reads, turns = self._rounds.begin(due)
        await asyncio.gather(*(self._look_safely(order, reads) for order in turns))
        for one in (self._unread, self._elsewhere):
            one.tell(is_tried=self._searched.unread_since is None)
        if due:
            await self._outbox.deliver_due()

    def impairments(self) -> tuple[Text, ...]:
        """What is not done or not certain of rentals, for the operator."""
        found = self._uncertain()
        if self._failed:
            numbers = listed(sorted(one.partition(".")[2] for one in self._failed))
            found.append(
                say(
                    "A fault of this bot keeps it from looking at these rentals: {numbers}.",
                    numbers=numbers,
                )
            )
        return (*found, *self.odd.impairments(), *self.chain.impairments())

    def impairments_in_brief(self) -> tuple[Text, ...]:
        """The same for everybody, without the numbers of orders."""
        found = self._uncertain()
        if self._failed:
            found.append(
                f"{counted(len(self._failed), 'rental')} cannot be looked at by a fault of this "
                "bot: see order.look_failed in the log."
            )
        return (*found, *self.odd.impairments_in_brief(), *self.chain.impairments())

    def _uncertain(self) -> list[Text]:
        found: list[Text] = []
        since = self._searched.unread_since
        if since is not None and self._clock.monotonic() - since >= _WORTH_SAYING:
            found.append(
                say("The chain cannot be read. Of rentals, only the last warnings are given.")
            )
        if self._apart:
            found.append(
                say_number(
                    "The nodes of the chain are of another network than before, or made up their "
                    "blocks: {number} rental is not looked at.",
                    "The nodes of the chain are of another network than before, or made up their "
                    "blocks: {number} rentals are not looked at.",
                    len(self._apart),
                )
            )
        return found

    async def _view(self) -> ChainView | None:
        try:
            view = await self.chain.view()
        except ChainError as error:
            self._cannot_be_read(error)
            return None
        if self._searched.unread_since is not None:
            self._searched.unread_since = None
            log.info("chain.read_again")
        return view

    def _cannot_be_read(self, error: ChainError) -> None:
        if self._searched.unread_since is None:
            self._searched.unread_since = self._clock.monotonic()
            log.warning("chain.unread", problem=error.sentence, why=error.why)

    # Looking

    async def _look_safely(self, order: RentalOrder, reads: Round) -> None:
        """One order's surprise is no other's; it is looked at again once the lease runs out."""
        async with reads.turn():
            await self._look(order, reads)

    async def _look(self, order: RentalOrder, reads: Round) -> None:
        try:
            found, head, is_read = await self._looked_within(order, reads)
            await self._tell(order, found, head, is_read=is_read)
            if order.id in self._failed:
                self._failed.discard(order.id)
                log.info("order.looked_at_again", order=order.id)
        except StorageFailed:
            raise
        except Exception:  # whatever is odd about one keeps no other from being told of
            is_new = order.id not in self._failed  # it is looked at again every few minutes
            if is_new:
                log.exception("order.look_failed", order=order.id)
            self._failed.add(order.id)
            await self._warn_anyhow(order, is_new=is_new)

    async def _warn_anyhow(self, order: RentalOrder, *, is_new: bool) -> None:
        """Give the last warnings of an order from what was stored of it."""
        try:
            head = head_at(order, self.chain.now)
            await self._tell(order, unread(order, head), head, is_read=False)
        except StorageFailed:
            raise
        except Exception:  # as above; the operator is told by `impairments`
            if is_new:
                log.exception("order.warning_failed", order=order.id)

    async def _looked_within(self, order: RentalOrder, reads: Round) -> tuple[Looked, int, bool]:
        """The same as `_looked` in a round, which reads for so long only."""
        began = False
        view = None
        try:
            async with reads.limit(order):
                began = True
                view = await reads.view()
                return await self._looked(order, view)
        except TimeoutError:
            too_slow = ChainUnreachable(why="it is too slow")
            if began and view is None:
                self._cannot_be_read(too_slow)
            self._unread.failed(order.id, too_slow.why)
        return await self._looked(order, None)

    async def _looked(self, order: RentalOrder, view: ChainView | None) -> tuple[Looked, int, bool]:
        """What a look means, the newest block, and whether the chain was read."""
        try:
            if view is not None and self._goes_on(order, view):
                ref = OrderRef(Pallet(order.pallet), order.number)
                final = await view.order(ref, view.final)
                # Of one that has ended, the newest block tells nothing that counts (`looked`).
                has_ended = order.phase is OrderPhase.ENDED
                best = None if has_ended else await view.order(ref, view.best)
                read = Read(final, best, view.final, view.newest, view.head, view.genesis)
                self._unread.read(order.id)
                self.odd.known.pop(order.id, None)
                found = looked(order, read)
                return found, view.head, found.order.missing_since is None
        except ChainError as error:
            self._unread.failed(order.id, error.why)
            self.odd.failed(order, error)
        head = head_at(order, self.chain.now)
        if order.id in self._apart and head > order.ends + KEPT + DAY:
            # The bot reads another network now, and nothing can come of this one any more.
            del self._apart[order.id]
            return Looked(replace(order, phase=OrderPhase.GONE)), head, True
        return unread(order, head), head, False

    def _goes_on(self, order: RentalOrder, view: ChainView) -> bool:
        """Whether the chain can be the one on which the order was read before.

        Where it is of the same network, several nodes are right, and one that is behind for long.
        """
        passed = self._clock.monotonic()
        is_so = goes_on(order, view.genesis, view.newest)
        if not is_so and order.chain in {"", view.genesis}:
            is_behind = view.newest.number < order.seen_block
            lasts = passed - self._apart.get(order.id, passed) >= _CONVINCES
            is_so = view.is_shared or (is_behind and lasts)
        if is_so:
            self._apart.pop(order.id, None)
            self._elsewhere.read(order.id)
        else:
            self._apart.setdefault(order.id, passed)
            is_foreign = order.chain not in {"", view.genesis}
            why = "another network" if is_foreign else "other blocks than before"
            self._elsewhere.failed(order.id, why)
        return is_so

    async def _returned(self, new: RentalOrder, before: RentalOrder) -> None:
        """Take up again an order that was told to be lost; the messages that said so say it.

        Or another one that has its number now.
        """
        facts, people = await self._facts(new, head_at(new, self.chain.now), is_read=True)
        places = await self._places(people)
        is_same = (new.chain, new.node, new.renter, new.began) == (
            before.chain or new.chain, before.node, before.renter, before.began,
        )  # fmt: skip
        messages = said.instead(before, facts, places) if is_same else []
        async with self._store.write() as tx:
            if await tx.orders.came_back(new):
                await put(tx, await wanted(tx, messages, None), self._clock.now())
                if not is_same:
                    await tx.money.undo(new.id)
                if messages:
                    await unsettle(tx, before, {key for key, _, _ in messages}, self._clock.now())

    async def _tell(self, before: RentalOrder, found: Looked, head: int, *, is_read: bool) -> None:
        """Write down what a look has shown, with the messages that say it."""
        now = self._clock.now()
        is_known = is_read or found.order.missing_since is not None
        at = next_look(found.order, head, now) if is_known else now + _AGAIN
        if found.event in {Event.CONFIRMED, Event.RENEWED}:
            at = now  # its last warning may be due as well
        elif found.is_near or found.order.signers or found.order.vague:
            at = min(at, now + _AGAIN)
        order, meant, messages = await self._messages(
            before,
            replace(found, order=replace(found.order, next_look_at=at)),
            head,
            is_read=is_read,
        )
        if found.event is None and found.stage is None and not messages:
            messages = await self._end_told_late(found, head, is_read=is_read)
        if found.stage is not None and not messages:
            order = replace(order, told=before.told)  # somebody has not been told it yet
        signed_at = self._unshown(order, found, is_read=is_read)
        answers = await self._answers(order, signed_at, head, is_read=is_read)
        over = over_by(before, found)
        async with self._store.write() as tx:
            if await tx.orders.save(order, self._by):
                messages = await wanted(tx, messages, meant)
                await put(tx, messages, now, can_wait=said.can_wait(meant))
                await put(tx, answers, now)
                if found.stage is not None and order.phase is not OrderPhase.WAITING:
                    await supersede(tx, order, [one[:2] for one in messages], now)
                if over is not None:
                    fresh = {key for key, _, _ in (*messages, *answers)}
                    await settle(tx, before, order, over, fresh, now)
                if (order.phase, order.ends) != (before.phase, before.ends):
                    await tx.orders.answered(order.id)  # also who has signed since it was read
                    await tx.orders.set_handled(order, renewer="", snoozed=False)
                elif signed_at is not None and is_read:
                    await tx.orders.answered(order.id, signed_at)

    async def _messages(
        self, before: RentalOrder, found: Looked, head: int, *, is_read: bool
    ) -> tuple[RentalOrder, Looked, list[Keyed]]:
        """The order as it is written down, what is told of it, and the messages that say it."""
        order, now = found.order, self._clock.now()
        if found.event is not None or found.stage is not None:
            known = order if is_read else by_newest(order)
            facts, people = await self._facts(known, head, is_read=is_read)
            if found.stage is not None:
                facts = replace(facts, offer=await self._offer(known))
            elif found.event in {Event.CONFIRMED, Event.RENEWED}:
                paid = await self.prices.paid(order)
                facts = replace(facts, paid=paid_since(before, order, paid))
            elif found.event is Event.LAPSED:
                facts = replace(facts, fee=await self.prices.fee(order))
            here = self.concerned.present
            messages = said.messages(
                await here(before, people), replace(found, order=await here(order, people)), facts,
                await self._places(people),
            )  # fmt: skip
            order = vague.noted(order, before, found, facts, people)
            if order.vague:
                order = replace(order, next_look_at=min(order.next_look_at, now + _AGAIN))
            return order, found, messages
        if (told := vague.again(order, now)) is None:
            return vague.clear(order), found, []
        named = await self._named(told, head, is_read=is_read)
        return (order, told.found, []) if named is None else (vague.clear(order), told.found, named)

    async def _offer(self, order: RentalOrder) -> Offer | None:
        """What renewing costs now; nobody waits for a chain that was found unreadable."""
        is_unread = self._searched.unread_since is not None
        return None if is_unread else await self.prices.offer(order)

    async def _named(self, told: Told, head: int, *, is_read: bool) -> list[Keyed] | None:
        """What was told before, with what is lost; None where that is not known yet."""
        facts, people = await self._facts(told.found.order, head, is_read=is_read)
        if not facts.is_named:
            return None
        facts = replace(facts, offer=await self._offer(facts.order))
        return said.messages(told.before, told.found, facts, await self._places(people))

    async def _end_told_late(self, found: Looked, head: int, *, is_read: bool) -> list[Keyed]:
        """What still has to be told of an end, as it is once the machines should be off."""
        order = found.order
        if order.phase is not OrderPhase.ENDED or head < order.ends + LOOP:
            return []
        async with self._store.read() as tx:
            unshown = await unshown_end(tx, order)
        if not unshown:
            return []
        facts, people = await self._facts(order, head, is_read=is_read)
        ended = replace(found, event=Event.ENDED)
        told = said.messages(order, ended, facts, await self._places(people))
        return [one for one in told if one[0] in unshown]

    def _unshown(self, order: RentalOrder, found: Looked, *, is_read: bool) -> datetime | None:
        """When somebody signed what the chain should show by now, but does not; else None."""
        if order.signed_at is None or found.event is not None or found.is_near:
            return None
        waits = _SHOWS if is_read else _WORTH_SAYING
        return order.signed_at if self._clock.now() - order.signed_at >= waits else None

    async def _answers(
        self, order: RentalOrder, signed_at: datetime | None, head: int, *, is_read: bool
    ) -> list[Keyed]:
        """What those are told who have signed, but for who may not see its machines any more."""
        if signed_at is None:
            return []
        facts, people = await self._facts(order, head, is_read=is_read)
        told = unsigned(facts)
        name = f"{'unsigned' if is_read else 'unread'}-{int(signed_at.timestamp())}"
        places = [Place.direct(UserId(one)) for one in order.signers if people.get(UserId(one))]
        return [
            (key_of(order, name, place), place, fitting(told, order, place)) for place in places
        ]

    # For commands

    async def facts(
        self, order: RentalOrder, user: UserId | None = None,
        *, signs: bool = False, at_once: bool = False,
    ) -> Facts:  # fmt: skip
        """What is said of an order to somebody, else to anybody, as the newest block has it.

        From what was read last; near a deadline, or where somebody `signs`, the chain is read now,
        unless the answer is wanted `at_once`.
        """
        read = None if at_once else await self._asked.read(order, signs=signs)
        known, is_read = read or self._asked.at_once(order)
        shown = by_newest(known)
        facts, people = await self._facts(shown, self._head(known), is_read=is_read)
        facts = replace(facts, is_final=shown == known)
        return facts if user is not None and people.get(user, False) else facts.bare

    async def read_now(self, orders: Sequence[RentalOrder]) -> None:
        """Read those near a deadline, so that what is said of all of them at once is as of now."""
        await asyncio.gather(*(self._asked.read(one, signs=False) for one in orders))

    async def search_of(self, user: UserId, also: Sequence[DbcSession] = ()) -> Search:
        """How far the chain, as it is now, was searched for orders of somebody.

        `also` of the nodes of these sessions, such as those that a channel shares.
        """
        unread = self._searched.unread_since is not None
        return Search.UNREAD if unread else await self._finder.search_of(user, also)

    def is_past(self, order: RentalOrder) -> bool:
        """Whether its end must have come by now, or the time to confirm it is over."""
        return self._head(order) >= goal_of(by_newest(order))

    def has_passed(self, block: int, order: RentalOrder) -> bool:
        """Whether a block of an order's chain must have been made by now."""
        return self._head(order) >= block

    def _head(self, order: RentalOrder) -> int:
        return head_at(order, self.chain.now)

    async def _told_of(self, order: RentalOrder) -> tuple[Facts, list[tuple[Place, bool]]]:
        facts, people = await self._facts(
            order, self._head(order), is_read=self._asked.is_lately(order)
        )
        return facts, await self._places(people)

    async def _facts(self, order: RentalOrder, head: int, *, is_read: bool) -> tuple[Facts, People]:
        """What is said of an order, and who has to do with it."""
        concerned = await self.holdings.concern(order)
        machines = await self.concerned.machines(order, concerned)
        people = await self.concerned.people(concerned, machines, order.node)
        node = await self._inventory.label(order.node)
        shown = await self.concerned.present(order, people)
        is_as_now = is_read or not awaits_news(order)
        return Facts(shown, node, self._clock.now(), head, machines, is_as_now), people

    async def _places(self, people: People) -> list[tuple[Place, bool]]:
        """Where it is said; in each place with its machines or without."""
        told = await self.concerned.told(people)
        places = [(Place.direct(user), sees) for user, sees in told.items()]
        if channel := self._channel():
            places.append((Place(ChannelId(channel)), any(people.values())))
        return places
