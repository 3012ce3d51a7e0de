"""What leads on from a list leads whoever presses it only where they may go, and as it is now."""

from pathlib import Path

import pytest

from sandbox.slack import Person
from tests.scenarios.site import rules
from tests.scenarios.stage import CONFIRM_ONLY, Stage
from tests.scenarios.test_approval_rights import presses_somehow
from tests.scenarios.test_machine_buttons import menu_of
from tests.scenarios.ways import ENDS_ONLY, lists_a_deletion, with_a_rental, with_a_silence

GUEST = "Only full members of this workspace can see machines"
OVER = "You have no session for this order's node, so others decide on it."


async def presses_the_same(stage: Stage, person: Person) -> str:
    """`person` presses what was pressed last; what they read then."""
    before = len(person.messages())
    await presses_somehow(stage, stage.alice.last(), user={"id": person.id})
    return "\n".join(one.plain.replace("*", "") for one in person.messages()[before:])


async def becomes_a_guest(stage: Stage, person: Person) -> None:
    """Somebody who had a session, and still has it here."""
    await stage.gives_session(person, "gpu1")
    person.member.is_restricted = True
    await stage.passes(61)


async def test_open_shows_an_approval_as_it_is_to_whoever_may_see_it(one_stage: Stage) -> None:
    stage = one_stage
    listed, menu, _ = await lists_a_deletion(stage)
    await stage.alice.chooses(menu, "Open", listed)
    await stage.quiet()
    assert "You can see only what you asked for" in await presses_the_same(stage, stage.bob)
    await becomes_a_guest(stage, stage.carol)
    assert "You can see only what you asked for" in await presses_the_same(stage, stage.carol)
    await stage.alice.chooses(menu, "Withdraw", listed)
    await stage.quiet()
    await stage.alice.chooses(menu, "Open", listed)
    await stage.quiet()
    opened = stage.alice.last()
    assert "withdrew “Delete inference on gpu1”" in opened.plain.replace("*", "")
    assert opened.buttons == []


@pytest.mark.slow
async def test_a_row_of_a_rental_is_for_whoever_is_told_of_it(tmp_path: Path) -> None:
    async with with_a_rental(tmp_path) as (scene, rental):
        stage, alice = scene.stage, scene.stage.alice
        await becomes_a_guest(stage, stage.carol)
        listed = await stage.asks(alice, "/dbc order list")
        menu, _ = menu_of(listed, str(rental.number))
        await alice.chooses(menu, "Copy data …", listed)
        await stage.quiet()
        untold = f"You are told of no order {rental.number}."
        assert untold in await presses_the_same(stage, stage.bob)
        assert GUEST in await presses_the_same(stage, stage.carol)
        await alice.chooses(menu, "I renew it", listed)
        await stage.quiet()
        assert OVER in await presses_the_same(stage, stage.bob)
        assert GUEST in await presses_the_same(stage, stage.carol)
        await scene.until(rental.end + 60)
        await alice.chooses(menu, "Copy data …", listed)
        await stage.quiet()
        assert "The order has ended" in alice.last().plain
        await alice.chooses(menu, "I renew it", listed)
        await stage.quiet()
        assert "This warning is over. Order 1287 for" in alice.last().plain.replace("*", "")


async def test_to_hear_less_is_a_choice_of_whoever_presses_it(tmp_path: Path) -> None:
    async with with_a_silence(tmp_path) as (stage, alarm):
        alice, bob = stage.alice, stage.bob
        never = '[[rule]]\nname = "no"\nmatch = { command = "settings.notifications" }\n'
        rules(stage, f'{CONFIRM_ONLY}{never}deny = "No."\n[outages]\n')
        await alice.presses(ENDS_ONLY, alarm)
        await stage.quiet()
        assert "No." in alice.last("@dbc").plain
        rules(stage, f"{CONFIRM_ONLY}[outages]\n")
        await presses_the_same(stage, bob)
        for person, chosen in ((alice, "everything\n"), (bob, "ends only\n")):
            assert f"Notifications*\n{chosen}" in (await stage.asks(person, "/dbc settings")).plain


async def test_who_has_no_session_is_told_what_one_is_and_can_ask_for_access(
    one_stage: Stage,
) -> None:
    stage = one_stage
    told = await stage.asks(stage.bob, "/dbc vm create")
    assert "A session is what a node knows its renter by." in told.plain
    assert told.buttons == ["Ask for access"]
