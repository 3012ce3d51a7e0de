"""Shortcuts: on a message that names a machine, and for any command; nothing is typed."""

from pathlib import Path

from handlers.shortcuts import ANYWHERE, ON_MESSAGE
from sandbox.dbc.demo import demo_renter
from tests.scenarios.site import NAME, site, told
from tests.scenarios.stage import CHANNEL, Stage

START = f"/dbc vm start {NAME}"


async def test_a_message_that_names_a_machine_leads_to_what_can_be_done_with_it(
    stage: Stage,
) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, "/dbc vm list")
    await stage.bob.types("inference seems to hang again, can somebody look?", CHANNEL)
    message = stage.alice.last(CHANNEL)
    await stage.alice.uses_shortcut(ON_MESSAGE, message)
    told = await stage.alice.sees("As last seen", CHANNEL)
    assert told.ephemeral
    assert "*inference* on *gpu1*" in told.plain
    await stage.alice.presses("Restart", told)
    await stage.quiet()
    await stage.confirms(stage.alice, "Restart")
    await stage.ends(stage.alice, "inference was told to reboot and")


async def test_several_machines_are_offered_and_a_stranger_learns_nothing(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, "/dbc vm list")
    await stage.bob.types("is it inference or Ada's training run?", CHANNEL)
    message = stage.alice.last(CHANNEL)
    await stage.alice.uses_shortcut(ON_MESSAGE, message)
    told = await stage.alice.sees("This message names several machines", CHANNEL)
    assert len([block for block in told.blocks if "accessory" in block]) == 2
    await stage.bob.uses_shortcut(ON_MESSAGE, message)
    await stage.bob.sees("This message names no machine of yours", CHANNEL)


async def test_any_command_is_chosen_and_its_form_opens(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, "/dbc vm list")
    await stage.alice.uses_shortcut(ANYWHERE)
    await stage.alice.sees_modal("Run a command")
    await stage.alice.submits({"Command": "vm show"})
    await stage.quiet()
    await stage.alice.sees_modal("Show a machine")
    await stage.alice.submits({"Machine": stage.task("inference").task_id})
    await stage.alice.sees("Local address|System", "@dbc")
    assert stage.changes() == []


async def test_commands_are_chosen_by_what_their_reader_calls_them(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    stage.alice.speaks("zh-CN")
    await stage.asks(stage.alice, "/dbc vm list")
    await stage.alice.uses_shortcut(ANYWHERE)
    await stage.alice.sees_modal("执行命令")
    await stage.alice.submits({"命令": "虚拟机 查看"})
    await stage.quiet()
    await stage.alice.sees_modal("查看虚拟机")


async def test_the_language_of_a_channel_is_not_set_where_there_is_none(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    await stage.alice.uses_shortcut(ANYWHERE)
    await stage.alice.sees_modal("Run a command")
    await stage.alice.submits({"Command": "settings channel-language"})
    await stage.quiet()
    await stage.alice.sees_modal("Choose a language")
    await stage.alice.submits({"Language": "zh"})
    await stage.quiet()
    assert "you are in none" in stage.alice.screen()
    assert "language is now" not in stage.alice.screen()
    async with stage.bot._services.store.read() as tx:
        chosen = [stored.keys() for stored in (await tx.readers.all()).values()]
    assert not any(stage.alice.id in owners for owners in chosen)


async def test_a_change_that_is_chosen_is_asked_for_in_its_form(tmp_path: Path) -> None:
    rules = '[freeze]\npeople = { persons = ["U0BOB"] }\n'
    async with site(tmp_path, rules) as stage:
        await stage.asks(stage.bob, "/dbc freeze network outage", CHANNEL)
        await stage.bob.uses_shortcut(ANYWHERE)
        await stage.bob.sees_modal("Run a command")
        await stage.bob.submits({"Command": "unfreeze"})
        await stage.quiet()
        await stage.bob.sees_modal("Lift the freeze")
        assert "network outage" in (await stage.asks(stage.alice, START)).plain
        await stage.bob.submits({})
        await stage.quiet()
        assert stage.bob.modal is None
        assert told(stage.bob, "lifted the freeze")


async def test_what_is_chosen_says_its_end_in_the_form(stage: Stage) -> None:
    await stage.alice.uses_shortcut(ANYWHERE)
    await stage.alice.sees_modal("Run a command")
    await stage.alice.submits({"Command": "whoami"})
    await stage.quiet()
    shown = await stage.alice.sees_modal("")
    assert "Checking" not in shown.plain


async def test_more_machines_than_are_offered_are_counted(stage: Stage) -> None:
    node = stage.node("gpu1")
    node.tasks.clear()
    names = [f"m{number:03}" for number in range(14)]
    for number, name in enumerate(names):
        node.running_task(demo_renter(), desc=name, vnc_port=6000 + number)
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, "/dbc vm list")
    await stage.bob.types("look at " + ", ".join(names), CHANNEL)
    await stage.alice.uses_shortcut(ON_MESSAGE, stage.alice.last(CHANNEL))
    told = await stage.alice.sees("This message names 14 machines", CHANNEL)
    assert "These are the first 10" in told.plain
