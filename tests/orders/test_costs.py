"""Money in parts: whatever is cut where, the parts sum to the whole, to the last planck."""

import ast
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bot
from bot.ids import NodeId
from bot.model import Basis, BlockTime, OrderPhase, Payment, RentalOrder, Use
from bot.orders.amounts import percents, rounded
from bot.orders.costs import Amount, For, Part, cost_of, summed
from bot.orders.months import Month, block_at, parse
from bot.orders.reports import Account
from bot.orders.schedule import MINUTE
from bot.orders.sightings import HOLDS, changes
from bot.orders.split import parts, portion

PLANCK = st.integers(0, 10**24)
# All that computes or words money; `bot.reply` and the rest only carry its texts.
OF_MONEY = (
    "chain/price.py", "orders/split.py", "orders/costs.py", "orders/amounts.py",
    "orders/reports.py", "orders/pricing.py", "orders/sightings.py", "orders/months.py",
    "orders/books.py", "model/money.py", "commands/cost.py",
)  # fmt: skip


def paid(
    planck: int, begins: int, ends: int, gpus: int = 4, *, fee: int = 0, basis: Basis = Basis.READ
) -> Payment:
    return Payment(
        "rentMachine.1", begins, ends, gpus, planck, planck // 10**9, True, 12_000, fee, begins,
        basis,
    )  # fmt: skip


@given(PLANCK, st.lists(st.integers(0, 64), min_size=1).filter(any))
def test_parts_by_weight_sum_to_the_whole(total: int, weights: list[int]) -> None:
    found = parts(total, weights)
    assert sum(found) == total
    for part, weight in zip(found, weights, strict=True):
        assert abs(part * sum(weights) - total * weight) < sum(weights)


@given(PLANCK, st.integers(1, 10**6), st.lists(st.integers(0, 10**6)))
def test_stretches_sum_to_the_whole(total: int, length: int, cuts: list[int]) -> None:
    edges = [0, *sorted(cut % (length + 1) for cut in cuts), length]
    assert sum(portion(total, length, *pair) for pair in pairwise(edges)) == total


@st.composite
def _used(draw: st.DrawFn) -> tuple[list[Payment], list[Use]]:
    """A rental that was renewed a few times, and machines that came, went and grew."""
    edges = sorted(draw(st.sets(st.integers(0, 3000), min_size=2, max_size=5)))
    payments = [
        paid(draw(PLANCK), *pair, draw(st.integers(1, 8)), fee=10**16 * (not number))
        for number, pair in enumerate(pairwise(edges))
    ]
    uses = []
    for task in ("", "a", "b", "c"):
        seen = sorted(draw(st.sets(st.integers(0, 3000), max_size=6)))
        for begins, ends in pairwise(seen):
            gpus = draw(st.integers(0, 9)) if task else 0
            uses.append(Use("rentMachine.1", task, begins, ends, gpus, task, f"U{task}"))
    return payments, uses


@given(_used(), st.lists(st.integers(-10, 3010), max_size=6))
def test_what_a_rental_cost_is_what_was_paid_for_it_however_it_is_cut(
    used: tuple[list[Payment], list[Use]], cuts: list[int]
) -> None:
    payments, uses = used
    edges = [-20, *sorted(cuts), 4000]
    found = [cost_of(payments, uses, *pair, fees_alone=False) for pair in pairwise(edges)]
    whole = summed(one.total for one in found)
    fees = sum(one.fee for one in payments)
    assert whole.planck == sum(one.planck for one in payments) + fees
    assert whole.micro == sum(one.micro + one.fee * one.avg_price // 10**15 for one in payments)


def test_a_price_is_shared_by_the_gpus_that_machines_hold() -> None:
    uses = [
        Use("o", "", 100, 300),
        Use("o", "a", 100, 300, 2, "train", "UALICE"),
        Use("o", "b", 200, 300, 1, "infer", "UBOB"),
    ]
    cost = cost_of([paid(4000, 0, 400)], uses, 0, 400, fees_alone=False)
    assert {part.task or part.what: one.planck for part, one in cost.parts.items()} == {
        For.UNSEEN: 2000, "a": 1000, "b": 250, For.UNUSED: 750,
    }  # fmt: skip
    assert Part(For.MACHINE, "b", "UBOB") in cost.parts


def test_of_what_lapsed_only_the_fee_is_lost() -> None:
    cost = cost_of([paid(4000, 0, 400, fee=7)], [], 0, 400, fees_alone=True)
    assert {part.what: one.planck for part, one in cost.parts.items()} == {For.FEE: 7}


def test_an_estimate_makes_the_whole_one() -> None:
    payments = [paid(10, 0, 10), paid(10, 10, 20, basis=Basis.LATER)]
    assert not cost_of(payments, [], 0, 10, fees_alone=False).total.is_estimate
    assert cost_of(payments, [], 0, 20, fees_alone=False).total.is_estimate


@given(st.lists(st.builds(Amount, PLANCK, st.integers(0, 10**14)), max_size=20))
def test_what_is_shown_sums_to_the_sum_that_is_shown(amounts: list[Amount]) -> None:
    shown, whole, cent = summed(rounded(amounts)), summed(amounts), 10**13
    if whole.planck:
        assert shown.planck == (whole.planck + cent // 2) // cent * cent
        assert sum(percents(amounts)) == 100


# What is seen of machines


def test_what_is_seen_holds_until_something_else_is() -> None:
    one = Use("o", "a", 100, 100, 2, "train")
    known = changes([], [one], "o", 100)
    assert known == [Use("o", "", 100, 100), one]
    assert changes(known, [Use("o", "a", 110, 110, 2)], "o", 110) == []  # not worth a write
    gone = changes(known, [], "o", 130)
    none = Use("o", "a", 130, 130, 0, "train")
    assert gone == [Use("o", "", 100, 130), Use("o", "a", 100, 130, 2, "train"), none]
    assert changes(gone, [Use("o", "a", 125, 125, 2)], "o", 125) == []  # older than what is known


LOOKS = st.lists(
    st.tuples(
        st.integers(1, 2 * HOLDS),
        st.dictionaries(st.sampled_from("abc"), st.integers(1, 4)),
    ),
    min_size=1,
    max_size=12,
)


@given(LOOKS)
def test_what_is_kept_is_what_was_seen(looks: list[tuple[int, dict[str, int]]]) -> None:
    kept: dict[tuple[str, int], Use] = {}
    seen: list[tuple[int, dict[str, int]]] = []
    block = 0
    for later, held in looks:
        block += later
        seen.append((block, held))
        newest = {use.task: use for use in sorted(kept.values(), key=lambda use: use.begins)}
        uses = [Use("o", task, block, block, gpus) for task, gpus in held.items()]
        for use in changes([*newest.values()], uses, "o", block):
            kept[use.task, use.begins] = use
    told = max(use.ends for use in kept.values())
    # A last look that changed nothing is not written down: before a gap, five minutes may lack.
    is_steady = all(later <= HOLDS - 5 * MINUTE for later, _ in looks[1:])
    for (begins, held), (ends, _) in pairwise(seen):
        here = {
            use.task: use.gpus
            for use in kept.values()
            if use.gpus + (not use.task) and use.begins <= begins < ends <= use.ends
        }
        known = {"": 0, **held}
        if ends <= told and is_steady:
            assert here == known
        assert here in ({}, known)


# Months


def test_months_are_named_in_the_ways_that_people_use() -> None:
    now = Month(2026, 1)
    assert parse("2025/12", now) == parse("2025.12", now) == Month(2025, 12)
    assert parse("2025/13", now) is parse("25/12", now) is None
    assert parse("2025-12", now) == parse("last", now) == parse("上月", now) == Month(2025, 12)
    assert parse("last month", now) == parse("上个月", now) == parse("上个月份", now) == now.before
    assert parse("2025年12月", now) == parse("2025 年 12 月份", now) == Month(2025, 12)
    assert parse("十一月", now) == parse("11月", now) == Month(2025, 11)
    assert parse("这个月", now) == parse("一月", now) == now
    assert parse("1", now) == parse("this", now) == now
    assert str(now.before.after) == "2026-01"
    for odd in ("2026-13", "0", "soon", "26-01", "1999-01", "2026-00"):
        assert parse(odd, now) is None


def test_a_month_begins_between_the_blocks_that_are_known() -> None:
    before, after = BlockTime(100, 1_000_000), BlockTime(200, 1_700_000)  # 7 s a block
    assert block_at(1_350_000, before, after) == 150
    assert block_at(1_000_000 + 60_000, before, None) == 110
    assert block_at(1_000_000 - 60_000, None, before) == 90
    assert block_at(5, None, None) is None


# No float


def _floats(path: Path) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        is_float = isinstance(node, ast.Constant) and isinstance(node.value, float)
        is_name = isinstance(node, ast.Name) and node.id in {"float", "round"}
        is_division = isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div)
        if is_float or is_name or is_division:
            found.append(f"{path.name}:{node.lineno}")  # type: ignore[attr-defined]
    return found


@pytest.mark.parametrize("name", OF_MONEY)
def test_no_float_comes_near_money(name: str) -> None:
    found = _floats(Path(bot.__file__).parent / name)
    # Decimal is divided in two places, each by a power of ten: exact.
    assert len(found) == (2 if name == "chain/price.py" else 0), found


def account(*uses: Use) -> Account:
    """Eight GPUs, with looks at them up to block 150."""
    at = datetime(2026, 1, 5, tzinfo=UTC)
    order = RentalOrder(
        "rentMachine.1", 1, NodeId("n"), "5W", OrderPhase.RENTING, 100, 900, tuple(range(8)), 0,
        150, at, 100, at, at, at,
    )  # fmt: skip
    return Account(order, (), (Use(order.id, "", 100, 150), *uses), is_open=True)


def seen(last: Sequence[Use], held: Sequence[Use], block: int) -> list[Use]:
    return changes(last, held, "rentMachine.1", block)


def test_gpus_are_free_as_soon_as_a_look_finds_them_given_up() -> None:
    first = [Use("rentMachine.1", task, 100, 100, 1, task) for task in ("a", "b", "c")]
    look = Use("rentMachine.1", "", 100, 100)
    written = seen([look, *first], [replace(use, begins=150, ends=150) for use in first[:2]], 150)
    found = account(*(use for use in written if use.task))
    assert found.unused(150) == 6
    assert found.last_holders() == ("c",)


def test_machines_that_one_look_misses_held_the_gpus_last_together() -> None:
    first = [Use("rentMachine.1", task, 100, 100, 1, task) for task in ("a", "b", "c")]
    look = Use("rentMachine.1", "", 100, 100)
    written = seen([look, *first], [replace(first[1], begins=150, ends=150)], 150)
    assert account(*(use for use in written if use.task)).last_holders() == ("a", "c")


@pytest.mark.parametrize("end", [400, 850, 900])
def test_an_order_that_has_ended_costs_what_was_paid_and_no_more(end: int) -> None:
    payments = (paid(4000, 100, 500), paid(6000, 500, 900))
    one = replace(account(), payments=payments)
    one = replace(one, order=replace(one.order, phase=OrderPhase.ENDED, ends=end))
    assert one.cost(0, end).total.planck == one.cost(0, 5000).total.planck == 10_000


def test_a_machine_that_grew_at_the_last_look_holds_what_it_holds_now() -> None:
    look, first = Use("rentMachine.1", "", 100, 100), Use("rentMachine.1", "a", 100, 100, 1, "a")
    written = seen([look, first], [Use("rentMachine.1", "a", 150, 150, 4, "a")], 150)
    found = account(*(use for use in written if use.task))
    assert found.unused(150) == 4
    assert found.last_holders() == ()
