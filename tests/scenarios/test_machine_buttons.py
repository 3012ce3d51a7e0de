"""Acting on what is seen: every machine that is shown has buttons, by the gate of a typed line."""

import asyncio

import pytest

from bot.messages import machine_buttons
from sandbox.slack import Person, SeenMessage
from tests.scenarios.machines import off
from tests.scenarios.site import rules
from tests.scenarios.stage import CHANNEL, CONFIRM_ONLY, Stage, card


def menu_of(message: SeenMessage, machine: str) -> tuple[str, list[str]]:
    """The ⋮ beside a machine: its action id and what stands behind it."""
    for block in message.blocks:
        if machine in str(block) and "accessory" in block:
            menu = block["accessory"]
            return menu["action_id"], [option["text"]["text"] for option in menu["options"]]
    raise AssertionError(f"no menu beside {machine}: {message.plain}")


async def chooses(
    stage: Stage, person: Person, listed: SeenMessage, machine: str, act: str
) -> None:
    """`person` opens the ⋮ of a machine and taps one line of it."""
    await person.chooses(menu_of(listed, machine)[0], act, listed)
    await stage.quiet()


async def test_a_list_has_what_makes_sense_in_each_state_behind_one_tap(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    listed = await stage.asks(stage.alice, "/dbc vm list")
    on = ["Show", "Logs", "Restart", "Force restart", "More …"]
    assert menu_of(listed, "inference")[1] == on
    off(stage)
    listed = await stage.asks(stage.alice, "/dbc vm list")
    assert menu_of(listed, "inference")[1] == ["Show", "Start", "Logs", "Modify …", "More …"]
    assert "gpu1" not in str([menu_of(listed, "inference")])


async def test_reading_and_restarting_takes_taps_alone(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    listed = await stage.asks(stage.alice, "/dbc vm list")
    await chooses(stage, stage.alice, listed, "inference", "Logs")
    told = await stage.alice.sees("inference: last 9 lines")
    assert told.ephemeral
    await chooses(stage, stage.alice, listed, "inference", "Show")
    shown = await stage.alice.sees("Local address|System")
    assert shown.ephemeral
    assert shown.buttons == [
        "Reveal passwords", "Logs", "Restart", "Force restart", "Shut down", "More …"
    ]  # fmt: skip
    await stage.alice.presses("Restart", shown)
    await stage.quiet()
    await stage.confirms(stage.alice, "Restart")
    end = await stage.ends(stage.alice, "inference was told to reboot and")
    assert stage.changes() == ["tasks.restart"]
    assert end.buttons == ["Show", "Logs", "More …"]
    assert "Requested by" in card(stage.alice).plain


async def test_two_taps_are_one_restart(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    listed = await stage.asks(stage.alice, "/dbc vm list")
    menu = menu_of(listed, "inference")[0]
    await asyncio.gather(*(stage.alice.chooses(menu, "Restart", listed) for _ in range(3)))
    await stage.quiet()
    told = [m.plain for m in stage.alice.messages() if "You have already requested this" in m.plain]
    assert len(told) == 2
    await stage.alice.presses("Confirm")
    await stage.ends(stage.alice, "inference was told to reboot and")
    assert stage.changes() == ["tasks.restart"]


async def test_a_stranger_who_taps_sees_and_does_nothing(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    await stage.alice.types("@dbc vm list")
    listed = await stage.bob.sees("inference", CHANNEL)
    before = len(stage.world.calls)
    for act in ("Show", "Logs", "Force restart", "More …"):
        await chooses(stage, stage.bob, listed, "inference", act)
        told = stage.bob.last(CHANNEL)
        assert told.ephemeral
        assert "inference" not in told.plain
        assert stage.task("inference").login_password not in told.plain
    assert len(stage.world.calls) == before
    assert stage.changes() == []


async def test_more_shows_everything_and_delete_asks_once_more(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    listed = await stage.asks(stage.alice, "/dbc vm list")
    await chooses(stage, stage.alice, listed, "inference", "More …")
    more = await stage.alice.sees("As last seen")
    assert more.ephemeral
    assert {"Reset", "Power off", "Rename …", "Delete"} <= set(more.buttons)
    assert "Take a snapshot …" not in more.buttons  # the machine is on
    buttons = [e for b in more.blocks if b["type"] == "actions" for e in b["elements"]]
    assert [e["text"]["text"] for e in buttons if "confirm" in e] == ["Delete"]
    await stage.alice.presses("Rename …", more)
    await stage.alice.sees_modal("Name a machine")


async def test_old_buttons_mean_the_machine_and_not_who_has_its_name_now(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    task, other = stage.task("inference"), stage.task("Ada's training run")
    await stage.asks(stage.alice, f"/dbc vm name {task.task_id} train-01")
    old = await stage.asks(stage.alice, "/dbc vm list")
    await stage.asks(stage.alice, f"/dbc vm name {task.task_id} other")
    await stage.asks(stage.alice, f"/dbc vm name {other.task_id} train-01")
    await chooses(stage, stage.alice, old, "train-01", "Restart")
    await stage.confirms(stage.alice, "Restart")
    [call] = stage.world.calls.of("tasks.restart")
    assert task.task_id in str(call)


async def test_buttons_of_a_machine_that_is_gone_say_so(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    old = await stage.asks(stage.alice, "/dbc vm list")
    node = stage.node("gpu1")
    del node.tasks[stage.task("inference").task_id]
    await stage.asks(stage.alice, "/dbc vm list")
    for act in ("Show", "Force restart"):
        await chooses(stage, stage.alice, old, "inference", act)
        assert "inference" not in stage.alice.last(CHANNEL).plain
    await chooses(stage, stage.alice, old, "inference", "More …")
    await stage.alice.sees("it is gone, or you have no access")
    assert stage.changes() == []


@pytest.mark.parametrize("value", ["", "show", "fly 1 2", "show a b c"])
def test_a_value_of_another_make_means_nothing(value: str) -> None:
    assert machine_buttons.meant(value) is None


async def test_what_the_rules_surely_deny_is_offered_nowhere(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    no = '[[rule]]\nname = "no"\ndeny = "Not for you."\nmatch = '
    rules(stage, CONFIRM_ONLY + no + f'{{ command = "vm.delete", person = "{stage.alice.id}" }}\n')
    shown = await stage.asks(stage.alice, "/dbc vm show inference")
    await stage.alice.presses("More …", shown)
    await stage.quiet()
    everything = stage.alice.last(CHANNEL)
    assert "Rename …" in everything.buttons
    assert "Delete" not in everything.buttons
    refused = await stage.asks(stage.alice, "/dbc vm delete")
    assert "Not for you." in refused.plain  # no form asks for what is of no use
    rules(stage, CONFIRM_ONLY + no + f'{{ command = "vm.restart", person = "{stage.alice.id}" }}\n')
    listed = await stage.asks(stage.alice, "/dbc vm list")
    assert "Restart" not in str(listed.blocks)
    assert "Logs" in str(listed.blocks)
    await stage.alice.opens_home()
    home = await stage.alice.sees_home("inference")
    assert "Restart" not in str(home.blocks)
