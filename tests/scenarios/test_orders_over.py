"""What was told of an order, once it has moved on: no button is left that only refuses."""

import asyncio
from copy import deepcopy

import pytest

from sandbox.slack import Person, SeenMessage
from tests.scenarios.orders import DAY, ChainStage

CREATE = "/dbc vm create name=late image=ubuntu-20.04.qcow2 gpu=1 cpu=2 mem=8 disk=10 on gpu1"
DECIDES = {"I renew it", "Snooze", "Done", "I confirm it"}


def offering(person: Person) -> list[SeenMessage]:
    """The direct messages in which something can be decided about an order."""
    return [message for message in person.messages("@dbc") if DECIDES & {*message.buttons}]


@pytest.mark.slow
async def test_a_renewal_takes_the_buttons_off_all_warnings_before_it(scene: ChainStage) -> None:
    alice = scene.stage.alice
    rental = scene.rents(blocks=2 * DAY)
    await scene.until(rental.end - 24 * 600)
    old = alice.last("@dbc")
    still_shown = deepcopy(old.message.blocks)
    await alice.presses("I renew it", old)
    await scene.passes(minutes=1, step=30)
    assert scene.told(alice, "You renew it. All who are told of it know.")
    assert len(offering(alice)) == 3  # seen at 48 hours, at 24, and who renews it
    scene.chain.relet(rental.number, 10 * DAY)
    await scene.passes(minutes=5, step=30)
    assert offering(alice) == []
    over = scene.told(alice, "This is over: the order was renewed.")
    assert len(over) == 3
    assert [one for one in over if "reletMachine" in one] == []  # nobody pays twice
    settled = [one for one in alice.messages("@dbc") if "This is over" in one.plain]
    assert {label for one in settled for label in one.buttons} == {"Show"}
    old.message.blocks = still_shown
    await alice.presses("I renew it", old)
    await scene.stage.quiet()
    said = alice.last("@dbc").plain.replace("*", "")
    assert f"This warning is over. Order {rental.number} for gpu1 ends" in said
    assert ", in 10 days." in said


@pytest.mark.slow
async def test_an_end_and_a_deletion_leave_only_what_can_be_done(scene: ChainStage) -> None:
    alice = scene.stage.alice
    rental = scene.rents(blocks=DAY)
    await scene.until(rental.end - 600)
    old = alice.last("@dbc")
    still_shown = deepcopy(old.message.blocks)
    await scene.until(rental.end + 60)
    assert offering(alice) == []
    assert "Copy data …" in alice.last("@dbc").buttons
    old.message.blocks = still_shown
    await alice.presses("Done", old)
    await scene.stage.quiet()
    said = alice.last("@dbc").plain.replace("*", "")
    assert f"Order {rental.number} for gpu1 has ended; machines are deleted after" in said
    await scene.until(rental.end + 73 * 600)
    told = alice.messages("@dbc")
    assert [one for one in told if "Copy data …" in one.buttons] == []
    assert max(one.message.text.count("This is over") for one in told) == 1


@pytest.mark.slow
async def test_a_lapsed_order_leaves_no_button_to_confirm_it(scene: ChainStage) -> None:
    alice = scene.stage.alice
    scene.rents(confirmed=False)
    await scene.passes(minutes=2, step=30)
    await alice.presses("I confirm it", alice.last("@dbc"))
    await scene.passes(minutes=1, step=30)
    assert scene.told(alice, "You confirm it. All who are told of it know.")
    assert len(offering(alice)) == 2  # the countdown, and who confirms it
    await scene.passes(minutes=16, step=30)
    assert offering(alice) == []
    assert scene.told(alice, "confirms order", "This is over: the order lapsed.")


@pytest.mark.slow
async def test_a_renewal_in_quiet_hours_takes_back_the_warning_that_they_hold(
    scene: ChainStage,
) -> None:
    alice = scene.stage.alice
    rental = scene.rents(blocks=5 * DAY)
    await scene.passes(1)
    await scene.stage.asks(alice, "/dbc settings quiet-hours 00:00-23:59")
    await scene.until(rental.end - 72 * 600)
    assert scene.told(alice, "for gpu1 ends") == []
    scene.chain.relet(rental.number, 10 * DAY)
    await scene.passes(minutes=5, step=30)
    await scene.stage.asks(alice, "/dbc settings quiet-hours off")
    await scene.passes(1)
    assert scene.told(alice, "for gpu1 ends") == []
    assert len(scene.told(alice, "is renewed. It now ends")) == 1


@pytest.mark.slow
async def test_a_renewal_takes_the_call_to_pay_from_who_only_watches_the_wallet(
    scene: ChainStage,
) -> None:
    carol = scene.stage.carol
    await scene.stage.asks(carol, f"/dbc order watch {scene.renter}")
    rental = scene.rents(blocks=4 * DAY)
    await scene.until(rental.end - 72 * 600)
    assert len(scene.told(carol, "for gpu1 ends", "reletMachine")) == 1
    scene.chain.relet(rental.number, DAY)
    await scene.passes(minutes=5, step=30)
    assert scene.told(carol, "reletMachine") == []
    assert len(scene.told(carol, "This is over: the order was renewed.")) == 1
    await scene.stage.asks(carol, "/dbc settings quiet-hours 00:00-23:59")
    await scene.until(rental.end - 72 * 600)
    scene.chain.relet(rental.number, 10 * DAY)
    await scene.passes(minutes=5, step=30)
    await scene.stage.asks(carol, "/dbc settings quiet-hours off")
    await scene.passes(1)
    assert scene.told(carol, "reletMachine") == []


async def test_what_can_no_longer_be_snoozed_says_so(scene: ChainStage) -> None:
    alice = scene.stage.alice
    rental = scene.rents(blocks=DAY)
    await scene.passes(minutes=5, step=60)
    old = alice.last("@dbc")
    await scene.until(rental.end - 5 * 600)
    await alice.presses("Snooze", old)
    await scene.stage.quiet()
    assert "Only the last warnings are left" in alice.last("@dbc").plain
    assert scene.told(alice, "snoozes order") == []


async def test_who_only_watches_a_wallet_gets_no_button_to_decide(scene: ChainStage) -> None:
    stage = scene.stage
    alice, carol = stage.alice, stage.carol
    await stage.asks(carol, f"/dbc order watch {scene.renter}")
    rental = scene.rents(blocks=2 * DAY)
    await scene.passes(minutes=5, step=60)
    await alice.presses("I renew it", alice.last("@dbc"))
    await alice.presses("Snooze", alice.messages("@dbc")[-1])
    await scene.passes(minutes=1, step=30)
    assert scene.told(carol, f"renews order {rental.number}")
    assert scene.told(carol, f"snoozes order {rental.number}")
    shown = {label for message in carol.messages("@dbc") for label in message.buttons}
    assert shown == {"Show"}


@pytest.mark.slow
async def test_who_gets_a_session_is_told_what_is_pending_on_its_order(scene: ChainStage) -> None:
    stage, alice, bob = scene.stage, scene.stage.alice, scene.stage.bob
    rental = scene.rents(blocks=2 * DAY)
    await scene.until(rental.end - 20 * 600)
    await alice.presses("I renew it", alice.last("@dbc"))
    await scene.passes(minutes=1, step=30)
    await stage.asks(alice, "/dbc session share gpu1 with @bob")
    assert len(scene.told(bob, "shares their session for gpu1 with you.")) == 1
    (told,) = scene.told(bob, f"Order {rental.number} for gpu1 ends")
    assert ", in " not in told
    assert "to renew it." in told
    (pending,) = [one for one in bob.messages("@dbc") if "for *gpu1* ends" in one.plain]
    await bob.presses(f"Show order {rental.number}", pending)
    await stage.quiet()
    assert f"reletMachine(rent_id = {rental.number}" in bob.last("@dbc").plain
    await scene.passes(1)
    assert len(scene.told(bob, "shares their session")) == 1
    scene.chain.relet(rental.number, 10 * DAY)
    await scene.passes(minutes=20, step=60)
    assert scene.told(bob, "for gpu1 ends", "This is over: the order was renewed.")


async def test_who_got_a_session_reads_that_its_order_was_confirmed(scene: ChainStage) -> None:
    stage, bob = scene.stage, scene.stage.bob
    rental = scene.rents(confirmed=False)
    await scene.passes(minutes=2, step=30)
    await stage.asks(stage.alice, "/dbc session share gpu1 with @bob")
    assert len(scene.told(bob, f"Order {rental.number} for gpu1 must be confirmed by")) == 1
    scene.chain.confirm(rental.number)
    await scene.passes(minutes=3, step=30)
    (told,) = scene.told(bob, "must be confirmed by")
    assert "This is over: the order was confirmed." in told


async def test_in_a_channel_no_button_leads_to_an_order_that_is_not_shown(
    scene: ChainStage,
) -> None:
    stage, alice = scene.stage, scene.stage.alice
    await stage.asks(alice, "/dbc session share gpu1 with #gpu-ops")
    rental = scene.rents(blocks=2 * DAY)
    await scene.passes(minutes=5, step=60)
    for person, is_shown in ((alice, True), (stage.carol, False)):
        listed = await stage.asks(person, "/dbc vm list")
        assert f"Order {rental.number} for gpu1 ends" in listed.plain.replace("*", "")
        assert (f"Show order {rental.number}" in listed.buttons) is is_shown


async def test_each_press_is_answered_with_what_it_did_also_in_chinese(scene: ChainStage) -> None:
    stage, alice = scene.stage, scene.stage.alice
    await stage.asks(alice, "/dbc language zh")
    scene.rents(blocks=2 * DAY)
    await scene.passes(minutes=5, step=60)
    warning = alice.last("@dbc")
    for pressed, said in (
        ("暂停提醒", "已为所有相关人员暂停提醒。之后只在到期前 6 小时、1 小时和 15 分钟提醒。"),
        ("暂停提醒", "已经暂停提醒了。"),
        ("我来续租", "由你续租，已通知相关人员。"),
        ("我来续租", "你已经说过由你续租。"),
    ):
        await alice.presses(pressed, warning)
        await stage.quiet()
        assert scene.told(alice, said), pressed


async def test_of_two_who_renew_it_at_the_same_moment_one_does_and_the_other_is_told_who(
    scene: ChainStage,
) -> None:
    stage = scene.stage
    people = stage.alice, stage.bob
    await stage.asks(stage.alice, "/dbc session share gpu1 with @bob")
    scene.rents(blocks=2 * DAY)
    await scene.passes(minutes=5, step=60)
    await asyncio.gather(*(one.presses("I renew it", one.last("@dbc")) for one in people))
    await stage.quiet()
    won = [one for one in people if scene.told(one, "You renew it. All who are told of it know.")]
    assert len(won) == 1
    (late,) = [one for one in people if one not in won]
    (told,) = scene.told(late, "has taken it", "Do you take it over?")
    assert won[0].id in told
    await scene.passes(minutes=1, step=30)
    for one in people:
        (known,) = scene.told(one, "renews order")
        assert won[0].id in known


async def test_of_two_who_take_it_over_at_the_same_moment_one_does(scene: ChainStage) -> None:
    stage, alice = scene.stage, scene.stage.alice
    people = stage.bob, stage.carol
    for one in people:
        await stage.asks(alice, f"/dbc session share gpu1 with @{one.name}")
    scene.rents(blocks=2 * DAY)
    await scene.passes(minutes=5, step=60)
    await alice.presses("I renew it", alice.last("@dbc"))
    await scene.passes(minutes=1, step=30)
    for one in people:
        await one.presses("I renew it", one.messages("@dbc")[-1])
        await stage.quiet()
    await asyncio.gather(*(one.presses("Take it over", one.last("@dbc")) for one in people))
    await stage.quiet()
    won = [one for one in people if scene.told(one, "You renew it. All who are told of it know.")]
    assert len(won) == 1
    (late,) = [one for one in people if one not in won]
    assert won[0].id in scene.told(late, "has taken it", "Do you take it over?")[-1]
    await scene.passes(minutes=1, step=30)
    assert len(scene.told(alice, "has taken over from you")) == 1
    for one in (alice, *people):
        (known,) = scene.told(one, "renews order")
        assert won[0].id in known


@pytest.mark.slow
async def test_an_end_that_moved_earlier_takes_the_calls_off_what_was_told(
    scene: ChainStage,
) -> None:
    alice = scene.stage.alice
    rental = scene.rents(blocks=DAY)
    await scene.until(rental.end - 400, step=60)
    await alice.presses("I renew it", alice.last("@dbc"))
    await scene.stage.quiet()
    told = len(offering(alice))
    assert told > 1
    scene.chain.move_end(rental.number, 300)
    await scene.passes(minutes=3, step=20)
    (anew,) = offering(alice)
    assert "09:50 UTC" in anew.plain
    assert "I renew it" in anew.buttons
    over = scene.told(alice, "This is over: the order ends earlier now.")
    assert len(over) >= told
    assert not any("reletMachine" in one for one in over)
    scene.chain.move_end(rental.number, 0)
    await scene.passes(minutes=15, step=60)
    assert scene.told(alice, "gpu1 deletes Ada")
    assert offering(alice) == []


async def test_an_end_that_a_fork_brings_back_is_heard_again(scene: ChainStage) -> None:
    alice, hour = scene.stage.alice, 600
    rental = scene.rents(blocks=2 * DAY)
    end = rental.end
    await scene.until(end - 5 * hour)
    assert len(scene.told(alice, "for gpu1 ends", at="end-6")) == 1
    for times in (1, 2):  # each time the same two ends
        scene.chain.relet(rental.number, end + 10 * DAY - rental.end)
        await scene.passes(minutes=12, step=60)
        assert len(scene.told(alice, "is renewed. It now ends")) == times
        heard = len(alice.messages("@dbc"))
        scene.chain.move_end(rental.number, end - scene.chain.blocks.head)
        await scene.passes(minutes=12, step=60)
        assert len(alice.messages("@dbc")) == heard + 1
        assert f"Order {rental.number} for *gpu1* ends" in alice.last("@dbc").plain
        assert "I renew it" in alice.last("@dbc").buttons


async def test_with_an_end_that_moved_to_the_past_it_has_ended(scene: ChainStage) -> None:
    alice = scene.stage.alice
    await scene.stage.asks(alice, "/dbc vm list")
    rental = scene.rents(blocks=DAY)
    await scene.passes(minutes=5, step=60)
    scene.chain.move_end(rental.number, -1)
    await scene.passes(minutes=0.5, step=5)
    (told,) = scene.told(alice, "gpu1 deletes Ada's training run")
    assert f"Order {rental.number} ended <!date" in told
    assert "renewed" not in told
