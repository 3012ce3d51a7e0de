"""A workspace, a Bolt app behind it, and a browser in which people open the page."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from playwright.async_api import Browser, Page, async_playwright
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import Workspace

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]

Open = Callable[..., Awaitable[Page]]


@pytest.fixture
async def ws() -> AsyncIterator[Workspace]:
    async with Workspace(ack_seconds=2) as workspace:
        yield workspace


@pytest.fixture
def web(ws: Workspace) -> AsyncWebClient:
    return AsyncWebClient(token=ws.bot_token, base_url=ws.api_url)


@pytest.fixture
def app(ws: Workspace, web: AsyncWebClient) -> AsyncApp:
    return AsyncApp(client=web, signing_secret=ws.signing_secret, process_before_response=True)


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    found = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    if found is None:
        pytest.skip("no Chromium on this machine; on Debian: apt-get install chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture
async def opens(ws: Workspace, browser: Browser) -> AsyncIterator[Open]:
    """Opens the page as somebody; what goes wrong in its scripts fails the test."""
    wrong: list[str] = []

    async def opens(name: str, place: str = "") -> Page:
        context = await browser.new_context(timezone_id="UTC", locale="en-US")
        page = await context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("dialog", lambda dialog: wrong.append(dialog.message))
        await page.goto(f"{ws.url}?as={name}{place}")
        await page.wait_for_selector("#sidebar .row")
        return page

    yield opens
    assert wrong == []
