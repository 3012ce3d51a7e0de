"""Showing one machine: connection lines for the requester alone; what a name means."""

import pytest

from tests.scenarios.stage import CHANNEL, Stage


async def test_connection_lines_are_for_who_asked_alone(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    machine = stage.task("inference")
    shown = await stage.asks(stage.alice, "/dbc vm show inference")
    assert shown.ephemeral
    assert f"ssh -p {machine.ssh_port} dbc@203.0.113.7" in shown.plain
    assert f"203.0.113.7:{machine.vnc_port}" in shown.plain
    assert machine.login_password not in shown.plain
    assert machine.vnc_password not in shown.plain
    assert "Reveal passwords" in shown.buttons


async def test_a_mention_in_a_thread_is_answered_there_for_who_asked_alone(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    await stage.bob.types("gpu1 is slow", channel=CHANNEL)
    incident = stage.bob.last(CHANNEL)
    shown = await stage.asks(stage.alice, "@dbc vm show inference", thread=incident)
    assert stage.task("inference").login_password not in shown.plain
    assert "ssh -p" in shown.plain
    assert shown.ephemeral
    assert shown.thread_ts == incident.ts
    assert "ssh -p" not in stage.bob.screen()


async def test_a_guest_that_took_no_password_is_said(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu2")
    stage.node("gpu2").fail("create", "no_agent")
    await stage.asks(
        stage.alice, "/dbc vm create name=t1 image=ubuntu-22.04-cuda-12.qcow2 gpu=1 on gpu2"
    )
    await stage.ends(stage.alice, "t1 is running on gpu2")
    shown = await stage.asks(stage.alice, "/dbc vm show t1")
    assert "N/A" not in shown.plain
    assert "log in with the image's own account" in shown.plain
    assert "ssh -p" in shown.plain


async def test_there_are_no_connection_lines_before_a_machine_is_made(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu2")
    await stage.asks(
        stage.alice, "/dbc vm create name=t1 image=ubuntu-22.04-cuda-12.qcow2 gpu=1 on gpu2"
    )
    await stage.passes(2)
    shown = await stage.asks(stage.alice, "/dbc vm show t1")
    assert "creating" in shown.plain
    assert "The connection lines come when it is running" in shown.plain
    assert stage.task("t1").login_password not in shown.plain


async def test_a_machine_whose_creation_failed_offers_no_connection(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu2")
    stage.node("gpu2").fail("create", "no_lease")
    await stage.asks(
        stage.alice, "/dbc vm create name=t1 image=ubuntu-22.04-cuda-12.qcow2 gpu=1 on gpu2"
    )
    await stage.ends(stage.alice, "t1 on gpu2 is in state “create error”")
    shown = await stage.asks(stage.alice, "/dbc vm show t1")
    assert "nothing to connect to" in shown.plain
    assert "ssh -p" not in shown.plain


@pytest.mark.parametrize(
    "name",
    ['"Ada\'s training run"', "“Ada’s training run”", "Ada", "ada", "vm=Ada", "Ada on gpu1"],
)
async def test_a_machine_answers_to_name_beginning_and_quotes(one_stage: Stage, name: str) -> None:
    await one_stage.gives_session(one_stage.alice, "gpu1", "gpu2")
    shown = await one_stage.asks(one_stage.alice, f"/dbc vm show {name}")
    assert "Ada's training run" in shown.plain.splitlines()[0]


async def test_a_machine_answers_to_the_beginning_of_its_id(one_stage: Stage) -> None:
    await one_stage.gives_session(one_stage.alice, "gpu1")
    task = one_stage.task("inference").task_id
    for name in (task, task[:8], task[:5]):
        shown = await one_stage.asks(one_stage.alice, f"/dbc vm show {name}")
        assert shown.plain.startswith("*inference* on *gpu1*")


async def test_what_could_be_two_machines_is_listed_and_nothing_runs(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    stage.task("Ada's training run").desc = "infra"
    told = await stage.asks(stage.alice, "/dbc vm delete inf")
    assert "“inf” could be any of" in told.plain
    for machine in ("infra", "inference"):
        assert f"{machine} ({stage.task(machine).task_id[:8]} on gpu1)" in told.plain
    assert "Nothing was done" in told.plain
    assert told.ephemeral
    await stage.passes(5)
    assert stage.changes() == []


async def test_an_unknown_machine_is_said_with_who_could_not_be_asked(stage: Stage) -> None:
    stage.node("gpu3").silent = False
    await stage.gives_session(stage.alice, "gpu1", "gpu3")
    stage.node("gpu3").silent = True
    told = await stage.asks(stage.alice, "/dbc vm show nosuch")
    assert "None of your machines is called “nosuch”. gpu3 did not answer." in told.plain
    told = await stage.asks(stage.alice, "/dbc vm start inference on gpu3")
    assert "None of your machines on gpu3 is called “inference”" in told.plain
    assert stage.changes() == []


async def test_a_machine_on_a_node_without_a_session_is_said(one_stage: Stage) -> None:
    await one_stage.gives_session(one_stage.alice, "gpu2")
    told = await one_stage.asks(one_stage.alice, "/dbc vm show inference on gpu1")
    assert "You have no session for gpu1" in told.plain


async def test_a_dead_node_is_said(one_stage: Stage) -> None:
    await one_stage.gives_session(one_stage.alice, "gpu1")
    await one_stage.asks(one_stage.alice, "/dbc vm list")
    one_stage.node("gpu1").silent = True
    told = await one_stage.asks(one_stage.alice, "/dbc vm show inference")
    assert "gpu1 did not answer in time" in told.plain
