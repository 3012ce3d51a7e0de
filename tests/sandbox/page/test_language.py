"""The language that a person chooses on the page: the app learns of it, and dates follow it."""

from playwright.async_api import expect
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import Workspace
from tests.sandbox.page.conftest import Open
from tests.sandbox.slack.conftest import connected, section


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
