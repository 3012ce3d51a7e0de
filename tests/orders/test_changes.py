"""What is told anew once a chain that was not read for a day is read again."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.chain.heads import Block
from bot.chain.models import OrderOnChain, RentStatus
from bot.ids import NodeId
from bot.model import OrderPhase, RentalOrder
from bot.orders.changes import Read, looked
from bot.orders.schedule import DAY, HOUR
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
