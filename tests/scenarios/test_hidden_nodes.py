"""A node that the rules deny to read is in no list over several nodes, and in no search field."""

from collections.abc import AsyncIterator
from datetime import timedelta
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
    "approval list",
    "approval list --json",
    "vm create name=x image=ubuntu-20.04.qcow2 gpu=1 cpu=1 mem=1",
    "image progress x.qcow2",
    "vm show n",
    "node show g",
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


def glass(stage: Stage) -> str:
    """Bob may do anything at once, and Carol says whether it was right."""
    return (
        '[[rule]]\nname = "glass"\nmatch = {}\n'
        f'break_glass = {{ persons = ["{stage.bob.id}"] }}\n'
        f'approvers = {{ persons = ["{stage.carol.id}"] }}\n'
    )


@pytest.mark.parametrize("line", LISTS)
async def test_it_is_in_no_list_for_whom_it_is_denied(stage: Stage, line: str) -> None:
    rules(stage, glass(stage))
    await stage.asks(stage.bob, f'/dbc vm shutdown {NAME} break_glass="It floods the switch"')
    rules(stage, glass(stage) + denied(stage, f'person = "{stage.alice.id}"'))
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
    stage.clock.advance(timedelta(seconds=61))  # what was said counts for a minute
    stage.ws.faults.add("http_500", "usergroups.list", times=None)
    assert "gpu1" not in await shown(stage, stage.alice, "node list")


async def test_who_may_see_no_node_at_all_is_told_so(stage: Stage) -> None:
    await stage.erases_session(stage.alice, "gpu2")
    rules(stage, denied(stage, f'person = "{stage.alice.id}"'))
    assert "The rules here let you list no node" in await shown(stage, stage.alice, "vm list")


PRESENT = "now 64"


async def fields(stage: Stage, person: Person) -> str:
    """What stands in the form on top, once all of it has been read."""
    await stage.quiet()
    assert person.modal is not None
    return str(person.modal.blocks)


@pytest.mark.parametrize("condition", ['effect = "read"', 'command = "vm.show"'])
async def test_the_form_of_a_change_tells_nothing_of_it(stage: Stage, condition: str) -> None:
    await stage.alice.types(f"/dbc vm modify {NAME}", channel=CHANNEL)
    assert PRESENT in await fields(stage, stage.alice)
    await stage.alice.closes()

    policy = denied(stage, f'person = "{stage.alice.id}"')
    rules(stage, policy.replace('effect = "read"', condition))
    asked = len(stage.world.calls)
    await stage.alice.types(f"/dbc vm modify {NAME}", channel=CHANNEL)
    form = await fields(stage, stage.alice)
    assert "could not be read. Not for you." in form
    assert PRESENT not in form
    assert len(stage.world.calls) == asked


async def test_the_form_tells_nothing_of_a_machine_chosen_in_it_either(stage: Stage) -> None:
    policy = denied(stage, f'person = "{stage.alice.id}"')
    rules(stage, policy.replace('effect = "read"', 'command = "vm.show"'))
    asked = len(stage.world.calls)
    await stage.alice.types("/dbc vm modify", channel=CHANNEL)
    await stage.alice.sees_modal("Machine")
    await stage.alice.fills({"Machine": stage.task(NAME).task_id})
    form = await fields(stage, stage.alice)
    assert "could not be read. Not for you." in form
    assert PRESENT not in form
    assert len(stage.world.calls) == asked


async def test_several_that_a_name_may_mean_are_counted_and_not_named(stage: Stage) -> None:
    rules(stage, denied(stage, f'person = "{stage.alice.id}"'))
    for person, words in ((stage.alice, "I know gpu2."), (stage.bob, "I know gpu1, gpu2.")):
        await stage.asks(person, "/dbc image progress x.qcow2")
        assert words in person.last(CHANNEL).plain
    told = await shown(stage, stage.alice, "node show g")
    assert "“g” could be any of gpu2" in told
    assert "and others." in told


async def test_what_one_is_to_decide_is_shown_all_the_same(stage: Stage) -> None:
    rules(stage, denied(stage, f'person = "{stage.alice.id}"'))
    await stage.asks(stage.bob, f"/dbc vm delete {NAME}")
    assert NAME in await shown(stage, stage.alice, "approval list")
