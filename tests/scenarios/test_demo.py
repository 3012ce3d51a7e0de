"""The demo's people are prepared by the bot's own forms."""

from sandbox.seed import seed
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


async def test_a_pair_that_does_not_work_is_reported(one_stage: Stage) -> None:
    one_stage.node("gpu2").end_rental(online=False)
    problems = await seed(one_stage.ws, one_stage.world)
    assert any("the form for gpu2 says" in problem for problem in problems)
