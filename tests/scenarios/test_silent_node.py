"""A node that does not answer: what was known of it, since when, and how it is asked again."""

import asyncio
import json
import re
from datetime import timedelta
from pathlib import Path

import pytest

from tests.clocks import hurry
from tests.scenarios.machines import off
from tests.scenarios.site import rules
from tests.scenarios.stage import CHANNEL, CONFIRM_ONLY, LIMITS, Stage, card, staged


async def falls_silent(stage: Stage, *, misses: int = 3) -> None:
    """gpu1 has been listed and shown, then leaves so many questions in a row without an answer."""
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, "/dbc vm list")
    await stage.asks(stage.alice, "/dbc vm show inference")
    stage.clock.advance(timedelta(minutes=7))
    stage.node("gpu1").silent = True
    for _ in range(misses):
        await stage.asks(stage.alice, "/dbc vm list")


async def test_a_machine_of_a_silent_node_is_shown_as_it_was_with_its_age(stage: Stage) -> None:
    await falls_silent(stage, misses=0)
    machine = stage.task("inference")
    shown = await stage.asks(stage.alice, "/dbc vm show inference")
    assert "gpu1 did not answer in time" in shown.plain
    assert "running when last seen, <!date^1767603630^" in shown.plain
    assert "Read <!date^1767603630^" in shown.plain
    assert f"ssh -p {machine.ssh_port} dbc@203.0.113.7" in shown.plain
    assert machine.login_password not in shown.plain
    assert shown.ephemeral
    assert shown.buttons == ["Reveal passwords", "Ask again now"]
    no = '[[rule]]\nname = "no"\ndeny = "Not for you."\nmatch = '
    rules(stage, f'{CONFIRM_ONLY}{no}{{ command = "vm.show", arguments = {{ reveal = true }} }}\n')
    shown = await stage.asks(stage.alice, "/dbc vm show inference")
    assert shown.buttons == ["Ask again now"]


async def test_what_was_known_survives_a_restart_and_is_for_that_session_alone(
    one_stage: Stage,
) -> None:
    stage = one_stage
    await falls_silent(stage, misses=0)
    await stage.restart_bot()
    shown = await stage.asks(stage.alice, "/dbc vm show inference")
    await stage.alice.presses("Reveal passwords", shown)
    revealed = await stage.alice.sees_modal("Only you see this")
    assert stage.task("inference").login_password in revealed.plain
    assert "Read <!date^" in revealed.plain or "when last seen" in revealed.plain
    await stage.alice.closes()
    stage.node("gpu1").silent = False
    await stage.gives_session(stage.bob, "gpu1")
    await stage.asks(stage.bob, "/dbc vm list")
    stage.node("gpu1").silent = True
    shown = await stage.asks(stage.bob, "/dbc vm show inference")
    assert "Its connection was not read before." in shown.plain
    assert stage.task("inference").login_password not in stage.bob.screen()


async def test_what_was_known_is_erased_with_the_session(one_stage: Stage) -> None:
    stage = one_stage
    await falls_silent(stage, misses=0)
    await stage.erases_session(stage.alice, "gpu1")
    async with stage.bot.store.read() as tx:
        assert await tx.details.all() == []


async def test_a_silent_node_is_marked_with_its_last_answer_and_the_next_retry(
    stage: Stage,
) -> None:
    await falls_silent(stage)
    listed = await stage.asks(stage.alice, "/dbc node list")
    [row] = [line for line in listed.plain.splitlines() if line.startswith("*gpu1*")]
    assert ":warning: not responding since <!date^1767603630^" in row
    assert "; next retry <!date^1767604080^" in row
    assert "Ask gpu1 again now" in listed.buttons
    assert "not responding" not in "".join(
        line for line in listed.plain.splitlines() if "gpu2" in line
    )


async def test_a_node_that_was_not_asked_yet_is_not_said_to_answer(one_stage: Stage) -> None:
    stage = one_stage
    await falls_silent(stage, misses=0)
    await stage.restart_bot()
    listed = await stage.asks(stage.alice, "/dbc node list")
    [row] = [line for line in listed.plain.splitlines() if line.startswith("*gpu1*")]
    assert "not asked yet since I started; last answer <!date^" in row
    [other] = [line for line in listed.plain.splitlines() if line.startswith("*gpu3*")]
    assert "not asked" not in other
    as_json = json.loads((await stage.asks(stage.alice, "/dbc node list --json")).plain)
    assert {node["is_silent"] for node in as_json} == {None}
    stage.node("gpu1").silent = False
    await stage.asks(stage.alice, "/dbc vm list")
    listed = await stage.asks(stage.alice, "/dbc node list")
    [row] = [line for line in listed.plain.splitlines() if line.startswith("*gpu1*")]
    assert "not asked" not in row


async def test_a_node_that_is_left_alone_says_until_when(stage: Stage) -> None:
    await falls_silent(stage)
    listed = await stage.asks(stage.alice, "/dbc vm list")
    assert "not responding. Next retry <!date^1767604080^" in listed.plain
    assert "Retry at once: `/dbc node retry gpu1`" in listed.plain
    assert "(as last seen, <!date^1767603630^" in listed.plain
    assert listed.buttons == ["Ask gpu1 again now", "Create a machine"]


async def test_a_silent_node_is_asked_again_by_a_button_or_a_command(stage: Stage) -> None:
    await falls_silent(stage)
    asked = len(stage.world.calls)
    told = await stage.asks(stage.alice, "/dbc vm show inference")
    assert len(stage.world.calls) == asked  # it is left alone
    await stage.alice.presses("Ask again now", told)
    await stage.quiet()
    assert len(stage.world.calls) == asked + 1
    stage.node("gpu1").silent = False
    told = await stage.asks(stage.alice, "/dbc node retry gpu1")
    assert "is responding" in told.plain
    shown = await stage.asks(stage.alice, "/dbc vm show inference")
    assert "when last seen" not in shown.plain


async def test_the_button_of_a_list_asks_the_node_again(one_stage: Stage) -> None:
    stage = one_stage
    await falls_silent(stage)
    listed = await stage.asks(stage.alice, "/dbc vm list")
    stage.node("gpu1").silent = False
    await stage.alice.presses("Ask gpu1 again now", listed)
    await stage.quiet()
    assert "is responding" in stage.alice.last().plain


async def test_a_card_says_when_a_silent_node_last_answered(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await stage.alice.types("/dbc vm restart inference", channel=CHANNEL)
    await stage.confirms(stage.alice, "Restart")
    answered = int(stage.clock.now().timestamp())
    stage.node("gpu1").silent = True
    await stage.passes(180)
    shown = card(stage.alice, "is restarting")
    assert f"the node has not answered since <!date^{answered}^" in shown.plain
    listed = await stage.asks(stage.alice, "/dbc watch list")
    assert f"gpu1 has not answered since <!date^{answered}^" in listed.plain
    machines = await stage.asks(stage.alice, "/dbc vm list")
    [seen] = re.findall(
        r"inference\* `\w+` (.*)", machines.plain.replace(" · created 2026-01-05", "")
    )
    assert f"Restart a machine: *inference* on *gpu1*: {seen[:-1]}" in listed.plain


async def test_what_is_known_to_be_back_is_told_at_once(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await stage.alice.opens_home()
    await stage.alice.types("/dbc vm restart inference", channel=CHANNEL)
    await stage.confirms(stage.alice, "Restart")
    stage.node("gpu1").silent = True
    await stage.passes(300)
    await stage.passes(5)
    assert "gpu1 has not answered since" in (await stage.alice.sees_home("In progress")).plain
    assert "the node has not answered since" in card(stage.alice, "is restarting").plain
    stage.node("gpu1").silent = False
    listed = await stage.asks(stage.alice, "/dbc node retry gpu1")
    assert "is responding" in listed.plain
    listed = await stage.asks(stage.alice, "/dbc watch list")  # it is looked at a moment later
    assert "has not answered" not in listed.plain
    await stage.passes(5)
    assert "has not answered" not in (await stage.alice.sees_home("inference")).plain
    assert len(stage.endings(stage.alice)) == 1


async def test_a_command_without_an_answer_is_listed_as_unknown(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await stage.alice.types("/dbc vm restart inference", channel=CHANNEL)
    question = await stage.alice.sees("Restart")
    stage.world.faults.on("dead_node", path="/tasks/restart")
    await stage.alice.presses("Confirm", question)
    await stage.quiet()
    listed = await stage.asks(stage.alice, "/dbc watch list")
    assert "Restart a machine: *inference* on *gpu1*: running (as last seen, " in listed.plain
    assert (
        "; whether the command was carried out is not known) · followed until it runs"
        in listed.plain
    )


@pytest.mark.parametrize("line", ["vm restart inference", "vm show inference"])
async def test_what_was_read_of_one_machine_is_what_lists_say_of_it(
    one_stage: Stage, line: str
) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, "/dbc vm list")
    off(stage)
    stage.clock.advance(timedelta(minutes=1))
    await stage.asks(stage.alice, f"/dbc {line}")
    stage.node("gpu1").silent = True
    listed = await stage.asks(stage.alice, "/dbc vm list")
    (row,) = [one for one in listed.plain.splitlines() if "inference" in one]
    assert "off" in row
    assert "running" not in row
    await stage.alice.opens_home()
    shown = await stage.alice.sees_home("inference")
    home = [one for one in shown.plain.splitlines() if "inference" in one]
    assert any("off" in one for one in home)
    assert not any("running" in one for one in home)


async def test_nodes_that_fall_silent_at_once_are_asked_side_by_side(tmp_path: Path) -> None:
    async with staged(tmp_path, daemon_patience=None) as stage:
        await stage.gives_session(stage.alice, "gpu1", "gpu2")
        await stage.passes(60)
        stage.node("gpu1").silent = stage.node("gpu2").silent = True
        stage.clock.advance(timedelta(seconds=60))
        looking = asyncio.create_task(stage.bot.tick())
        await stage.clock.until(lambda: stage.daemon.forwarder.pending > 0)
        async with asyncio.timeout(LIMITS.read.total_seconds() - 1):  # before that is given up
            await stage.clock.until(lambda: stage.daemon.forwarder.pending == 2)
        stage.node("gpu1").silent = stage.node("gpu2").silent = False
        hurry(LIMITS.read)
        await looking
