"""A node that the rules deny to read is in no list over several nodes, and in no search field."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.slack import Person
from tests.scenarios.site import NAME, rules, site
from tests.scenarios.stage import CHANNEL, Stage

LISTS = (
    "vm list",
    "vm list --json",
    "node list",
    "image list",
    "session list",
    "session check",
    "whoami",
    "watch list",
    "audit list",
    "audit list --json",
)


def denied(stage: Stage, who: str) -> str:
    """Nobody who is meant reads anything of gpu1."""
    return (
        '[[rule]]\nname = "secret"\ndeny = "Not for you."\n'
        f'match = {{ effect = "read", node = "{stage.node("gpu1").node_id}", {who} }}\n'
    )


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with site(tmp_path, entitled="alice bob") as one:
        for person in (one.alice, one.bob):
            await one.gives_session(person, "gpu2")
            await one.asks(person, "/dbc vm list")
        yield one


async def shown(stage: Stage, person: Person, line: str, channel: str = CHANNEL) -> str:
    said = await stage.asks(person, f"/dbc {line}", channel)
    return said.plain


@pytest.mark.parametrize("line", LISTS)
async def test_it_is_in_no_list_for_whom_it_is_denied(stage: Stage, line: str) -> None:
    await stage.asks(stage.bob, f"/dbc vm start {NAME}")
    rules(stage, denied(stage, f'person = "{stage.alice.id}"'))
    told = await shown(stage, stage.alice, line)
    assert "gpu1" not in told
    assert stage.node("gpu1").node_id not in told
    assert NAME not in told


async def test_others_and_other_channels_see_it(stage: Stage) -> None:
    rules(stage, denied(stage, f'person = "{stage.alice.id}", channel = "C0GPUOPS"'))
    assert "gpu1" not in await shown(stage, stage.alice, "vm list")
    assert "gpu1" in await shown(stage, stage.alice, "vm list", "@dbc")
    assert "gpu1" in await shown(stage, stage.bob, "vm list")


async def test_it_is_in_no_search_field_and_not_on_the_home(stage: Stage) -> None:
    await stage.passes(61)
    rules(stage, denied(stage, f'person = "{stage.alice.id}"'))
    for person, sees in ((stage.alice, False), (stage.bob, True)):
        await person.types("/dbc vm start", channel=CHANNEL)
        await person.sees_modal("Machine")
        assert any(NAME in one for one in await person.suggests("Machine", "")) is sees
        await person.types("/dbc vm create", channel=CHANNEL)
        await person.sees_modal("Image")
        assert any("gpu1" in one for one in await person.suggests("Node", "")) is sees
        assert any("gpu1" in one for one in await person.suggests("Image", "")) is sees
        await person.opens_home()
        assert (NAME in (await person.sees_home("Your machines")).plain) is sees


async def test_while_slack_does_not_say_who_is_in_a_group_it_is_hidden(stage: Stage) -> None:
    group = stage.ws.add_usergroup("interns", "bob")
    rules(stage, denied(stage, f'group = "{group.id}"'))
    assert "gpu1" in await shown(stage, stage.alice, "vm list")
    assert "gpu1" not in await shown(stage, stage.bob, "vm list")
    stage.ws.faults.add("http_500", "usergroups.users.list", times=None)
    assert "gpu1" not in await shown(stage, stage.alice, "node list")


async def test_who_may_see_no_node_at_all_is_told_so(stage: Stage) -> None:
    await stage.asks(stage.alice, "/dbc session remove gpu2")
    rules(stage, denied(stage, f'person = "{stage.alice.id}"'))
    assert "The rules here let you list no node" in await shown(stage, stage.alice, "vm list")
