"""Where the links of the page lead: to what belongs to whoever acts now."""

import pytest
from playwright.async_api import expect
from slack_sdk.web.async_client import AsyncWebClient

from tests.sandbox.page.conftest import Open

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]


async def test_the_messages_beside_home_are_those_of_who_acts_now(
    web: AsyncWebClient, opens: Open
) -> None:
    for person, words in (("U0ALICE", "For Alice alone"), ("U0BOB", "For Bob alone")):
        await web.chat_postMessage(channel=person, text=words)
    page = await opens("alice", "#/home")
    messages = page.get_by_role("link", name="Messages", exact=True)
    await messages.click()
    await expect(page.locator(".message")).to_contain_text("For Alice alone")
    await page.get_by_role("link", name="Home", exact=True).click()
    await page.get_by_role("link", name="Act as Bob").click()
    await expect(page.get_by_role("link", name="Act as Bob")).to_have_attribute(
        "aria-current", "true"
    )
    await messages.click()
    await expect(page.locator(".message")).to_contain_text("For Bob alone")


async def test_nothing_of_one_person_is_shown_while_the_next_ones_screen_is_fetched(
    web: AsyncWebClient, opens: Open
) -> None:
    await web.chat_postMessage(channel="U0ALICE", text="For Alice alone")
    page = await opens("alice", "#/home")
    await page.get_by_role("link", name="Messages", exact=True).click()
    await expect(page.locator(".message")).to_contain_text("For Alice alone")
    await page.evaluate("() => { window.WebSocket = class { close() {} }; }")  # it does not come
    await page.get_by_role("link", name="Act as Bob").click()
    await expect(page.get_by_text("For Alice alone")).to_have_count(0)
    await expect(page.get_by_role("link", name="Messages", exact=True)).to_have_count(0)


async def test_a_closed_side_bar_shows_that_something_is_new(
    web: AsyncWebClient, opens: Open
) -> None:
    page = await opens("alice")
    await page.set_viewport_size({"width": 390, "height": 844})
    menu = page.locator(".menu-button")
    await expect(menu.locator(".badge")).to_have_count(0)
    await web.chat_postMessage(channel="U0ALICE", text="For Alice alone")
    await expect(menu.locator(".badge")).to_have_text("1")
    await expect(menu).to_have_attribute("aria-label", "Channels, 1 new")
    await menu.click()
    await page.locator(".row[href*='D0']").first.click()
    await expect(menu.locator(".badge")).to_have_count(0)
