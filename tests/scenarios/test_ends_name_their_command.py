"""Whatever is told of a change that is not done says which command it is about."""

from datetime import timedelta
from pathlib import Path

from tests.scenarios.site import approves, asked, site, told
from tests.scenarios.stage import Stage, card, staged

RESTART = "/dbc vm restart inference force"
GLASS = '/dbc vm delete inference break_glass="It floods the switch"'


async def falls_silent_and_is_killed(stage: Stage) -> None:
    """Alice deletes a machine without an answer, and the process dies."""
    await stage.gives_session(stage.alice, "gpu1")
    question = await stage.asks(stage.alice, "/dbc vm delete inference")
    stage.world.faults.on("dead_node", path="/tasks/delete")
    await stage.alice.presses("Confirm", question)
    await stage.quiet()


async def test_a_delete_without_an_answer_says_everywhere_that_it_was_a_delete(
    tmp_path: Path,
) -> None:
    async with staged(tmp_path) as stage:
        await falls_silent_and_is_killed(stage)
        await stage.alice.opens_home()
        home = await stage.alice.sees_home("In progress")
        under_way = home.plain.replace("*", "").split("In progress")[1]
        assert "Delete a machine: inference on gpu1: running (as last seen, " in under_way
        assert "whether the command was carried out is not known)" in under_way
        end = await stage.ends(
            stage.alice, "inference on gpu1 is “running”; it is unknown", within=180
        )
        what = "“Delete a machine” has an unknown end: *inference*"
        named = f":grey_question: <@{stage.alice.id}>: {what}"
        assert end.plain.startswith(named)
        assert "“Delete a machine” has an unknown end" in card(stage.alice, "Requested by").plain


async def test_what_a_delete_overtook_says_who_sent_that(tmp_path: Path) -> None:
    rule = (
        '[[rule]]\nname = "both"\nmatch = { command = "vm.*" }\napprovals = 1\n'
        'break_glass = { persons = ["U0BOB"] }\n'
    )
    async with site(tmp_path, rule, entitled="alice bob") as stage:
        await approves(stage, stage.bob, await asked(stage, RESTART))
        assert stage.changes() == ["tasks.restart"]
        stage.clock.advance(timedelta(seconds=1))
        await stage.bob.types(GLASS, channel="gpu-ops")
        await stage.quiet()
        end = await stage.ends(stage.alice, "inference on gpu1 no longer exists")
        assert end.buttons == []
        assert end.plain.startswith(
            f":x: <@{stage.alice.id}>: “Force-restart a machine” failed: *inference*"
        )
        assert f"<@{stage.bob.id}> sent “Delete a machine” after that, <!date^" in end.plain
        assert f"Requested by <@{stage.alice.id}>, approved by <@{stage.bob.id}>" in end.plain
        shown = told(stage.alice, "sent “Delete a machine” after")
        assert len(shown) == 2  # the card and the message
        assert all("“Force-restart a machine” failed" in m.plain for m in shown)
        assert "inference is deleted on gpu1" in "".join(
            m.plain.replace("*", "") for m in stage.alice.messages()
        )
