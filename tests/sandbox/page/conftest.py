"""A workspace, a Bolt app behind it, and a browser in which people open the page."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, async_playwright
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import Workspace

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]

Open = Callable[..., Awaitable[Page]]


@pytest_asyncio.fixture(loop_scope="session")
async def ws() -> AsyncIterator[Workspace]:
    async with Workspace(ack_seconds=2) as workspace:
        yield workspace


@pytest.fixture
def web(ws: Workspace) -> AsyncWebClient:
    return AsyncWebClient(token=ws.bot_token, base_url=ws.api_url)


@pytest.fixture
def app(ws: Workspace, web: AsyncWebClient) -> AsyncApp:
    return AsyncApp(client=web, signing_secret=ws.signing_secret, process_before_response=True)


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A browser, if this machine has one."""
    found = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    if found is None:
        pytest.skip("no Chromium on this machine; on Debian: apt-get install chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """A browser for one test, in that test's own loop."""
    async with chromium() as one:
        yield one


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def one_browser() -> AsyncIterator[Browser]:
    """One browser for all tests of the page: its start costs more than what most of them do."""
    async with chromium() as one:
        yield one


@pytest_asyncio.fixture(loop_scope="session")
async def opens(ws: Workspace, one_browser: Browser) -> AsyncIterator[Open]:
    """Opens the page as somebody; what goes wrong in its scripts fails the test."""
    wrong: list[str] = []
    contexts: list[BrowserContext] = []

    async def opens(name: str, place: str = "") -> Page:
        context = await one_browser.new_context(timezone_id="UTC", locale="en-US")
        contexts.append(context)
        page = await context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("dialog", lambda dialog: wrong.append(dialog.message))
        await page.goto(f"{ws.url}?as={name}{place}")
        await page.wait_for_selector("#sidebar .row")
        return page

    yield opens
    for context in contexts:  # with all that a person has kept there
        await context.close()
    assert wrong == []
