"""Modals and the Home tab as the page shows them, and what the app is told."""

from typing import Any

import pytest
from playwright.async_api import Page, expect
from slack_bolt.async_app import AsyncApp

from sandbox.slack import Workspace
from tests.sandbox.page.conftest import Open
from tests.sandbox.slack.conftest import actions, button, connected, modal, section, text_input

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def option(text: str) -> dict[str, Any]:
    return {"text": plain(text), "value": text.lower()}


OPTIONS = [option("Debian"), option("Ubuntu"), option("Windows")]


def field(label: str, kind: str, **more: Any) -> dict[str, Any]:
    block_id = label.lower()
    element = {"type": kind, "action_id": "it"} | more
    return {"type": "input", "block_id": block_id, "label": plain(label), "element": element}


EVERY_INPUT = [
    field("Name", "plain_text_input"),
    field("Reason", "plain_text_input", multiline=True),
    field("Cores", "number_input", is_decimal_allowed=False, min_value="1"),
    field("Mail", "email_text_input"),
    field("Page", "url_text_input"),
    field("Image", "static_select", options=OPTIONS),
    field("Machine", "external_select", min_query_length=0),
    field("Several", "multi_static_select", options=OPTIONS, initial_options=OPTIONS[:1]),
    field("Found", "multi_external_select", min_query_length=1),
    field("Who", "users_select"),
    field("Where", "conversations_select"),
    field("Channel", "channels_select"),
    field("Flags", "checkboxes", options=OPTIONS),
    field("One", "radio_buttons", options=OPTIONS, initial_option=OPTIONS[0]),
    field("Day", "datepicker"),
    field("Time", "timepicker"),
    field("Moment", "datetimepicker"),
]


def opening(app: AsyncApp, view: dict[str, Any]) -> None:
    @app.command("/dbc")
    async def on_slash(ack: Any, client: Any, body: Any) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=view)


async def open_form(page: Page) -> Any:
    line = page.locator("#main textarea")
    await line.fill("/dbc vm create")
    await line.press("Enter")
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_be_visible()
    return dialog


async def choose(page: Page, label: str, *texts: str, search: str = "") -> None:
    await page.get_by_role("button", name=f"{label}: ").click()
    if search:
        await page.get_by_role("combobox", name=f"Search {label}").fill(search)
    for text in texts:
        await page.get_by_role("option", name=text).click()
    if await page.get_by_role("listbox").count():
        await page.keyboard.press("Escape")


async def fill_everything(page: Page, dialog: Any) -> None:
    await dialog.get_by_label("Name").fill("trainer")
    await dialog.get_by_label("Reason").fill("one\ntwo")
    await dialog.get_by_label("Cores").fill("16")
    await dialog.get_by_label("Mail").fill("a@example.com")
    await dialog.get_by_label("Page").fill("https://example.com/x")
    await choose(page, "Image", "Ubuntu")
    await choose(page, "Machine", "found-")
    await choose(page, "Several", "Windows")
    await choose(page, "Found", "found-7", search="7")
    await choose(page, "Who", "Carol")
    await choose(page, "Where", "ops-secret")
    await choose(page, "Channel", "random")
    await dialog.get_by_role("checkbox", name="Ubuntu").check()
    await dialog.get_by_role("radio", name="Windows").check()
    await dialog.get_by_label("Day").fill("2030-01-02")
    await dialog.get_by_label("Time").fill("09:30")
    await dialog.get_by_label("Moment").fill("2030-01-02T09:30")


async def test_a_form_delivers_every_kind_of_input(
    ws: Workspace, app: AsyncApp, opens: Open
) -> None:
    opening(app, modal(*EVERY_INPUT))
    sent: list[dict[str, Any]] = []

    @app.options("it")
    async def on_find(ack: Any, payload: Any) -> None:
        await ack(options=[option(f"found-{payload['value']}")])

    @app.view("form")
    async def on_submit(ack: Any, view: Any) -> None:
        await ack()
        sent.append(view["state"]["values"])

    page = await opens("alice")
    async with connected(ws, app):
        dialog = await open_form(page)
        await fill_everything(page, dialog)
        await dialog.get_by_role("button", name="Save").click()
        await expect(dialog).to_have_count(0)
    held = {name: _held(values["it"]) for name, values in sent[0].items()}
    private = ws.core.state.channel("ops-secret").id
    public = ws.core.state.channel("random").id
    assert held == {
        "name": "trainer",
        "reason": "one\ntwo",
        "cores": "16",
        "mail": "a@example.com",
        "page": "https://example.com/x",
        "image": "ubuntu",
        "machine": "found-",
        "several": ["debian", "windows"],
        "found": ["found-7"],
        "who": ws.member("carol").id,
        "where": private,
        "channel": public,
        "flags": ["ubuntu"],
        "one": "windows",
        "day": "2030-01-02",
        "time": "09:30",
        "moment": 1893576600,
    }


def _held(state: dict[str, Any]) -> Any:
    value = next(held for name, held in state.items() if name != "type")
    if isinstance(value, list):
        return [entry["value"] for entry in value]
    return value["value"] if isinstance(value, dict) else value


async def test_a_form_says_what_is_missing_and_what_the_app_refuses(
    ws: Workspace, app: AsyncApp, opens: Open
) -> None:
    opening(app, modal(text_input("Name"), text_input("Reason", "reason", optional=True)))

    @app.view("form")
    async def on_submit(ack: Any) -> None:
        await ack(response_action="errors", errors={"name.block": "That name is taken."})

    page = await opens("alice")
    async with connected(ws, app):
        dialog = await open_form(page)
        save = dialog.get_by_role("button", name="Save")
        await save.click()
        await expect(dialog).to_contain_text("Please complete this required field.")
        for _ in range(2):
            await dialog.get_by_label("Name").fill("trainer")
            await expect(dialog.locator(".input-error:visible")).to_have_count(0)
            await save.click()
            await expect(dialog).to_contain_text("That name is taken.")
        await expect(dialog.get_by_label("Name")).to_be_focused()
        await page.keyboard.press("Escape")
        await expect(dialog).to_have_count(0)
    assert ws.member("alice").modal is None


async def test_what_was_filled_in_survives_an_update_and_is_told_with_a_press(
    ws: Workspace, app: AsyncApp, opens: Open
) -> None:
    fields = [text_input("Name"), actions(button("More", "more"))]
    opening(app, modal(*fields))
    told: list[str] = []

    @app.action("more")
    async def on_more(ack: Any, body: Any, client: Any) -> None:
        await ack()
        told.append(body["view"]["state"]["values"]["name.block"]["name"]["value"])
        renamed = text_input("Full name")
        view = modal(section("Now with more"), renamed, fields[1])
        await client.views_update(view_id=body["view"]["id"], view=view)

    page = await opens("alice")
    async with connected(ws, app):
        dialog = await open_form(page)
        await dialog.get_by_label("Name").fill("trainer")
        await dialog.get_by_role("button", name="More").click()
        await expect(dialog).to_contain_text("Now with more")
        await expect(dialog.get_by_label("Full name")).to_have_value("trainer")
        await page.reload()
        await expect(dialog.get_by_label("Full name")).to_have_value("trainer")
    assert told == ["trainer"]


async def test_the_home_tab_is_built_when_opened_and_its_buttons_work(
    ws: Workspace, app: AsyncApp, opens: Open
) -> None:
    async def publish(client: Any, user: str, text: str) -> None:
        blocks = [section(text, accessory=button("Refresh", "refresh"))]
        await client.views_publish(user_id=user, view={"type": "home", "blocks": blocks})

    @app.event("app_home_opened")
    async def on_home(event: Any, client: Any) -> None:
        await publish(client, event["user"], "No machines yet")

    @app.action("refresh")
    async def on_refresh(ack: Any, body: Any, client: Any) -> None:
        await ack()
        await publish(client, body["user"]["id"], "One machine")

    page = await opens("bob")
    async with connected(ws, app):
        await page.locator("#sidebar").get_by_role("link", name="DBC").click()
        home = page.get_by_role("region", name="Home")
        await expect(home).to_contain_text("No machines yet")
        await home.get_by_role("button", name="Refresh").click()
        await expect(home).to_contain_text("One machine")


async def test_changing_the_person_shows_that_persons_screen(
    ws: Workspace, app: AsyncApp, opens: Open
) -> None:
    opening(app, modal(text_input("Name")))
    page = await opens("carol")
    async with connected(ws, app):
        dialog = await open_form(page)
        await (
            dialog.get_by_role("button", name="Cancel")
            .or_(dialog.locator("footer").get_by_role("button", name="Close"))
            .click()
        )
        await expect(dialog).to_have_count(0)
        await page.get_by_role("link", name="Act as Bob").click()
        await expect(page.locator("#sidebar")).to_contain_text("ops-secret")
        await page.locator("#main textarea").fill("from bob")
        await page.keyboard.press("Enter")
        await expect(page.locator("#main .message .author")).to_have_text("Bob Ito")
    assert ws.member("bob").last("gpu-ops").user == "bob"


async def test_a_dialog_whose_pressed_button_is_gone_is_still_left_by_escape(
    ws: Workspace, app: AsyncApp, opens: Open
) -> None:
    opening(app, modal(section("An order"), actions(button("Renew", "renew"))))

    @app.action("renew")
    async def on_press(ack: Any, client: Any, body: Any) -> None:
        await ack()
        view = modal(section("It is in the messages"))
        await client.views_update(view_id=body["view"]["id"], view=view)

    page = await opens("alice")
    async with connected(ws, app):
        dialog = await open_form(page)
        await dialog.get_by_role("button", name="Renew").press("Enter")
        await expect(dialog).to_contain_text("It is in the messages")
        await page.keyboard.press("Escape")
        await expect(dialog).to_have_count(0)
    assert ws.member("alice").modal is None


async def test_what_opened_a_dialog_has_the_focus_again_though_the_home_was_built_anew(
    ws: Workspace, app: AsyncApp, opens: Open
) -> None:
    async def publish(client: Any, user: str, text: str) -> None:
        menu = {"type": "overflow", "action_id": "menu", "options": [option("Show")]}
        blocks = [{**section(text, accessory=menu), "block_id": "ada"}]
        await client.views_publish(user_id=user, view={"type": "home", "blocks": blocks})

    @app.event("app_home_opened")
    async def on_home(event: Any, client: Any) -> None:
        await publish(client, event["user"], "ada is running")

    @app.action("menu")
    async def on_menu(ack: Any, body: Any, client: Any) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=modal(section("More of ada")))
        await publish(client, body["user"]["id"], "ada is off")

    page = await opens("alice")
    async with connected(ws, app):
        await page.locator("#sidebar").get_by_role("link", name="DBC").click()
        home = page.get_by_role("region", name="Home")
        await home.get_by_role("button", name="More actions").press("Enter")
        await page.keyboard.press("Enter")  # the first of the menu
        dialog = page.get_by_role("dialog")
        await expect(dialog).to_contain_text("More of ada")
        await expect(home).to_contain_text("ada is off")
        await page.keyboard.press("Escape")
        await expect(dialog).to_have_count(0)
        await expect(home.get_by_role("button", name="More actions")).to_be_focused()
