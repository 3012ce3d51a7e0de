"""Keeps what open cards say of rentals true: orders are renewed, end or lapse while cards wait.

Nothing that anybody approves changes by that, so no vote falls.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import structlog

from bot.errors import BotError
from bot.ids import ApprovalId, NodeId
from bot.messages import alone, review_cards
from bot.messages.facts import ENDING, RENTAL, is_same_rental
from bot.model import Approval, Execution, Fact, RentalOrder, ReviewKind
from bot.pipeline.context import Context, Services
from bot.pipeline.formatting import stacked
from bot.pipeline.rental_facts import rental_since
from bot.pipeline.targets import Bound
from bot.ports import DeliveryFailed
from bot.reply import as_phrase, keep, line
from storage import StorageFailed

_BEFORE = {ReviewKind.CONFIRM, ReviewKind.APPROVE}  # what has run was decided by what it showed
_PRICE_LASTS = timedelta(hours=1)

# Each order of a node (id, phase, end, is it past), and whether the node refuses every command.
_Stand = tuple[frozenset[tuple[str, str, int, bool]], bool]

log = structlog.get_logger()


class RentalsOnCards:
    """Compares what open cards say of orders with those orders."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._store = services.store
        self._told: dict[ApprovalId, tuple[_Stand, timedelta]] = {}

    async def look(self) -> None:
        """Draw those cards anew whose order's end, price or state is another one by now."""
        async with self._store.read() as tx:
            found = [one for one in await tx.approvals.open() if one.kind in _BEFORE]
            pending = [one for one in found if one.shown.keys() & {RENTAL, ENDING}]
            if not pending:
                self._told = {}
                return
            about = await tx.executions.some([one.execution for one in pending])
            stands = self._stands(await tx.orders.open())
        passed, told = self._services.clock.monotonic(), self._told
        self._told, is_changed = {}, False
        for approval in pending:
            execution = about[approval.execution]
            is_unrented = self._services.inventory.lists.is_unrented(execution.node)
            stand = stands.get(execution.node, frozenset()), is_unrented
            before = told.get(approval.id)
            if before is None or before[0] != stand or passed - before[1] >= _PRICE_LASTS:
                is_changed |= await self._kept_true(approval, execution)
                before = stand, passed
            self._told[approval.id] = before
        if is_changed:
            await self._services.reviews.deliver()

    def _stands(
        self, orders: Sequence[RentalOrder]
    ) -> Mapping[NodeId, frozenset[tuple[str, str, int, bool]]]:
        stands: dict[NodeId, set[tuple[str, str, int, bool]]] = defaultdict(set)
        for one in orders:
            is_past = self._services.orders.is_past(one)
            stands[one.node].add((one.id, one.phase, one.ends, is_past))
        return {node: frozenset(some) for node, some in stands.items()}

    async def _kept_true(self, approval: Approval, execution: Execution) -> bool:
        """Let its cards say what holds now; says whether that is something else."""
        try:
            shown = await self._shown(approval, execution)
            return shown != approval.shown and await self._show(approval, execution, shown)
        except (BotError, DeliveryFailed) as problem:  # its click and its run find out more
            log.info("review.rental_not_read", approval=approval.id, why=str(problem))
        except StorageFailed:
            raise
        except Exception:  # the others do not wait for it
            log.exception("review.rental_not_read", approval=approval.id)
        return False

    async def _shown(self, approval: Approval, execution: Execution) -> dict[str, Fact]:
        """What the card shows, with what holds now of its order in the place of what did."""
        bound = await self._bound(execution)
        context = Context.of(self._services, execution)
        shown, then = dict(approval.shown), approval.shown.get(RENTAL)
        if then is not None:
            now = (await rental_since(then, bound, context)).get(RENTAL)
            if now is None:
                del shown[RENTAL]
            elif not is_same_rental(then.text, now.text):
                shown[RENTAL] = now
        command = self._services.table.get(execution.command)
        if command is None or command.warns is None:
            return shown
        asked = {"node": bound.node, **({"vm": bound.machine} if bound.machine else {})}
        cautions = (await command.warns(context, **asked)).cautions
        is_public = approval.kind is not ReviewKind.CONFIRM
        said = stacked([line(one.in_public if is_public else one.told) for one in cautions])
        shown.pop(ENDING, None)
        return {ENDING: Fact(keep(as_phrase(said))), **shown} if said else shown

    async def _bound(self, execution: Execution) -> Bound:
        """Node and machine that it is about; a creation's machine is not there yet."""
        node = await self._services.inventory.node_by_id(execution.node)
        usable = await self._services.sessions.usable(execution.actor, execution.place.channel)
        known = await self._store.known()
        machines = known.machines([(one.user, execution.node) for one in usable])
        machine = next((one for one in machines if one.task == execution.task), None)
        return Bound({}, machine, node)

    async def _show(
        self, approval: Approval, execution: Execution, shown: Mapping[str, Fact]
    ) -> bool:
        """Write it down, with the cards that say it; False where it is decided meanwhile."""
        question = await self._services.reviews.questions.of(approval, execution)
        now = self._services.clock.now()
        async with self._store.write() as tx:
            anew = await tx.approvals.show_anew(approval.id, shown, now)
            if anew is None:
                return False
            votes = await tx.votes.of(approval.id)
            card = review_cards.question(replace(question, approval=anew, votes=votes))
            await alone.show(tx, anew, execution, card, now)
        log.info("review.rental_told_anew", approval=approval.id)
        return True
