"""The App Home: one's machines, what is under way, one's sessions; its buttons work."""

import pytest

from bot.model import Place
from bot.pipeline.formatting import OPEN_FORM
from bot.reply import Actions, Button, Reply
from handlers.connection import SlackConnection
from handlers.slack import SlackMessenger
from tests.scenarios.site import both_stages
from tests.scenarios.stage import CHANNEL, Stage
from tests.scenarios.test_power import off


@both_stages
async def test_an_empty_home_offers_the_first_step(stage: Stage) -> None:
    await stage.alice.opens_home()
    home = await stage.alice.sees_home("None yet: add one to see your machines")
    assert {"Create a machine", "Add a session"} <= set(home.buttons)
    await stage.alice.presses("Add a session", on_home=True)
    await stage.alice.sees_modal("Add a session")
    pair = stage.pair("gpu1")
    await stage.alice.submits(
        {
            "Node": stage.node("gpu1").node_id,
            "Session id": pair[0],
            "Session signature": pair[1],
        }
    )
    await stage.quiet()
    await stage.reads(stage.alice, "Your session for *gpu1* works")
    assert pair[0] not in str(stage.ws.calls_of("views.publish"))


@both_stages
async def test_a_home_shows_machines_sessions_and_what_is_under_way(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    off(stage)
    await stage.asks(stage.alice, "/dbc vm list")
    await stage.asks(stage.alice, "/dbc vm start inference")
    await stage.alice.opens_home()
    home = await stage.alice.sees_home("Ada's training run")
    text = home.plain.replace("*", "")
    assert "• `vm start` inference on gpu1: off" in text.split("In progress")[1]
    assert text.index("Your machines") < text.index("inference") < text.index("Your sessions")
    assert "gpu1" in text.split("Your sessions")[1]
    assert stage.task("inference").login_password not in home.plain
    await stage.bob.opens_home()
    others = await stage.bob.sees_home("Your machines")
    assert "inference" not in others.plain


@both_stages
async def test_a_machine_is_created_from_home(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu2")
    await stage.alice.opens_home()
    await stage.alice.sees_home("gpu2")
    await stage.alice.presses("Create a machine", on_home=True)
    await stage.alice.sees_modal("Create a machine")
    await stage.alice.submits(
        {
            "Name": "t1",
            "Image": "ubuntu-22.04-cuda-12.qcow2",
            "Node": stage.node("gpu2").node_id,
        }
    )
    await stage.quiet()
    assert "*t1* is being created on *gpu2*" in stage.alice.last("@dbc").plain
    end = await stage.ends(stage.alice, "t1 is running on gpu2")
    assert end.channel == stage.alice.last("@dbc").channel
    assert stage.changes() == ["tasks.create"]


@both_stages
@pytest.mark.parametrize(("action", "value"), [(OPEN_FORM, "vm.teleport"), ("vm.teleport", "")])
async def test_a_button_for_what_the_bot_no_longer_does_says_so(
    stage: Stage, action: str, value: str
) -> None:
    connection = SlackConnection(stage.settings())
    await connection.open()
    place = Place(stage.ws.core.state.channel(CHANNEL).id)
    card = Reply("Teleport", (Actions((Button("Teleport", action, value),)),))
    await SlackMessenger(connection, stage.clock).send(place, card)
    await connection.close()
    await stage.alice.presses("Teleport")
    told = await stage.alice.sees("This button is of an older kind.")
    assert told.ephemeral
    assert "Type the command instead." in told.plain
