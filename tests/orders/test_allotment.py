"""Each GPU of a machine is held of one order, whatever orders there are and whatever names one."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from bot.ids import NodeId
from bot.model import OrderPhase, RentalOrder
from bot.orders.allotment import Holding, allotted

AT = datetime(2026, 1, 1, tzinfo=UTC)


def order(number: int, gpus: int) -> RentalOrder:
    return RentalOrder(
        f"rentMachine.{number}", number, NodeId("a" * 64), "5", OrderPhase.RENTING, 100 - number,
        999, tuple(range(gpus)), 0, 0, AT, 0, AT, AT, AT,
    )  # fmt: skip


@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=4),
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 4)), max_size=6),
)
def test_every_gpu_is_held_once(rented: list[int], machines: list[tuple[int, int]]) -> None:
    orders = [order(number, gpus) for number, gpus in enumerate(rented, 1)]
    names = ["", *(str(one.number) for one in orders)]
    held = [
        Holding(f"m{at}", gpus, names[named % len(names)])
        for at, (gpus, named) in enumerate(machines)
    ]
    parts = {one.number: allotted(one, orders, held) for one in orders}
    for machine in held:
        assert sum(found.get(machine.task, 0) for found in parts.values()) == machine.gpus
        if machine.named and machine.gpus:
            assert parts[int(machine.named)][machine.task] == machine.gpus
    # No order is overfull by what names none while another one has GPUs that are free.
    fixed = {
        one.number: sum(it.gpus for it in held if it.named == str(one.number)) for one in orders
    }
    full = [sum(parts[one.number].values()) >= len(one.gpus) for one in orders]
    crowded = [
        sum(parts[one.number].values()) > max(len(one.gpus), fixed[one.number]) for one in orders
    ]
    assert not any(crowded) or all(full)
