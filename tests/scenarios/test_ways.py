"""Where people stand before a thing that is told, they have buttons that lead on from there."""

from pathlib import Path

import pytest

from tests.scenarios.machines import off
from tests.scenarios.site import now, rules
from tests.scenarios.stage import CHANNEL, CONFIRM_ONLY, Stage, staged
from tests.scenarios.test_machine_buttons import menu_of
from tests.scenarios.test_outages import ON, goes_on
from tests.scenarios.ways import ENDS_ONLY, lists_a_deletion, with_a_rental, with_a_silence


async def test_the_list_of_approvals_opens_a_card_and_withdraws(one_stage: Stage) -> None:
    stage = one_stage
    listed, menu, options = await lists_a_deletion(stage)
    assert options == ["Open", "Withdraw"]
    await stage.alice.chooses(menu, "Open", listed)
    await stage.quiet()
    opened = stage.alice.last("gpu-ops")
    assert opened.buttons == ["Confirm", "Withdraw", "Show"]
    await stage.alice.chooses(menu, "Withdraw", listed)
    await stage.quiet()
    assert "No pending approvals" in (await stage.asks(stage.alice, "/dbc approval list")).plain


@pytest.mark.parametrize("where", [CHANNEL, "@dbc"])
async def test_what_is_withdrawn_in_the_list_leaves_the_others_in_it(
    one_stage: Stage, where: str
) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, "/dbc vm delete inference")
    await stage.asks(stage.alice, "/dbc vm restart Ada")
    listed = await stage.asks(stage.alice, "@dbc approval list", where)
    menu, _ = menu_of(listed, "inference")
    await stage.alice.chooses(menu, "Withdraw", listed)
    await stage.quiet()
    told = stage.alice.last(where)
    assert "You withdrew “Delete inference on gpu1”" in told.plain.replace("*", "")
    assert "Restart *Ada's training run*" in now(stage, listed).plain


@pytest.mark.slow
async def test_each_view_of_an_order_has_what_can_be_done_about_it(tmp_path: Path) -> None:
    async with with_a_rental(tmp_path) as (scene, rental):
        stage, alice = scene.stage, scene.stage.alice
        listed = await stage.asks(alice, "/dbc order list")
        shown = await stage.asks(alice, f"/dbc order show {rental.number}")
        menu, options = menu_of(listed, str(rental.number))
        assert options == ["I renew it", "Snooze", "Done", "Show", "Copy data …"]
        assert shown.buttons == ["I renew it", "Snooze", "Done", "Copy data …"]
        warning = [m for m in alice.messages("@dbc") if "for *gpu1* ends" in m.plain][-1]
        assert warning.buttons == options
        await alice.presses("Show", warning)
        await stage.quiet()
        assert f"Order {rental.number} for gpu1 ends" in alice.last("@dbc").plain.replace("*", "")
        await alice.chooses(menu, "Snooze", listed)
        await stage.quiet()
        listed = await stage.asks(alice, "/dbc order list")
        _, options = menu_of(listed, str(rental.number))
        assert "Snooze" not in options
        await scene.until(rental.end + 60)
        ended = [m for m in alice.messages("@dbc") if "for *gpu1* has ended" in m.plain][-1]
        assert ended.buttons == ["Show", "Copy data …"]


@pytest.mark.parametrize("denied", [False, True])
async def test_an_alarm_has_what_can_be_done_about_it(tmp_path: Path, *, denied: bool) -> None:
    async with staged(tmp_path, policy=ON) as stage:
        alice = stage.alice
        if denied:
            never = '[[rule]]\nname = "no"\nmatch = { command = "vm.start" }\ndeny = "No."\n'
            rules(stage, f"{CONFIRM_ONLY}{never}[outages]\n")
        await stage.gives_session(alice, "gpu1")
        await goes_on(stage, 3)
        off(stage)
        await goes_on(stage, 6)
        alarm = [m for m in alice.messages("@dbc") if "Outside this bot" in m.plain][-1]
        starts = [] if denied else ["Start"]
        assert alarm.buttons == ["Show", *starts, "Logs", "Modify …", "More …", ENDS_ONLY]
        await alice.presses(ENDS_ONLY, alarm)
        await stage.quiet()
        del stage.node("gpu1").tasks[stage.task("inference").task_id]
        await goes_on(stage, 6)
        told = [m for m in alice.messages("@dbc") if "no longer exists" in m.plain]
        # The alarm itself says so: it is over.
        assert [m for m in told if m.message.ts != alarm.message.ts] == []


@pytest.mark.parametrize("chosen", ["digest", "silent"])
async def test_no_alarm_offers_to_hear_less_where_that_would_be_more(
    tmp_path: Path, chosen: str
) -> None:
    async with staged(tmp_path, policy=f'{ON}channel = "C0GPUOPS"\n') as stage:
        await stage.asks(stage.alice, f"/dbc settings notifications {chosen}")
        for person in (stage.alice, stage.bob):
            await stage.gives_session(person, "gpu1")
        await goes_on(stage, 3)
        stage.node("gpu1").silent = True
        await goes_on(stage, 10)
        offered = {
            (person.name, message.channel[0]): message.buttons
            for person in (stage.alice, stage.bob)
            for message in person.messages()
            if "has not responded" in message.plain
        }
    again = ["Ask gpu1 again now"]
    assert offered["alice", "D"] == offered["alice", "C"] == offered["bob", "C"] == again
    assert offered["bob", "D"] == [*again, ENDS_ONLY]


@pytest.mark.parametrize(
    ("chosen", "kept"),
    [
        ("failures", "only failures and what was not done"),
        ("digest", "one digest a day"),
        ("silent", "everything, without mentions"),
    ],
)
async def test_an_older_alarm_never_makes_it_louder(tmp_path: Path, chosen: str, kept: str) -> None:
    async with with_a_silence(tmp_path) as (stage, alarm):
        alice = stage.alice
        await stage.asks(alice, f"/dbc settings notifications {chosen}")
        await alice.presses(ENDS_ONLY, alarm)
        await stage.quiet()
        assert f"You already get less than that: {kept}" in alice.last("@dbc").plain
        assert kept in (await stage.asks(alice, "/dbc settings")).plain
        await stage.asks(alice, "/dbc settings notifications all")
        await alice.presses(ENDS_ONLY, alarm)
        await stage.quiet()
        assert "You now get ends only" in alice.last("@dbc").plain


async def test_what_is_left_out_with_ends_alone_is_said_and_can_be_undone(tmp_path: Path) -> None:
    async with with_a_silence(tmp_path) as (stage, alarm):
        alice = stage.alice
        await alice.presses(ENDS_ONLY, alarm)
        await stage.quiet()
        told = alice.last("@dbc")
        assert "That leaves out alerts about nodes that stop responding" in told.plain
        await alice.presses("Undo", told)
        await stage.quiet()
        undone = alice.last("@dbc")
        assert "You now get everything." in undone.plain
        assert "leaves out" not in undone.plain
        assert undone.buttons == []


async def test_an_alarm_about_a_node_asks_it_again(tmp_path: Path) -> None:
    async with with_a_silence(tmp_path) as (stage, alarm):
        assert alarm.buttons == ["Ask gpu1 again now", ENDS_ONLY]
        stage.node("gpu1").silent = False
        await stage.alice.presses("Ask gpu1 again now", alarm)
        await stage.quiet()
        assert "gpu1 is responding" in stage.alice.last("@dbc").plain.replace("*", "")


@pytest.mark.parametrize("line", ["vm show gpu1", "查看 gpu1"])
async def test_a_nodes_name_behind_a_verb_for_machines_leads_to_the_node(
    one_stage: Stage, line: str
) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    refused = await stage.asks(stage.alice, f"/dbc {line}")
    assert refused.buttons == ["Show node gpu1", "List machines"]
    await stage.alice.presses("Show node gpu1", refused)
    await stage.quiet()
    assert "GPU node" in stage.alice.last("gpu-ops").plain
