"""The page's line to the server, lost and found."""

from urllib.parse import urlsplit

import pytest
from playwright.async_api import expect

from sandbox.slack import Workspace
from tests.sandbox.page.conftest import Open

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]


async def test_a_lost_line_is_said_and_comes_back_with_what_was_typed(
    ws: Workspace, opens: Open
) -> None:
    page = await opens("alice")
    line = page.locator("#main textarea")
    port = urlsplit(ws.url).port or 0
    await ws.stop()
    await expect(page.get_by_text("Connection lost")).to_be_visible()
    await line.fill("typed meanwhile")
    await line.press("Enter")
    await expect(page.locator("#main").get_by_role("alert")).to_contain_text("did not answer")
    async with Workspace(port=port) as again:
        await expect(page.get_by_text("Connection lost")).to_be_hidden()
        await expect(line).to_have_value("typed meanwhile")
        await line.press("Enter")
        await expect(page.locator("#main .message")).to_contain_text("typed meanwhile")
        assert again.member("alice").last("gpu-ops").text == "typed meanwhile"
