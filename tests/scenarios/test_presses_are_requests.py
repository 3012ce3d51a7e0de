"""A press on a machine's button is a request of whoever pressed it, decided like a typed line."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.model import AuditKind
from tests.scenarios.site import NAME, approves, entries, rules, site
from tests.scenarios.stage import CHANNEL, Stage, card
from tests.scenarios.test_machine_buttons import chooses, menu_of


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with site(tmp_path, entitled="alice bob") as one:
        yield one


async def test_a_node_that_is_denied_is_behind_no_button(stage: Stage) -> None:
    await stage.alice.types("@dbc vm list")
    listed = await stage.alice.sees(NAME, CHANNEL)
    await stage.asks(stage.bob, "/dbc vm list")
    rules(
        stage,
        '[[rule]]\nname = "secret"\ndeny = "Not for you."\n'
        f'match = {{ effect = "read", node = "{stage.node("gpu1").node_id}", '
        f'person = "{stage.bob.id}" }}\n',
    )
    asked = len(stage.world.calls)
    for act in ("More …", "Show", "Logs"):
        await chooses(stage, stage.bob, listed, NAME, act)
        told = stage.bob.last(CHANNEL)
        assert told.ephemeral
        assert NAME not in told.plain
        assert "gpu1" not in told.plain
    assert len(stage.world.calls) == asked


async def test_a_guest_is_shown_nothing_by_buttons(stage: Stage) -> None:
    """Also one who has kept the session of the time before."""
    await stage.alice.types("@dbc vm list")
    listed = await stage.alice.sees(NAME, CHANNEL)
    gina = stage.ws.add_member("gina", is_restricted=True)
    stage.ws.core.state.channel(CHANNEL).members.append(gina.id)
    await stage.gives_session(gina, "gpu1")
    await chooses(stage, gina, listed, NAME, "More …")
    told = gina.last(CHANNEL)
    assert "Only full members of this workspace can see machines." in told.plain
    assert "Delete" not in told.buttons
    await chooses(stage, gina, listed, NAME, "Force restart")
    assert stage.changes() == []


async def test_a_stranger_connects_to_nothing(stage: Stage) -> None:
    """The button stands in the channel, under what somebody else has started."""
    off = stage.task(NAME)
    await stage.asks(stage.alice, f"/dbc vm shutdown {NAME}")
    await approves(stage, stage.bob, card(stage.alice))
    await stage.ends(stage.alice, f"{NAME} is off")
    await stage.asks(stage.alice, f"/dbc vm start {NAME}")
    end = await stage.ends(stage.alice, f"{NAME} is running")
    asked = len(stage.world.calls)
    await stage.carol.presses("How to connect", end)
    await stage.quiet()
    told = stage.carol.last(CHANNEL)
    assert told.ephemeral
    assert "You have no session for gpu1" in told.plain
    assert off.login_password not in stage.carol.screen()
    assert len(stage.world.calls) == asked


async def test_a_press_that_is_delivered_twice_is_one_request(stage: Stage) -> None:
    rules(stage, "[defaults]\ndisrupt = {}\n")
    listed = await stage.asks(stage.alice, "/dbc vm list")
    stage.ws.deliver_twice(1)
    await stage.alice.chooses(menu_of(listed, NAME)[0], "Restart", listed)
    await stage.quiet()
    asked = [e for e in await entries(stage) if e.kind == AuditKind.REQUESTED]
    assert [(e.actor, e.command) for e in asked] == [(stage.alice.id, "vm.restart")]
    assert stage.changes() == ["tasks.restart"]


async def test_what_needs_approval_waits_for_it_also_when_it_is_pressed(stage: Stage) -> None:
    rules(stage, "[defaults]\ndisrupt = { approvals = 1 }\n")
    listed = await stage.asks(stage.alice, "/dbc vm list")
    await chooses(stage, stage.alice, listed, NAME, "Restart")
    assert stage.changes() == []
    await approves(stage, stage.bob, card(stage.alice))
    assert stage.changes() == ["tasks.restart"]
    asked = [e for e in await entries(stage) if e.kind == AuditKind.REQUESTED]
    assert [(e.actor, e.command) for e in asked] == [(stage.alice.id, "vm.restart")]
