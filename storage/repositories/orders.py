"""Rentals as they were last read, and whose wallets are watched. When to tell what is elsewhere."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, delete, func, or_, select, update

from bot.ids import NodeId, UserId
from bot.model import OrderPhase, RentalOrder
from storage.repositories.mapper import Mapper, Row, amount, one_of
from storage.repositories.repository import (
    LIMIT,
    Repository,
    at,
    claiming,
    is_free,
    is_reached,
)
from storage.tables import executions, rental_orders, watched_wallets

_RELEASED = {"leased_by": None, "leased_until": None}
_OPEN = tuple(phase for phase in OrderPhase if not phase.is_over)
# The chain should not have these any more; one that it has was lost by mistake.
_OVER = tuple(phase for phase in OrderPhase if phase.is_over)
_SAID = ("renewer", "renewer_since", "signers", "signed_at", "snoozed")
_CREATE = "vm.create"
_AT_ONCE = 500  # ids in one statement; databases limit its parameters


_CLAIM = claiming(
    rental_orders,
    [
        rental_orders.c.phase.in_(_OPEN),
        is_reached(rental_orders.c.next_look_at),
        is_free(rental_orders),
    ],
    rental_orders.c.next_look_at,
    LIMIT,
    # They can be confirmed for minutes only.
    first=case((rental_orders.c.phase == OrderPhase.WAITING, 0), else_=1),
).returning(rental_orders)


_IN_ORDER = select(rental_orders).order_by(rental_orders.c.ends, rental_orders.c.number)
_OPEN_ONES = _IN_ORDER.where(rental_orders.c.phase.in_(_OPEN))


class Orders(Repository):
    """Rentals by id."""

    async def add(self, order: RentalOrder) -> bool:
        """Store a rental that was seen for the first time; False where it is known."""
        rows = await self._connection.execute(
            self._insert(rental_orders).values(_ROWS.write(order)).on_conflict_do_nothing()
        )
        return rows.rowcount == 1

    async def came_back(self, order: RentalOrder) -> bool:
        """Take up again a rental that was told to be lost, but is not; says whether it did.

        Condition: it had lapsed, vanished or gone, or its number is that of another network.
        """
        rows = await self._connection.execute(
            update(rental_orders)
            .where(rental_orders.c.id == order.id, ~_is_known(order.chain))
            .values({**_ROWS.write(order), **_RELEASED})
        )
        return rows.rowcount == 1

    async def known(self, ids: Collection[str], chain: str) -> frozenset[str]:
        """Those of these ids that are stored, without those that the chain should have no more."""
        asked, found = sorted(ids), set[str]()
        for start in range(0, len(asked), _AT_ONCE):
            some = asked[start : start + _AT_ONCE]
            rows = await self._connection.execute(
                select(rental_orders.c.id).where(rental_orders.c.id.in_(some), _is_known(chain))
            )
            found.update(rows.scalars())
        return frozenset(found)

    async def find(self, order_id: str) -> RentalOrder | None:
        """The rental of that id, if it is known."""
        return next(iter(await self._where(rental_orders.c.id == order_id)), None)

    async def numbered(self, number: int) -> list[RentalOrder]:
        """The rentals of that number: each pallet counts by itself."""
        return await self._where(rental_orders.c.number == number)

    async def open(self) -> list[RentalOrder]:
        """The rentals that are not over, the first end first."""
        return await self._read(_OPEN_ONES)

    async def of_node(self, node: NodeId) -> list[RentalOrder]:
        """All rentals of a node, over or not, the first end first."""
        return await self._where(rental_orders.c.node == node)

    async def open_on(self, nodes: Collection[NodeId]) -> list[RentalOrder]:
        """The rentals of some nodes that are not over, the first end first."""
        return await self._read(_OPEN_ONES.where(rental_orders.c.node.in_(sorted(nodes))))

    async def last_over_on(
        self, nodes: Collection[NodeId], numbers: Collection[int]
    ) -> list[RentalOrder]:
        """Of the rentals of some nodes that are over, the last one of each renter.

        And those of these numbers.
        """
        its = rental_orders.c.node.in_(sorted(nodes))
        over = rental_orders.c.phase.in_(_OVER)
        return await self._where(and_(its, over, _is_last(_OVER, its, numbers)))

    async def left_on(
        self, nodes: Collection[NodeId], numbers: Collection[int], since: datetime, kept: int
    ) -> list[RentalOrder]:
        """The rentals of some nodes that have lapsed or are gone, the first end first.

        Of those that are gone, only those that were read `since`, or last before `kept` blocks
        after their end, the last one of each renter, and those of these numbers.
        """
        columns = rental_orders.c
        is_late = or_(columns.seen_at > since, columns.seen_block < columns.ends + kept)
        its = columns.node.in_(sorted(nodes))
        return await self._where(
            and_(
                its,
                or_(
                    columns.phase == OrderPhase.LAPSED,
                    and_(
                        columns.phase == OrderPhase.GONE,
                        or_(is_late, _is_last((OrderPhase.GONE,), its, numbers)),
                    ),
                ),
            )
        )

    async def nodes_of_ended(self, since: datetime, lost_since: datetime) -> frozenset[NodeId]:
        """The nodes of rentals that have ended, and were read `since`, or that were lost.

        Those that have lapsed or vanished count for longer.
        """
        read, phase = rental_orders.c.seen_at, rental_orders.c.phase
        query = select(rental_orders.c.node).where(
            or_(
                phase == OrderPhase.ENDED,
                and_(phase == OrderPhase.GONE, read >= since),
                and_(phase.in_((OrderPhase.LAPSED, OrderPhase.VANISHED)), read >= lost_since),
            )
        )
        return frozenset((await self._connection.execute(query.distinct())).scalars())

    async def after(self, block: int) -> list[RentalOrder]:
        """All rentals that ended after a block or have not ended, the first end first."""
        return await self._where(rental_orders.c.ends > block)

    async def claim_due(
        self, now: datetime, by: str, until: datetime, limit: int
    ) -> list[RentalOrder]:
        """Lease up to `limit` rentals to look at, those to be confirmed first.

        Conditions: it is not over, `next_look_at` is reached, and the lease is
        free.
        """
        given = {"leased_by": by, "leased_until": until, LIMIT.key: limit, **at(now)}
        rows = await self._connection.execute(_CLAIM, given)
        return [_ROWS.read(row) for row in rows.mappings()]

    async def save(self, order: RentalOrder, by: str) -> bool:
        """Write down what a look has shown and release the lease; says whether it did.

        Condition: `by` holds the lease. What people say of it, they write.
        """
        values = {**_ROWS.write(order), **_RELEASED}
        for written_by_people in _SAID:
            del values[written_by_people]
        rows = await self._connection.execute(
            update(rental_orders)
            .where(rental_orders.c.id == order.id, rental_orders.c.leased_by == by)
            .values(values)
        )
        return rows.rowcount == 1

    async def is_the_only_one(self, order_id: str) -> None:
        """Note that its node has no other rental."""
        await self._connection.execute(
            update(rental_orders)
            .where(rental_orders.c.id == order_id, rental_orders.c.is_only.is_(False))
            .values(is_only=True)
        )

    async def renters(self) -> list[tuple[NodeId, str, bool]]:
        """Who has ever rented which node, and whether that was its only rental."""
        columns = (rental_orders.c.node, rental_orders.c.renter, rental_orders.c.is_only)
        rows = await self._connection.execute(select(*columns).distinct())
        return [(row.node, row.renter, row.is_only) for row in rows]

    async def set_handled(
        self, order: RentalOrder, *, renewer: str | None = None, snoozed: bool | None = None
    ) -> bool:
        """Write down who renews a rental, or whether it is snoozed; what is None stays.

        Says whether that is new. Conditions: it still has this end and phase.
        """
        given = {"renewer": renewer, "snoozed": snoozed}
        values = {name: value for name, value in given.items() if value is not None}
        rows = await self._connection.execute(
            update(rental_orders)
            .where(
                *_as_known(order),
                or_(*(rental_orders.c[name] != value for name, value in values.items())),
            )
            .values(values)
        )
        return rows.rowcount == 1

    async def take(self, order: RentalOrder, renewer: str, instead_of: str, now: datetime) -> bool:
        """Write down who renews or confirms a rental; says whether it did.

        Conditions: it still has this end and phase, and `instead_of` is who did so until now, empty
        where nobody did.
        """
        rows = await self._connection.execute(
            update(rental_orders)
            .where(*_as_known(order), rental_orders.c.renewer == instead_of)
            .values(renewer=renewer, renewer_since=now)
        )
        return rows.rowcount == 1

    async def signed(self, order: RentalOrder, user: str, now: datetime) -> None:
        """Write down that somebody has signed. Conditions: it still has this end and phase."""
        await self._connection.execute(
            update(rental_orders)
            .where(*_as_known(order))
            .values(signers=rental_orders.c.signers + f"{user} ", signed_at=now)
        )

    async def answered(self, order_id: str, last: datetime | None = None) -> None:
        """Forget who has signed. Condition, where `last` is given: the last one did so then."""
        asked = [rental_orders.c.id == order_id]
        if last is not None:
            asked.append(rental_orders.c.signed_at == last)
        await self._connection.execute(
            update(rental_orders).where(*asked).values(signers="", signed_at=None)
        )

    async def look_by(self, order_id: str, at: datetime) -> None:
        """Have a rental looked at by then. Condition: nobody is looking at it."""
        await self._connection.execute(
            update(rental_orders)
            .where(
                rental_orders.c.id == order_id,
                rental_orders.c.leased_by.is_(None),
                rental_orders.c.next_look_at > at,
            )
            .values(next_look_at=at)
        )

    # Wallets

    async def watch(self, user: UserId, wallet: str, now: datetime) -> bool:
        """Watch a wallet's rentals for somebody; False where they do already."""
        rows = await self._connection.execute(
            self._insert(watched_wallets)
            .values(user=user, wallet=wallet, created_at=now)
            .on_conflict_do_nothing()
        )
        return rows.rowcount == 1

    async def unwatch(self, user: UserId, wallet: str) -> bool:
        """Watch them no longer; False where they did not."""
        rows = await self._connection.execute(
            delete(watched_wallets).where(
                watched_wallets.c.user == user, watched_wallets.c.wallet == wallet
            )
        )
        return rows.rowcount == 1

    async def watched(self) -> list[tuple[str, str]]:
        """Who watches which wallet, as person and wallet."""
        rows = await self._connection.execute(
            select(watched_wallets.c.user, watched_wallets.c.wallet).order_by(
                watched_wallets.c.created_at, watched_wallets.c.user
            )
        )
        return [(row.user, row.wallet) for row in rows]

    async def watched_by(self, user: UserId) -> dict[str, datetime]:
        """The wallets that somebody watches, and since when."""
        wallets = watched_wallets.c
        query = select(wallets.wallet, wallets.created_at).where(wallets.user == user)
        return {row.wallet: row.created_at for row in await self._connection.execute(query)}

    # Machines

    async def makers(self, tasks: Collection[str]) -> Mapping[str, tuple[str, str]]:
        """Who had these machines made, and in which channel, by the machine's id."""
        rows = await self._connection.execute(
            select(executions.c.task, executions.c.actor, executions.c.channel).where(
                executions.c.command == _CREATE, executions.c.task.in_(sorted(tasks))
            )
        )
        return {row.task: (row.actor, row.channel) for row in rows}

    async def made_at(self, tasks: Collection[str]) -> Mapping[str, datetime]:
        """When these machines were requested of their nodes, by the machine's id."""
        sent_at = func.coalesce(executions.c.started_at, executions.c.created_at).label("sent_at")
        rows = await self._connection.execute(
            select(executions.c.task, sent_at).where(
                executions.c.command == _CREATE, executions.c.task.in_(sorted(tasks))
            )
        )
        return {row.task: row.sent_at for row in rows}

    async def _where(self, condition: Any) -> list[RentalOrder]:
        return await self._read(_IN_ORDER.where(condition))

    async def _read(self, query: Select[Any]) -> list[RentalOrder]:
        rows = await self._connection.execute(query)
        return [_ROWS.read(row) for row in rows.mappings()]


def _as_known(order: RentalOrder) -> tuple[ColumnElement[bool], ...]:
    """Whether a rental still has the end and the phase in which somebody read it."""
    return (
        rental_orders.c.id == order.id,
        rental_orders.c.ends == order.ends,
        rental_orders.c.phase == order.phase,
    )


def _is_last(
    phases: Collection[OrderPhase], its: ColumnElement[bool], numbers: Collection[int]
) -> ColumnElement[bool]:
    """Whether a rental is the last one in these phases of its node and renter, or has a number.

    Whoever stands for one of a renter's without naming it stands for each of them, but for those
    that are the only one of their node.
    """
    columns = rental_orders.c
    newest_first = func.row_number().over(
        partition_by=(columns.node, columns.renter, columns.is_only), order_by=columns.began.desc()
    )
    ranked = (
        select(columns.id, newest_first.label("place"))
        .where(its, columns.phase.in_(phases))
        .subquery()
    )
    last = select(ranked.c.id).where(ranked.c.place == 1)
    return or_(columns.id.in_(last), columns.number.in_(sorted(numbers)))


def _is_known(chain: str) -> ColumnElement[bool]:
    """Whether a row is of this network, or of an unnoted one, and not lost."""
    return rental_orders.c.phase.not_in(_OVER) & rental_orders.c.chain.in_(("", chain))


def _gpus(row: Row) -> tuple[int, ...]:
    return tuple(row["gpus"]) if isinstance(row["gpus"], list) else ()


def _signers(row: Row) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(row["signers"]).split()))


def _written(order: RentalOrder) -> dict[str, Any]:
    return {
        "gpus": list(order.gpus),
        "stake": str(order.stake),
        "signers": "".join(f"{one} " for one in order.signers),
    }


_ROWS = Mapper(
    RentalOrder,
    rental_orders,
    _written,
    # One that this version does not know is looked at again, as every rental is.
    phase=one_of("phase", OrderPhase, OrderPhase.RENTING),
    gpus=_gpus,
    signers=_signers,
    stake=amount("stake"),
)
