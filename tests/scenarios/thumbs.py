"""People at the page, with what they have to do on it counted: taps, and keys of the keyboard."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from gettext import NullTranslations

from playwright.async_api import Browser, Locator, Page, ViewportSize

from bot.reply import ENGLISH, catalogue
from tests.sandbox.page.conftest import browser
from tests.scenarios.stage import Stage

__all__ = ["browser"]  # a fixture

PHONE: ViewportSize = {"width": 390, "height": 844}
DESK: ViewportSize = {"width": 1280, "height": 800}
MESSAGES = re.compile("^(Messages|消息)$")  # a tab of the page, in the language of its member
COMPOSER = re.compile("^(Message|消息)$")


@dataclass(frozen=True)
class Setting:
    """A screen, and the language of who sits before it."""

    screen: ViewportSize
    locale: str = "en-US"
    words: NullTranslations = ENGLISH

    def says(self, english: str) -> str:
        """What the bot says for this."""
        return self.words.gettext(english)


def everywhere() -> Iterator[Setting]:
    """Each screen in each language."""
    for screen in (PHONE, DESK):
        yield Setting(screen)
        yield Setting(screen, "zh-CN", catalogue("zh"))


@dataclass
class Hand:
    """One person's page, and what they have done on it."""

    page: Page
    screen: ViewportSize
    taps: int = 0

    async def tap(self, what: Locator) -> None:
        """Tap something that can be reached."""
        await what.scroll_into_view_if_needed()
        box = await what.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= self.screen["width"]
        await what.tap()
        self.taps += 1

    async def types(self, where: Locator, text: str) -> None:
        """Type over what stands in a field."""
        await where.focus()
        await where.evaluate("field => field.select()")
        await self.page.keyboard.type(text)

    async def keys(self) -> int:
        """How many keys were pressed."""
        return int(await self.page.evaluate("window.keysPressed"))

    async def leaves(self) -> None:
        """Close the page."""
        await self.page.context.close()


async def hand_of(
    stage: Stage, browser: Browser, name: str, place: str, screen: ViewportSize
) -> Hand:
    """The page of a person, opened at a place."""
    context = await browser.new_context(viewport=screen, has_touch=True, locale="en-US")
    page = await context.new_page()
    await page.add_init_script(
        "window.keysPressed = 0; addEventListener('keydown', () => window.keysPressed++, true)"
    )
    await page.goto(f"{stage.ws.url}?as={name}{place}")
    return Hand(page, screen)
