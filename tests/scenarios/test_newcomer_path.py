"""The way of somebody new, by thumb: from an empty App Home over a colleague's yes to a first list.

The App Home lists the machines before that, without a tap.
"""

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.scenarios.stage import Stage, staged
from tests.scenarios.thumbs import COMPOSER, MESSAGES, Hand, Setting, browser, everywhere, hand_of

__all__ = ["browser"]  # a fixture

ASKING = 1  # the button beside who has access
SHARING = 2  # the messages, the button
LISTING = 2  # the messages, the field where the line is typed
LINE = "/dbc vm list"
ENTER = 1


async def _asks(stage: Stage, bob: Hand, setting: Setting) -> None:
    home = bob.page.locator(".home")
    await expect(home).to_contain_text(setting.says("Who has access"))
    await expect(home).to_contain_text("Alice")
    assert "inference" not in await home.inner_text()
    ask = home.get_by_role("button", name=setting.says("Ask for access"), exact=True)
    await expect(ask).to_have_count(1)
    await bob.tap(ask)
    await stage.quiet()
    await stage.passes()
    asked = setting.says("You asked for access {time}.").partition("{time}")[0].strip()
    await expect(home).to_contain_text(asked)
    await expect(ask).to_have_count(0)
    assert (bob.taps, await bob.keys()) == (ASKING, 0)


async def _shares(stage: Stage, alice: Hand, setting: Setting) -> None:
    await alice.tap(alice.page.get_by_role("link", name=MESSAGES))
    share = setting.says("Share for {hours} hours").format(hours=8)
    await alice.tap(alice.page.get_by_role("button", name=share, exact=True))
    await stage.quiet()
    await stage.passes()
    assert (alice.taps, await alice.keys()) == (SHARING, 0)


async def _lists(stage: Stage, bob: Hand, setting: Setting) -> None:
    home = bob.page.locator(".home")
    await stage.passes(60)
    await expect(home).to_contain_text("inference")
    assert (bob.taps, await bob.keys()) == (ASKING, 0)
    await bob.tap(bob.page.get_by_role("link", name=MESSAGES))
    messages = bob.page.locator(".message")
    until = setting.says("{user} shares their session for {node} with you until {time}.")
    told = max(until.replace("{", "}").split("}"), key=len).strip()
    await expect(messages.filter(has_text=told)).to_have_count(1)
    await bob.tap(bob.page.get_by_role("combobox", name=COMPOSER))
    await bob.page.keyboard.type(LINE)
    await bob.page.keyboard.press("Enter")
    await stage.quiet()
    await expect(messages.last).to_contain_text("inference")
    assert (bob.taps, await bob.keys()) == (ASKING + LISTING, len(LINE) + ENTER)


@pytest.mark.slow
async def test_a_newcomer_gets_from_no_access_to_a_first_list_in_five_taps(
    tmp_path: Path, browser: Browser
) -> None:
    for number, setting in enumerate(everywhere()):
        (data := tmp_path / str(number)).mkdir()
        async with staged(data, policy="") as stage:
            await stage.gives_session(stage.alice, "gpu1")
            for person in (stage.alice, stage.bob):
                person.speaks(setting.locale)
            await stage.ws.idle()
            bob = await hand_of(stage, browser, "bob", "#/home", setting.screen)
            alice = await hand_of(stage, browser, "alice", "#/home", setting.screen)
            await _asks(stage, bob, setting)
            await _shares(stage, alice, setting)
            await _lists(stage, bob, setting)
            assert stage.changes() == []
            for one in (alice, bob):
                await one.leaves()
