"""What nobody asked for: machines that are changed outside the bot."""

import asyncio
from collections.abc import AsyncIterator
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.ids import UserId
from sandbox.dbc.demo import demo_renter
from sandbox.dbc.task import Libvirt, Status
from sandbox.slack import Person
from tests.clocks import hurry
from tests.scenarios.machines import off
from tests.scenarios.site import rules
from tests.scenarios.stage import CHANNEL, CONFIRM_ONLY, LIMITS, Stage, staged

ON = f"{CONFIRM_ONLY}[outages]\n"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with staged(tmp_path, policy=ON) as one:
        await one.gives_session(one.alice, "gpu1")
        await goes_on(one, 3)
        yield one


async def goes_on(stage: Stage, minutes: int) -> None:
    """So many rounds of the clockwork, one a minute."""
    for _ in range(minutes):
        await stage.passes(60)
        await stage.quiet()


def told(person: Person, *words: str) -> list[str]:
    """What a person was told directly and has one of these words in it, oldest first."""
    said = [message.plain.replace("*", "") for message in person.messages("@dbc")]
    return [one for one in said if any(word in one for word in words)]


def news(person: Person) -> list[str]:
    return told(person, "Outside this bot", "outside this bot", "again", "respond", "reach", "SSH")


def runs_again(stage: Stage) -> None:
    """Inference, which was switched off elsewhere, is switched on there."""
    machine = stage.task("inference")
    assert machine.domain is not None
    machine.status, machine.domain.state = Status.RUNNING, Libvirt.RUNNING


async def test_a_machine_that_is_switched_off_elsewhere_is_told_once(stage: Stage) -> None:
    await goes_on(stage, 2)
    assert news(stage.alice) == []
    off(stage)
    await goes_on(stage, 6)
    (message,) = news(stage.alice)
    assert "Outside this bot, on gpu1: inference is now “off” (before: “running”)." in message
    await stage.restart_bot()
    await goes_on(stage, 3)
    assert len(news(stage.alice)) == 1


async def test_what_one_look_alone_shows_is_no_news(stage: Stage) -> None:
    off(stage)
    await goes_on(stage, 1)
    runs_again(stage)
    await goes_on(stage, 3)
    assert news(stage.alice) == []


async def test_a_machine_that_is_again_as_before_is_told_in_that_thread(stage: Stage) -> None:
    off(stage)
    await goes_on(stage, 3)
    runs_again(stage)
    await goes_on(stage, 5)
    first, back = (m for m in stage.alice.messages("@dbc") if "inference" in m.plain)
    assert "inference on gpu1 is “running” again." in back.plain.replace("*", "")
    assert back.thread_ts == first.ts


async def test_what_the_bot_does_is_not_told_as_done_elsewhere(stage: Stage) -> None:
    alice = stage.alice
    for line, question in (("vm shutdown inference", "Shut down"), ("vm start inference", "")):
        await stage.asks(alice, f"/dbc {line}")
        if question:
            await stage.confirms(alice, question)
        await goes_on(stage, 6)
    assert stage.task("inference").status is Status.RUNNING
    assert news(alice) == []


async def test_a_list_is_as_old_as_the_question(tmp_path: Path) -> None:
    async with staged(tmp_path, policy=ON, daemon_patience=None) as stage:
        await stage.gives_session(stage.alice, "gpu1")
        await goes_on(stage, 1)
        asked_at = stage.clock.now()
        stage.world.faults.on("long_way", path="/tasks", count=1, seconds=20)
        stage.world.calls.clear()
        await stage.alice.types("/dbc vm list", CHANNEL)
        await stage.world.calls.wait("tasks.list")
        await stage.clock.sleeping()
        stage.clock.advance(timedelta(seconds=20))
        await stage.quiet()
        async with stage.bot.store.read() as tx:
            seen = await tx.inventory.machines(UserId(stage.alice.id))
        assert {machine.seen_at for machine in seen} == {asked_at}


async def test_a_deletion_by_the_bot_is_not_told_and_one_elsewhere_is(stage: Stage) -> None:
    alice, node = stage.alice, stage.node("gpu1")
    machine = stage.task("inference")
    del node.tasks[machine.task_id]
    await goes_on(stage, 5)
    (message,) = news(alice)
    assert "inference no longer exists" in message
    other = next(iter(node.tasks.values())).task_id
    await stage.asks(alice, f"/dbc vm delete {other}")
    await stage.confirms(alice, "Delete")
    await goes_on(stage, 6)
    assert len(news(alice)) == 1


@pytest.mark.slow
async def test_a_deletion_that_was_not_done_hides_no_later_one(stage: Stage) -> None:
    alice, node = stage.alice, stage.node("gpu1")
    task = stage.task("inference").task_id
    stage.world.faults.on("reset_before", path="/tasks/delete", count=1)
    await stage.asks(alice, f"/dbc vm delete {task}")
    await stage.confirms(alice, "Delete")
    node.silent = True
    for _ in range(6):
        await stage.passes(16 * 60)
    assert "could not be looked at in time" in alice.screen()
    node.silent = False
    await goes_on(stage, 70)
    assert task in node.tasks
    told = len(news(alice))
    node.tasks.clear()  # others were seen before that deletion
    await goes_on(stage, 5)
    (message,) = news(alice)[told:]
    assert "inference" in message
    assert "no longer exist" in message


async def test_all_whose_sessions_showed_it_are_told_that_a_machine_is_gone(stage: Stage) -> None:
    await stage.gives_session(stage.bob, "gpu1")
    await goes_on(stage, 3)
    del stage.node("gpu1").tasks[stage.task("inference").task_id]
    await goes_on(stage, 5)
    for person in (stage.alice, stage.bob):
        (message,) = news(person)
        assert "inference no longer exists" in message


async def test_a_list_that_is_short_for_a_while_makes_nothing_gone(stage: Stage) -> None:
    stage.world.faults.on("empty_list", node="gpu1", count=3)
    await goes_on(stage, 8)
    assert news(stage.alice) == []


async def test_whoever_takes_their_session_back_is_told_of_no_loss(stage: Stage) -> None:
    await stage.erases_session(stage.alice, "gpu1")
    await goes_on(stage, 5)
    assert news(stage.alice) == []


@pytest.mark.slow
async def test_a_machine_of_another_size_is_told_when_its_details_are_read(stage: Stage) -> None:
    await goes_on(stage, 12)
    stage.task("inference").cpu_cores += 4
    await goes_on(stage, 12)
    (message,) = news(stage.alice)
    assert "inference now has CPU 12 (before: CPU 8)" in message


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["sparse", "short_list", "empty_list"])
async def test_what_a_node_leaves_out_for_a_while_has_not_changed(stage: Stage, fault: str) -> None:
    await goes_on(stage, 12)
    stage.world.faults.on(fault)
    await goes_on(stage, 12)
    stage.world.faults.off()
    await goes_on(stage, 12)
    assert news(stage.alice) == []


@pytest.mark.slow
async def test_a_disk_that_is_gone_is_told_once_two_readings_agree(stage: Stage) -> None:
    await goes_on(stage, 12)
    del stage.task("inference").disks["vdb"]
    await goes_on(stage, 24)
    (message,) = news(stage.alice)
    assert "inference now has – (before: vdb 100G)" in message


@pytest.mark.slow
async def test_a_change_by_the_bot_ends_the_doubt_of_a_reading_before_it(stage: Stage) -> None:
    disks = stage.task("inference").disks

    async def is_read() -> None:
        await goes_on(stage, 1)
        await stage.asks(stage.alice, "/dbc vm show inference")
        await goes_on(stage, 2)

    await goes_on(stage, 12)
    left_out = disks.pop("vdb")
    await is_read()
    disks["vdb"] = left_out
    await stage.asks(stage.alice, "/dbc vm restart inference")
    await stage.confirms(stage.alice, "Restart")
    await goes_on(stage, 2)
    await is_read()
    del disks["vdb"]
    await is_read()
    assert stage.changes() == ["tasks.restart"]
    assert news(stage.alice) == []
    await is_read()
    (message,) = news(stage.alice)
    assert "inference now has – (before: vdb 100G)" in message


@pytest.mark.slow
async def test_a_change_of_size_without_an_answer_is_the_bots_own_for_an_hour(
    stage: Stage,
) -> None:
    off(stage)
    await goes_on(stage, 12)
    before = len(news(stage.alice))
    stage.world.faults.on("reset_before", path="/tasks/modify", count=1)
    await stage.asks(stage.alice, "/dbc vm modify inference cpu=12")
    await goes_on(stage, 25)  # its details are read meanwhile, and it has not changed
    stage.task("inference").cpu_cores = 10  # neither what it was nor what was asked for
    await goes_on(stage, 15)
    assert stage.changes() == ["tasks.modify"]
    assert len(news(stage.alice)) == before


@pytest.mark.slow
async def test_many_machines_of_a_node_are_one_message(stage: Stage) -> None:
    node = stage.node("gpu1")
    for number in range(30):
        node.running_task(demo_renter(), desc=f"m{number}")
    await goes_on(stage, 3)
    for number in range(30):
        off(stage, f"m{number}")
    await goes_on(stage, 5)
    (message,) = news(stage.alice)
    assert "machines on gpu1 were changed outside this bot." in message
    assert " more" in message


async def test_rules_turn_it_off_and_what_changed_meanwhile_is_no_news(stage: Stage) -> None:
    rules(stage, f"{CONFIRM_ONLY}[outages]\nmachines = false\n")
    off(stage)
    await goes_on(stage, 5)
    rules(stage, ON)
    await goes_on(stage, 5)
    assert news(stage.alice) == []


async def test_from_whom_a_node_is_hidden_is_told_nothing_of_it(stage: Stage) -> None:
    node = stage.node("gpu1").node_id
    rules(
        stage,
        f'{ON}[[rule]]\nname = "hidden"\ndeny = "No."\n'
        f'match = {{ command = "vm.show", node = "{node}", person = "{stage.alice.id}" }}\n',
    )
    off(stage)
    await goes_on(stage, 5)
    assert news(stage.alice) == []


async def test_quiet_hours_hold_it_until_they_are_over(stage: Stage) -> None:
    alice = stage.alice
    await stage.asks(alice, "/dbc settings quiet-hours 09:30-11:00")  # it is past 10:00 there
    off(stage)
    await goes_on(stage, 5)
    assert news(alice) == []
    await stage.passes(3600)
    await goes_on(stage, 2)
    (message,) = news(alice)
    assert "inference is now “off”" in message


@pytest.mark.slow
async def test_quiet_hours_hide_no_machine_whose_neighbour_is_as_before(stage: Stage) -> None:
    alice, node = stage.alice, stage.node("gpu1")
    for name in ("other", "third"):
        node.running_task(demo_renter(), desc=name)
    await goes_on(stage, 3)
    await stage.asks(alice, "/dbc settings quiet-hours 09:30-11:00")
    off(stage)
    off(stage, "other")
    del node.tasks[stage.task("third").task_id]
    await goes_on(stage, 5)
    runs_again(stage)
    await goes_on(stage, 5)
    await stage.passes(3600)
    await goes_on(stage, 2)
    changed, gone, back = sorted(
        news(alice), key=lambda one: (one.startswith(":white_check_mark:"), "longer" in one)
    )
    assert "inference is now “off”" in changed
    assert "other is now “off”" in changed
    assert "third no longer exists" in gone
    assert "inference on gpu1 is “running” again." in back


async def test_what_is_all_over_within_quiet_hours_is_told_as_over(stage: Stage) -> None:
    await stage.asks(stage.alice, "/dbc settings quiet-hours 09:30-11:00")
    off(stage)
    await goes_on(stage, 5)
    runs_again(stage)
    await goes_on(stage, 5)
    await stage.passes(3600)
    await goes_on(stage, 2)
    (message,) = news(stage.alice)
    assert "inference on gpu1 is “running” again." in message


async def test_whoever_wants_failures_only_is_not_told(stage: Stage) -> None:
    alice = stage.alice
    await stage.asks(alice, "/dbc settings notifications failures")
    off(stage)
    await goes_on(stage, 5)
    assert news(alice) == []


async def test_nobody_waits_for_a_slack_that_does_not_say_who_people_are(stage: Stage) -> None:
    people = (stage.alice, stage.bob, stage.carol)
    await stage.gives_sessions([(one, "gpu1") for one in people[1:]])
    for one in people:
        await stage.asks(one, "/dbc whoami")
    await goes_on(stage, 3)
    stage.ws.faults.add("http_500", "users.info", times=None)
    off(stage)
    await goes_on(stage, 2)
    asked = len(stage.ws.calls_of("users.info"))
    await goes_on(stage, 1)
    about = {call.args["user"] for call in stage.ws.calls_of("users.info")[asked:]}
    assert len(about) == 1  # each may take ten seconds
    for one in people:
        assert len(news(one)) == 1


async def test_a_machine_of_the_same_id_on_another_node_is_another_one(tmp_path: Path) -> None:
    async with staged(tmp_path, policy=ON) as stage:
        machine = stage.task("inference")
        assert machine.domain is not None
        stage.node("gpu2").tasks[machine.task_id] = deepcopy(machine)  # moved there, and back
        await stage.gives_session(stage.alice, "gpu1", "gpu2")
        await goes_on(stage, 3)
        stage.node("gpu2").silent = True
        machine.status, machine.domain.state = Status.CLOSED, Libvirt.SHUT_OFF
        await goes_on(stage, 4)
        (message,) = told(stage.alice, "inference")
        assert "Outside this bot, on gpu1: inference is now “off”" in message


async def test_nodes_that_keep_silent_of_what_is_gone_are_waited_for_once(tmp_path: Path) -> None:
    async with staged(tmp_path, policy=ON) as stage:
        names, machine = ("gpu1", "gpu2"), stage.task("inference")
        stage.node("gpu2").tasks["copy"] = replace(machine, task_id="copy")
        await stage.gives_session(stage.alice, *names)
        await goes_on(stage, 3)
        del stage.node("gpu2").tasks["copy"], stage.node("gpu1").tasks[machine.task_id]
        await goes_on(stage, 1)
        stage.world.calls.clear()
        for path in (machine.task_id, "copy"):
            stage.world.faults.on("hang", path=f"/tasks/{path}")
        looking = asyncio.create_task(goes_on(stage, 2))
        try:  # both are asked before one of them is given up
            await stage.world.calls.wait("tasks.detail", count=2, timeout=4)
        finally:
            stage.world.faults.off()
            hurry(LIMITS.read)
        await looking
