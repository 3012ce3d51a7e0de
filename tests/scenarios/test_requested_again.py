"""What was not done and is requested again by a button: however often it is pressed, and where."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.ids import UserId
from sandbox.dbc.worker import Durations
from sandbox.slack import Person, SeenMessage
from tests.scenarios.machines import off
from tests.scenarios.site import approves, asked, denies, rules, site
from tests.scenarios.stage import CHANNEL, CONFIRM_ONLY, Stage
from tests.scenarios.stored import alter

AGAIN = "Request it again"
SECOND = "Request it a second time"
RESTART = "/dbc vm restart inference"
APPROVED = "[defaults]\ndisrupt = { approvals = 1 }\n"
WITH_REASON = (
    f'{APPROVED}[[rule]]\nname = "ticket"\nmatch = {{ command = "vm.*" }}\nreason = "^OPS-"\n'
)
GLASS = (
    '[[rule]]\nname = "glass"\nmatch = { command = "vm.restart" }\napprovals = 1\n'
    'break_glass = { persons = ["U0BOB", "U0CAROL"] }\n'
)
BREAK = f'{RESTART} force break_glass="It floods the switch"'
ALREADY = "You have requested this a second time already"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """Alice, Bob and Carol are entitled to gpu1; one of the others approves a restart."""
    async with site(tmp_path, APPROVED) as one:
        await one.asks(one.alice, "/dbc vm list")
        yield one


async def _expired(stage: Stage, line: str = RESTART) -> SeenMessage:
    """Alice's request, of which nobody decided in time."""
    await asked(stage, line)
    return await _expires(stage, stage.alice)


async def _expires(stage: Stage, person: Person) -> SeenMessage:
    stage.clock.advance(timedelta(minutes=61))
    await stage.passes(1)
    return [m for m in person.messages() if AGAIN in m.buttons][-1]


async def _presses(stage: Stage, person: Person, button: str, message: SeenMessage) -> None:
    await person.presses(button, message)
    await stage.quiet()


def _pending(stage: Stage, whose: Person) -> list[SeenMessage]:
    """The cards of somebody's requests that wait for approval."""
    cards = [m for m in stage.carol.messages(CHANNEL) if "Approve" in m.buttons]
    return [m for m in cards if f"*Requested by*\n<@{whose.id}>" in m.plain]


async def test_pressed_after_another_refusal_it_joins_what_a_colleague_requested(
    stage: Stage,
) -> None:
    expired = await _expired(stage)
    rules(stage, WITH_REASON)
    await _presses(stage, stage.alice, AGAIN, expired)
    assert "A reason is needed" in stage.alice.last(CHANNEL).plain
    rules(stage, APPROVED)
    await stage.asks(stage.bob, RESTART)
    await _presses(stage, stage.alice, AGAIN, expired)
    assert f"<@{stage.bob.id}> has already requested this" in stage.alice.last(CHANNEL).plain
    await _presses(stage, stage.alice, AGAIN, expired)
    assert not _pending(stage, stage.alice)
    [card] = _pending(stage, stage.bob)
    await approves(stage, stage.carol, card)
    await stage.passes(60)
    assert stage.changes() == ["tasks.restart"]


async def test_a_second_one_that_was_refused_is_a_second_one_still(stage: Stage) -> None:
    await stage.asks(stage.bob, RESTART)
    told = await stage.asks(stage.alice, RESTART)
    rules(stage, WITH_REASON)
    await _presses(stage, stage.alice, SECOND, told)
    assert "A reason is needed" in stage.alice.last(CHANNEL).plain
    rules(stage, APPROVED)
    await _presses(stage, stage.alice, SECOND, told)
    assert len(_pending(stage, stage.alice)) == 1


async def test_a_second_one_that_expired_joins_what_was_requested_since(stage: Stage) -> None:
    await stage.asks(stage.bob, RESTART)
    told = await stage.asks(stage.alice, RESTART)
    await _presses(stage, stage.alice, SECOND, told)
    assert len(_pending(stage, stage.alice)) == 1
    await _expires(stage, stage.alice)
    await stage.asks(stage.bob, RESTART)
    await _presses(stage, stage.alice, SECOND, told)
    assert "has already requested this" in stage.alice.last(CHANNEL).plain
    assert not _pending(stage, stage.alice)


@pytest.mark.parametrize("last", [AGAIN, SECOND])
async def test_two_buttons_of_one_request_make_one(stage: Stage, last: str) -> None:
    expired = await _expired(stage)
    await stage.asks(stage.bob, RESTART)
    await _presses(stage, stage.alice, AGAIN, expired)
    told = stage.alice.last(CHANNEL)
    assert SECOND in told.buttons
    if last == AGAIN:
        await _presses(stage, stage.alice, SECOND, told)
    else:
        await _presses(stage, stage.bob, "Withdraw", _pending(stage, stage.bob)[0])
        await _presses(stage, stage.alice, AGAIN, expired)
    assert len(_pending(stage, stage.alice)) == 1
    await _presses(stage, stage.alice, last, expired if last == AGAIN else told)
    assert ALREADY in stage.alice.last(CHANNEL).plain
    assert len(_pending(stage, stage.alice)) == 1


@pytest.mark.parametrize(
    ("decides", "told"), [("Withdraw", "This was withdrawn."), ("Deny", "This was denied.")]
)
async def test_the_button_of_a_second_one_says_what_became_of_it(
    stage: Stage, decides: str, told: str
) -> None:
    await stage.asks(stage.bob, RESTART)
    first = await stage.asks(stage.alice, RESTART)
    await _presses(stage, stage.alice, SECOND, first)
    [card] = _pending(stage, stage.alice)
    if decides == "Deny":
        await denies(stage, stage.carol, card, "not now")
    else:
        await _presses(stage, stage.alice, decides, card)
    await _presses(stage, stage.alice, SECOND, first)
    assert f"{ALREADY}. {told}" in stage.alice.last(CHANNEL).plain


async def test_glass_is_not_broken_again_once_one_in_between_has_expired(stage: Stage) -> None:
    rules(stage, GLASS)
    await stage.asks(stage.bob, BREAK)
    told = await stage.asks(stage.carol, BREAK)
    rules(stage, CONFIRM_ONLY)
    await _presses(stage, stage.carol, SECOND, told)
    await _expires(stage, stage.carol)
    rules(stage, GLASS + 'reason = "^OPS-"\n')
    await _presses(stage, stage.carol, SECOND, told)
    rules(stage, GLASS)
    await _presses(stage, stage.carol, SECOND, told)
    assert stage.changes() == ["tasks.restart"]
    [card] = [m for m in stage.bob.messages(CHANNEL) if "Approve" in m.buttons]
    assert "It floods the switch" not in card.plain


def _offered(stage: Stage, person: Person) -> list[str]:
    """What somebody's messages say that can be requested again."""
    return [m.plain for m in person.messages() if AGAIN in m.buttons]


DAMAGES = ["command = 'vm.transmogrify'", "arguments = '{'"]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("end", ["approved", "expired"])
async def test_what_cannot_be_read_is_not_offered_again(
    stage: Stage, damage: str, end: str
) -> None:
    card = await asked(stage, RESTART)
    alter(stage, f"UPDATE executions SET {damage} WHERE status = 'waiting'")
    if end == "approved":
        await approves(stage, stage.bob, card)
    else:
        stage.clock.advance(timedelta(minutes=61))
        await stage.passes(1)
    told = stage.alice.screen()
    assert "was not carried out" in told or "nobody decided" in told
    assert _offered(stage, stage.alice) == []


async def test_what_was_damaged_since_its_button_was_offered_is_not_requested(
    stage: Stage,
) -> None:
    expired = await _expired(stage)
    alter(stage, "UPDATE executions SET arguments = '{' WHERE status = 'expired'")
    await _presses(stage, stage.alice, AGAIN, expired)
    assert "The record of what you requested is damaged" in stage.alice.last(CHANNEL).plain
    assert not _pending(stage, stage.alice)


async def _waits_for_its_turn(stage: Stage) -> None:
    """Alice's restart, approved while the machine gets a disk, which takes three minutes."""
    off(stage)
    stage.node("gpu1").durations = Durations(add=timedelta(minutes=3))
    await stage.asks(stage.bob, "/dbc disk add inference 100")
    await stage.asks(stage.alice, "/dbc vm start inference")
    [card] = _pending(stage, stage.alice)
    await approves(stage, stage.carol, card)
    assert stage.changes() == ["disks.add"]


@pytest.mark.parametrize(
    ("then", "said", "is_offered"),
    [
        ('[[rule]]\nname = "no"\nmatch = { command = "vm.start" }\ndeny = "Not today."\n',
         "Not today", False),
        ('[freeze]\npeople = { persons = ["U0CAROL"] }\n', "frozen", True),
    ],
    ids=["denied", "frozen"],
)  # fmt: skip
async def test_what_was_stopped_before_its_turn_is_offered_again_where_that_passes(
    stage: Stage, then: str, said: str, is_offered: bool
) -> None:
    ask = '[[rule]]\nname = "ask"\nmatch = { command = "vm.start" }\napprovals = 1\n'
    rules(stage, ask)
    await _waits_for_its_turn(stage)
    rules(stage, f"{ask}{then}")
    if is_offered:
        await stage.asks(stage.carol, "/dbc freeze network outage")
    await stage.passes(15, times=20)
    assert said in stage.alice.screen()
    assert stage.changes() == ["disks.add"]
    assert len(_offered(stage, stage.alice)) == is_offered


async def test_what_is_gone_is_not_offered_again(stage: Stage) -> None:
    card = await asked(stage, RESTART)
    del stage.node("gpu1").tasks[stage.task("inference").task_id]
    await approves(stage, stage.bob, card)
    assert "There is no such machine on this node" in stage.alice.screen()
    assert _offered(stage, stage.alice) == []


async def test_what_took_a_secret_opens_its_form_and_requests_nothing_by_itself(
    stage: Stage,
) -> None:
    rules(stage, '[[rule]]\nname = "ask"\nmatch = { command = "vm.passwd" }\napprovals = 1\n')
    await stage.alice.types("/dbc vm passwd inference", CHANNEL)
    await stage.alice.sees_modal("Set a password")
    await stage.alice.submits({"New password": "N3w-Passw0rd"})
    await stage.quiet()
    expired = await _expires(stage, stage.alice)
    await _presses(stage, stage.alice, AGAIN, expired)
    await stage.alice.sees_modal("Set a password")
    async with stage.bot.store.read() as tx:
        assert len(await tx.executions.recent(actor=UserId(stage.alice.id))) == 1
