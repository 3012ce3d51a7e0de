"""What the orders of former years cost whoever asks today."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

from sqlalchemy import event
from sqlalchemy.engine import Engine

from tests.scenarios.orders import DAY, ChainStage


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements that reach the database meanwhile."""
    seen: list[str] = []

    def note(*given: object) -> None:
        seen.append(str(given[2]))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def multiply(scene: ChainStage, times: int) -> None:
    """Write down orders that are long gone, like the one that is known."""
    with closing(sqlite3.connect(scene.stage.data / "bot.db")) as database:
        database.row_factory = sqlite3.Row
        known = dict(database.execute("SELECT * FROM rental_orders").fetchone())
        names, marks = ",".join(known), ",".join("?" * len(known))
        for number in range(1, times + 1):
            old = {"number": number, "phase": "gone", "began": number, "ends": 1000 + number}
            row = known | old | {"id": f"rentMachine.{number}"}
            database.execute(
                f"INSERT INTO rental_orders ({names}) VALUES ({marks})",
                list(row.values()),
            )
        database.commit()


def end_all(scene: ChainStage) -> None:
    """Write down of all orders that they were read last long after their end."""
    with closing(sqlite3.connect(scene.stage.data / "bot.db")) as database:
        database.execute(
            "UPDATE rental_orders SET phase = 'gone', seen_block = ends + 50000, "
            "seen_at = '2020-01-01 00:00:00.000000'"
        )
        database.commit()


async def test_a_rescue_looks_at_no_order_that_is_long_over(scene: ChainStage) -> None:
    stage, alice = scene.stage, scene.stage.alice
    rental = scene.rents(blocks=40 * DAY)
    await scene.passes(minutes=2, step=60)
    multiply(scene, 50)
    with counted() as opening:
        await alice.types("/dbc order rescue")
        await stage.quiet()
    with counted() as searching:
        found = await alice.suggests("order", "")
    assert [one.split(" ")[0] for one in found] == [str(rental.number)]
    for seen in (opening, searching):
        assert len([one for one in seen if "watched_wallets" in one]) < 50


async def test_no_list_and_no_form_looks_at_all_that_is_long_over(
    scene: ChainStage,
) -> None:
    stage, alice = scene.stage, scene.stage.alice
    scene.rents(blocks=40 * DAY)
    await scene.passes(minutes=2, step=60)
    multiply(scene, 50)
    end_all(scene)
    with counted() as seen:
        shown = await stage.asks(alice, "/dbc vm list")
    assert "inference" in shown.plain
    assert not shown.buttons  # the offer to create a machine: all orders of its node are over
    assert len([one for one in seen if "watched_wallets" in one]) <= 2
    with counted() as seen:  # whether there is any order to show
        await alice.types("/dbc order show")
        await stage.quiet()
    assert alice.modal is not None
    assert len([one for one in seen if "watched_wallets" in one]) < 10
