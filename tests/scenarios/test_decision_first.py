"""What the rules deny is refused before anything is looked at: nobody learns how things stand."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from sandbox.slack import Person
from tests.scenarios.changing import (
    DEEDS,
    LOCAL,
    NO_REVIEW,
    PYTORCH,
    UNREVIEWED,
    Deed,
    does,
    prepared,
)
from tests.scenarios.site import NAME, both_stages, is_http, rules, site
from tests.scenarios.stage import CHANNEL, Stage

WHY = "Not for you."
READS = (
    f"vm show {NAME}",
    f"vm show {NAME[:4]}",
    "vm show unheard-of",
    "vm list",
    f"vm logs {NAME}",
    f"disk list {NAME}",
    f"snapshot list {NAME}",
    f"snapshot show {NAME} before",
    "image list gpu1",
    "image progress pytorch-2.4.qcow2 on gpu1",
    "lan list gpu1",
    "node show gpu1",
    "node retry gpu1",
    "node orders gpu1",
    "session check gpu1",
)
ON_GPU1 = [
    name
    for name, deed in DEEDS.items()
    if (NAME in deed.line or "gpu1" in deed.line) and name != "watch.stop"
]


def denied(person: Person, more: str = "") -> str:
    return (
        f'{NO_REVIEW}[[rule]]\nname = "no"\ndeny = "{WHY}"\n'
        f'match = {{ person = "{person.id}"{more} }}\n'
    )


def looks(stage: Stage) -> list[str]:
    """What DBC was asked."""
    return [call.op for call in stage.world.calls]


@pytest.fixture
async def stage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stage]:
    async with site(tmp_path, NO_REVIEW, entitled="", http=is_http(request)) as one:
        yield one


@pytest.mark.parametrize(
    "name",
    # Those of questions say themselves who may.
    [name for name in DEEDS if not name.startswith("approval.") and name not in UNREVIEWED],
)
async def test_who_is_denied_everything_has_nothing_looked_at(stage: Stage, name: str) -> None:
    deed = await prepared(stage, DEEDS[name])
    rules(stage, denied(stage.alice))
    if deed.form:  # which does not open for what is denied whatever it is about
        await stage.asks(stage.alice, f"/dbc {deed.line}")
        nothing_learnt(stage)
        return
    for options in ("", "--dry-run"):  # a form takes none
        await does(stage, deed, options=options)
        nothing_learnt(stage)
        assert stage.alice.screen().count(WHY) == (2 if options else 1)


def nothing_learnt(stage: Stage) -> None:
    assert looks(stage) == []
    assert WHY in stage.alice.screen()
    assert modal(stage) == ""


@pytest.mark.parametrize("options", ["", " --dry-run"])
async def test_a_change_that_is_denied_looks_for_no_name(stage: Stage, options: str) -> None:
    await prepared(stage, Deed(""))
    rules(stage, denied(stage.alice))
    seen = await stage.asks(stage.alice, f"/dbc vm restart unheard-of{options}")
    assert looks(stage) == []
    assert WHY in seen.plain


def modal(stage: Stage) -> str:
    return str(stage.alice.modal.blocks) if stage.alice.modal is not None else ""


@pytest.mark.parametrize("name", ON_GPU1)
async def test_who_is_denied_one_node_has_nothing_looked_at_on_it(stage: Stage, name: str) -> None:
    deed = await prepared(stage, DEEDS[name])
    node = stage.node("gpu1").node_id
    rules(stage, denied(stage.alice, f', node = "{node}"'))
    await does(stage, deed)
    assert [call.op for call in stage.world.calls if call.node_name] == []
    assert WHY in stage.alice.screen() or WHY in modal(stage)


@pytest.mark.parametrize("line", READS)
async def test_a_read_that_is_denied_looks_at_nothing(stage: Stage, line: str) -> None:
    await prepared(stage, Deed(""))
    for where in (f', node = "{stage.node("gpu1").node_id}"', ""):
        rules(stage, denied(stage.alice, where))
        seen = await stage.asks(stage.alice, f"/dbc {line}")
        assert [call.op for call in stage.world.calls if call.node_name] == []
        learnt = {NAME, "running", stage.task(NAME).task_id[:8]} - set(line.split())
        assert [one for one in learnt if one in seen.plain] == []


async def test_the_form_of_what_is_denied_shows_nothing_of_it(stage: Stage) -> None:
    await prepared(stage, Deed(""))
    rules(stage, denied(stage.alice, ', effect = "change"'))
    await stage.alice.types(f"/dbc vm modify {NAME[:4]}", channel=CHANNEL)
    await stage.quiet()
    assert WHY in stage.alice.screen()
    assert modal(stage) == ""
    assert looks(stage) == []


async def test_the_form_of_what_is_denied_on_one_node_shows_nothing_of_it(stage: Stage) -> None:
    await prepared(stage, Deed(""))
    node = stage.node("gpu1").node_id
    rules(stage, denied(stage.alice, f', effect = "change", node = "{node}"'))
    await stage.alice.types(f"/dbc vm modify {NAME[:4]}", channel=CHANNEL)
    await stage.quiet()
    assert f"could not be read. {WHY}" in modal(stage)
    assert looks(stage) == []


@both_stages
async def test_the_rules_sentence_is_read_and_not_how_the_machine_stands(stage: Stage) -> None:
    await prepared(stage, Deed(""))
    rules(stage, denied(stage.alice))
    for line in (f"disk add {NAME} 50", f"snapshot create {NAME} s1 to=hub", f"watch vm {NAME}"):
        seen = await stage.asks(stage.alice, f"/dbc {line}")
        assert WHY in seen.plain
        assert "Shut it down" not in seen.plain


async def test_while_slack_does_not_say_who_is_denied_nothing_is_looked_at(stage: Stage) -> None:
    await prepared(stage, Deed(""))
    group = stage.ws.add_usergroup("interns", "bob")
    rules(
        stage,
        f'{NO_REVIEW}[[rule]]\nname = "no"\ndeny = "{WHY}"\nmatch = {{ group = "{group.id}" }}\n',
    )
    stage.ws.faults.add("http_500", "usergroups.list", times=None)
    await stage.asks(stage.alice, f"/dbc disk add {NAME} 50")
    await stage.alice.types(f"/dbc disk add {NAME} 50 --dry-run", CHANNEL)
    await stage.clock.sleeping()  # Slack is asked again
    stage.clock.advance(timedelta(hours=1))
    await stage.quiet()
    assert looks(stage) == []


FOUND = {
    "image.upload": ("server", f"image upload /data/{LOCAL} on gpu1"),
    "image.download": ("server", f"image download {PYTORCH} on gpu1"),
    "snapshot.create": ("server", f"snapshot create {NAME} s1"),
}


@pytest.mark.parametrize("options", ["", " --dry-run"])
@pytest.mark.parametrize("name", FOUND)
async def test_nothing_is_learnt_where_only_the_look_finds_what_is_denied(
    stage: Stage, name: str, options: str
) -> None:
    await prepared(stage, DEEDS[name])
    del stage.world.image_servers["backup"]
    argument, line = FOUND[name]
    rules(stage, denied(stage.alice, f', command = "{name}", arguments = {{ {argument} = "hub" }}'))
    stage.world.calls.clear()
    seen = await stage.asks(stage.alice, f"/dbc {line}{options}")
    assert WHY in seen.plain
    assert [call.op for call in stage.world.calls if call.node_name] == []
    assert [one for one in ("running", "Shut it down", "GiB", "has it") if one in seen.plain] == []


async def test_a_denied_direction_of_a_transfer_tells_nothing_of_it(stage: Stage) -> None:
    deed = await prepared(stage, DEEDS["image.stop"])
    rules(
        stage,
        denied(stage.alice, ', command = "image.stop", arguments = { direction = "download" }'),
    )
    stage.world.calls.clear()
    await does(stage, deed)
    assert WHY in stage.alice.screen()
    assert {call.op for call in stage.world.calls} <= {
        "images.upload_progress",
        "images.download_progress",
    }
