"""Starting, stopping, restarting, deleting: asked, confirmed, queued, followed to the end."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox.dbc.task import Libvirt, Status
from tests.scenarios.machines import off
from tests.scenarios.site import asked, site
from tests.scenarios.stage import CHANNEL, Stage

POWER_CUT = "what is not on disk is lost"


@dataclass(frozen=True)
class Power:
    """One command on a machine: what it asks, warns of, sends and ends with."""

    line: str
    question: str
    loss: str
    op: str
    during: str
    end: str


CONFIRMED = [
    Power(
        "shutdown", "Shut down", POWER_CUT, "tasks.shutdown", "is being shut down", "is off on gpu1"
    ),
    Power(
        "poweroff",
        "Power off",
        POWER_CUT,
        "tasks.poweroff",
        "is being powered off",
        "is off on gpu1",
    ),
    Power(
        "restart",
        "Restart",
        "Whatever runs in it is interrupted",
        "tasks.restart",
        "is restarting",
        "was told to reboot",
    ),
    Power(
        "restart —force",
        "Force-restart",
        POWER_CUT,
        "tasks.restart",
        "is restarting",
        "has restarted",
    ),
    Power("reset", "Reset", POWER_CUT, "tasks.reset", "is resetting", "has been reset on gpu1"),
    Power(
        "delete",
        "Delete",
        "all its disks with their data",
        "tasks.delete",
        "is being deleted",
        "is deleted on gpu1",
    ),
]


@pytest.mark.parametrize("power", CONFIRMED, ids=lambda power: power.line)
async def test_a_machine_is_changed_once_after_a_click(stage: Stage, power: Power) -> None:
    alice = stage.alice
    await stage.gives_session(alice, "gpu1")
    verb, *words = power.line.split()
    card = await stage.asks(alice, " ".join(["/dbc vm", verb, "inference", *words]))
    assert card.plain.replace("*", "").startswith(
        f":raised_hand: {power.question} inference on gpu1?"
    )
    assert power.loss in card.plain
    assert "running" in card.plain
    assert stage.task("inference").task_id in card.plain
    assert card.ephemeral
    assert card.buttons == ["Confirm", "Withdraw", "Show"]
    assert stage.changes() == []

    await alice.presses("Confirm", card)
    await stage.quiet()
    now = stage.bob.messages(CHANNEL)[-1]
    assert now.buttons == []
    assert f"inference {power.during} on gpu1 …" in now.plain.replace("*", "")
    assert "accepted" in now.plain

    end = await stage.ends(alice, f"inference {power.end}")
    await stage.passes(30)
    assert stage.changes() == [power.op]
    assert len(stage.endings(alice)) == 1
    assert end.ts != card.ts
    last = next(m for m in stage.bob.messages(CHANNEL) if m.ts == now.ts)
    assert f":white_check_mark: inference {power.end}" in last.plain.replace("*", "")
    called = stage.world.changing_calls()[0]
    assert ("force_reboot" in called.path) == (power.question == "Force-restart")


async def test_a_start_needs_no_click_and_offers_how_to_connect(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    off(stage)
    card = await stage.asks(stage.alice, "/dbc vm start inference")
    assert "*inference* is starting on *gpu1* …" in card.plain
    end = await stage.ends(stage.alice, "inference is running on gpu1")
    assert end.buttons == ["How to connect", "Logs", "More …"]
    await stage.bob.presses("How to connect", end)
    told = await stage.bob.sees("You have no session for gpu1|no machine of yours")
    assert told.ephemeral
    assert stage.task("inference").login_password not in stage.bob.screen()
    assert stage.changes() == ["tasks.start"]
    assert len(stage.endings(stage.alice)) == 1


async def test_what_the_node_refuses_at_once_is_told_at_once(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    told = await stage.asks(stage.alice, "/dbc vm start inference")
    assert "The machine is running." in told.plain
    assert "was refused" in told.plain
    assert told.ephemeral
    await stage.passes(10)
    assert stage.changes() == ["tasks.start"]
    assert len([m for m in stage.alice.messages() if "The machine is running." in m.plain]) == 1
    watches = await stage.asks(stage.alice, "/dbc watch list")
    assert "no operations in progress" in watches.plain


async def test_what_fails_on_the_node_is_told_as_failed(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    off(stage)
    stage.node("gpu1").fail("start")
    await stage.asks(stage.alice, "/dbc vm start inference")
    end = await stage.ends(stage.alice, "inference on gpu1 is in state “start error”")
    assert end.plain.startswith(":x:")
    assert "process_start_task: start task failed" in end.plain
    assert stage.changes() == ["tasks.start"]
    assert len(stage.endings(stage.alice)) == 1


@pytest.mark.parametrize(
    "line",
    [
        "vm restart inference force",
        "vm restart inference --force",
        "vm restart inference -force",
        "vm restart inference —force",
        "vm restart inference –force",
        "vm restart inference force=true",
        "vm\u00a0restart “inference” force",
        "VM Restart force inference",
        "vm restart force on gpu1 inference",
    ],
)
async def test_force_is_understood_however_it_is_spelt(one_stage: Stage, line: str) -> None:
    await one_stage.gives_session(one_stage.alice, "gpu1")
    card = await one_stage.asks(one_stage.alice, f"/dbc {line}")
    assert "Force-restart *inference* on *gpu1*?" in card.plain


async def test_a_flag_switched_off_is_off(one_stage: Stage) -> None:
    await one_stage.gives_session(one_stage.alice, "gpu1")
    card = await one_stage.asks(one_stage.alice, "/dbc vm restart inference force=false")
    assert ":raised_hand: Restart *inference*" in card.plain


@pytest.mark.parametrize("line", ["restart inference", "restart inference force"])
async def test_restarting_what_is_off_warns_of_no_loss(one_stage: Stage, line: str) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    off(stage)
    await stage.asks(stage.alice, "/dbc vm list")
    tried = await stage.asks(stage.alice, f"/dbc vm {line} --dry-run")
    await stage.alice.types(f"/dbc vm {line}", channel=CHANNEL)
    await stage.quiet()
    for said in (tried.plain, stage.question(stage.alice).plain):
        assert "Nothing is lost: it is off, and this starts it." in said
        assert "interrupted" not in said
        assert POWER_CUT not in said
        assert ":warning:" not in said


async def test_a_machine_whose_state_is_not_read_is_not_said_to_be_off(tmp_path: Path) -> None:
    async with site(tmp_path) as stage:
        off(stage)
        await stage.asks(stage.alice, "/dbc vm list")
        task = stage.task("inference")
        assert task.domain is not None
        task.status, task.domain.state = Status.RUNNING, Libvirt.RUNNING  # started elsewhere
        stage.node("gpu1").silent = True
        card = (await asked(stage, "/dbc vm restart inference force")).plain
        assert "could not be read" in card
        assert "Nothing is lost" not in card
        assert f":warning: The power is cut: {POWER_CUT}." in card


@pytest.mark.parametrize(
    ("language", "lost"),
    [
        ("en", "*Would be lost*\nNothing is lost: it is off, and this starts it."),
        ("zh", "没有损失：虚拟机已关机，此操作会将它启动。"),
    ],
)
async def test_a_dry_run_of_what_nobody_is_asked_about_reads_what_is_lost(
    tmp_path: Path, language: str, lost: str
) -> None:
    async with site(tmp_path, "[defaults]\ndisrupt = {}\n") as stage:
        await stage.asks(stage.alice, f"/dbc language {language}")
        off(stage)
        await stage.asks(stage.alice, "/dbc vm list")
        tried = await stage.asks(stage.alice, "/dbc vm restart inference --dry-run")
        assert lost in tried.plain
