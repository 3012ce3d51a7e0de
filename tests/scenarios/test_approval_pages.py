"""A long list of what waits is read page by page; nothing is left out or said twice."""

import re
from pathlib import Path

from tests.scenarios.site import NAME, site
from tests.scenarios.stage import CHANNEL

MANY = 23
REVIEWED = '[[rule]]\nname = "names"\nmatch = { command = "vm.name" }\napprovals = 1\n'


async def test_all_that_waits_is_found_on_the_pages_of_its_list(tmp_path: Path) -> None:
    async with site(tmp_path, REVIEWED, entitled="alice bob") as stage:
        for one in range(MANY):
            await stage.alice.types(f"/dbc vm name {NAME} called{one}", channel=CHANNEL)
        await stage.quiet()
        first = await stage.asks(stage.bob, "/dbc approval list")
        assert f"1 to 10 of {MANY}. More: `/dbc approval list page=2`" in first.plain
        others = [await stage.asks(stage.bob, f"/dbc approval list page={page}") for page in (2, 3)]
        assert f"21 to {MANY} of {MANY}." in others[1].plain
        assert "More:" not in others[1].plain
        listed = [re.findall(r"`(\w{8})` ", page.plain) for page in (first, *others)]
        assert [len(page) for page in listed] == [10, 10, 3]
        assert len({one for page in listed for one in page}) == MANY
        await stage.alice.types("/dbc approval list page=9", channel=CHANNEL)
        await stage.alice.sees("There is no page 9: the last one is 3", CHANNEL)


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
            found += dict.fromkeys(re.findall(r"called\d+", home.plain))
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
