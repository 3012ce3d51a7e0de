"""An approval covers exactly what was shown: a difference voids it and is shown."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bot.model import AuditKind
from sandbox.dbc.task import Libvirt, Snapshot, Status, Task
from sandbox.dbc.values import GIB
from sandbox.slack import SeenMessage
from tests.scenarios.site import DELETE, NAME, approves, asked, entries, now, rules, site, told
from tests.scenarios.stage import Stage, card
from tests.scenarios.stored import alter


def switched_off(task: Task) -> None:
    assert task.domain is not None
    task.domain.state = Libvirt.SHUT_OFF


def with_more_disk(task: Task) -> None:
    next(iter(task.disks.values())).size *= 2


@pytest.mark.parametrize(
    ("change", "what"), [(switched_off, "Present state was “running”"), (with_more_disk, "Disks")]
)
@pytest.mark.parametrize("http", [False, True], ids=["socket", "http"])
async def test_a_changed_machine_voids_it(
    tmp_path: Path, change: Callable[[Task], None], what: str, *, http: bool
) -> None:
    async with site(tmp_path, http=http) as stage:
        question = await asked(stage)
        change(stage.task(NAME))
        await approves(stage, stage.bob, question)
        ended = now(stage, question)
        assert f"Changed since it was shown: {what}" in ended.plain
        assert ended.buttons == []
        assert "voided" in [str(entry.kind) for entry in await entries(stage)]
        assert len(stage.endings(stage.alice)) == 1
        assert stage.changes() == []


async def test_another_machine_under_the_name_voids_it(tmp_path: Path) -> None:
    async with site(tmp_path) as stage:
        await stage.asks(stage.alice, f"/dbc vm name {NAME} prod")
        await stage.alice.types("/dbc vm delete prod")
        await stage.quiet()
        question = await stage.alice.sees("Delete .prod")
        await stage.asks(stage.alice, f"/dbc vm name {NAME} old")
        await stage.asks(stage.alice, "/dbc vm name Ada prod")
        await approves(stage, stage.bob, question)
        assert "means another machine now" in now(stage, question).plain
        told_alice = [m for m in stage.alice.messages() if "another machine now" in m.plain]
        assert len(told_alice) > 1  # beside the card
        assert not [m for m in told_alice if m.buttons]
        assert "voided" in [str(entry.kind) for entry in await entries(stage)]
        assert stage.changes() == []


async def test_what_cannot_be_compared_does_not_run(tmp_path: Path) -> None:
    async with site(tmp_path) as stage:
        question = await asked(stage)
        stage.node("gpu1").silent = True
        await approves(stage, stage.bob, question)
        await stage.quiet()
        why = "Present state, Disks and Snapshots cannot be read now: gpu1 did not answer in time"
        assert why in now(stage, question).plain
        assert told(stage.bob, "was not carried out")
        assert stage.changes() == []


async def test_what_a_silent_node_did_not_show_is_said_and_not_deleted_unseen(
    tmp_path: Path,
) -> None:
    async with site(tmp_path) as stage:
        await stage.asks(stage.alice, "/dbc vm list")
        stage.node("gpu1").silent = True
        question = await asked(stage)
        shown = question.plain.replace("*", "")
        for fact in ("Present state", "Disks", "Snapshots"):
            assert f"{fact}\n:warning: could not be read. gpu1 did not answer in time." in shown
        assert "Last seen: running." in shown
        stage.node("gpu1").silent = False
        await stage.passes(300)
        await approves(stage, stage.bob, question)
        assert (
            "Disks could not be read and are now “vda 350G, vdb 100G”" in now(stage, question).plain
        )
        assert stage.changes() == []


async def test_a_state_shown_as_last_seen_has_to_hold_too(tmp_path: Path) -> None:
    async with site(tmp_path) as stage:
        await stage.asks(stage.alice, "/dbc vm list")
        stage.node("gpu1").silent = True
        question = await asked(stage)
        stage.node("gpu1").silent = False
        domain = stage.task(NAME).domain
        assert domain is not None
        domain.state = Libvirt.SHUT_OFF
        await stage.passes(300)
        await approves(stage, stage.bob, question)
        assert "was “running” and is now “off”" in card(stage.alice).plain
        assert stage.changes() == []


def taken(task: Task, name: str) -> None:
    """The machine has a snapshot of that name, whoever made it."""
    task.snapshots.append(Snapshot(name, "", f"/data/snap_{name}.qcow2", task.created_at))
    task.snapshot_status[name] = "none"


UNREADABLE = ":warning: could not be read. DBC's answer was cut off."


async def test_a_list_that_cannot_be_read_hides_nothing_else_and_is_not_called_silence(
    tmp_path: Path,
) -> None:
    async with site(tmp_path) as stage:
        stage.world.faults.on("bad_json", path="/snapshot/list")
        question = await asked(stage)
        shown = question.plain.replace("*", "")
        assert "Present state\nrunning" in shown
        assert "Disks\nvda 350G, vdb 100G" in shown
        assert f"Snapshots\n{UNREADABLE}" in shown
        assert "answer in time" not in shown
        kept = [e for e in await entries(stage) if e.kind is AuditKind.ASKED]
        assert kept[0].details["shown"]["snapshots"]["unread"] == "DBC's answer was cut off."
        taken(stage.task(NAME), "nightly")
        stage.world.faults.off()
        await approves(stage, stage.bob, question)
        why = "Changed since it was shown: Snapshots could not be read and are now “nightly”."
        assert why in now(stage, question).plain
        assert stage.changes() == []


async def test_a_list_that_cannot_be_read_either_time_is_as_it_was_shown(tmp_path: Path) -> None:
    async with site(tmp_path) as stage:
        stage.world.faults.on("bad_json", path="/snapshot/list")
        question = await asked(stage)
        await approves(stage, stage.bob, question)
        await stage.ends(stage.alice, f"{NAME} is deleted")


async def test_a_list_that_can_no_longer_be_read_voids_it(tmp_path: Path) -> None:
    async with site(tmp_path) as stage:
        question = await asked(stage)
        stage.world.faults.on("bad_json", path="/snapshot/list")
        await approves(stage, stage.bob, question)
        why = "Snapshots cannot be read now: DBC's answer was cut off."
        assert why in now(stage, question).plain
        assert stage.changes() == []


async def test_a_machine_that_is_gone_is_not_asked_about(tmp_path: Path) -> None:
    async with site(tmp_path) as stage:
        await stage.asks(stage.alice, "/dbc vm list")
        tasks = stage.node("gpu1").tasks
        del tasks[stage.task(NAME).task_id]
        seen = await stage.asks(stage.alice, DELETE)
        assert "There is no such machine on this node" in seen.plain
        assert seen.ephemeral


PASSING = [
    (Status.RESTARTING, Libvirt.RUNNING),
    (Status.STARTING, Libvirt.SHUT_OFF),
    (Status.RESETTING, Libvirt.RUNNING),
    (Status.CREATING, Libvirt.RUNNING),
]


def becomes(task: Task, status: Status, state: Libvirt) -> None:
    """The node shows the machine like this from now on."""
    assert task.domain is not None
    task.status, task.domain.state = status, state


@pytest.mark.parametrize(("passing", "state"), PASSING, ids=str)
async def test_what_was_asked_in_a_passing_state_runs_in_the_one_it_leads_to(
    tmp_path: Path, passing: Status, state: Libvirt
) -> None:
    async with site(tmp_path) as stage:
        becomes(stage.task(NAME), passing, state)
        question = await asked(stage, f"/dbc vm shutdown {NAME}")
        assert f"{passing} → running" in question.plain
        becomes(stage.task(NAME), Status.RUNNING, Libvirt.RUNNING)
        await approves(stage, stage.bob, question)
        await stage.ends(stage.alice, f"{NAME} is off")


@pytest.mark.parametrize(("passing", "state"), PASSING[:3], ids=str)
async def test_what_was_approved_meets_a_passing_state_that_leads_to_what_was_shown(
    tmp_path: Path, passing: Status, state: Libvirt
) -> None:
    async with site(tmp_path) as stage:
        question = await asked(stage, f"/dbc vm delete {NAME}")
        becomes(stage.task(NAME), passing, state)
        await approves(stage, stage.bob, question)
        await stage.ends(stage.alice, f"{NAME} is deleted")


@pytest.mark.parametrize("passing", [Status.SHUTTING_DOWN, Status.POWERING_OFF], ids=str)
async def test_what_was_asked_while_it_went_off_runs_once_it_is_off(
    tmp_path: Path, passing: Status
) -> None:
    async with site(tmp_path) as stage:
        becomes(stage.task(NAME), passing, Libvirt.RUNNING)
        question = await asked(stage)
        assert "→ off" in question.plain
        becomes(stage.task(NAME), Status.CLOSED, Libvirt.SHUT_OFF)
        await approves(stage, stage.bob, question)
        await stage.ends(stage.alice, f"{NAME} is deleted")


@pytest.mark.parametrize(
    ("passing", "status", "state", "differs"),
    [
        (
            Status.RESTARTING,
            Status.CLOSED,
            Libvirt.SHUT_OFF,
            "“restarting → running” and is now “off”",
        ),
        (Status.CREATING, Status.CREATE_ERROR, Libvirt.SHUT_OFF, "is now “create error”"),
        (Status.SHUTTING_DOWN, Status.RUNNING, Libvirt.RUNNING, "“shutting down → off” and is now"),
    ],
)
async def test_a_state_that_led_elsewhere_voids_it(
    tmp_path: Path, passing: Status, status: Status, state: Libvirt, differs: str
) -> None:
    async with site(tmp_path) as stage:
        becomes(stage.task(NAME), passing, Libvirt.RUNNING)
        question = await asked(stage)
        becomes(stage.task(NAME), status, state)
        await approves(stage, stage.bob, question)
        assert differs in now(stage, question).plain
        assert stage.changes() == []


async def snapshot_asked(stage: Stage, status: str) -> SeenMessage:
    """A snapshot is in that state when its deletion is asked for."""
    becomes(stage.task(NAME), Status.CLOSED, Libvirt.SHUT_OFF)
    taken(stage.task(NAME), "before")
    stage.task(NAME).snapshot_status["before"] = status
    return await asked(stage, f"/dbc snapshot delete {NAME} before")


@pytest.mark.parametrize("status", ["creating", "uploading"])
async def test_a_snapshot_whose_job_has_ended_meanwhile_is_deleted(
    tmp_path: Path, status: str
) -> None:
    async with site(tmp_path) as stage:
        question = await snapshot_asked(stage, status)
        stage.task(NAME).snapshot_status["before"] = "none"
        await approves(stage, stage.bob, question)
        assert stage.changes() == ["snapshots.delete"]


async def test_a_snapshot_whose_upload_would_be_cut_off_unasked_is_not_deleted(
    tmp_path: Path,
) -> None:
    async with site(tmp_path) as stage:
        question = await snapshot_asked(stage, "creating")
        stage.task(NAME).snapshot_status["before"] = "uploading"
        await approves(stage, stage.bob, question)
        ended = now(stage, question).plain
        assert "Status was “being copied” and is now “being uploaded”" in ended
        assert stage.changes() == []


async def test_an_image_whose_users_could_not_be_read_is_not_deleted_from_under_them(
    tmp_path: Path,
) -> None:
    async with site(tmp_path) as stage:
        file = stage.task(NAME).disks["vdb"].source_file.rpartition("/")[2]
        stage.world.faults.on("bad_json", path=f"/tasks/{stage.task(NAME).task_id}")
        question = await asked(stage, f"/dbc image delete {file} on gpu1")
        assert f"could not be read. {NAME}: DBC's answer was cut off." in question.plain
        assert "Whether one does could not be read." in question.plain
        stage.world.faults.off()
        await approves(stage, stage.bob, question)
        ended = now(stage, question).plain
        assert f"Known to use it could not be read and is now “{NAME}”" in ended
        assert stage.changes() == []


async def test_a_change_that_a_rule_reviews_is_compared_like_a_loss(tmp_path: Path) -> None:
    rule = "[defaults]\nchange = { approvals = 1 }\n"
    async with site(tmp_path) as stage:
        rules(stage, rule)
        question = await asked(stage, f"/dbc vm modify {NAME} mem=100")
        stage.task(NAME).memory = 200 * GIB
        await approves(stage, stage.bob, question)
        ended = now(stage, question).plain
        assert "Change memory 64 → 100 GiB" in ended.replace("*", "")
        assert "Changed since it was shown: memory is now 200 GiB, not 64 GiB." in ended
        assert stage.changes() == []


@pytest.mark.parametrize(
    "change",
    ["command = 'vm.poweroff'", "arguments = json_set(arguments, '$.force', 'yes')"],
    ids=["command", "arguments"],
)
async def test_a_request_that_was_altered_behind_its_card_does_not_run(
    tmp_path: Path, change: str
) -> None:
    async with site(tmp_path) as stage:
        question = await asked(stage)
        alter(stage, f"UPDATE executions SET {change} WHERE status = 'waiting'")
        await approves(stage, stage.bob, question)
        assert "Changed since it was shown: what was requested" in now(stage, question).plain
        assert "voided" in [str(entry.kind) for entry in await entries(stage)]
        assert stage.changes() == []
