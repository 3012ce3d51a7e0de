"""A long list of machines: paged where it stands, by state, in an order."""

import pytest

from sandbox.dbc.demo import demo_renter
from sandbox.slack import SeenMessage
from tests.scenarios.machines import off
from tests.scenarios.stage import CHANNEL, Stage


@pytest.fixture
async def stage(one_stage: Stage) -> Stage:
    """Alice has three hundred machines on gpu1."""
    node = one_stage.node("gpu1")
    node.tasks.clear()
    for number in range(300):
        task = node.running_task(demo_renter(), desc=f"m{number:03}", vnc_port=6000 + number)
        if number % 100 == 7:
            off(one_stage, task.desc)
    await one_stage.gives_session(one_stage.alice, "gpu1")
    return one_stage


async def test_of_many_that_a_name_may_mean_as_many_are_offered_as_are_named(stage: Stage) -> None:
    for machine in stage.node("gpu1").tasks.values():
        machine.desc = "twin"
    told = await stage.asks(stage.alice, "/dbc vm show twin")
    assert "could be any of twin (" in told.plain
    assert told.plain.count("twin (") == 8
    assert len(told.buttons) <= 8


def rows(message: SeenMessage) -> list[str]:
    """The machines that a message lists, by what people call them."""
    return [
        block["text"]["text"].split("*")[1]
        for block in message.blocks
        if block["type"] == "section" and "accessory" in block
    ]


def shown(stage: Stage, listed: SeenMessage) -> SeenMessage:
    """The message as it stands now."""
    return next(m for m in stage.alice.messages() if m.ts == listed.ts)


async def test_three_hundred_machines_are_paged_in_place(stage: Stage) -> None:
    listed = await stage.asks(stage.alice, "/dbc vm list")
    assert rows(listed) == [f"m{number:03}" for number in range(10)]
    assert "1 to 10 of 300" in listed.plain
    assert listed.buttons == ["Create a machine", "Next ▶"]
    assert len(listed.blocks) <= 50
    count = len(stage.alice.messages())
    await stage.alice.presses("Next ▶", listed)
    await stage.quiet()
    assert rows(shown(stage, listed)) == [f"m{number:03}" for number in range(10, 20)]
    assert shown(stage, listed).buttons == ["Create a machine", "◀ Previous", "Next ▶"]
    assert len(stage.alice.messages()) == count
    assert not [m for m in stage.alice.messages() if m.files]


async def test_only_whoever_asked_turns_the_pages_of_a_public_list(stage: Stage) -> None:
    await stage.alice.types("@dbc vm list")
    listed = await stage.bob.sees("1 to 10 of 300", CHANNEL)
    await stage.bob.presses("Next ▶", listed)
    told = await stage.bob.sees("You have no node access yet")
    assert told.ephemeral
    assert rows(shown(stage, listed))[0] == "m000"
    await stage.alice.presses("Next ▶", listed)
    await stage.bob.sees("11 to 20 of 300", CHANNEL)


async def test_a_colleague_who_turns_a_page_lists_their_own(stage: Stage) -> None:
    """Also one with access to the same machines: what Alice asked for is hers."""
    await stage.gives_session(stage.bob, "gpu1")
    await stage.alice.types("@dbc vm list")
    listed = await stage.bob.sees("1 to 10 of 300", CHANNEL)
    await stage.bob.presses("Next ▶", listed)
    await stage.quiet()
    assert rows(shown(stage, listed))[0] == "m000"
    own = stage.bob.last(CHANNEL)
    assert own.ephemeral
    assert rows(own)[0] == "m000"


async def test_a_list_by_state_and_in_an_order(stage: Stage) -> None:
    listed = await stage.asks(stage.alice, "/dbc vm list --state off")
    assert rows(listed) == ["m007", "m107", "m207"]
    assert listed.buttons == ["Create a machine"]
    listed = await stage.asks(stage.alice, "/dbc vm list --sort state --node gpu1")
    assert rows(listed)[0] == "m000"
    listed = await stage.asks(stage.alice, "/dbc vm list state=failed")
    assert "None of your machines is in this state: failed." in listed.plain


async def test_gpus_are_listed_once_they_were_read(stage: Stage) -> None:
    await stage.asks(stage.alice, "/dbc vm show m001")
    listed = await stage.asks(stage.alice, "/dbc vm list")
    [row] = [b["text"]["text"] for b in listed.blocks if "*m001*" in str(b)]
    assert f"{len(stage.task('m001').gpus)} GPU" in row
