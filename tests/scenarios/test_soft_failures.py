"""A refusal in the text of a success: any other text is unknown, and looked at."""

import pytest

from bot.model import AuditQuery, Execution
from sandbox.dbc.images import ImageFile
from sandbox.dbc.values import GIB
from tests.scenarios.machines import off
from tests.scenarios.metal import rents_slot
from tests.scenarios.stage import CHANNEL, Stage

DENIED = "Insufficient privilege level"


async def last(stage: Stage) -> Execution:
    """What the ledger holds of the newest change."""
    async with stage.bot.store.read() as tx:
        return (await tx.executions.recent(limit=1))[0]


async def written(stage: Stage) -> str:
    """All that the audit says."""
    async with stage.bot.store.read() as tx:
        rows = await tx.audit.page(AuditQuery(), before=None, limit=500)
    return repr([row.entry for row in rows])


async def test_a_power_tool_that_was_denied_has_not_switched_anything(stage: Stage) -> None:
    machine = await rents_slot(stage)
    machine.soft_failure = DENIED
    await stage.asks(stage.alice, f"/dbc metal power {machine.node_id[:8]} off")
    await stage.confirms(stage.alice, "Cut the power of")
    told = await stage.alice.sees("Power off is not confirmed", CHANNEL)
    assert "rack 7, slot 1 still has power" in told.plain
    assert f"Set Chassis Power Control to Down/Off failed: {DENIED}" in told.plain
    assert ":white_check_mark:" not in told.plain
    assert ":grey_question:" in told.plain
    assert (await last(stage)).status == "unknown"
    assert stage.changes() == ["metal.power"]
    assert [call.additional["command"] for call in stage.world.calls.of("metal.power")] == [
        *("status", "status"),  # for the card, and when it is confirmed
        *("off", "status"),
    ]
    assert "still has power" in await written(stage)


async def test_unknown_words_of_a_power_tool_are_settled_by_asking_for_the_power(
    one_stage: Stage,
) -> None:
    machine = await rents_slot(one_stage)
    machine.soft_words = "Chassis Power Control: Soft"
    await one_stage.asks(one_stage.alice, f"/dbc metal power {machine.node_id[:8]} off")
    await one_stage.confirms(one_stage.alice, "Cut the power of")
    told = await one_stage.alice.sees("power off. Its tool says", CHANNEL)
    assert "Chassis Power is off, after it answered Chassis Power Control: Soft" in (
        told.plain.replace("`", "")
    )
    assert (await last(one_stage)).status == "done"


async def test_power_that_shows_nothing_leaves_a_reset_unknown(one_stage: Stage) -> None:
    machine = await rents_slot(one_stage)
    machine.soft_failure = DENIED
    await one_stage.asks(one_stage.alice, f"/dbc metal power {machine.node_id[:8]} reset")
    await one_stage.confirms(one_stage.alice, "Reset")
    told = await one_stage.alice.sees("Power reset is not confirmed", CHANNEL)
    assert "has power, which does not show whether it was reset" in told.plain


async def test_a_word_about_another_command_is_no_success(one_stage: Stage) -> None:
    machine = await rents_slot(one_stage)
    machine.soft_failure = ""
    machine.soft_words = "Chassis Power Control: Up/On"
    await one_stage.asks(one_stage.alice, f"/dbc metal power {machine.node_id[:8]} reset")
    await one_stage.confirms(one_stage.alice, "Reset")
    await one_stage.alice.sees("Power reset is not confirmed", CHANNEL)


async def test_a_status_that_names_no_power_is_not_read_as_one(one_stage: Stage) -> None:
    machine = await rents_slot(one_stage)
    one_stage.world.faults.on("soft_failure", path="/bare_metal/power", count=1)
    told = await one_stage.asks(one_stage.alice, f"/dbc metal power status {machine.node_id[:8]}")
    assert "power status is not known" in told.plain
    assert DENIED in told.plain


async def test_a_boot_device_whose_result_nobody_tells_ends_unknown(one_stage: Stage) -> None:
    machine = await rents_slot(one_stage)
    told = await one_stage.asks(one_stage.alice, f"/dbc metal boot pxe {machine.node_id[:8]}")
    assert "the result is not known" in told.plain
    assert (await last(one_stage)).status == "unknown"
    one_stage.world.faults.on("soft_failure", path="/bare_metal/bootdev", count=1)
    told = await one_stage.asks(one_stage.alice, f"/dbc metal boot disk {machine.node_id[:8]}")
    assert DENIED in told.plain
    assert (await last(one_stage)).status == "unknown"


LINES = {
    "lan create team01 192.168.66.0/24 on gpu1": ("/lan/create", DENIED),
    "vm modify inference memory=96": (
        "/tasks/modify",
        "memory 64 GiB; the command got no clear answer",
    ),
    "image delete mine.qcow2 on gpu1": ("/images/delete", DENIED),
}


@pytest.mark.parametrize("line", LINES)
async def test_a_soft_refusal_is_never_told_as_done(one_stage: Stage, line: str) -> None:
    stage, (path, why) = one_stage, LINES[line]
    await stage.gives_session(stage.alice, "gpu1")
    stage.node("gpu1").files["/data/mine.qcow2"] = ImageFile(6 * GIB)
    stage.world.faults.on("soft_failure", path=path)
    told = await stage.asks(stage.alice, f"/dbc {line}")
    if "Confirm" in told.buttons:
        await stage.alice.presses("Confirm", told)
        await stage.quiet()
    for _ in range(8):
        await stage.passes(60)
    execution = await last(stage)
    assert execution.status == "unknown", stage.alice.screen()
    assert why in stage.alice.screen()
    assert ":white_check_mark:" not in stage.alice.screen()


@pytest.mark.parametrize("fault", ["odd_success", "odd_code"])
@pytest.mark.parametrize(
    "line", ["lan create team01 192.168.66.0/24 on gpu1", "image delete mine.qcow2 on gpu1"]
)
async def test_an_unknown_word_is_settled_by_what_the_node_lists(
    one_stage: Stage, line: str, fault: str
) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    stage.node("gpu1").files["/data/mine.qcow2"] = ImageFile(6 * GIB)
    stage.world.faults.on(fault, path=LINES[line][0])
    told = await stage.asks(stage.alice, f"/dbc {line}")
    if "Confirm" in told.buttons:
        await stage.alice.presses("Confirm", told)
        await stage.quiet()
    for _ in range(3):
        await stage.passes(5)
    assert (await last(stage)).status == "done", stage.alice.screen()


async def test_a_soft_refusal_of_a_followed_change_is_settled_by_its_watch(
    one_stage: Stage,
) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    stage.world.faults.on("soft_failure", path="/tasks/restart")
    await stage.asks(stage.alice, "/dbc vm restart inference")
    await stage.confirms(stage.alice, "Restart")
    end = await stage.ends(stage.alice, "inference on gpu1", within=300)
    assert f"The node answered “failed: {DENIED}”" in end.plain


async def test_an_error_code_that_nobody_knows_is_no_refusal(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    off(stage)
    stage.world.faults.on("odd_code", path="/tasks/start", count=1)
    await stage.asks(stage.alice, "/dbc vm start inference")
    end = await stage.ends(stage.alice, "inference is running on gpu1", within=60)
    assert end.plain.startswith(":white_check_mark:")
    assert "The node refused" not in stage.alice.screen()
