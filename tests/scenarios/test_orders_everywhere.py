"""What is said and offered of an order is the same on all surfaces, at each of its moments."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest

from sandbox.chain import Rental
from sandbox.slack import SeenMessage, SeenView
from tests.scenarios.orders import DAY, ChainStage
from tests.scenarios.test_orders_ended import IN_VAIN, OFFERED_NEVER, in_menus, rents_one_gpu
from tests.scenarios.test_orders_over import CREATE

CHANGES = IN_VAIN | OFFERED_NEVER


@dataclass(frozen=True)
class Expected:
    """What holds at a moment.

    Each surface has the `words` about the order. `state` is what lists say of its machine, and
    `offers` are some of what `vm show` offers. `caution` stands before a creation,
    which `would_fail`.
    """

    words: str
    state: str = "running"
    offers: frozenset[str] = frozenset()
    takes_new: bool = False
    copies: bool = True
    caution: str = ""
    would_fail: bool = False


WAITING = Expected(
    "must be confirmed by", offers=frozenset({"Restart", "Logs"}), takes_new=True, copies=False,
    caution="must be confirmed by",
)  # fmt: skip
SOON = Expected(
    ", in ", offers=frozenset({"Restart", "Logs"}), takes_new=True, copies=False,
    caution="What is on it then is lost",
)  # fmt: skip
ENDED = Expected(
    "has ended; machines are deleted after", would_fail=True, caution="has ended; machines are",
)  # fmt: skip
GONE = Expected(
    "has ended more than 72 hours ago", state="presumably deleted by its node", copies=False,
    would_fail=True, caution="no other order for this node",
)  # fmt: skip
UNREAD = Expected(
    "has ended; machines were to be deleted after", state="perhaps deleted by its node",
    would_fail=True, caution="machines were to be deleted after",
)  # fmt: skip
LAPSED = Expected("has lapsed", would_fail=True, caution="no other order for this node")
LAPSED_BESIDE = Expected(
    "has lapsed", state="off", offers=frozenset({"Start", "Logs"}),
    caution="no other order for this node",
)  # fmt: skip
BESIDE = Expected(
    "has ended; machines are deleted after", state="off", offers=frozenset({"Start", "Logs"}),
    caution="has ended; machines are",
)  # fmt: skip
AGAIN = Expected(
    "has ended; machines are deleted after", state="off", offers=frozenset({"Start", "Logs"}),
    takes_new=True,
)  # fmt: skip


async def begins(scene: ChainStage, *, confirmed: bool, blocks: int, gpus: int = 4) -> Rental:
    """An order that pays for the machines of gpu1, which asks the chain."""
    node = scene.stage.node("gpu1")
    rental = scene.rents(blocks=blocks, confirmed=confirmed, gpus=gpus)
    node.ledger = scene.chain
    for task in node.tasks.values():
        task.rent_order = str(rental.number)
    await scene.passes(minutes=1, step=30)
    await scene.stage.asks(scene.stage.alice, "/dbc vm show inference")
    return rental


async def until(scene: ChainStage, block: int) -> None:
    await scene.until(block, step=60)
    scene.stage.node("gpu1").settle()
    await scene.passes(minutes=2, step=60)


async def holds(scene: ChainStage, rental: Rental, expected: Expected) -> None:
    """Every surface says and offers what is expected."""
    stage, alice, number = scene.stage, scene.stage.alice, rental.number
    lines = {"list": "vm list", "machine": "vm show inference", "order": f"order show #{number}。",
             "node": "node orders gpu1"}  # fmt: skip
    seen: dict[str, SeenMessage | SeenView] = {
        name: await stage.asks(alice, f"/dbc {line}") for name, line in lines.items()
    }
    await alice.opens_home()
    await stage.quiet()
    seen["home"] = await alice.sees_home("Your machines")
    said = {name: one.plain.replace("*", "") for name, one in seen.items()}
    assert [name for name, one in said.items() if expected.words not in one] == []
    assert [name for name, one in said.items() if "renting" in one.split("whole machine")[0]] == []
    for name in ("list", "home"):
        rows = [one for one in said[name].splitlines() if "inference" in one and "created" in one]
        assert [one for one in rows if f" {expected.state}" not in one] == []
        assert len(rows) == 1
        assert ("Create a machine" in seen[name].buttons) is expected.takes_new
        offered = in_menus(seen[name].blocks) & CHANGES
        assert (offered - {"More …"} == set()) is (not expected.offers)
    assert expected.offers <= {*seen["machine"].buttons}
    if not expected.offers:
        assert not CHANGES & {*seen["machine"].buttons}
    copying = {name for name, one in seen.items() if any("Copy data" in it for it in one.buttons)}
    assert (copying >= {"list", "machine", "home", "order"}) is expected.copies
    planned = (await stage.asks(alice, f"{CREATE} --dry-run")).plain
    assert expected.caution in planned.replace("*", "")
    assert "could not be searched" not in planned
    assert ("Would fail" in planned) is expected.would_fail
    rescue = (await stage.asks(alice, f"/dbc order rescue {number}")).plain
    assert "You are told of no order" not in rescue
    assert ("too late" in rescue) is (expected is GONE)


async def test_while_an_order_goes_its_way(scene: ChainStage) -> None:
    rental = await begins(scene, confirmed=False, blocks=600)
    await holds(scene, rental, WAITING)
    scene.chain.confirm(rental.number)
    await scene.passes(minutes=3, step=60)
    await holds(scene, rental, SOON)
    await until(scene, rental.end + 200)
    await holds(scene, rental, ENDED)
    await until(scene, rental.end + 67 * 600)
    await holds(scene, rental, ENDED)
    scene.rpc[0].down = True
    scene.stage.clock.advance(timedelta(hours=6))
    await scene.stage.bot.tick()
    await holds(scene, rental, UNREAD)
    card = (await scene.stage.asks(scene.stage.alice, "/dbc vm delete inference")).plain
    assert f"order {rental.number} has ended; machines were to be deleted after" in card
    scene.rpc[0].down = False
    await scene.passes(hours=2)
    await holds(scene, rental, GONE)


async def lapses(scene: ChainStage) -> Rental:
    rental = await begins(scene, confirmed=False, blocks=10 * DAY)
    await until(scene, rental.start + 170)
    return rental


async def test_while_a_lapsed_order_has_machines(scene: ChainStage) -> None:
    rental = await lapses(scene)
    await holds(scene, rental, LAPSED)
    await rents_one_gpu(scene)
    await holds(scene, rental, LAPSED_BESIDE)
    asked = (await scene.stage.asks(scene.stage.alice, "/dbc vm start inference")).plain
    assert "inference can be switched off at any moment" in asked.replace("*", "")


@pytest.mark.parametrize(("rents", "expected"), [(rents_one_gpu, BESIDE), (None, AGAIN)])
async def test_while_an_ended_order_has_machines_on_a_node_that_is_rented_again(
    scene: ChainStage, rents: Callable[[ChainStage], Awaitable[None]] | None, expected: Expected
) -> None:
    rental = await begins(scene, confirmed=True, blocks=600)
    await until(scene, rental.end + 200)
    if rents is None:
        scene.rents(gpus=2)
        await scene.passes(minutes=2, step=60)
    else:
        await rents(scene)
    await holds(scene, rental, expected)
