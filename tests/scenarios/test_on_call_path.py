"""The way of somebody on call, on a phone: from the App Home to a forced restart, by thumb alone.

What a path takes is counted as people do it: taps on the page, keys of the keyboard.
"""

from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Browser, Locator, Page, expect

from tests.sandbox.page.conftest import browser
from tests.scenarios.stage import Stage, staged

__all__ = ["browser"]  # a fixture

PHONE = {"width": 390, "height": 844}
FROM_HOME = 4  # taps of the requester
APPROVING = 2  # the button, and Slack's own dialog


@dataclass
class Phone:
    """One person's page at the size of a phone, and what they have done on it."""

    page: Page
    taps: int = 0

    async def tap(self, what: Locator) -> None:
        """Tap something that can be reached."""
        await what.scroll_into_view_if_needed()
        box = await what.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= PHONE["width"]
        await what.tap()
        self.taps += 1

    async def keys(self) -> int:
        """How many keys were pressed."""
        return int(await self.page.evaluate("window.keysPressed"))


async def phone_of(stage: Stage, browser: Browser, name: str, place: str) -> Phone:
    """The page of a person, opened at a place."""
    context = await browser.new_context(viewport=PHONE, has_touch=True, locale="en-US")  # type: ignore[arg-type]
    page = await context.new_page()
    await page.add_init_script(
        "window.keysPressed = 0; addEventListener('keydown', () => window.keysPressed++, true)"
    )
    await page.goto(f"{stage.ws.url}?as={name}{place}")
    return Phone(page)


async def test_a_forced_restart_from_home_takes_few_taps_and_no_key(
    tmp_path: Path, browser: Browser
) -> None:
    async with staged(tmp_path, policy="") as stage:
        await stage.gives_session(stage.alice, "gpu1")
        await stage.gives_session(stage.bob, "gpu1")
        await stage.asks(stage.alice, "/dbc vm list")
        alice = await phone_of(stage, browser, "alice", "#/home")
        row = alice.page.locator(".home .section", has_text="inference")
        await expect(row).to_contain_text("running")
        await alice.tap(row.get_by_label("More actions", exact=True))
        await alice.tap(alice.page.locator(".menu-item", has_text="Logs"))
        await alice.tap(alice.page.get_by_role("link", name="Messages"))
        log = alice.page.locator(".message", has_text="This is the node's log")
        await expect(log).to_contain_text("CreateDomain")
        await alice.tap(log.get_by_role("button", name="Force restart"))
        await stage.quiet()
        assert alice.taps == FROM_HOME
        assert await alice.keys() == 0

        bob = await phone_of(stage, browser, "bob", "#/home")
        await expect(bob.page.locator(".home")).to_contain_text("The power is cut")
        await bob.tap(bob.page.locator(".home").get_by_role("button", name="Approve"))
        await bob.tap(bob.page.locator("dialog.confirm [data-answer=yes]"))
        await stage.quiet()
        await stage.ends(stage.alice, "inference has restarted on gpu1")
        assert bob.taps == APPROVING
        assert await bob.keys() == 0
        assert stage.changes() == ["tasks.restart"]
        for one in (alice, bob):
            await one.page.context.close()
