"""Block Kit: what Slack takes and what it refuses, at the limit and one beyond."""

from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import Workspace
from sandbox.slack.blocks import MESSAGE, MODAL, check_blocks
from tests.sandbox.slack.conftest import actions, button, modal, refused, section, text_input


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text}


def option(text: str = "One", value: str = "1", **more: Any) -> dict[str, Any]:
    return {"text": plain(text), "value": value} | more


def options(count: int) -> list[dict[str, Any]]:
    return [option(f"Option {n}", str(n)) for n in range(count)]


def select(**more: Any) -> dict[str, Any]:
    return {"type": "static_select", "action_id": "pick", "options": options(2)} | more


def confirm(**more: Any) -> dict[str, Any]:
    words = {"title": plain("Sure?"), "text": mrkdwn("*Really*")}
    return words | {"confirm": plain("Yes"), "deny": plain("No")} | more


def entry(element: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "input", "label": plain("Label"), "element": element} | more


AT_THE_LIMIT = [
    [section("x" * 3000)],
    [{"type": "section", "fields": [mrkdwn("x" * 2000)] * 6}],
    [{"type": "section", "fields": [mrkdwn("x")] * 10}],
    [{"type": "header", "text": plain("x" * 150)}],
    [actions(*[button(action_id=f"a{n}") for n in range(25)])],
    [actions(button("x" * 75, "a" * 255, value="v" * 2000, url="https://x.io/" + "u" * 2987))],
    [actions(button(confirm=confirm(title=plain("x" * 100), text=plain("x" * 300))))],
    [{"type": "context", "elements": [mrkdwn("x")] * 10}],
    [section(accessory=select(options=options(100)))],
    [section(accessory=select(options=[option("x" * 75, "v" * 150)]))],
    [section(accessory=select(initial_option=option("Option 0", "0")))],
    [section(accessory={"type": "overflow", "action_id": "o", "options": options(5)})],
    [{"type": "divider"}] * 50,
    [{"type": "markdown", "text": "x" * 12_000}],
    [{"type": "image", "image_url": "https://x.io/a.png", "alt_text": "a"}],
    [entry({"type": "number_input", "is_decimal_allowed": False, "min_value": "1"})],
    [entry({"type": "multi_static_select", "options": options(3), "max_selected_items": 2})],
    [entry({"type": "checkboxes", "options": [option() | {"text": mrkdwn("*One*")}]})],
    [{"type": "table", "rows": [[{"type": "raw_text", "text": "a"}] * 20] * 100}],
]

BEYOND = [
    ([section("x" * 3001)], "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"),
    ([section("")], "must be more than 0 characters [json-pointer:/blocks/0/text/text]"),
    ([{"type": "section"}], "must define either `text` or `fields` [json-pointer:/blocks/0]"),
    ([{"type": "section", "fields": [mrkdwn("x")] * 11}], "no more than 10 items allowed"),
    ([{"type": "section", "fields": [mrkdwn("x" * 2001)]}], "must be less than 2001"),
    ([{"type": "header", "text": plain("x" * 151)}], "must be less than 151 characters"),
    ([{"type": "header", "text": mrkdwn("x")}], "must be a plain_text object"),
    ([actions(*[button(action_id=f"a{n}") for n in range(26)])], "no more than 25 items allowed"),
    ([actions()], "no less than 1 items allowed"),
    ([actions(button("x" * 76))], "must be less than 76 characters"),
    ([actions(button(value="x" * 2001))], "must be less than 2001 characters"),
    ([actions(button(url="x" * 3001))], "must be less than 3001 characters"),
    ([actions(button(action_id="x" * 256))], "must be less than 256 characters"),
    ([actions(button(style="warning"))], "must be a valid enum value"),
    ([actions(button(colour="red"))], "invalid additional property: colour"),
    ([actions({"type": "button", "action_id": "a"})], "missing required field: text"),
    ([actions(button(), button())], "`action_id` already used: go"),
    ([actions({"type": "plain_text_input", "action_id": "a"})], "unsupported type"),
    ([actions({"type": "multi_users_select", "action_id": "a"})], "unsupported type"),
    ([section(accessory={"type": "plain_text_input"})], "unsupported type: plain_text_input"),
    ([section(accessory={"type": "datetimepicker"})], "unsupported type: datetimepicker"),
    ([actions(button(confirm=confirm(title=plain("x" * 101))))], "must be less than 101"),
    ([actions(button(confirm=confirm(text=plain("x" * 301))))], "must be less than 301"),
    ([actions(button(confirm=confirm(deny=plain("x" * 31))))], "must be less than 31"),
    ([section("a", block_id="b"), section("c", block_id="b")], "`block_id` already used: b"),
    ([section(block_id="x" * 256)], "must be less than 256 characters"),
    ([{"type": "context", "elements": [mrkdwn("x")] * 11}], "no more than 10 items allowed"),
    ([{"type": "context", "elements": [button()]}], "unsupported type: button"),
    ([section(accessory=select(options=options(101)))], "no more than 100 items allowed"),
    ([section(accessory=select(options=[]))], "no less than 1 items allowed"),
    ([section(accessory=select(options=[option("x" * 76)]))], "must be less than 76 characters"),
    ([section(accessory=select(options=[option(value="x" * 151)]))], "must be less than 151"),
    ([section(accessory=select(placeholder=plain("x" * 151)))], "must be less than 151"),
    ([section(accessory=select(initial_option=option("Else", "9")))], "must be one of the options"),
    ([section(accessory=select(option_groups=[]))], "no less than 1 items allowed"),
    ([section(accessory=select(options=[option(), option()]))], "option values must be unique"),
    ([section(accessory=select(options=[option(url="https://x.io")]))], "additional property: url"),
    (
        [section(accessory={"type": "overflow", "action_id": "o", "options": options(6)})],
        "no more than 5 items allowed",
    ),
    ([{"type": "divider"}] * 51, "no more than 50 items allowed [json-pointer:/blocks]"),
    ([{"type": "markdown", "text": "x" * 6001}] * 2, "must be less than 12001 characters"),
    ([{"type": "image", "alt_text": "a"}], "must define either `image_url` or `slack_file`"),
    ([{"type": "image", "image_url": "https://x.io/a.png"}], "missing required field: alt_text"),
    ([{"type": "carousel"}], "unsupported type: carousel [json-pointer:/blocks/0/type]"),
    ([{"text": mrkdwn("x")}], "missing required field: type"),
    ([section(accessory=None)], "must be an object"),
    ([{"type": "section", "text": mrkdwn("x") | {"emoji": True}}], "additional property: emoji"),
    ([{"type": "section", "text": "x"}], "must be an object"),
    ([entry({"type": "number_input"})], "missing required field: is_decimal_allowed"),
    ([entry(button())], "unsupported type: button"),
    ([entry({"type": "plain_text_input", "max_length": 3001})], "must be between 1 and 3000"),
    (
        [entry({"type": "plain_text_input", "max_length": 2, "initial_value": "abc"})],
        "initial_value must not be longer than max_length",
    ),
    ([entry({"type": "datepicker", "initial_date": "1/2/2026"})], "input must match regex pattern"),
    ([entry(select(), label=plain("x" * 2001))], "must be less than 2001 characters"),
    ([entry(select(), hint=plain("x" * 2001))], "must be less than 2001 characters"),
    ([entry(select(), label=mrkdwn("x"))], "must be a plain_text object"),
    ([{"type": "table", "rows": [[{"type": "raw_text", "text": "a"}] * 21]}], "no more than 20"),
]


@pytest.mark.parametrize("blocks", AT_THE_LIMIT)
async def test_a_message_at_the_limit_is_taken(
    web: AsyncWebClient, blocks: list[dict[str, Any]]
) -> None:
    posted = await web.chat_postMessage(channel="C0GPUOPS", text="t", blocks=blocks)
    assert len(posted["message"]["blocks"]) == len(blocks)
    assert all("block_id" in block for block in posted["message"]["blocks"])


@pytest.mark.parametrize(("blocks", "problem"), BEYOND)
async def test_a_message_beyond_the_limit_is_refused_with_a_pointer(
    web: AsyncWebClient, blocks: list[dict[str, Any]], problem: str
) -> None:
    answer = await refused(web.chat_postMessage(channel="C0GPUOPS", text="t", blocks=blocks))
    assert answer["error"] == "invalid_blocks"
    assert any(problem in message for message in answer["errors"])
    assert answer["response_metadata"]["messages"] == [f"[ERROR] {e}" for e in answer["errors"]]


TABLE = {"type": "table", "rows": [[{"type": "raw_text", "text": "a"}]]}


async def test_a_message_takes_one_table(web: AsyncWebClient) -> None:
    answer = await refused(web.chat_postMessage(channel="C0GPUOPS", text="t", blocks=[TABLE] * 2))
    assert answer["error"] == "invalid_attachments"
    assert answer["errors"] == ["only_one_table_allowed"]


async def test_the_texts_of_a_table_have_a_limit_together(web: AsyncWebClient) -> None:
    text = {"type": "text", "text": "x" * 2500}
    rich = {
        "type": "rich_text",
        "elements": [{"type": "rich_text_section", "elements": [text]}],
    }
    await web.chat_postMessage(
        channel="C0GPUOPS", text="t", blocks=[{"type": "table", "rows": [[rich] * 4]}]
    )
    answer = await refused(
        web.chat_postMessage(
            channel="C0GPUOPS", text="t", blocks=[{"type": "table", "rows": [[rich] * 5]}]
        )
    )
    assert any("must be less than 10001" in problem for problem in answer["errors"])


async def test_a_workspace_without_tables_refuses_them(ws: Workspace, web: AsyncWebClient) -> None:
    ws.core.refused_blocks = {"table"}
    answer = await refused(web.chat_postMessage(channel="C0GPUOPS", text="t", blocks=[TABLE]))
    assert answer["errors"] == ["unsupported type: table [json-pointer:/blocks/0/type]"]


async def test_the_blocks_of_a_message_have_a_limit_together(web: AsyncWebClient) -> None:
    await web.chat_postMessage(channel="C0GPUOPS", text="t", blocks=[section("x" * 2999)] * 4)
    answer = await refused(
        web.chat_postMessage(channel="C0GPUOPS", text="t", blocks=[section("x" * 2999)] * 5)
    )
    assert answer["error"] == "msg_blocks_too_long"


@pytest.mark.parametrize("blocks", ["{", '{"type": "section"}', "nothing"])
async def test_blocks_that_are_no_list_have_an_error_of_their_own(
    web: AsyncWebClient, blocks: str
) -> None:
    answer = await refused(web.chat_postMessage(channel="C0GPUOPS", text="t", blocks=blocks))
    assert answer["error"] == "invalid_blocks_format"


def test_a_modal_takes_a_hundred_blocks_and_no_tables() -> None:
    assert check_blocks([{"type": "divider"}] * 100, MODAL) == []
    assert check_blocks([{"type": "divider"}] * 101, MODAL)
    assert check_blocks([{"type": "markdown", "text": "x"}], MODAL)
    assert not check_blocks([{"type": "markdown", "text": "x"}], MESSAGE)


def test_only_one_element_has_the_focus() -> None:
    focused = entry({"type": "plain_text_input", "focus_on_load": True})
    assert check_blocks([focused], MODAL) == []
    assert check_blocks([focused, focused], MODAL)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"title": plain("x" * 25)}, "/view/title/text"),
        ({"title": mrkdwn("x")}, "/view/title"),
        ({"submit": plain("x" * 25)}, "/view/submit/text"),
        ({"close": plain("x" * 25)}, "/view/close/text"),
        ({"private_metadata": "x" * 3001}, "/view/private_metadata"),
        ({"callback_id": "x" * 256}, "/view/callback_id"),
        ({"type": "home"}, "/view/type"),
        ({"blocks": [{"type": "divider"}] * 101}, "/view/blocks"),
        ({"blocks": [section("x" * 3001)]}, "/view/blocks/0/text/text"),
        ({"blocks": [{"type": "markdown", "text": "x"}]}, "/view/blocks/0/type"),
        ({"submitt": plain("x")}, "/view"),
    ],
)
async def test_a_view_that_is_not_sound_is_refused(
    ws: Workspace, web: AsyncWebClient, changes: dict[str, Any], pointer: str
) -> None:
    trigger_id = ws.core.state.new_trigger(ws.member("alice").id)
    view = modal(text_input()) | changes
    answer = await refused(web.views_open(trigger_id=trigger_id, view=view))
    assert answer["error"] == "invalid_arguments"
    assert f"[json-pointer:{pointer}]" in answer["response_metadata"]["messages"][0]
    assert ws.member("alice").modal is None


@pytest.mark.parametrize("missing", ["title", "blocks", "submit"])
async def test_a_form_needs_title_blocks_and_submit(
    ws: Workspace, web: AsyncWebClient, missing: str
) -> None:
    trigger_id = ws.core.state.new_trigger(ws.member("alice").id)
    view = modal(text_input())
    del view[missing]
    answer = await refused(web.views_open(trigger_id=trigger_id, view=view))
    message = answer["response_metadata"]["messages"][0]
    assert message == f"[ERROR] missing required field: {missing} [json-pointer:/view]"


async def test_a_view_of_more_than_250_kb_is_too_large(ws: Workspace, web: AsyncWebClient) -> None:
    trigger_id = ws.core.state.new_trigger(ws.member("alice").id)
    view = modal(*[section("x" * 3000) for _ in range(90)])
    answer = await refused(web.views_open(trigger_id=trigger_id, view=view))
    assert answer["error"] == "view_too_large"
