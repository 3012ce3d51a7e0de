"""What Slack refuses for its blocks is told by its text alone: a last warning is not lost."""

import pytest

from tests.scenarios.orders import DAY, ChainStage


@pytest.mark.parametrize("word", ["invalid_blocks", "msg_blocks_too_long", "msg_too_long"])
async def test_a_warning_whose_blocks_are_refused_comes_as_text(
    scene: ChainStage, word: str
) -> None:
    stage, alice = scene.stage, scene.stage.alice
    rental = scene.rents(blocks=DAY)
    await scene.until(rental.end - 160)
    stage.ws.faults.error(word, "chat.postMessage")
    await scene.passes(minutes=3, step=30)
    (told,) = [one for one in alice.messages("@dbc") if not one.blocks]
    assert f"Order {rental.number} for gpu1 ends" in told.text
    assert f"rentMachine.reletMachine(rent_id = {rental.number}, duration = 14400)" in told.text
