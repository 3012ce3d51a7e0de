"""The same thing requested twice while nobody knows what became of the first: pointed out."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.commands.rows import command_table
from bot.model import Effect
from sandbox.slack import Person, SeenMessage
from tests.scenarios.images import PYTORCH
from tests.scenarios.machines import off
from tests.scenarios.site import approves, entries, site
from tests.scenarios.stage import CHANNEL, Stage, staged
from tests.scenarios.test_approval_rules import rule

CREATE = "/dbc vm create name=t1 image=ubuntu-22.04-cuda-12.qcow2 gpu=0 on gpu1"
ANYWAY = "Run it anyway"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """Alice and Bob are entitled to gpu1, which is frozen: it answers nothing."""
    async with staged(tmp_path) as one:
        for person in (one.alice, one.bob):
            await one.gives_session(person, "gpu1")
        await one.asks(one.alice, "/dbc vm list")
        yield one


def freezes(stage: Stage, path: str) -> None:
    """The node does not answer what is sent on this path, and may do it all the same."""
    stage.world.faults.on("timeout_after_doing", path=path)


def asked_again(person: Person) -> SeenMessage:
    """The card that points out that the same was requested before."""
    found = [m for m in person.messages(CHANNEL) if ANYWAY in m.buttons]
    assert len(found) == 1, person.screen()
    return found[0]


async def test_a_machine_requested_again_while_the_node_is_silent_is_made_once(
    stage: Stage,
) -> None:
    freezes(stage, "/tasks/start")
    await stage.asks(stage.alice, CREATE)
    await stage.asks(stage.alice, CREATE)
    card = asked_again(stage.alice)
    assert "Run “Create a machine: t1 on gpu1” a second time?" in card.plain.replace("*", "")
    assert f"requested by <@{stage.alice.id}>" in card.plain
    assert "in progress" in card.plain
    rehearsed = await stage.asks(stage.alice, f"{CREATE} --dry-run")
    assert "you would be asked to run it anyway" in rehearsed.plain
    assert stage.changes() == ["tasks.create"]
    await stage.alice.presses("Withdraw", card)
    await stage.quiet()
    assert stage.changes() == ["tasks.create"]


async def test_whoever_means_two_gets_two_by_one_press(stage: Stage) -> None:
    freezes(stage, "/tasks/start")
    await stage.asks(stage.alice, CREATE)
    await stage.asks(stage.alice, CREATE)
    card = asked_again(stage.alice)
    stage.ws.deliver_twice(1)
    await stage.alice.presses(ANYWAY, card)
    await stage.quiet()
    assert stage.changes() == ["tasks.create"] * 2
    assert len(stage.node("gpu1").tasks) == 4
    kinds = [str(entry.kind) for entry in await entries(stage) if entry.command == "vm.create"]
    assert kinds.count("approved") == 1


async def test_a_colleague_is_told_who_requested_it_and_alone_decides(stage: Stage) -> None:
    freezes(stage, "/tasks/start")
    await stage.asks(stage.alice, CREATE)
    await stage.asks(stage.bob, CREATE)
    card = asked_again(stage.bob)
    assert f"requested by <@{stage.alice.id}>" in card.plain
    await stage.alice.presses(ANYWAY, stage.shown_to_all(card))
    await stage.quiet()
    assert stage.changes() == ["tasks.create"]
    await stage.bob.presses(ANYWAY, card)
    await stage.quiet()
    assert stage.changes() == ["tasks.create"] * 2


async def test_it_is_pointed_out_by_the_form_too(stage: Stage) -> None:
    freezes(stage, "/tasks/start")
    await stage.asks(stage.alice, CREATE)
    await stage.bob.types("/dbc vm create on gpu1", CHANNEL)
    await stage.bob.sees_modal("Create a machine")
    await stage.bob.submits({"Name": "T1", "Image": "ubuntu-22.04-cuda-12.qcow2", "GPUs": "0"})
    await stage.quiet()
    assert f"requested by <@{stage.alice.id}>" in asked_again(stage.bob).plain
    assert stage.changes() == ["tasks.create"]


@pytest.mark.slow
async def test_what_is_unknown_still_counts_and_after_an_hour_no_more(stage: Stage) -> None:
    stage.world.faults.on("dead_node", path="/tasks/start", count=1)
    await stage.asks(stage.alice, CREATE)
    for _ in range(20):
        await stage.passes(15)
    await stage.asks(stage.alice, CREATE)
    assert "it may still be carried out" in asked_again(stage.alice).plain
    assert stage.changes() == ["tasks.create"]
    for _ in range(12):
        await stage.passes(400)
    await stage.asks(stage.alice, CREATE)
    assert stage.changes() == ["tasks.create"] * 2


async def test_what_has_ended_or_is_something_else_is_not_pointed_out(stage: Stage) -> None:
    await stage.asks(stage.alice, CREATE)
    await stage.asks(stage.alice, CREATE.replace("name=t1", "name=t2"))
    await stage.ends(stage.alice, "t1 is running")
    await stage.ends(stage.alice, "t2 is running")
    await stage.asks(stage.alice, "/dbc vm delete t1")
    await stage.confirms(stage.alice, "Delete t1")
    await stage.ends(stage.alice, "t1 is deleted on gpu1")
    await stage.asks(stage.alice, CREATE)
    assert stage.changes() == ["tasks.create"] * 2 + ["tasks.delete", "tasks.create"]


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ("lan create team07 192.168.77.0/24 on gpu1", "/lan/create"),
        (f"image download {PYTORCH} on gpu1", "/images/download"),
        ("disk add inference 50", "/disk/add"),
    ],
)
async def test_other_things_are_not_made_twice_unasked(stage: Stage, line: str, path: str) -> None:
    off(stage)
    stage.world.faults.on("dead_node", path=path, count=1)
    await stage.asks(stage.alice, f"/dbc {line}")
    for _ in range(20):
        await stage.passes(15)
    sent = stage.changes()
    await stage.asks(stage.alice, f"/dbc {line}")
    card = asked_again(stage.alice)
    assert stage.changes() == sent
    await stage.alice.presses(ANYWAY, card)
    await stage.quiet()
    assert stage.changes() == sent * 2


async def test_an_approver_sees_that_the_same_is_in_progress(tmp_path: Path) -> None:
    rules = rule('command = "vm.create"', "approvals = 1")
    async with site(tmp_path, rules) as stage:
        await stage.asks(stage.alice, CREATE)
        stage.clock.advance(timedelta(seconds=1))
        await stage.asks(stage.carol, CREATE)
        questions = [m for m in stage.bob.messages(CHANNEL) if "Approve" in m.buttons]
        assert "requested by" not in questions[0].plain
        assert f"requested by <@{stage.alice.id}>" in questions[1].plain
        assert "pending approval" in questions[1].plain
        await approves(stage, stage.bob, questions[1])
        assert stage.changes() == ["tasks.create"]


@pytest.mark.parametrize("restarts", [True, False])
@pytest.mark.parametrize("back", [timedelta(hours=1), timedelta(days=1)])
async def test_a_clock_that_is_set_back_does_not_hide_what_was_sent(
    stage: Stage, back: timedelta, restarts: bool
) -> None:
    freezes(stage, "/tasks/start")
    await stage.asks(stage.alice, CREATE)
    stage.machine.step(-back)
    if restarts:
        await stage.restart_bot()
    await stage.asks(stage.alice, CREATE)
    assert ANYWAY in asked_again(stage.alice).buttons
    assert stage.changes() == ["tasks.create"]


@pytest.mark.parametrize("name", ["*t1*", "`t1`", "“t1”", "ｔ１", "t1\u200b"])
async def test_a_name_with_slacks_formatting_around_it_is_the_same(stage: Stage, name: str) -> None:
    freezes(stage, "/tasks/start")
    await stage.asks(stage.alice, CREATE)
    await stage.asks(stage.alice, CREATE.replace("name=t1", f"name={name}"))
    assert ANYWAY in asked_again(stage.alice).buttons
    assert stage.changes() == ["tasks.create"]


async def two_wait(stage: Stage) -> list[SeenMessage]:
    """Alice and then Carol ask for the same; their questions."""
    freezes(stage, "/tasks/start")
    await stage.asks(stage.alice, CREATE)
    stage.clock.advance(timedelta(seconds=1))
    await stage.asks(stage.carol, CREATE)
    return [m for m in stage.bob.messages(CHANNEL) if "Approve" in m.buttons]


async def test_the_earlier_request_is_not_sent_when_the_later_one_was_approved_first(
    tmp_path: Path,
) -> None:
    rules = rule('command = "vm.create"', "approvals = 1")
    async with site(tmp_path, rules) as stage:
        alices, carols = await two_wait(stage)
        await approves(stage, stage.bob, carols)
        await approves(stage, stage.bob, alices)
        assert stage.changes() == ["tasks.create"]
        assert "same request has been sent since this was shown" in stage.alice.screen()


async def test_the_earlier_request_is_not_sent_when_the_later_one_is_done_already(
    tmp_path: Path,
) -> None:
    rules = rule('command = "vm.create"', "approvals = 1")
    async with site(tmp_path, rules) as stage:
        await stage.asks(stage.alice, CREATE)
        stage.clock.advance(timedelta(seconds=1))
        await stage.asks(stage.carol, CREATE)
        alices, carols = [m for m in stage.bob.messages(CHANNEL) if "Approve" in m.buttons]
        await approves(stage, stage.bob, carols)
        await stage.ends(stage.carol, "t1 is running on gpu1")
        await approves(stage, stage.bob, alices)
        assert stage.changes() == ["tasks.create"]
        assert "same request has been sent since this was shown" in stage.alice.screen()


async def test_whoever_was_shown_the_other_request_decides_for_both(tmp_path: Path) -> None:
    rules = rule('command = "vm.create"', "approvals = 1")
    async with site(tmp_path, rules) as stage:
        alices, carols = await two_wait(stage)
        await approves(stage, stage.bob, alices)
        await approves(stage, stage.bob, carols)
        assert stage.changes() == ["tasks.create"] * 2


def test_every_row_that_makes_something_on_dbc_says_what_makes_two_alike() -> None:
    makes = {"create", "add", "upload", "download", "request"}
    here_alone = {"alias.add", "session.add"}
    for command in command_table():
        if command.verb in makes and command.effect is not Effect.READ:
            assert bool(command.alike) is (command.id not in here_alone), command.id
