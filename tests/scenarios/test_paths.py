"""Ways through the page, counted: whoever makes one longer has to say so here.

Each goes through both screens and both languages with one browser: starting one takes long.
"""

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.scenarios.stage import CHANNEL, Stage, staged
from tests.scenarios.thumbs import MESSAGES, Setting, browser, everywhere, hand_of

__all__ = ["browser"]  # a fixture

IMAGE = "ubuntu-22.04-cuda-12.qcow2"
APPROVING = 2  # the button of the card, and Slack's own dialog
FAULTY, MENDING = 4, 3  # open, choose an image twice, send; the messages, open, send again


async def _read_in(stage: Stage, setting: Setting) -> None:
    for person in (stage.alice, stage.bob):
        person.speaks(setting.locale)
    await stage.ws.idle()
    await stage.asks(stage.alice, "/dbc vm list")


@pytest.mark.slow
async def test_an_approval_takes_two_taps_and_no_key(tmp_path: Path, browser: Browser) -> None:
    for number, setting in enumerate(everywhere()):
        (data := tmp_path / str(number)).mkdir()
        async with staged(data, policy="") as stage:
            await stage.gives_session(stage.alice, "gpu1")
            await stage.gives_session(stage.bob, "gpu1")
            await _read_in(stage, setting)
            await stage.asks(stage.alice, "/dbc vm shutdown inference")
            bob = await hand_of(stage, browser, "bob", "#/home", setting.screen)
            approve = bob.page.locator(".home").get_by_role(
                "button", name=setting.says("Approve"), exact=True
            )
            await bob.tap(approve)
            await bob.tap(bob.page.locator("dialog.confirm [data-answer=yes]"))
            await stage.alice.sees(":hourglass_flowing_sand:", CHANNEL)
            await stage.quiet()
            assert stage.changes() == ["tasks.shutdown"]
            assert bob.taps == APPROVING
            assert await bob.keys() == 0
            await bob.leaves()


@pytest.mark.slow
async def test_a_faulty_form_is_mended_without_typing_it_again(
    tmp_path: Path, browser: Browser
) -> None:
    for number, setting in enumerate(everywhere()):
        (data := tmp_path / str(number)).mkdir()
        async with staged(data) as stage:
            await stage.gives_session(stage.alice, "gpu2")
            await _read_in(stage, setting)
            await stage.passes(60)
            alice = await hand_of(stage, browser, "alice", "#/home", setting.screen)
            create = setting.says("Create a machine")
            await alice.tap(alice.page.locator(".home").get_by_role("button", name=create))
            form = alice.page.get_by_role("dialog")
            await expect(form).to_be_visible()
            await alice.types(form.get_by_label(setting.says("Name"), exact=True), "t1")
            await alice.tap(form.get_by_role("button", name=f"{setting.says('Image')}: "))
            await alice.tap(alice.page.get_by_role("option", name=IMAGE))
            await alice.types(form.get_by_label(setting.says("GPUs"), exact=True), "12")
            await alice.tap(form.get_by_role("button", name=setting.says("Create"), exact=True))
            await stage.alice.sees("12", "@dbc")
            assert stage.changes() == []
            assert alice.taps == FAULTY

            await alice.tap(alice.page.get_by_role("link", name=MESSAGES))
            again = alice.page.get_by_role("button", name=setting.says("Open the form"))
            await alice.tap(again)
            await expect(form).to_contain_text("12")
            await alice.types(form.get_by_label(setting.says("GPUs"), exact=True), "1")
            await alice.tap(form.get_by_role("button", name=setting.says("Create"), exact=True))
            await stage.alice.sees(":hourglass_flowing_sand:", "@dbc")
            await stage.quiet()
            assert stage.changes() == ["tasks.create"]
            assert alice.taps == FAULTY + MENDING
            assert await alice.keys() == len("t1") + len("12") + len("1")
            await alice.leaves()
