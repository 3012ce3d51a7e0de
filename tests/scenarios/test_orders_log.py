"""What the log says of orders and their chain: each thing when it begins and when it ends."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.scenarios.orders import DAY, chained
from tests.scenarios.stored import alter


def _lines(logs: Sequence[Any], event: str) -> list[Any]:
    return [one for one in logs if one["event"] == event]


@pytest.mark.slow
async def test_orders_that_nodes_contradict_each_other_about_are_one_line_and_their_end_one(
    tmp_path: Path,
) -> None:
    async with chained(tmp_path, nodes=2) as scene:
        await scene.stage.gives_session(scene.stage.alice, "gpu1")
        rented = [scene.rents(gpus=1, blocks=10 * DAY).number for _ in range(3)]
        await scene.passes(minutes=10, step=30)
        with capture_logs() as logs:
            scene.rpc[1].lies |= {one: {"rentEnd": 9_999_999} for one in rented}
            await scene.passes(hours=3, step=300)
            assert len(_lines(logs, "orders.read_again")) == 0
            scene.rpc[1].lies.clear()
            await scene.passes(minutes=20, step=60)
        (began,), (ended,) = (_lines(logs, e) for e in ("orders.not_read", "orders.read_again"))
        assert (began["log_level"], began["number"]) == ("warning", 3)
        assert began["why"] == "the nodes give different answers"
        assert (ended["log_level"], ended["number"]) == ("info", 3)
        assert ended["after_seconds"] >= 3 * 3600 - 600
        assert len([one for one in logs if "order" in one["event"]]) == 2
        (contradicts,) = _lines(logs, "chain.contradicts")
        assert contradicts["nodes"] == [1, 2]


async def test_new_orders_that_cannot_be_read_are_one_line_and_their_end_one(
    tmp_path: Path,
) -> None:
    async with chained(tmp_path) as scene:
        await scene.stage.gives_session(scene.stage.alice, "gpu1")
        rented = [scene.rents(gpus=1, blocks=10 * DAY).number for _ in range(3)]
        with capture_logs() as logs:
            scene.rpc[0].lies |= {one: {"rentEnd": 2**52} for one in rented}
            await scene.passes(minutes=10, step=30)
            scene.rpc[0].lies.clear()
            await scene.passes(minutes=5, step=30)
        (began,) = _lines(logs, "orders.not_found_out")
        assert (began["log_level"], began["number"]) == ("warning", 3)
        assert len(_lines(logs, "orders.found_out_again")) == 1
        assert len(_lines(logs, "order.found")) == 3


async def test_why_a_node_of_the_chain_is_not_believed_is_logged_in_words(tmp_path: Path) -> None:
    async with chained(tmp_path) as scene:
        with capture_logs() as logs:
            scene.rpc[0].down = True
            await scene.passes(minutes=2, step=30)
        reasons = {one["why"] for one in logs if "why" in one}
        assert reasons
        assert reasons <= {"the connection broke", "connection reset by peer"}


@pytest.mark.slow
async def test_a_fault_of_ours_in_looking_at_an_order_is_logged_once(tmp_path: Path) -> None:
    async with chained(tmp_path) as scene:
        await scene.stage.gives_session(scene.stage.alice, "gpu1")
        scene.rents(blocks=10 * DAY)
        await scene.passes(minutes=10, step=30)
        alter(scene.stage, "UPDATE rental_orders SET id = 'nosuch.1287'")
        with capture_logs() as logs:
            await scene.passes(hours=2, step=300)
        assert len(_lines(logs, "order.look_failed")) == 1


async def test_an_order_that_two_searches_find_at_once_is_logged_once(tmp_path: Path) -> None:
    async with chained(tmp_path) as scene:
        await scene.stage.gives_session(scene.stage.alice, "gpu1")
        scene.rents(gpus=1, blocks=10 * DAY)
        await scene.passes(minutes=3, step=30)
        with capture_logs() as logs:
            second = scene.rents(gpus=1, blocks=10 * DAY)  # of a node and a wallet that are known
            await scene.passes(minutes=3, step=30)
        (found,) = _lines(logs, "order.found")
        assert found["order"] == f"rentMachine.{second.number}"
