"""A rental of single GPUs: its order belongs to the session and goes with every call."""

from sandbox.dbc.demo import demo_renter
from tests.scenarios.stage import CHANNEL, Stage
from tests.scenarios.test_session_request import pastes, proof, session_id_shown

ORDER = "4711"
CREATE = "/dbc vm create image=ubuntu-20.04.qcow2 name=tour ssh_port=6000 gpu=2 on gpu2"


def rents_two_gpus(stage: Stage) -> None:
    """Of the whole machine's rental only an order for two GPUs is left."""
    stage.node("gpu2").end_rental()
    stage.node("gpu2").rent(demo_renter(), gpus=[0, 1], order=ORDER)


async def gives_pair(stage: Stage, **other: str) -> None:
    session_id, sign = stage.pair("gpu2")
    await stage.alice.types("/dbc session add gpu2", channel=CHANNEL)
    await stage.alice.sees_modal("Add a session")
    await stage.alice.submits({"Session id": session_id, "Session signature": sign, **other})
    await stage.quiet()


async def test_the_order_goes_with_every_call(one_stage: Stage) -> None:
    stage = one_stage
    rents_two_gpus(stage)
    await gives_pair(stage, **{"Rent order": ORDER})
    await stage.reads(stage.alice, "session for *gpu2* works")
    await stage.asks(stage.alice, CREATE)
    await stage.ends(stage.alice, "tour is running")
    await stage.asks(stage.alice, "/dbc vm show tour")
    await stage.asks(stage.alice, "/dbc disk list tour")
    await stage.asks(stage.alice, "/dbc image list gpu2")
    asked = [call for call in stage.world.calls if call.envelope.get("session_id")]
    assert {"tasks.create", "tasks.list", "tasks.detail", "disks.list"} <= {c.op for c in asked}
    assert {call.envelope.get("rent_order") for call in asked} == {ORDER}
    assert stage.task("tour").rent_order == ORDER


async def test_a_session_that_lacks_its_order_is_told_so(one_stage: Stage) -> None:
    rents_two_gpus(one_stage)
    await gives_pair(one_stage)
    told = one_stage.alice.screen() + str(one_stage.alice.modal and one_stage.alice.modal.errors)
    assert "rent order" in told.lower()
    assert "works and is kept" not in told


async def test_a_machine_of_fewer_gpus_than_rented_is_explained(one_stage: Stage) -> None:
    rents_two_gpus(one_stage)
    await gives_pair(one_stage, **{"Rent order": ORDER})
    await one_stage.asks(one_stage.alice, CREATE.replace("gpu=2", "gpu=1"))
    told = await one_stage.alice.sees("a machine takes all of them, no fewer, no more")
    assert "the number of GPUs that the order is for" in told.plain


async def test_a_renter_of_single_gpus_gets_a_session_that_holds_its_order(
    one_stage: Stage,
) -> None:
    stage = one_stage
    rents_two_gpus(stage)
    await stage.alice.types("/dbc session request gpu2", channel=CHANNEL)
    await stage.alice.sees_modal("Request a session")
    await stage.alice.submits({**proof(), "Rent order": ORDER})
    await pastes(stage, demo_renter().sign(await session_id_shown(stage)))
    await stage.reads(stage.alice, "works and is kept")
    stage.world.calls.clear()
    await stage.asks(stage.alice, CREATE)
    await stage.ends(stage.alice, "tour is running")
    assert stage.task("tour").rent_order == ORDER
