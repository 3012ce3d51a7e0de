"""What somebody has said of an order is offered to them no more; a channel reads who said it."""

import asyncio
import re
from datetime import timedelta
from pathlib import Path

from sandbox.slack import Person
from tests.scenarios.orders import DAY, ChainStage, chained
from tests.scenarios.stage import CHANNEL, CONFIRM_ONLY


def offered(person: Person, where: str = "@dbc") -> set[str]:
    shown = [message for message in person.messages(where) if not message.ephemeral]
    return {label for message in shown for label in message.buttons}


def told_to_all(person: Person) -> list[str]:
    """The warnings in the channel."""
    seen = [m.plain for m in person.messages(CHANNEL) if not m.ephemeral]
    return [one for one in seen if "for *gpu1* ends" in one]


async def test_whoever_renews_an_order_is_not_asked_again(tmp_path: Path) -> None:
    async with chained(tmp_path, policy=CONFIRM_ONLY) as scene:
        stage, alice, bob = scene.stage, scene.stage.alice, scene.stage.bob
        room = stage.ws.core.state.channel(CHANNEL).id
        rules = (tmp_path / "policy.toml").read_text()
        (tmp_path / "policy.toml").write_text(f'{rules}\n[orders]\nchannel = "{room}"\n')
        stage.bot.reload_policy()
        await stage.gives_session(alice, "gpu1")
        await stage.asks(alice, "/dbc session share gpu1 with @bob")
        rental = scene.rents(blocks=2 * DAY)
        await scene.until(rental.end - 24 * 600)
        await alice.presses("I renew it", alice.last("@dbc"))
        await scene.passes(minutes=1, step=30)
        assert "I renew it" not in offered(alice)
        assert "I renew it" in offered(bob)
        assert "I renew it" not in offered(bob, CHANNEL)
        seen = told_to_all(bob)
        assert f"<@{alice.id}> said <!date" in seen[0]
        await bob.presses("Snooze", bob.last("@dbc"))
        await scene.passes(minutes=1, step=30)
        assert "Snooze" not in offered(bob, CHANNEL)
        assert told_to_all(bob)[0].count(f"<@{alice.id}> said <!date") == 1
        for line in ("order list", f"order show {rental.number}"):
            assert "I renew it" not in str((await stage.asks(alice, f"/dbc {line}")).blocks)
            assert "I renew it" in str((await stage.asks(bob, f"/dbc {line}")).blocks)
        listed = (await stage.asks(bob, "/dbc order list")).plain
        assert re.search(r"USD a day\n<@\w+> said \S.* to renew it\.(\n|$)", listed), listed
        await scene.until(rental.end - 6 * 600)
        assert "I renew it" not in offered(alice) | offered(bob, CHANNEL)
        await bob.presses("I renew it", bob.last("@dbc"))
        await stage.quiet()
        await bob.presses("Take it over", bob.last("@dbc"))
        await scene.passes(minutes=1, step=30)
        assert "I renew it" not in offered(bob)
        seen = told_to_all(bob)
        assert [one for one in seen if f"<@{alice.id}> said" in one] == []
        assert "Done" in offered(bob)


async def test_a_snooze_is_offered_nowhere_once_it_is_done(tmp_path: Path) -> None:
    async with chained(tmp_path) as scene:
        stage, alice = scene.stage, scene.stage.alice
        await stage.gives_session(alice, "gpu1")
        await stage.asks(alice, "/dbc session share gpu1 with @bob")
        rental = scene.rents(blocks=2 * DAY)
        await scene.until(rental.end - 24 * 600)
        await alice.presses("Snooze", alice.last("@dbc"))
        await scene.passes(minutes=1, step=30)
        assert "Snooze" not in offered(alice) | offered(stage.bob)
        assert "I renew it" in offered(alice)


async def test_who_signs_while_a_look_finds_it_is_not_told_that_it_is_missing(
    scene: ChainStage,
) -> None:
    stage, alice, rpc = scene.stage, scene.stage.alice, scene.rpc[0]
    rental = scene.rents(confirmed=False)
    await scene.passes(minutes=2, step=12)
    called = alice.last("@dbc")
    scene.chain.confirm(rental.number)
    stage.clock.advance(timedelta(seconds=24))
    rpc.takes["rentMachine_getRentOrder"] = 60  # the look is at the order
    look = asyncio.create_task(stage.bot._services.orders.poll_due())
    await rpc.dawdles.wait()
    await alice.presses("Done", called)
    await stage.quiet()
    assert not look.done()
    rpc.takes.clear()
    stage.clock.advance(timedelta(seconds=20))  # it goes on without it
    await look
    await scene.passes(minutes=4, step=12)
    assert scene.told(alice, "is confirmed. It ends")
    assert scene.told(alice, "Then sign again") == []


async def test_who_confirms_an_order_has_not_said_to_renew_it(scene: ChainStage) -> None:
    stage, alice = scene.stage, scene.stage.alice
    rental = scene.rents(blocks=2 * DAY, confirmed=False)
    await scene.passes(minutes=2, step=12)
    await alice.presses("I confirm it", alice.last("@dbc"))
    await stage.quiet()
    show = f"/dbc order show {rental.number}"
    said = f"<@{alice.id}> said <!date"
    assert said in (await stage.asks(alice, show)).plain
    scene.chain.confirm(rental.number)
    stage.clock.advance(timedelta(seconds=12))
    shown = (await stage.asks(alice, show)).plain
    assert "(by the newest block, which is not final yet)" in shown
    assert said not in shown
    await scene.passes(minutes=2, step=12)
    (told,) = [one for one in alice.messages("@dbc") if "is confirmed. It ends" in one.plain]
    assert "I renew it" in told.buttons
    assert said not in (await stage.asks(alice, show)).plain


async def test_what_was_said_of_an_end_is_not_said_of_that_by_the_newest_block(
    scene: ChainStage,
) -> None:
    stage, alice = scene.stage, scene.stage.alice
    rental = scene.rents(blocks=2 * DAY)
    await scene.until(rental.end - 24 * 600)
    await alice.presses("Snooze", alice.last("@dbc"))
    await alice.presses("I renew it", alice.last("@dbc"))
    await stage.quiet()
    scene.chain.relet(rental.number, 2 * DAY)
    stage.clock.advance(timedelta(seconds=12))
    shown = (await stage.asks(alice, f"/dbc order show {rental.number}")).plain
    assert "(by the newest block, which is not final yet)" in shown
    assert f"<@{alice.id}> said <!date" not in shown
    await scene.passes(minutes=2, step=12)
    (told,) = [one for one in alice.messages("@dbc") if "is renewed" in one.plain]
    assert {"I renew it", "Snooze"} <= set(told.buttons)
