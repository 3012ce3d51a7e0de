"""The Home tab."""

from bot.ids import UserId
from bot.reply import Actions, Button, Para, Reply
from tests.handlers.conftest import Office
from tests.handlers.scripted import say

HOME = Reply("", (Para(("Your machines",)), Actions((Button("Refresh", "home.refresh", "1"),))))


async def test_the_home_tab_shows_what_the_core_says(any_office: Office) -> None:
    any_office.core.home_reply = HOME
    await any_office.alice.opens_home()
    home = await any_office.alice.sees_home("Your machines")
    assert home.buttons == ["Refresh"]


async def test_a_button_on_the_home_tab_works_and_the_tab_is_shown_anew(
    any_office: Office,
) -> None:
    any_office.core.home_reply = HOME
    await any_office.alice.opens_home()
    await any_office.alice.sees_home("Your machines")
    any_office.core.work = say(Reply.of("Started."))
    any_office.core.home_reply = Reply.of("Everything runs.")
    await any_office.alice.presses("Refresh", on_home=True)
    await any_office.alice.sees_home("Everything runs.")
    await any_office.alice.sees("Started.", "@dbc")
    assert any_office.core.presses[0].place.channel == any_office.alice.id


async def test_a_home_that_cannot_be_made_stops_no_other(office: Office) -> None:
    for person in (office.bob, office.alice):
        await person.opens_home()
        await person.sees_home("Nothing yet")
    await office.ws.idle()
    office.core.faulty_homes = {office.bob.id}
    office.core.home_reply = Reply.of("Everything runs.")
    await office.edge.homes.refresh()
    await office.edge.homes.refresh()
    await office.alice.sees_home("Everything runs.")
    await office.bob.sees_home("Nothing yet")


async def test_an_older_home_is_not_published_over_a_newer_one(office: Office) -> None:
    await office.alice.opens_home()
    await office.alice.sees_home("Nothing yet")
    await office.ws.idle()
    shown = {"type": "home", "blocks": [{"type": "divider"}]}
    await office.connection.call("views.publish", user_id=office.alice.id, view=shown)
    office.core.home_reply = Reply.of("Everything runs.")
    for _ in range(2):
        await office.edge.homes.refresh()
    assert office.alice.home is not None
    assert office.alice.home.plain == ""


async def test_a_home_of_a_former_process_is_not_published_over_one_opened_meanwhile(
    office: Office,
) -> None:
    alice = UserId(office.alice.id)

    async def opens() -> None:
        office.core.home_reply = Reply.of("Everything runs.")
        await office.edge.homes.show(alice)

    office.core.noted_homes = {alice: ""}
    office.core.meanwhile = opens
    await office.edge.homes.refresh()
    assert office.alice.home is not None
    assert office.alice.home.plain == "Everything runs."
