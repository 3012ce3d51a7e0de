"""Buttons: what the core learns of a click, and how it is answered."""

import pytest

from bot.ids import ChannelId
from bot.model import Place
from bot.ports import Answer
from bot.reply import Actions, Button, FieldKind, Form, FormField, Para, Reply
from handlers.payloads import action_id, action_of, delivery_key
from handlers.slack import SlackMessenger
from sandbox.slack.conversations import Message
from tests.handlers.conftest import Office
from tests.handlers.scripted import say

CARD = Reply(
    "Restart x?",
    (
        Para(("Restart x?",)),
        Actions((Button("Approve", "approval.approve", "42", "primary"),)),
        Actions((Button("Deny", "approval.deny", "42", "danger"),)),
    ),
)
FORM = Form("vm create", "Create a machine", "Create", (FormField("name", "Name", FieldKind.TEXT),))


async def post_card(office: Office, thread: str = "") -> Place:
    place = Place(ChannelId(office.ws.core.state.channel("gpu-ops").id), thread)
    await SlackMessenger(office.connection, office.clock).post(place, CARD, "card:1")
    return place


async def test_a_press_reaches_the_core_and_is_answered_to_the_presser_alone(
    any_office: Office,
) -> None:
    place = await post_card(any_office)
    any_office.core.work = say(Reply.of("You were first."))
    ack = await any_office.bob.presses("Deny")
    assert ack is not None
    assert ack.ok
    seen = await any_office.bob.sees("You were first.")
    assert (seen.ephemeral, seen.channel) == (True, place.channel)
    (press,) = any_office.core.presses
    assert (press.actor, press.action, press.value) == (any_office.bob.id, "approval.deny", "42")
    assert press.place == place


async def test_a_press_in_a_thread_is_answered_in_the_thread(office: Office) -> None:
    top = await office.alice.types("Something is down")
    assert isinstance(top, Message)
    place = await post_card(office, top.ts)
    office.core.work = say(Reply.of("You were first."))
    await office.bob.presses("Approve")
    seen = await office.bob.sees("You were first.")
    assert (seen.ephemeral, seen.thread_ts) == (True, top.ts)
    assert office.core.presses[0].place == place


async def test_a_press_delivered_twice_is_taken_once(any_office: Office) -> None:
    await post_card(any_office)
    any_office.ws.deliver_twice()
    await any_office.bob.presses("Approve")
    await any_office.ws.idle()
    assert len(any_office.core.presses) == 1
    assert (await any_office.ws.deliver_again("block_actions")).ok
    assert len(any_office.core.presses) == 1


async def test_two_presses_of_one_button_are_two(office: Office) -> None:
    await post_card(office)
    await office.bob.presses("Approve")
    await office.alice.presses("Approve")
    first, second = office.core.presses
    assert first.key != second.key


async def test_the_button_of_an_account_of_another_workspace_does_nothing(office: Office) -> None:
    await post_card(office)
    stranger = office.ws.add_member("mallory", team_id="T0OTHER")
    office.ws.core.state.channel("gpu-ops").members.append(stranger.id)
    await stranger.presses("Approve")
    await stranger.sees("only work for members")
    assert office.core.presses == []


async def test_a_button_opens_a_form_at_once(any_office: Office) -> None:
    await post_card(any_office)

    async def open_form(answer: Answer) -> None:
        await answer.open(FORM)

    any_office.core.work = open_form
    await any_office.bob.presses("Approve")
    assert (await any_office.bob.sees_modal()).title == "Create a machine"


@pytest.mark.parametrize("action", ["approval.approve", "vm.restart", "a.b_c.d"])
def test_an_action_survives_slack(action: str) -> None:
    assert action_of(action_id(action, 7)) == action


@pytest.mark.parametrize("foreign", ["", "approve", "approval.approve", "search:vm:name", "a.b:x"])
def test_foreign_action_ids_are_none_of_ours(foreign: str) -> None:
    assert action_of(foreign) == ""


def test_a_key_tells_nothing_of_the_trigger_and_tells_deliveries_apart() -> None:
    assert "123.456.secret" not in delivery_key("slash", "123.456.secret")
    assert delivery_key("press", "a", "bc") != delivery_key("press", "ab", "c")
    assert delivery_key("press", "a") != delivery_key("slash", "a")
