"""Whose order it is, and who is told of it: ids decide, and who lost access learns nothing.

A session tells its wallet by its own signature: the renter's key made it (docs/dbc-api.md §2.5).
"""

from collections import defaultdict
from collections.abc import (
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Mapping,
    Sequence,
    Set,
)
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from pydantic import SecretStr

from bot.bounded import Bounded
from bot.dbc.errors import InvalidField
from bot.dbc.models import Phase, phase_of
from bot.dbc.signatures import check_signature
from bot.ids import ChannelId, NodeId, TaskId, UserId
from bot.model import Audience, DbcSession, Machine, OrderPhase, RentalOrder, Sighted
from bot.orders.facts import AtStake
from bot.orders.schedule import nothing_made_after
from bot.services.last_known import LastKnown
from bot.services.logins import login_of
from storage import Store

_SIGNATURES = 20_000  # whose check is remembered; it takes a tenth of a millisecond
_ZONES = timedelta(hours=14)  # a node's clock is ahead of UTC by no more


@dataclass(frozen=True, slots=True)
class Concern:
    """What an order means here: with which sessions it is used, and whose wallets are watched."""

    sessions: tuple[DbcSession, ...]
    watchers: tuple[UserId, ...]

    @property
    def is_any(self) -> bool:
        """Whether anybody here has to do with it."""
        return bool(self.sessions or self.watchers)


# Who is told of an order, and whether they may see its machines and decide on it: anybody can
# watch a wallet, since its address is public.
People = Mapping[UserId, bool]


def is_signed_by(session: DbcSession, wallet: str) -> bool:
    """Whether the wallet has signed the session: then its orders are those it stands for."""
    try:
        check_signature(SecretStr(session.session_id_sign), session.session_id, (wallet,))
    except InvalidField:
        return False
    return True


def _created(machine: Machine) -> datetime | None:
    """The earliest moment that the node's own time of its making can mean: it has no zone."""
    try:
        return datetime.fromisoformat(machine.created.strip()).replace(tzinfo=UTC) - _ZONES
    except ValueError:  # not told, or in another way
        return None


def _is_after(order: RentalOrder, made: datetime | None) -> bool:
    """Whether what was made then, or later, was surely made after an order's end or lapse."""
    ended = nothing_made_after(order)
    return ended is not None and made is not None and made > ended


def _may_pay(order: RentalOrder, orders: Iterable[RentalOrder], made: datetime | None) -> bool:
    """Whether an order, of these of its node, may pay for what was made then and names none.

    After an order's end, that is one of its renter's that had not ended. Where all of them had, it
    is any: what they add to an ended order is deleted with it. One that has lapsed was never paid,
    so it is none where one of its renter's that goes on may pay.
    """
    others = [one for one in orders if one.renter == order.renter]
    if order.phase is OrderPhase.LAPSED:
        goes_on = {OrderPhase.WAITING, OrderPhase.RENTING}
        if any(one.phase in goes_on and not _is_after(one, made) for one in others):
            return False
    return not _is_after(order, made) or all(_is_after(one, made) for one in others)


class Concerned:
    """Finds the people and machines of an order.

    `listed_at` tells when a node has shown its machines to a session, `hidden` from whom the
    rules hide which nodes, and `is_barred` who sees no machine at all, such as a guest.
    """

    def __init__(
        self,
        store: Store,
        last_known: LastKnown,
        listed_at: Callable[[DbcSession], datetime | None],
        hidden: Callable[[UserId], Awaitable[Set[str]]],
        is_barred: Callable[[UserId], Awaitable[bool]],
    ) -> None:
        self._store = store
        self._last_known = last_known
        self._listed_at = listed_at
        self._hidden = hidden
        self._is_barred = is_barred
        self._signed = Bounded[tuple[str, str, datetime | None, str], bool](_SIGNATURES)

    async def of(self, node: NodeId, renter: str, number: int, *, is_only: bool) -> Concern:
        """Who has to do with an order of a node.

        Who holds a session of the same wallet for another node counts as one who watches it. Where
        no session tells its wallet (that of a multisig is signed by one of its members), the
        node's only order is the one that all of its sessions stand for; but for a session that
        stands for another renter.
        """
        known = await self._store.known()
        async with self._store.read() as tx:
            watched = await tx.orders.watched()
        held = [one for some in known.held.values() for one in some.values()]
        here = [one for one in held if one.node == node]
        signed = [one for one in held if not one.is_locked and self._is_signed(one, renter)]
        mine = [one for one in here if one in signed or one.rent_order == str(number)]
        if not mine and is_only:
            others = await self._other_renters(node, renter)
            mine = [one for one in here if not (one.rent_order or self._stands_for(one, others))]
        watchers = {UserId(user) for user, wallet in watched if wallet == renter}
        watchers |= {one.user for one in signed}
        return Concern(tuple(mine), tuple(sorted(watchers)))

    async def used_with(
        self, sessions: Sequence[DbcSession], known: Sequence[RentalOrder]
    ) -> list[RentalOrder]:
        """Those of these orders that sessions stand for, as they are given."""
        pairs = {(session.user, session.node): session.rent_order for session in sessions}
        found = []
        for order in known:
            concerned = await self.of(order.node, order.renter, order.number, is_only=order.is_only)
            used = [pairs.get((one.user, one.node)) for one in concerned.sessions]
            if any(number in {"", str(order.number)} for number in used if number is not None):
                found.append(order)
        return found

    async def _other_renters(self, node: NodeId, renter: str) -> Mapping[str, bool]:
        """All other renters that were ever seen, and who of them once was this node's only one."""
        async with self._store.read() as tx:
            seen = await tx.orders.renters()
        found: dict[str, bool] = {}
        for at, wallet, is_only in seen:
            if wallet != renter:
                found[wallet] = found.get(wallet, False) or (at == node and is_only)
        return found

    def _stands_for(self, session: DbcSession, others: Mapping[str, bool]) -> bool:
        """Whether a session is that of one of these, by its signature or as it was taken before."""
        if session.is_locked:
            return True
        return any(was_only or self._is_signed(session, one) for one, was_only in others.items())

    def _is_signed(self, session: DbcSession, wallet: str) -> bool:
        key = (session.user, session.node, session.added_at, wallet)
        if key not in self._signed:
            self._signed[key] = is_signed_by(session, wallet)
        return self._signed[key]

    async def machines(self, order: RentalOrder, concerned: Concern) -> tuple[AtStake, ...] | None:
        """The machines that are lost with an order; None where nobody here has listed them yet."""
        if not concerned.sessions:
            return None
        known = await self._store.known()
        owners = [(session.user, order.node) for session in concerned.sessions]
        listed = {machine.task: machine for machine in known.machines(owners)}
        if not listed and not any(self._listed_at(one) for one in concerned.sessions):
            return None
        async with self._store.read() as tx:
            seen = await tx.sightings.at_some(Sighted.SNAPSHOT, listed)
        kept: dict[str, dict[str, None]] = defaultdict(dict)
        for shot in seen:
            kept[shot.place][shot.name] = None
        orders = [order, *await self._others(order)]
        made = await self._made(listed.values(), orders)
        found = []
        for one in listed.values():
            paying = [some for some in orders if _may_pay(some, orders, made.get(one.task))]
            found.append(await self._at_stake(order, one, concerned, tuple(kept[one.task]), paying))
        return tuple(one for one in found if one is not None)

    async def paying(
        self, orders: Sequence[RentalOrder], machine: Machine, number: str
    ) -> list[RentalOrder]:
        """Of these orders of its node, those that may pay for a machine that names `number`.

        A node names no order of some machines: then any that had not ended when it was made, or
        any at all where each of them had.
        """
        if number:
            return [one for one in orders if str(one.number) == number]
        made = (await self._made([machine], orders)).get(machine.task)
        return [one for one in orders if _may_pay(one, orders, made)]

    async def _others(self, order: RentalOrder) -> list[RentalOrder]:
        """Other orders of the same renter on the node, which may pay for a machine as well."""
        async with self._store.read() as tx:
            known = await tx.orders.open_on({order.node})
        return [one for one in known if one.id != order.id and one.renter == order.renter]

    async def _made(
        self, machines: Iterable[Machine], orders: Iterable[RentalOrder]
    ) -> Mapping[TaskId, datetime]:
        """When machines were made at the earliest: when it was sent from here, or as nodes say.

        Read only where that tells anything: where one of the orders has ended.
        """
        if all(nothing_made_after(order) is None for order in orders):
            return {}
        created = {one.task: _created(one) for one in machines}
        async with self._store.read() as tx:
            sent = await tx.orders.made_at(created)
        known = {task: sent.get(task, told) for task, told in created.items()}
        return {task: at for task, at in known.items() if at is not None}

    async def people(
        self, concerned: Concern, machines: Collection[AtStake] | None, node: NodeId
    ) -> People:
        """Who is told: who holds or shares a session, who made a machine of it, who watches.

        Nobody from whom the rules hide the node.
        """
        known = await self._store.known()
        held = {session.user for session in concerned.sessions}
        sees = set(held)
        sees |= {
            UserId(share.audience)
            for share in known.shares_on(node)
            if share.kind is Audience.PERSON and share.user in held
        }
        if machines:
            async with self._store.read() as tx:
                made: Mapping[str, tuple[str, str]] = await tx.orders.makers(
                    {one.task for one in machines}
                )
            sees |= {
                UserId(user)
                for user, channel in made.values()
                if known.usable(UserId(user), ChannelId(channel), node)
            }
        told = sorted(sees | set(concerned.watchers))
        return {user: user in sees for user in told if node not in await self._hidden(user)}

    async def present(self, order: RentalOrder, people: People) -> RentalOrder:
        """The order without who has said to renew it, where they may not decide on it any more."""
        taker = UserId(order.renewer)
        if not taker or (people.get(taker) and not await self._is_barred(taker)):
            return order
        return replace(order, renewer="", renewer_since=None)

    async def hides(self, user: UserId, node: NodeId) -> bool:
        """Whether the rules hide a node from somebody."""
        return node in await self._hidden(user)

    async def told(self, people: People) -> People:
        """Those who are sent a message: no guest, whatever they have kept from before."""
        return {user: sees for user, sees in people.items() if not await self._is_barred(user)}

    async def _at_stake(
        self,
        order: RentalOrder,
        machine: Machine,
        concerned: Concern,
        snapshots: tuple[str, ...],
        paying: Collection[RentalOrder],
    ) -> AtStake | None:
        """A machine with its disks; None for one of another order.

        A node names no order of a machine whose session names none. Such a machine is deleted
        by the end of what its wallet rents: one of the orders that may be `paying` for it.
        """
        is_off = phase_of(machine.status) is Phase.OFF
        is_of_it, is_alone = order in paying, len(paying) == 1
        for session in concerned.sessions:
            if session.user == machine.owner:
                found = await self._last_known.find(session, machine.task)
                if found is None:
                    continue
                named = found.detail.rent_order
                if named != str(order.number) and (named or not is_of_it):
                    return None
                disks = tuple(
                    f"{disk.name} {disk.size.text}".strip() for disk in found.detail.disks
                )
                login = login_of(found.detail)
                return AtStake(
                    machine.label, machine.task, disks, is_off, snapshots, login,
                    is_sure=bool(named) or is_alone,
                )  # fmt: skip
        if not is_of_it:
            return None
        return AtStake(
            machine.label, machine.task, is_off=is_off, snapshots=snapshots, is_sure=is_alone
        )
