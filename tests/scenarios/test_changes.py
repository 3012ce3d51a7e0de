"""Changing a machine: its size and ports one call each, its password, its name."""

import json
import re
import sqlite3
from contextlib import closing
from datetime import timedelta
from functools import partial

import pytest

from sandbox.slack import SeenMessage
from tests.scenarios.machines import off
from tests.scenarios.stage import CHANNEL, Stage
from tests.scenarios.test_sessions import stored


async def asks(stage: Stage, line: str) -> SeenMessage:
    """Alice, who has a session for gpu1, types a line."""
    await stage.gives_session(stage.alice, "gpu1")
    return await stage.asks(stage.alice, f"/dbc {line}")


async def test_each_change_is_a_call_of_its_own(stage: Stage) -> None:
    off(stage)
    told = await asks(stage, "vm modify inference mem=16 cpu=4 ssh=5700")
    assert "Changed *inference*" in told.plain
    calls = stage.world.changing_calls()
    assert [call.op for call in calls] == ["tasks.modify"] * 3
    for call in calls:
        assert len(call.additional) == 2
        assert all(isinstance(value, str) for value in call.additional.values())
    machine = stage.task("inference")
    assert (machine.ssh_port, machine.cpu_cores, machine.memory >> 30) == (5700, 4, 16)


@pytest.mark.parametrize("public_ip", ["", "203.0.113.77"])
async def test_the_public_ip_survives_other_changes(stage: Stage, public_ip: str) -> None:
    stage.task("inference").public_ip = public_ip
    off(stage)
    await asks(stage, "vm modify inference mem=16")
    assert stage.world.changing_calls()[0].additional["new_public_ip"] == public_ip
    assert stage.task("inference").public_ip == public_ip


async def test_the_public_ip_is_taken_away_when_that_is_said(one_stage: Stage) -> None:
    one_stage.task("inference").public_ip = "203.0.113.77"
    off(one_stage)
    told = await asks(one_stage, "vm modify inference public_ip=none")
    assert "public IP 203.0.113.77 → none" in told.plain
    assert one_stage.task("inference").public_ip == ""


async def test_a_change_in_part_says_what_was_done_and_what_not(stage: Stage) -> None:
    off(stage)
    told = await asks(stage, "vm modify inference ssh=5700 gpu=7 cpu=4 mem=16")
    text = told.plain
    assert "Changed: SSH port 5685 → 5700" in text
    assert "Then GPUs 1 → 7: " in text
    assert "Not tried: CPU cores 8 → 4; memory 64 → 16 GiB" in text
    assert stage.changes() == ["tasks.modify"] * 2
    machine = stage.task("inference")
    assert (machine.ssh_port, len(machine.gpus), machine.cpu_cores) == (5700, 1, 8)


async def test_a_change_of_nothing_is_refused(one_stage: Stage) -> None:
    await one_stage.gives_session(one_stage.alice, "gpu1")
    await one_stage.alice.types("/dbc vm modify inference", CHANNEL)
    opened = await one_stage.alice.sees_modal("Change a machine")
    assert opened.value("Machine") == "inference"
    await one_stage.alice.submits({})
    modal = one_stage.alice.modal
    assert modal is not None
    assert "There is nothing to change" in str(modal.errors)
    assert one_stage.changes() == []


async def test_a_change_is_made_by_form(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    await stage.alice.types("/dbc vm modify inference", CHANNEL)
    await stage.alice.sees_modal("Change a machine")
    await stage.alice.submits({"SSH port": "0"})
    modal = stage.alice.modal
    assert modal is not None
    assert "SSH port" in modal.errors
    await stage.alice.submits({"SSH port": "5700"})
    await stage.alice.sees("Changed .inference.")
    await stage.quiet()
    assert stage.task("inference").ssh_port == 5700
    assert stage.changes() == ["tasks.modify"]


async def test_a_change_without_an_answer_is_not_repeated(one_stage: Stage) -> None:
    one_stage.world.faults.on("reset_after", path="/tasks/modify", count=1)
    told = await asks(one_stage, "vm modify inference ssh=5700 cpu=4")
    assert "it is unknown whether the command was carried out" in told.plain
    for _ in range(4):
        await one_stage.passes(15)
    assert "was changed in part: SSH port 5685 → 5700" in one_stage.alice.screen()
    assert "Not tried: CPU cores 8 → 4" in one_stage.alice.screen()
    assert one_stage.changes() == ["tasks.modify"]


async def test_a_password_is_set_by_form_and_kept_nowhere(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    await stage.alice.types("/dbc vm passwd inference", CHANNEL)
    await stage.alice.sees_modal("Set a password")
    await stage.alice.submits({"New password": 'N3w"Passw0rd'})
    modal = stage.alice.modal
    assert modal is not None
    assert modal.errors["New password"].startswith("New password must not contain double quotes")
    assert "N3w" not in str(modal.errors)
    await stage.alice.submits({"New password": "N3w-Passw0rd"})
    await stage.alice.sees_modal("The password of `dbc` in .inference. is set")
    await stage.quiet()
    [call] = stage.world.changing_calls()
    assert call.additional == {"username": "dbc", "password": "N3w-Passw0rd"}
    assert b"N3w-Passw0rd" not in stored(stage)
    with closing(sqlite3.connect(stage.data / "bot.db")) as database:
        kept = database.execute("SELECT secrets FROM executions").fetchall()
    assert kept
    assert [row for row in kept if row[0]] == []


async def test_a_password_is_set_for_another_user(one_stage: Stage) -> None:
    await one_stage.gives_session(one_stage.alice, "gpu1")
    await one_stage.alice.types("/dbc vm passwd inference user=root", CHANNEL)
    await one_stage.alice.sees_modal("Set a password")
    await one_stage.alice.submits({"New password": "N3w-Passw0rd"})
    await one_stage.alice.sees_modal("The password of `root`")
    assert one_stage.world.changing_calls()[0].additional["username"] == "root"


async def test_a_password_of_a_machine_that_is_off_is_refused(one_stage: Stage) -> None:
    off(one_stage)
    await one_stage.gives_session(one_stage.alice, "gpu1")
    await one_stage.alice.types("/dbc vm passwd inference", CHANNEL)
    await one_stage.alice.sees_modal("Set a password")
    await one_stage.alice.submits({"New password": "N3w-Passw0rd"})
    await one_stage.quiet()
    told = await one_stage.alice.sees_modal(":warning:")
    assert "only possible while the machine is running" in told.plain
    assert told.value("New password") == "N3w-Passw0rd"
    assert "N3w" not in told.private_metadata + str(told.blocks) + one_stage.alice.screen()


async def test_a_nickname_is_what_a_machine_is_called_from_then_on(stage: Stage) -> None:
    told = await asks(stage, "vm name inference prod-1")
    assert "is now called *prod-1*" in told.plain
    assert "prod-1" in stage.bob.screen()
    listed = await stage.asks(stage.alice, "/dbc vm list")
    assert "*prod-1*" in listed.plain
    assert "inference" in listed.plain
    card = await stage.asks(stage.alice, "/dbc vm restart PROD-1")
    assert "Restart *prod-1* (inference) on *gpu1*?" in card.plain


@pytest.mark.parametrize("name", ["", "a b", "<!channel>", 'a"b', "x" * 200, "force", "on"])
async def test_a_name_that_nobody_could_type_is_refused(one_stage: Stage, name: str) -> None:
    await one_stage.gives_session(one_stage.alice, "gpu1")
    await one_stage.alice.types(f"/dbc vm name inference {name}", CHANNEL)
    await one_stage.quiet()
    if name:
        assert ":no_entry_sign:" in one_stage.alice.last().plain
    else:
        assert one_stage.alice.modal is not None


async def test_two_machines_cannot_have_one_name(stage: Stage) -> None:
    await asks(stage, "vm name inference prod")
    told = await stage.asks(stage.alice, "/dbc vm name Ada PROD")
    assert "already called" in told.plain
    shown = await stage.asks(stage.alice, "/dbc vm show prod")
    assert stage.task("inference").task_id in shown.plain


async def test_a_nickname_is_everybodys(one_stage: Stage) -> None:
    await asks(one_stage, "vm name inference prod")
    await one_stage.gives_session(one_stage.bob, "gpu1")
    shown = await one_stage.asks(one_stage.bob, "/dbc vm show prod")
    assert one_stage.task("inference").task_id in shown.plain


@pytest.mark.parametrize(
    ("words", "first", "count"),
    [("", "last", 10), ("tail 3", "last", 3), ("head 2", "first", 2), ("3 head", "first", 3)],
)
async def test_the_log_is_shown_masked(stage: Stage, words: str, first: str, count: int) -> None:
    machine = stage.task("inference")
    for number in range(20):
        stage.node("gpu1").log(machine, "t.cpp", number, "f", f"line {number}, pwd:hunter2")
    told = await asks(stage, f"vm logs inference {words}")
    assert f"{first} {count} lines" in told.plain
    assert len(re.findall(r"^\d\d:\d\d:\d\d \w+: ", told.plain, re.MULTILINE)) == count
    assert machine.task_id not in told.plain
    assert "hunter2" not in told.plain
    assert machine.vnc_password not in told.plain
    assert "not the machine's console" in told.plain


async def test_errors_in_a_log_are_marked_and_counted(one_stage: Stage) -> None:
    machine = one_stage.task("inference")
    machine.log.clear()
    log = partial(one_stage.node("gpu1").log, machine, "t.cpp", 7)
    log("process_restart_task", "restart task failed")
    one_stage.clock.advance(timedelta(days=1))
    log("process_restart_task", "restart task successful")
    machine.log.append("a line of another kind")
    await asks(one_stage, "vm name inference prod")
    told = await asks(one_stage, "vm logs prod")
    assert "prod: last 3 lines, 1 error" in told.plain
    day = r"(\d{4}-\d\d-\d\d)"
    found = re.search(
        rf"^{day}\n\S+ ERROR process_restart_task: restart task failed\n"
        rf"{day}\n\S+ process_restart_task: restart task successful\na line of another kind$",
        told.plain,
        re.MULTILINE,
    )
    assert found is not None, told.plain
    assert re.search(rf"{found[1]} \S+ to {found[2]} \S+, node time", told.plain)
    assert "The first lines" not in told.plain  # those are all
    some = await asks(one_stage, "vm logs prod tail 2")
    assert "The first lines: `/dbc vm logs prod head`" in some.plain


async def test_json_has_the_log_as_the_node_wrote_it(one_stage: Stage) -> None:
    told = await asks(one_stage, "vm logs inference 1 --json")
    assert one_stage.task("inference").task_id in json.loads(told.plain.strip("`"))["lines"][0]


@pytest.mark.parametrize("count", ["0", "101", "-1", "1000000"])
async def test_a_number_of_lines_that_dbc_would_misread_is_refused(
    one_stage: Stage, count: str
) -> None:
    told = await asks(one_stage, f"vm logs inference {count}")
    assert f"Lines must be between 1 and 100, not {count}" in told.plain
    assert one_stage.world.calls.of("tasks.logs") == []
