"""The way of somebody on call, on a phone: from the App Home to a forced restart, by thumb alone.

What a path takes is counted as people do it: taps on the page, keys of the keyboard.
"""

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.scenarios.stage import staged
from tests.scenarios.thumbs import PHONE, browser, hand_of

__all__ = ["browser"]  # a fixture

FROM_HOME = 3  # taps of the requester
APPROVING = 2  # the button, and Slack's own dialog


@pytest.mark.slow
async def test_a_forced_restart_from_home_takes_few_taps_and_no_key(
    tmp_path: Path, browser: Browser
) -> None:
    async with staged(tmp_path, policy="") as stage:
        await stage.gives_session(stage.alice, "gpu1")
        await stage.gives_session(stage.bob, "gpu1")
        await stage.asks(stage.alice, "/dbc vm list")
        alice = await hand_of(stage, browser, "alice", "#/home", PHONE)
        row = alice.page.locator(".home .section", has_text="inference")
        await expect(row).to_contain_text("running")
        await alice.tap(row.get_by_label("More actions", exact=True))
        await alice.tap(alice.page.locator(".menu-item", has_text="Logs"))
        log = alice.page.get_by_role("dialog", name="Only you see this")
        await expect(log).to_contain_text("CreateDomain")
        await alice.tap(log.get_by_role("button", name="Force restart"))
        await stage.quiet()
        assert alice.taps == FROM_HOME
        assert await alice.keys() == 0

        bob = await hand_of(stage, browser, "bob", "#/home", PHONE)
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
