"""A node or daemon that keeps people waiting: acknowledged at once, told what is going on."""

from datetime import timedelta

import pytest

from bot.dbc.guard import Limits
from bot.pipeline.patience import LIMIT, waiting_for
from bot.reply import plain
from sandbox.slack import Person
from tests.scenarios.site import rules
from tests.scenarios.stage import CHANNEL, Stage
from tests.scenarios.test_slack_silent import time_passing


async def acknowledged_soon(person: Person, line: str) -> None:
    """The line is acknowledged while no time passes, so whatever is waited for."""
    ack = await person.types(line, CHANNEL)
    assert getattr(ack, "ok", False)


def waiting(person: Person) -> list[str]:
    """The messages before somebody that only say that something is being waited for."""
    return [m.plain for m in person.messages() if "Still waiting" in m.plain]


async def test_who_asks_a_silent_node_is_told_that_it_can_take_a_while(patient: Stage) -> None:
    await patient.gives_session(patient.alice, "gpu1")
    await patient.asks(patient.alice, "/dbc vm list")
    patient.node("gpu1").silent = True
    await acknowledged_soon(patient.alice, "/dbc vm show inference")
    await patient.waits(2.5)
    await patient.alice.sees(r"Still waiting for gpu1 \(up to 40 s\)\.")
    patient.clock.advance(timedelta(seconds=30))
    await patient.alice.sees("gpu1 did not answer in time")
    assert len(waiting(patient.alice)) == 1
    assert patient.alice.notices == []


async def test_another_silent_node_keeps_no_creation_waiting_for_long(patient: Stage) -> None:
    await patient.gives_session(patient.alice, "gpu1", "gpu2")
    await patient.asks(patient.alice, "/dbc vm list")
    await patient.asks(patient.alice, "/dbc vm name inference t1")
    patient.node("gpu1").silent = True
    await patient.alice.types("/dbc vm create name=t1 image=ubuntu-22.04-cuda-12.qcow2 on gpu2")
    await patient.waits(5)
    await patient.alice.sees("gpu1 already has a machine called t1; t2 is free.")
    assert patient.changes() == []


async def test_a_late_failure_says_which_command_on_which_machine(patient: Stage) -> None:
    await patient.gives_session(patient.alice, "gpu1")
    await patient.asks(patient.alice, "/dbc vm list")
    patient.node("gpu1").silent = True
    await patient.alice.types("/dbc disk list inference", CHANNEL)
    await patient.waits(30)
    await patient.alice.sees(
        r"“List a machine.s disks: \*inference\* on \*gpu1\*” failed: gpu1 did not answer in time\."
    )
    await patient.alice.types("/dbc node show gpu1", CHANNEL)
    await patient.waits(30)
    await patient.alice.sees(r"“Show a node: \*gpu1\*” failed: ")


async def test_who_changes_something_sees_that_the_node_is_waited_for(patient: Stage) -> None:
    await patient.gives_session(patient.alice, "gpu2")
    await patient.asks(patient.alice, "/dbc vm list")
    patient.node("gpu2").silent = True
    await acknowledged_soon(
        patient.alice, "/dbc vm create name=t1 image=ubuntu-22.04-cuda-12.qcow2 on gpu2"
    )
    await patient.waits(2.5)
    await patient.alice.sees("Still waiting for gpu2")
    await acknowledged_soon(patient.bob, "/dbc help")
    await patient.bob.sees(r"Manage your GPU machines\.")
    patient.clock.advance(timedelta(seconds=30))
    await patient.alice.sees("gpu2 did not answer in time")
    assert patient.changes() == []  # it was asked what it has left, and nothing was sent


async def test_a_card_does_not_wait_for_a_silent_node(patient: Stage) -> None:
    await patient.gives_session(patient.alice, "gpu1")
    await patient.asks(patient.alice, "/dbc vm list")
    patient.node("gpu1").silent = True
    await acknowledged_soon(patient.alice, "/dbc vm shutdown inference")
    await patient.waits(4)
    card = await patient.alice.sees(
        r"could not be read\. No answer within 4 s\. Last seen: running\."
    )
    assert card.buttons == ["Confirm", "Withdraw", "Show"]


async def test_a_card_that_must_show_what_is_lost_says_that_it_waits_for_it(patient: Stage) -> None:
    await patient.gives_session(patient.alice, "gpu1")
    await patient.asks(patient.alice, "/dbc vm list")
    patient.node("gpu1").silent = True
    await acknowledged_soon(patient.alice, "/dbc vm delete inference")
    await patient.waits(2.5)
    waits = await patient.alice.sees(r"Still waiting for gpu1 \(up to 40 s\)")
    patient.clock.advance(timedelta(seconds=30))
    card = await patient.alice.sees("could not be read. gpu1 did not answer in time.")
    assert waits.ephemeral
    assert card.buttons == ["Confirm", "Withdraw", "Show"]
    assert [m for m in patient.bob.messages(CHANNEL) if m.user == "dbc"] == []


async def test_what_is_open_already_gets_no_card_of_its_own_while_its_node_is_silent(
    patient: Stage,
) -> None:
    await patient.gives_session(patient.alice, "gpu1")
    await patient.asks(patient.alice, "/dbc vm list")
    await patient.asks(patient.alice, "/dbc vm delete inference")
    patient.node("gpu1").silent = True
    await patient.alice.types("/dbc vm delete inference", CHANNEL)
    await patient.waits(30)
    told = await patient.alice.sees("already requested this")
    assert told.buttons == ["Confirm", "Withdraw", "Show", "Request it a second time"]


async def test_of_two_at_once_the_second_learns_of_the_first_though_both_had_a_card(
    patient: Stage,
) -> None:
    await patient.gives_session(patient.alice, "gpu1")
    await patient.asks(patient.alice, "/dbc vm list")
    patient.node("gpu1").silent = True
    for _ in range(2):
        await patient.alice.types("/dbc vm delete inference", CHANNEL)
    async with time_passing(patient):
        told = await patient.alice.sees("already requested this", timeout=20)
    assert told.buttons == ["Confirm", "Withdraw", "Show", "Request it a second time"]
    await patient.quiet()
    async with patient.bot.store.read() as tx:
        assert len(await tx.approvals.open()) == 1


async def test_a_waiting_text_among_all_becomes_the_answer(patient: Stage) -> None:
    await patient.gives_session(patient.alice, "gpu1")
    await patient.asks(patient.alice, "@dbc vm list")
    patient.node("gpu1").silent = True
    await patient.alice.types("@dbc node show gpu1", CHANNEL)
    await patient.waits(2.5)
    waits = await patient.alice.sees("Still waiting for gpu1")
    assert not waits.ephemeral
    patient.clock.advance(timedelta(seconds=30))
    await patient.alice.sees("gpu1 did not answer in time")
    await patient.quiet()
    assert waiting(patient.alice) == []


@pytest.mark.parametrize("line", ["/dbc vm show inference", "vm show inference"])
async def test_a_waiting_text_in_direct_messages_makes_room_for_the_answer(
    patient: Stage, line: str
) -> None:
    await patient.gives_session(patient.alice, "gpu1")
    await patient.asks(patient.alice, "/dbc vm list")
    patient.node("gpu1").silent = True
    await patient.alice.types(line, "@dbc")
    await patient.waits(2.5)
    await patient.alice.sees("Still waiting for gpu1")
    patient.clock.advance(timedelta(seconds=30))
    await patient.alice.sees("gpu1 did not answer in time")
    await patient.quiet()
    assert waiting(patient.alice) == []


async def test_after_a_form_it_is_told_once_that_the_node_is_waited_for(patient: Stage) -> None:
    await patient.gives_session(patient.alice, "gpu2")
    patient.node("gpu2").silent = True
    await patient.alice.types("/dbc vm create image=ubuntu-22.04-cuda-12.qcow2 on gpu2", CHANNEL)
    await patient.alice.sees_modal("Create a machine")
    await patient.alice.submits({"Name": "t1"})
    await patient.waits(2.5)
    await patient.alice.sees("Still waiting for gpu2")
    patient.clock.advance(timedelta(seconds=30))
    await patient.alice.sees("gpu2 did not answer in time")
    assert len(waiting(patient.alice)) == 1


async def test_a_lost_courtesy_costs_nobody_their_answer(patient: Stage) -> None:
    await patient.gives_session(patient.alice, "gpu1")
    await patient.asks(patient.alice, "@dbc vm list")
    patient.node("gpu1").silent = True
    patient.ws.faults.error("invalid_blocks", "chat.postMessage", times=1)
    patient.ws.faults.error("invalid_blocks", "conversations.open", times=1)
    await patient.alice.types("@dbc vm show inference", CHANNEL)
    await patient.waits(2.5)
    patient.clock.advance(timedelta(seconds=30))
    await patient.alice.sees("gpu1 did not answer in time")


async def test_who_lists_machines_is_told_once_that_a_node_is_waited_for(patient: Stage) -> None:
    await patient.gives_session(patient.alice, "gpu1", "gpu2")
    patient.node("gpu1").silent = True
    await patient.alice.types("/dbc vm list", CHANNEL)
    await patient.clock.until(lambda: patient.daemon.forwarder.pending > 0)
    async with time_passing(patient, 0.1):
        await patient.alice.sees("gpu1 did not answer within")
    patient.clock.advance(timedelta(seconds=30))
    await patient.alice.sees("did not answer in time")
    said = [m.plain for m in patient.alice.messages() if "The whole list follows" in m.plain]
    assert len(said) == 1


async def test_a_card_shows_a_click_while_what_was_shown_is_compared(patient: Stage) -> None:
    await patient.gives_session(patient.alice, "gpu1")
    await patient.asks(patient.alice, "/dbc vm list")
    await patient.alice.types("/dbc vm delete inference", CHANNEL)
    card = await patient.alice.sees("Delete")
    patient.node("gpu1").silent = True
    await patient.alice.presses("Confirm", card)
    await patient.waits(0.5)
    shown = await patient.alice.sees(
        r"You confirmed “Delete .*It runs once I have checked that nothing has changed"
    )
    assert shown.ts == card.ts
    assert shown.buttons == []
    assert patient.changes() == []
    patient.clock.advance(timedelta(seconds=30))
    await patient.alice.sees("gpu1 did not answer in time")
    await patient.quiet()
    assert waiting(patient.alice) == []


async def test_waiting_for_slack_in_between_takes_no_longer_than_was_told(patient: Stage) -> None:
    group = patient.ws.add_usergroup("interns", "bob")
    node, task = patient.node("gpu1"), patient.task("inference")
    await patient.gives_session(patient.alice, "gpu1")
    rules(
        patient,
        f'[[rule]]\nname = "interns"\ndeny = "No."\nmatch = {{ command = "vm.show", '
        f'group = "{group.id}", arguments = {{ vm = "{task.task_id}" }} }}\n',
    )
    task.desc = "newcomer"
    patient.world.faults.on("slow", count=1, seconds=20)
    patient.ws.faults.ratelimit("usergroups.list", times=1, retry_after=15)
    await patient.alice.types("/dbc vm show newcomer", CHANNEL)
    await patient.waits(2.5)
    began = patient.clock.now()
    await patient.alice.sees(r"\(up to 40 s\)")
    node.silent = True
    async with time_passing(patient):
        await patient.alice.sees(r"No answer within 40 s|Slack does not say|did not answer")
    assert patient.clock.now() - began <= timedelta(seconds=41)
    assert len(waiting(patient.alice)) == 1


def test_the_limit_that_is_told_is_longer_than_any_answer_is_waited_for() -> None:
    limits = Limits()
    assert limits.connect + limits.read < LIMIT
    assert f"up to {LIMIT.total_seconds():.0f} s" in plain(waiting_for("gpu1", LIMIT).summary)
