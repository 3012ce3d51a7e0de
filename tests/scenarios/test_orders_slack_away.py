"""While Slack takes no message: what it takes afterwards is true then, and told once."""

import pytest

from tests.scenarios.orders import DAY, ChainStage

OVER = "This is over: a later warning says what holds."


async def test_an_end_that_slack_takes_late_switches_off_nothing_any_more(
    scene: ChainStage,
) -> None:
    stage, alice = scene.stage, scene.stage.alice
    await stage.asks(alice, "/dbc vm list")
    rental = scene.rents(blocks=600)
    await scene.passes(minutes=50, step=300)
    stage.ws.faults.add("http_500", "chat.postMessage", times=None)
    await scene.passes(minutes=11, step=60)
    await scene.passes(minutes=40, step=300)
    assert scene.told(alice, f"Order {rental.number} for gpu1", "ended ") == []
    stage.ws.faults.clear()
    await scene.passes(minutes=10, step=60)
    (told,) = scene.told(alice, f"Order {rental.number} for gpu1 ended ")
    assert "inference (vda 350G, vdb 100G) should be off by now" in told
    assert scene.told(alice, "lose power within 15 minutes", "has ended") == []


@pytest.mark.parametrize("is_begun", [False, True])
async def test_of_two_warnings_that_slack_takes_at_once_the_last_one_is_told(
    scene: ChainStage, *, is_begun: bool
) -> None:
    stage, alice = scene.stage, scene.stage.alice
    await stage.asks(alice, "/dbc vm list")
    rental = scene.rents(blocks=2 * DAY)
    await scene.until(rental.end - 25 * 600)
    before = len(scene.told(alice, "for gpu1 ends"))
    if is_begun:  # it may have been posted
        stage.ws.faults.add("http_500", "chat.postMessage", times=None)
    else:
        stage.ws.faults.error("ratelimited", "chat.postMessage", times=None)
    await scene.until(rental.end - 7 * 600)
    await scene.passes(hours=1.5, step=300)
    stage.ws.faults.clear()
    await scene.passes(minutes=10, step=60)
    *_, last = told = scene.told(alice, "for gpu1 ends")[before:]
    assert "I renew it" in last
    assert [one for one in told if "I renew it" in one] == [last]
    assert len(scene.told(alice, OVER)) == len(told) - 1 == int(is_begun)
