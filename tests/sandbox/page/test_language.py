"""The language that a person chooses on the page: the app learns of it, and dates follow it."""

import inspect
import re

import pytest
from playwright.async_api import expect
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import Workspace, interactions, people_acts, workspace
from sandbox.slack.page import STATIC, TIPS
from tests.sandbox.page.conftest import Open
from tests.sandbox.slack.conftest import connected, section

in_one_loop = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.slow
@in_one_loop
async def test_dates_follow_the_language_that_a_person_chooses(
    ws: Workspace, app: AsyncApp, web: AsyncWebClient, opens: Open
) -> None:
    async with connected(ws, app):
        blocks = [section("<!date^0^{date_long} {time}|never>")]
        await web.chat_postMessage(channel="C0GPUOPS", text="When", blocks=blocks)
        page = await opens("alice")
        await expect(page.locator(".message")).to_contain_text("Thursday, January 1st, 1970")
        async with page.expect_navigation():
            await page.get_by_label("Language of Slack").select_option("简体中文")
        await expect(page.locator(".message")).to_contain_text("1970年1月1日 星期四 00:00")
        told = await web.users_info(user=ws.member("alice").id, include_locale=True)
        assert told["user"]["locale"] == "zh-CN"


@pytest.mark.slow
@in_one_loop
async def test_the_pages_own_words_follow_it_too(
    web: AsyncWebClient, ws: Workspace, opens: Open
) -> None:
    ws.core.state.member("alice").locale = "zh-CN"
    await web.chat_postEphemeral(channel="C0GPUOPS", user="U0ALICE", text="psst")
    page = await opens("alice")
    await expect(page.get_by_text("仅你可见")).to_be_visible()
    await expect(page.get_by_placeholder("发消息到 #gpu-ops")).to_be_visible()
    await expect(page.get_by_text("试一试")).to_be_visible()
    await expect(page.get_by_text("申请人", exact=True)).to_be_visible()
    await expect(page.get_by_text("GPU 虚拟机和使用者")).to_be_visible()
    await page.get_by_placeholder("发消息到 #gpu-ops").fill("/nosuch")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("/nosuch 不是有效的命令。")).to_be_visible()
    await page.get_by_role("link", name="以 Bob").click()  # who reads English
    await expect(page.get_by_placeholder("Message #gpu-ops")).to_be_visible()
    await expect(page.get_by_text("Channels", exact=True)).to_be_visible()
    await page.get_by_role("link", name="Act as Alice").click()
    await expect(page.get_by_placeholder("发消息到 #gpu-ops")).to_be_visible()


def _refusals() -> set[str]:
    """What Slack's client says where something cannot be done, on the page too."""
    sources = inspect.getsource(interactions) + inspect.getsource(people_acts)
    told = set(re.findall(r'CannotDo\(\s*"([^"]+)"', sources))
    named = (interactions.FAILED, interactions.TIMED_OUT, interactions.TROUBLE)
    return told.union(named, (people_acts.COMMAND_FAILED, people_acts.NO_COMMAND))


def test_every_word_of_the_page_has_its_chinese() -> None:
    sources = {file.name: file.read_text() for file in STATIC.glob("*.js")}
    said = {word for text in sources.values() for word in re.findall(r'\bt\("([^"]+)"', text)}
    known = re.findall(
        r"""^  (?:"([^"]+)"|'([^']+)'|(\w+)): "[^"]+",$""", sources["words-zh.js"], re.MULTILINE
    )
    chinese = {"".join(each) for each in known}
    chosen = "\n".join(sources[name] for name in ("chain.js", "selects.js"))
    chosen += inspect.getsource(workspace)  # who the people and what the channels are
    assert said <= chinese
    refusals = _refusals()
    assert len(refusals) > 20
    assert refusals <= chinese
    tips = {str(tip[part]) for tip in TIPS for part in ("text", "line")}
    unused = chinese - said - tips - refusals
    assert tips <= chinese
    assert [word for word in unused if f'"{word}"' not in chosen] == []
