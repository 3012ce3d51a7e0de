"""What a look at the chain means: what is told anew after a day, and where blocks contradict."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.chain.heads import Block
from bot.chain.models import OrderOnChain, RentStatus
from bot.ids import NodeId
from bot.model import OrderPhase, RentalOrder
from bot.orders.changes import Read, looked
from bot.orders.schedule import CONFIRM_WITHIN, DAY, HOUR
from sandbox.dbc import Wallet

AT = datetime(2026, 1, 1, tzinfo=UTC)
PACE = timedelta(seconds=6.1)
RENTER = Wallet.from_seed("a renter").address
UNREAD = 30 * HOUR


@pytest.mark.parametrize(
    ("before", "more", "halts"),
    [
        (timedelta(), timedelta(minutes=29), 0),
        (timedelta(), timedelta(minutes=31), 1),
        (timedelta(hours=20), timedelta(hours=3), 1),  # a former halt hides no other
    ],
)
def test_a_chain_that_is_slow_as_ever_has_not_stood_still(
    before: timedelta, more: timedelta, halts: int
) -> None:
    first = 900_000
    seen = first + 5 * DAY
    order = RentalOrder(
        "rentMachine.1", 1, NodeId("a" * 64), RENTER, OrderPhase.RENTING, first,
        seen + UNREAD + 20 * HOUR, (0,), 0, seen, AT, first, AT - 5 * DAY * PACE - before, AT, AT,
        told="end:72",
    )  # fmt: skip
    told = OrderOnChain(
        machineId=order.node, renter=order.renter, rentStart=order.began,
        confirmRent=order.began + 5, rentEnd=order.ends, stakeAmount=0,
        rentStatus=list(RentStatus)[-1], gpuNum=1, gpuIndex=(0,),
    )  # fmt: skip
    best = Block(seen + UNREAD, "", AT + UNREAD * PACE + more)
    read = Read(told, told, replace(best, number=best.number - 3), best, best.number)
    assert looked(order, read).order.halts == halts


@pytest.mark.parametrize(
    ("phase", "final", "best", "stage"),
    [
        (OrderPhase.RENTING, None, "renting", "end:15m"),  # one address, two nodes behind it
        (OrderPhase.RENTING, "waitingVerifying", "waitingVerifying", "end:15m"),
        (OrderPhase.RENTING, None, "renewed", None),
        (OrderPhase.RENTING, "waitingVerifying", "renewed", None),
        (OrderPhase.WAITING, "waitingVerifying", None, "confirm:5"),
        (OrderPhase.WAITING, "waitingVerifying", "renting", None),
    ],
)
def test_blocks_that_contradict_each_other_hold_back_no_last_warning(
    phase: OrderPhase, final: str | None, best: str | None, stage: str | None
) -> None:
    head, left = 900_000, 45
    is_waiting = phase is OrderPhase.WAITING
    began = head + left - CONFIRM_WITHIN if is_waiting else head - DAY
    order = RentalOrder(
        "rentMachine.1", 1, NodeId("a" * 64), RENTER, phase, began,
        head + (DAY if is_waiting else left), (0,), 0, head - 1, AT, began, AT, AT, AT,
        told="confirm:10" if is_waiting else "end:1",
    )  # fmt: skip

    def told(status: str | None) -> OrderOnChain | None:
        if status is None:
            return None
        is_renewed = status == "renewed"
        return OrderOnChain(
            machineId=order.node, renter=RENTER, rentStart=began, confirmRent=0,
            rentEnd=order.ends + is_renewed * DAY, stakeAmount=0,
            rentStatus="renting" if is_renewed else status, gpuNum=1, gpuIndex=(0,),
        )  # fmt: skip

    newest = Block(head, "", AT + timedelta(seconds=6))
    found = looked(
        order, Read(told(final), told(best), replace(newest, number=head - 3), newest, head)
    )
    assert (found.stage.name if found.stage else None) == stage
    assert found.event is None
