"""Forms: opening, filling in, sending in, what comes back, and being put back."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.ids import ChannelId
from bot.model import Place
from bot.ports import Answer, Rejected, Work
from bot.reply import Choice, FieldKind, Form, FormField, Para, Reply
from handlers.edge import SlackEdge
from handlers.forms import entered, errors_at, form_view, name_of, options, source_of
from handlers.payloads import FormOrigin
from tests.handlers.conftest import Office
from tests.handlers.scripted import say

FORM = Form(
    command="vm create",
    title="Create a machine on a GPU node",
    submit="Create",
    intro=(Para(("A new machine.",)),),
    fields=(
        FormField("name", "Name", FieldKind.TEXT, hint="Letters", placeholder="train-1"),
        FormField("note", "Note", FieldKind.LINES, required=False),
        FormField("cpu", "CPU cores", FieldKind.NUMBER, initial=Choice("4", "4")),
        FormField(
            "gpu",
            "GPUs",
            FieldKind.CHOICE,
            choices=(Choice("one", "1"), Choice("two", "2", "both of them")),
            initial=Choice("two", "2"),
        ),
        FormField("public", "Public address", FieldKind.FLAG),
        FormField("image", "Image", FieldKind.SEARCH, source="image"),
    ),
)
SECRET = "pw-4711-secret"


def opening(form: Form) -> Work:
    async def work(answer: Answer) -> None:
        await answer.open(form)

    return work


async def fill(office: Office) -> None:
    office.core.choices = [Choice("Ubuntu 22", "ubuntu22"), Choice("Windows", "win11")]
    await office.alice.fills(
        {"Name": SECRET, "CPU cores": "8", "GPUs": "one", "Image": "Ubuntu 22"}
    )


async def open_form(office: Office, channel: str = "gpu-ops", form: Form = FORM) -> None:
    office.core.work = opening(form)
    await office.alice.types("/dbc vm create", channel)
    await office.alice.sees_modal("A new machine.")
    office.core.work = say(Reply.of("Created."))


async def test_a_form_sent_in_reaches_the_core_with_what_was_typed(any_office: Office) -> None:
    await open_form(any_office)
    modal = any_office.alice.modal
    assert modal is not None
    assert modal.title == "Create a machine on a G…"
    assert modal.value("GPUs") == "2"
    await fill(any_office)
    ack = await any_office.alice.submits()
    assert ack is not None
    assert ack.ok
    assert any_office.alice.modal is None
    (sent,) = any_office.core.submissions
    assert (sent.form, sent.actor, sent.view) == ("vm create", any_office.alice.id, modal.id)
    assert sent.place == any_office.core.lines[0].place
    assert sent.values == {
        "name": SECRET,
        "note": "",
        "cpu": "8",
        "gpu": "1",
        "public": "",
        "image": "ubuntu22",
    }
    assert (await any_office.alice.sees("Created.", "gpu-ops")).ephemeral


async def test_a_ticked_flag_is_true(office: Office) -> None:
    await open_form(office)
    await fill(office)
    await office.alice.submits({"Public address": ["Public address"]})
    assert office.core.submissions[0].values["public"] == "true"


async def test_the_result_of_a_form_from_a_channel_without_the_bot_is_said_there(
    office: Office,
) -> None:
    await open_form(office, "random")
    await fill(office)
    await office.alice.submits()
    assert (await office.alice.sees("Created.", "random")).ephemeral


async def test_the_result_of_a_form_comes_by_direct_message_where_nothing_else_is_left(
    office: Office,
) -> None:
    await open_form(office, "random")
    office.ws.core.state.response_urls.clear()
    await fill(office)
    await office.alice.submits()
    told = await office.alice.sees("Created.", "@dbc")
    assert "I am not in" in told.plain


async def test_faults_are_shown_at_their_fields_and_the_corrected_form_is_taken(
    any_office: Office,
) -> None:
    await open_form(any_office)
    await fill(any_office)
    any_office.core.rejected = Rejected({"cpu": "At most 4.", "nobody": "Not today."})
    await any_office.alice.submits()
    modal = any_office.alice.modal
    assert modal is not None
    assert modal.errors == {"CPU cores": "At most 4.", "Name": "Not today."}
    any_office.core.rejected = None
    await any_office.alice.submits({"CPU cores": "4"})
    await any_office.alice.sees("Created.")
    assert [sent.values["cpu"] for sent in any_office.core.submissions] == ["8", "4"]


async def test_a_form_that_waits_is_answered_in_itself(any_office: Office) -> None:
    await open_form(any_office)
    await fill(any_office)
    any_office.core.waiting = Reply.of("Trying the session …")
    await any_office.alice.submits()
    await any_office.alice.sees_modal("Created.")
    assert not any("Created." in message.plain for message in any_office.alice.messages())


async def submits_in_vain(office: Office) -> None:
    """Alice sends the form in, and time goes on until she is told that it takes longer."""
    sending = asyncio.create_task(office.alice.submits())
    while not sending.done():
        office.clock.advance(timedelta(seconds=0.5))
        await asyncio.wait([sending], timeout=0.01)
    await sending


async def test_a_form_that_waits_keeps_what_was_typed_and_takes_nothing_more(
    any_office: Office,
) -> None:
    await open_form(any_office)
    await fill(any_office)
    any_office.core.waiting = Reply.of("Trying the session …")
    goes_on = asyncio.Event()

    async def trying(answer: Answer) -> None:
        await any_office.alice.sees_modal("Trying")
        await answer.meanwhile(Reply.of("It takes its time …"))
        await goes_on.wait()
        await answer.open(FORM)

    any_office.core.work = trying
    await submits_in_vain(any_office)
    modal = await any_office.alice.sees_modal("It takes its time")
    assert modal.value("Name") == SECRET
    await any_office.alice.submits()
    assert "Still checking" in str(modal.errors)
    goes_on.set()
    modal = await any_office.alice.sees_modal("A new machine.")
    await any_office.edge._supervisor.drain(timedelta(seconds=5))
    assert modal.callback_id == "form"
    assert modal.value("Name") == SECRET
    assert SECRET not in modal.private_metadata + str(modal.blocks)
    assert len(any_office.core.submissions) == 1


async def test_the_choice_that_decides_others_is_told_and_remembered(any_office: Office) -> None:
    node = FormField("node", "Node", FieldKind.SEARCH, source="node", decides=True)
    form = replace(FORM, fields=(node, *FORM.fields))
    await open_form(any_office, form=form)
    any_office.core.choices = [Choice("gpu1", "n1"), Choice("gpu2", "n2")]
    any_office.core.work = opening(replace(form, kept={"node": "n2"}))
    await any_office.alice.fills({"Name": SECRET, "Node": "gpu2"})
    await any_office.edge._supervisor.drain(timedelta(seconds=5))
    (draft,) = any_office.core.drafts
    assert (draft.form, draft.values["node"]) == ("vm create", "n2")
    modal = any_office.alice.modal
    assert modal is not None
    assert (modal.value("Node"), modal.value("Name")) == ("n2", SECRET)
    await any_office.alice.suggests("Image", "ubu")
    assert any_office.core.searches[-1].given == {"node": "n2"}
    assert any_office.core.submissions == []


async def test_a_form_is_not_shown_anew_after_it_was_sent_in(office: Office) -> None:
    sent_in = asyncio.Event()

    async def late(answer: Answer) -> None:
        await answer.open(FORM)
        await sent_in.wait()
        await answer.open(replace(FORM, intro=(Para(("Known now.",)),)))

    office.core.work = late
    await office.alice.types("/dbc vm create")
    await office.alice.sees_modal("A new machine.")
    await fill(office)
    office.core.rejected = Rejected({"cpu": "At most 4."})
    await office.alice.submits()
    sent_in.set()
    await office.edge._supervisor.drain(timedelta(seconds=5))
    modal = office.alice.modal
    assert modal is not None
    assert modal.errors == {"CPU cores": "At most 4."}
    assert "Known now." not in modal.plain


async def test_the_answer_to_a_waiting_form_that_was_closed_is_whispered(office: Office) -> None:
    await open_form(office)
    await fill(office)
    office.core.waiting = Reply.of("Trying the session …")

    async def after_closing(answer: Answer) -> None:
        await office.alice.sees_modal("Trying")
        await office.alice.closes()
        await answer.say(Reply.of("Created."))

    office.core.work = after_closing
    await submits_in_vain(office)
    assert (await office.alice.sees("Created.", "gpu-ops")).ephemeral


async def test_a_form_is_put_back_with_its_errors_and_can_be_sent_again(
    any_office: Office,
) -> None:
    await open_form(any_office)
    await fill(any_office)
    any_office.core.waiting = Reply.of("Trying …")
    back = Form("vm create", "Create", "Create", FORM.fields[2:3], errors={"cpu": "Too many."})
    any_office.core.work = opening(back)
    await any_office.alice.submits()
    modal = await any_office.alice.sees_modal("Too many.")
    assert modal.value("CPU cores") == "8"
    any_office.core.waiting = None
    any_office.core.work = say(Reply.of("Created."))
    await any_office.alice.submits()
    await any_office.alice.sees("Created.")
    first, second = any_office.core.submissions
    assert first.key != second.key
    assert second.place == first.place


async def test_a_form_sent_in_twice_is_taken_once(any_office: Office) -> None:
    await open_form(any_office)
    await fill(any_office)
    any_office.ws.deliver_twice()
    await any_office.alice.submits()
    assert (await any_office.ws.deliver_again("view_submission")).ok
    assert len(any_office.core.submissions) == 1


async def test_a_form_of_an_account_of_another_workspace_is_refused_and_offers_nothing(
    any_office: Office,
) -> None:
    await open_form(any_office)
    await fill(any_office)
    any_office.alice.member.team_id = "T0OTHER"  # as a person that two workspaces share may be
    any_office.core.sought.clear()
    assert await any_office.alice.suggests("Image", "ubu") == []
    assert any_office.core.sought == []
    await any_office.alice.submits()
    await any_office.alice.sees("only work for members")
    assert any_office.core.submissions == []


async def test_a_form_that_could_not_be_recorded_stays_open_with_slacks_complaint(
    any_office: Office,
) -> None:
    await open_form(any_office)
    await fill(any_office)
    any_office.core.error = OSError("disk full")
    await any_office.alice.submits()
    modal = any_office.alice.modal
    assert modal is not None
    assert modal.trouble
    await any_office.alice.sees("Something went wrong on my side")
    any_office.core.error = None
    await any_office.alice.submits()
    await any_office.alice.sees("Created.")
    first, second = any_office.core.submissions
    assert first.key == second.key


async def test_a_mention_is_offered_a_button_that_opens_the_form(any_office: Office) -> None:
    any_office.core.work = opening(FORM)
    await any_office.alice.types("@dbc vm create")
    offer = await any_office.alice.sees("Fill in the form to go on")
    assert (offer.ephemeral, offer.buttons) == (True, ["Open the form"])
    await any_office.alice.presses("Open the form", offer)
    await any_office.alice.sees_modal("A new machine.")
    assert any_office.core.presses == []


async def test_a_form_whose_trigger_has_expired_is_offered_by_a_button(office: Office) -> None:
    async def late(answer: Answer) -> None:
        office.ws.wind(timedelta(seconds=4))
        await answer.open(FORM)

    office.core.work = late
    await office.alice.types("/dbc vm create", "random")
    offer = await office.alice.sees("Fill in the form to go on")
    await office.alice.presses("Open the form", offer)
    await office.alice.sees_modal("A new machine.")
    await fill(office)
    office.core.work = say(Reply.of("Created."))
    await office.alice.submits()
    assert office.core.submissions[0].place == office.core.lines[0].place


@pytest.mark.parametrize("line", ["/dbc vm create", "@dbc vm create"])
async def test_a_form_that_slack_refuses_leaves_nobody_in_silence(
    any_office: Office, line: str
) -> None:
    any_office.ws.faults.error("invalid_arguments", "views.open")
    any_office.core.work = opening(FORM)
    await any_office.alice.types(line)
    if line.startswith("@"):
        await any_office.alice.sees("Fill in the form to go on")
        await any_office.alice.presses("Open the form")
    seen = await any_office.alice.sees("The form could not be opened.")
    assert seen.ephemeral
    assert "Type the command with its arguments" in seen.plain
    assert any_office.alice.modal is None


async def test_a_form_offered_before_a_restart_is_to_be_asked_for_again(office: Office) -> None:
    office.core.work = opening(FORM)
    await office.alice.types("vm create", "@dbc")
    offer = await office.alice.sees("Fill in the form to go on")
    await office.edge.stop()
    edge = SlackEdge(office.settings, office.core, office.clock, office.connection)
    await edge.start()
    await edge.connected()
    try:
        await office.alice.presses("Open the form", offer)
        await office.alice.sees("Type the command again")
    finally:
        await edge.stop()


async def test_options_come_as_the_person_types(any_office: Office) -> None:
    await open_form(any_office)
    any_office.core.choices = [Choice("Ubuntu 22", "ubuntu22", "20 GB"), Choice("x" * 99, "y")]
    assert await any_office.alice.suggests("Image", "ubu") == ["Ubuntu 22", "x" * 74 + "…"]
    assert any_office.core.sought == [(any_office.alice.id, "image", "ubu")]


async def test_nothing_typed_into_a_form_reaches_the_log(
    office: Office, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level("DEBUG")
    await open_form(office)
    await fill(office)
    await office.alice.submits()
    await office.alice.sees("Created.")
    logged = caplog.text + capsys.readouterr().out
    assert SECRET not in logged
    for secret in (office.ws.bot_token, office.ws.app_token, "/response/"):
        assert secret not in logged


def test_a_modal_remembers_its_command_and_place_and_nothing_else() -> None:
    view = form_view(FORM, Place(ChannelId("C1"), "1.2"))
    assert json.loads(view["private_metadata"]) == {
        "command": "vm create",
        "channel": "C1",
        "thread": "1.2",
    }
    assert FormOrigin.load(view["private_metadata"]) == FormOrigin(
        "vm create", Place(ChannelId("C1"), "1.2")
    )


def test_the_modal_of_a_form(snapshot: Any) -> None:
    assert form_view(FORM, Place(ChannelId("C1"))) == snapshot


def test_errors_of_a_form_without_inputs_have_no_place_in_it() -> None:
    assert errors_at({"blocks": [{"type": "section", "block_id": "a"}]}, {"x": "no"}) is None


def test_what_slack_cannot_carry_is_not_offered() -> None:
    found = options([Choice("a", "1"), Choice("b", "1"), Choice("c", ""), Choice("d", "x" * 151)])
    assert [option["value"] for option in found] == ["1"]
    assert len(options([Choice(str(n), str(n)) for n in range(150)])) == 100


def test_a_choice_without_choices_is_typed() -> None:
    form = Form("c", "t", "s", (FormField("a", "A", FieldKind.CHOICE),))
    view = form_view(form, Place(ChannelId("C1")))
    assert view["blocks"][0]["element"]["type"] == "plain_text_input"


def test_a_search_field_says_what_is_sought_and_for_which_field() -> None:
    assert (source_of("search:vm:target"), name_of("search:vm:target")) == ("vm", "target")
    assert (source_of("name"), name_of("name")) == ("", "name")


def test_an_empty_search_is_an_empty_text() -> None:
    state = {"values": {"i": {"search:image:i": {"type": "x", "selected_option": None}}}}
    assert entered({"state": state}) == {"i": ""}
