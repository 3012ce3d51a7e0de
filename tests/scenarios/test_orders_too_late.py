"""Once the block was read after which a node deletes, nothing leads to copying any more."""

from datetime import timedelta

import pytest

from tests.scenarios.orders import ChainStage

COPY = "Copy data …"


@pytest.fixture
async def scene(scene: ChainStage) -> ChainStage:
    """Its machines were listed once, so that they are known."""
    await scene.stage.asks(scene.stage.alice, "/dbc vm list")
    return scene


def offered(scene: ChainStage) -> list[str]:
    """The buttons of all that Alice was told directly."""
    return [one for message in scene.stage.alice.messages("@dbc") for one in message.buttons]


async def test_after_the_deletion_time_no_button_leads_to_copying(scene: ChainStage) -> None:
    stage, alice = scene.stage, scene.stage.alice
    rental = scene.rents(blocks=600)
    await scene.until(rental.end + 60)
    await scene.until(rental.end + 72 * 600 - 300)
    assert COPY in offered(scene)
    await scene.until(rental.end + 72 * 600 + 20, step=60)  # its node may take 15 minutes more
    assert COPY not in offered(scene)
    told = scene.told(alice, "gpu1 deletes")
    assert told
    over = "This is over: the 72 hours after the end of the order have passed."
    assert [one for one in told if over not in one] == []
    await alice.opens_home()
    seen = [*(await alice.sees_home("has ended")).buttons]
    for line in ("vm list", "vm show inference", f"order show {rental.number}"):
        seen += (await stage.asks(alice, f"/dbc {line}")).buttons
    assert [one for one in seen if "Copy" in one] == []
    said = (await stage.asks(alice, f"/dbc order rescue {rental.number}")).plain
    assert "It is too late to copy anything" in said
    await alice.types("/dbc order rescue")
    await stage.quiet()
    assert alice.modal is None
    assert "has machines left to copy" in alice.last().plain
    stage.clock.advance(timedelta(seconds=5))
    await stage.gives_session(alice, "gpu2")  # which the chain was not searched for yet
    said = (await stage.asks(alice, "/dbc order rescue")).plain
    assert "The chain is being searched for your orders" in said
    assert "has machines left to copy" not in said


async def test_while_the_chain_is_not_read_the_steps_stay_and_nothing_is_certain(
    scene: ChainStage,
) -> None:
    stage, alice = scene.stage, scene.stage.alice
    rental = scene.rents(blocks=600)
    await scene.until(rental.end + 60)
    await scene.until(rental.end + 70 * 600)
    scene.rpc[0].down = True
    stage.clock.advance(timedelta(hours=2, minutes=5))
    await stage.bot.tick()
    assert COPY in offered(scene)
    said = (await stage.asks(alice, f"/dbc order rescue {rental.number}")).plain.replace("*", "")
    assert "Copy at once what you need from gpu1: since" in said
    assert "too late" not in said
