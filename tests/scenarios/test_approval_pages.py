"""A long list of what waits is read page by page; nothing is left out or said twice."""

import re
from pathlib import Path

import pytest

from tests.scenarios.site import NAME, site
from tests.scenarios.stage import CHANNEL

MANY = 23
REVIEWED = '[[rule]]\nname = "names"\nmatch = { command = "vm.name" }\napprovals = 1\n'


async def test_all_that_waits_is_found_on_the_pages_of_its_list(tmp_path: Path) -> None:
    async with site(tmp_path, REVIEWED, entitled="alice bob") as stage:
        for one in range(MANY):
            await stage.alice.types(f"/dbc vm name {NAME} called{one}", channel=CHANNEL)
        await stage.quiet()
        page = await stage.asks(stage.bob, "/dbc approval list")
        listed: list[list[str]] = []
        for first, last in ((1, 10), (11, 20), (21, MANY)):
            page = await stage.bob.sees(f"{first} to {last} of {MANY}", CHANNEL)
            assert "For you to decide" in page.plain
            assert ("◀ Previous" in page.buttons) == (first > 1)
            listed.append(re.findall(r"`(\w{8})` ", page.plain))
            if last < MANY:
                await stage.bob.presses("Next ▶", page)
                await stage.quiet()
        assert "Next ▶" not in page.buttons
        assert [len(one) for one in listed] == [10, 10, 3]
        assert len({one for page_of in listed for one in page_of}) == MANY


@pytest.mark.slow
async def test_all_that_waits_is_found_on_the_pages_of_the_home(tmp_path: Path) -> None:
    async with site(tmp_path, REVIEWED, entitled="alice bob") as stage:
        for one in range(MANY):
            await stage.alice.types(f"/dbc vm name {NAME} called{one}", channel=CHANNEL)
        await stage.quiet()
        found: list[str] = []
        await stage.bob.opens_home()
        for first in range(1, MANY + 1, 5):
            last = min(first + 4, MANY)
            home = await stage.bob.sees_home(f"{first} to {last} of {MANY}.")
            assert ("Next" in home.buttons) == (last < MANY)
            assert ("Previous" in home.buttons) == (first > 1)
            assert "Your sessions" in home.plain
            found += dict.fromkeys(
                re.findall(r"called\d+", re.sub("Also pending.*", "", home.plain))
            )
            if last < MANY:
                await stage.bob.presses("Next", on_home=True)
        assert sorted(found) == sorted(f"called{one}" for one in range(MANY))
        await stage.bob.presses("Previous", on_home=True)
        home = await stage.bob.sees_home(f"16 to 20 of {MANY}.")
        await stage.bob.presses("Approve", on_home=True)
        await stage.quiet()
        await stage.passes(5)
        await stage.bob.opens_home()
        await stage.bob.sees_home(f"1 to 5 of {MANY - 1}.")
