"""Messages as the page shows them: every block, who sees what, foreign text."""

import re
from typing import Any

import pytest
from playwright.async_api import Page, expect
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import Workspace
from tests.sandbox.page.conftest import Open
from tests.sandbox.slack.conftest import actions, button, connected, section

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]

PIXEL = "https://example.com/pixel.png"
CHANNEL = "C0GPUOPS"


def mrkdwn(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text}


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def option(text: str) -> dict[str, Any]:
    return {"text": plain(text), "value": text.lower()}


def rich(text: str, **style: bool) -> dict[str, Any]:
    element: dict[str, Any] = {"type": "text", "text": text}
    if style:
        element["style"] = style
    return {"type": "rich_text_section", "elements": [element]}


EVERY_BLOCK: list[dict[str, Any]] = [
    {"type": "header", "text": plain("Machine :rocket:")},
    section(
        "*bold* _italic_ ~gone~ `code` <https://example.com|a link> &lt;kept&gt; :warning:\n"
        "> quoted\n```\nblock\n```\n<!date^0^{date_num} {time}|never>",
        fields=[mrkdwn("*State*\nrunning"), mrkdwn("*Node*\ngpu1")],
        accessory={"type": "image", "image_url": PIXEL, "alt_text": "a chart"},
    ),
    section("More", accessory={"type": "overflow", "options": [option("One"), option("Two")]}),
    actions(
        button("Start", "start", style="primary"),
        {"type": "static_select", "placeholder": plain("Pick"), "options": [option("Debian")]},
        {"type": "datepicker", "initial_date": "2030-01-02"},
        {"type": "checkboxes", "options": [option("Mine")]},
        {"type": "radio_buttons", "options": [option("All"), option("Some")]},
    ),
    {"type": "context", "elements": [mrkdwn("asked by *Alice*"), plain("today")]},
    {"type": "divider"},
    {"type": "image", "image_url": PIXEL, "alt_text": "a graph", "title": plain("Load")},
    {
        "type": "rich_text",
        "elements": [
            rich("rich", bold=True),
            {"type": "rich_text_list", "style": "bullet", "elements": [rich("item")]},
        ],
    },
    {
        "type": "table",
        "rows": [
            [{"type": "raw_text", "text": "Name"}, {"type": "raw_text", "text": "GPUs"}],
            [{"type": "raw_text", "text": "trainer"}, {"type": "raw_text", "text": "4"}],
        ],
    },
]

SHOWN = [
    ("h3.header", "Machine 🚀"),
    (".text strong", "bold"),
    (".text em", "italic"),
    (".text s", "gone"),
    (".text code", "code"),
    ("a[href='https://example.com/']", "a link"),
    (".section-body", "<kept> ⚠️"),
    ("blockquote", "quoted"),
    ("pre", "block"),
    (".section-body", "1970-01-01 12:00 AM"),
    (".fields .text >> nth=1", "gpu1"),
    ("button.primary", "Start"),
    (".select-trigger", "Pick"),
    ("label.choice:has([type=checkbox])", "Mine"),
    ("label.choice:has([type=radio]) >> nth=1", "Some"),
    (".context", "asked by Alice"),
    ("figcaption", "Load"),
    (".rich-text strong", "rich"),
    (".rich-text li", "item"),
    ("th >> nth=0", "Name"),
    ("td >> nth=1", "4"),
]


def messages(page: Page) -> Any:
    return page.locator("#main .message")


async def test_every_block_is_rendered(web: AsyncWebClient, opens: Open) -> None:
    page = await opens("alice")
    await web.chat_postMessage(channel=CHANNEL, text="A machine", blocks=EVERY_BLOCK)
    message = messages(page).first
    for selector, text in SHOWN:
        await expect(message.locator(selector).first).to_contain_text(text)
    assert await message.locator("img").count() == 2
    await expect(message.locator("input[type=date]")).to_have_value("2030-01-02")
    await expect(message.get_by_label("More actions", exact=True)).to_be_attached()
    assert await message.locator(".unknown").count() == 0


async def test_a_markdown_block_is_rendered(web: AsyncWebClient, opens: Open) -> None:
    text = "# Title\n\n**strong** and *soft*\n\n- one\n  1. deep\n\n| A | B |\n|--|-:|\n| 1 | 2 |"
    page = await opens("alice")
    await web.chat_postMessage(
        channel=CHANNEL, text="notes", blocks=[{"type": "markdown", "text": text}]
    )
    block = page.locator(".block-markdown")
    await expect(block.locator(".md-h1")).to_have_text("Title")
    await expect(block.locator("p strong")).to_have_text("strong")
    await expect(block.locator("p em")).to_have_text("soft")
    await expect(block.locator("ul ol li")).to_have_text("deep")
    await expect(block.locator("td >> nth=1")).to_have_text("2")


async def test_a_button_asks_before_it_acts(
    ws: Workspace, app: AsyncApp, web: AsyncWebClient, opens: Open
) -> None:
    pressed: list[str] = []

    @app.action("delete")
    async def on_delete(ack: Any, action: Any, body: Any) -> None:
        await ack()
        pressed.append(f"{action['value']} by {body['user']['name']}")

    question = {
        "title": plain("Delete it?"),
        "text": plain("It is gone for good."),
        "confirm": plain("Delete"),
        "deny": plain("Keep"),
        "style": "danger",
    }
    page = await opens("bob")
    async with connected(ws, app):
        block = actions(button("Delete trainer", "delete", value="vm-7", confirm=question))
        await web.chat_postMessage(channel=CHANNEL, text="trainer", blocks=[block])
        await page.get_by_role("button", name="Delete trainer").click()
        await page.get_by_role("dialog").get_by_role("button", name="Keep").click()
        await page.get_by_role("button", name="Delete trainer").click()
        await expect(page.get_by_role("dialog")).to_contain_text("It is gone for good.")
        await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        await ws.until(lambda: pressed)
        await ws.idle()
    assert pressed == ["vm-7 by bob"]


async def test_a_menu_searches_and_tells_what_was_chosen(
    ws: Workspace, app: AsyncApp, web: AsyncWebClient, opens: Open
) -> None:
    chosen: list[str] = []

    @app.options("find")
    async def on_find(ack: Any, payload: Any) -> None:
        await ack(options=[option(f"trainer-{payload['value']}")])

    @app.action("find")
    async def on_choose(ack: Any, action: Any) -> None:
        await ack()
        chosen.append(action["selected_option"]["value"])

    page = await opens("alice")
    async with connected(ws, app):
        menu = {"type": "external_select", "action_id": "find", "placeholder": plain("Find one")}
        block = section("Which?", accessory=menu | {"min_query_length": 1})
        await web.chat_postMessage(channel=CHANNEL, text="Which?", blocks=[block])
        await page.get_by_role("button", name="Find one").click()
        await page.get_by_role("combobox", name="Search Find one").fill("7")
        await page.get_by_role("option", name="trainer-7").click()
        await ws.until(lambda: chosen)
    assert chosen == ["trainer-7"]
    await expect(page.locator(".select-trigger")).to_have_text("trainer-7")


async def test_an_ephemeral_is_seen_by_its_reader_alone(
    ws: Workspace, web: AsyncWebClient, opens: Open
) -> None:
    alice, bob = await opens("alice"), await opens("bob")
    await web.chat_postEphemeral(channel=CHANNEL, user=ws.member("alice").id, text="psst")
    await web.chat_postMessage(channel=CHANNEL, text="for all")
    await expect(messages(bob)).to_contain_text(["for all"])
    await expect(messages(alice)).to_contain_text(["psst", "for all"])
    await expect(messages(alice).first).to_contain_text("Only visible to you")


HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "&lt;img src=x onerror=alert(1)&gt;",
    "<javascript:alert(1)|click me>",
    "`<script>alert(1)</script>` *<b onclick=alert(1)>x</b>*",
    '<https://a.example/"onmouseover=alert(1)|<img src=x onerror=alert(1)>',
]


def hostile_blocks(text: str) -> list[dict[str, Any]]:
    evil = {"type": "link", "url": "javascript:alert(1)", "text": text}
    return [
        {"type": "header", "text": plain(text)},
        section(text, fields=[plain(text)]),
        {"type": "markdown", "text": f"{text} [x](javascript:alert(1))"},
        {
            "type": "rich_text",
            "elements": [{"type": "rich_text_section", "elements": [evil]}],
        },
    ]


async def test_foreign_text_cannot_inject_markup(
    ws: Workspace, web: AsyncWebClient, opens: Open
) -> None:
    page = await opens("alice")
    for text in HOSTILE:
        await ws.member("bob").types(text)
        await web.chat_postMessage(channel=CHANNEL, text=text)
        blocks = hostile_blocks(text)
        await web.chat_postMessage(channel=CHANNEL, text="text", blocks=blocks)
    await expect(messages(page)).to_have_count(3 * len(HOSTILE))
    shown = page.locator("#main .message-content")
    assert await shown.locator("img, script, b, [onclick], [onerror], [onmouseover]").count() == 0
    hrefs = await shown.locator("a").evaluate_all("links => links.map((link) => link.href)")
    assert all(href.startswith(("http://", "https://")) for href in hrefs)


async def test_a_line_half_written_and_an_open_menu_survive_news(
    web: AsyncWebClient, opens: Open
) -> None:
    page = await opens("alice")
    menu = {"type": "static_select", "action_id": "m", "options": [option("Debian")]}
    block = actions(menu | {"placeholder": plain("Image")})
    posted = await web.chat_postMessage(channel=CHANNEL, text="menu", blocks=[block])
    await page.locator("#main textarea").fill("half a line")
    await page.get_by_role("button", name="Image").click()
    await web.chat_postMessage(channel=CHANNEL, text="news")
    blocks = [block | {"block_id": "kept"}, section("more")]
    await expect(messages(page).last).to_contain_text("news")
    await expect(page.get_by_role("combobox", name="Search Image")).to_be_focused()
    await expect(page.locator("#main textarea")).to_have_value("half a line")
    await web.chat_update(channel=CHANNEL, ts=posted["ts"], text="menu", blocks=blocks)
    await expect(messages(page).first).to_contain_text("more")
    await expect(page.locator("#main textarea")).to_have_value("half a line")


async def test_a_thread_is_read_and_answered(
    ws: Workspace, web: AsyncWebClient, opens: Open
) -> None:
    parent = await web.chat_postMessage(channel=CHANNEL, text="trainer-7 is down")
    await web.chat_postMessage(channel=CHANNEL, text="looking", thread_ts=parent["ts"])
    page = await opens("carol")
    await expect(messages(page)).to_have_count(1)
    await page.get_by_role("button", name=re.compile("1 reply")).click()
    thread = page.get_by_role("complementary", name="Thread")
    reply = thread.get_by_role("combobox", name="Reply")
    await reply.fill("/dbc vm list")
    await reply.press("Enter")
    await expect(thread.get_by_role("alert")).to_contain_text("not supported in threads")
    await reply.fill("on it")
    await reply.press("Enter")
    await expect(thread.locator(".message").last).to_contain_text("on it")
    await expect(messages(page)).to_have_count(1)
    answer = ws.member("carol").last("gpu-ops")
    assert (answer.text, answer.thread_ts) == ("on it", parent["ts"])


async def test_a_text_file_can_be_looked_into(web: AsyncWebClient, opens: Open) -> None:
    page = await opens("alice")
    await web.files_upload_v2(channel=CHANNEL, content="line <b>one</b>", filename="vm.log")
    await page.get_by_text("Preview").click()
    await expect(page.locator(".file-preview pre")).to_have_text("line <b>one</b>")


async def test_whoever_scrolled_up_stays_where_they_are(ws: Workspace, opens: Open) -> None:
    bob = ws.member("bob")
    for number in range(40):
        await bob.types(f"line {number}")
    page = await opens("alice")
    await expect(messages(page).last).to_be_in_viewport()
    await page.locator("#main .scroller").evaluate("(list) => list.scrollTo(0, 200)")
    latest = page.get_by_role("button", name="Latest messages")
    await expect(latest).to_be_visible()
    await bob.types("one more")
    await expect(messages(page)).to_have_count(41)
    assert await page.locator("#main .scroller").evaluate("(list) => list.scrollTop") == 200
    await latest.click()
    await expect(messages(page).last).to_be_in_viewport()


async def test_the_address_names_a_person_in_letters_of_any_case(opens: Open) -> None:
    page = await opens("Bob")
    await expect(page.locator(".people [aria-current]")).to_contain_text("Bob")
