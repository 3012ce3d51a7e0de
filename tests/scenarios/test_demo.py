"""The demo's people are prepared by the bot's own forms."""

from sandbox.seed import seed
from tests.scenarios.metal import rack
from tests.scenarios.stage import Stage


async def test_the_demos_people_can_act_on_its_machines(one_stage: Stage) -> None:
    assert await seed(one_stage.ws, one_stage.world) == []
    assert one_stage.alice.modal is None
    for person in (one_stage.alice, one_stage.bob):
        listed = await one_stage.asks(person, "/dbc vm list")
        assert "inference" in listed.plain
        sessions = await one_stage.asks(person, "/dbc session list")
        for name in ("gpu1", "gpu2", "rack7-1", "rack7-2"):
            assert name in sessions.plain


async def test_the_demos_manager_is_known_by_its_name(one_stage: Stage) -> None:
    assert await seed(one_stage.ws, one_stage.world) == []
    listed = await one_stage.asks(one_stage.alice, "/dbc metal list rack7")
    assert "*rack7* manages 2 machines" in listed.plain
    await one_stage.alice.types("/dbc metal add rack7", "gpu-ops")
    form = await one_stage.alice.sees_modal("Add bare metal")
    assert form.value("Manager") == rack(one_stage).node_id


async def test_a_pair_that_does_not_work_is_reported(one_stage: Stage) -> None:
    one_stage.node("gpu2").end_rental(online=False)
    problems = await seed(one_stage.ws, one_stage.world)
    assert any("the form for gpu2 says" in problem for problem in problems)


async def test_the_demos_people_begin_with_a_tidy_conversation(one_stage: Stage) -> None:
    assert await seed(one_stage.ws, one_stage.world) == []
    for person in (one_stage.alice, one_stage.bob):
        seen = [m.plain for m in person.messages("@dbc")]
        assert [told for told in seen if "no session" in told or "already" in told] == []
        assert len(seen) == len({told for told in seen if "is now called" in told})
