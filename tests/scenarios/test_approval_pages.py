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
        assert f"1 to 20 of {MANY}. More: `/dbc approval list page=2`" in first.plain
        second = await stage.asks(stage.bob, "/dbc approval list page=2")
        assert f"21 to {MANY} of {MANY}." in second.plain
        assert "More:" not in second.plain
        listed = [re.findall(r"`(\w{8})` ", page.plain) for page in (first, second)]
        assert [len(page) for page in listed] == [20, 3]
        assert len({*listed[0], *listed[1]}) == MANY
        await stage.alice.types("/dbc approval list page=9", channel=CHANNEL)
        await stage.alice.sees("There is no page 9: the last one is 2", CHANNEL)
