"""Two requests that are the same, at the same moment: one card, and the second person knows."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.slack import Person, SeenMessage
from storage.repositories.approvals import MOST_JOINED
from tests.scenarios.changing import NO_REVIEW
from tests.scenarios.machines import off
from tests.scenarios.replicas import Replicas, replicas
from tests.scenarios.site import (
    NAME,
    approves,
    asked,
    both_stages,
    entries,
    is_http,
    now,
    rules,
    site,
)
from tests.scenarios.stage import CHANNEL, Stage

__all__ = ["replicas"]  # fixtures
DELETE = f"/dbc vm delete {NAME}"
RESTART = f"/dbc vm restart {NAME} force"
SECOND = "Request it a second time"
CONFIRM = "[defaults]\ndestroy = { confirm = true }\n"


@pytest.fixture
async def stage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stage]:
    """Alice, Bob and Carol are entitled to gpu1; somebody else has to approve what destroys."""
    async with site(tmp_path, http=is_http(request)) as one:
        await one.asks(one.alice, "/dbc vm list")
        yield one


def questions(stage: Stage) -> list[SeenMessage]:
    """What waits in the channel for a decision, of all or of one of them."""
    waiting = {"Approve", "Confirm"}
    seen = [m for p in (stage.alice, stage.bob, stage.carol) for m in p.messages(CHANNEL)]
    by_ts = {m.ts: m for m in seen if waiting & set(m.buttons)}
    return [by_ts[ts] for ts in sorted(by_ts)]


def told_apart(person: Person) -> SeenMessage:
    """What this person alone is told of their second request."""
    found = [m for m in person.messages(CHANNEL) if SECOND in m.buttons]
    assert found, person.screen()
    assert found[-1].ephemeral
    return found[-1]


@both_stages
@pytest.mark.parametrize("who", ["alice", "bob"])
async def test_the_second_request_opens_no_second_card(stage: Stage, who: str) -> None:
    second = stage.ws.member(who)
    card = await asked(stage)
    await stage.asks(second, DELETE.replace(NAME, NAME[:5]))
    assert len(questions(stage)) == 1
    seen = told_apart(second)
    by = "You have" if who == "alice" else f"<@{stage.alice.id}> has"
    assert f"{by} already requested this" in seen.message.text
    assert f"Delete {NAME} on gpu1. It is pending" in seen.message.text
    assert f"archives/{card.channel}/p{card.ts.replace('.', '')}" in str(seen.blocks)
    await approves(stage, stage.carol, card)
    await stage.ends(stage.alice, f"{NAME} is deleted")
    assert stage.changes() == ["tasks.delete"]
    ends = [(e.actor, e.outcome) for e in await entries(stage) if str(e.kind) == "ended"]
    assert (second.id, "refused") in ends


@both_stages
async def test_both_at_one_moment_make_one_card(stage: Stage) -> None:
    people = (stage.alice, stage.bob, stage.alice, stage.bob)
    await asyncio.gather(*(one.types(DELETE, CHANNEL) for one in people))
    await stage.quiet()
    assert len(questions(stage)) == 1
    told = [m for p in (stage.alice, stage.bob) for m in p.messages(CHANNEL) if SECOND in m.buttons]
    assert len(told) == 3


@pytest.mark.slow
async def test_two_replicas_at_one_moment_make_one_card(replicas: Replicas) -> None:
    stage = replicas.stage
    people = await replicas.clickers()
    await asyncio.gather(*(one.types(DELETE, CHANNEL) for one in people))
    await replicas.quiet()
    assert len(questions(stage)) == 1
    told = [m for p in people for m in p.messages(CHANNEL) if SECOND in m.buttons]
    assert len(told) == len(people) - 1


@pytest.mark.slow
async def test_two_replicas_at_one_moment_send_one_change(replicas: Replicas) -> None:
    stage = replicas.stage
    people = await replicas.clickers()
    off(stage)
    await asyncio.gather(*(one.types(f"/dbc vm start {NAME}", CHANNEL) for one in people))
    await replicas.quiet()
    assert stage.changes() == ["tasks.start"]


async def test_whoever_truly_means_two_gets_a_card_of_their_own(stage: Stage) -> None:
    await asked(stage)
    await stage.asks(stage.bob, DELETE)
    seen = told_apart(stage.bob)
    await stage.restart_bot()
    stage.ws.deliver_twice(2)
    await stage.bob.presses(SECOND, seen)
    await stage.bob.presses(SECOND, seen)
    await stage.quiet()
    mine = [m for m in questions(stage) if f"*Requested by*\n<@{stage.bob.id}>" in m.plain]
    assert len(questions(stage)) == 2
    assert len(mine) == 1, questions(stage)
    await approves(stage, stage.carol, mine[0])
    await stage.ends(stage.bob, f"{NAME} is deleted")
    assert stage.changes() == ["tasks.delete"]


async def test_what_is_not_the_same_has_a_card_of_its_own(stage: Stage) -> None:
    rules(stage, CONFIRM)
    await stage.asks(stage.alice, RESTART)
    await stage.asks(stage.bob, f"/dbc vm restart {NAME}")
    await stage.asks(stage.bob, f"/dbc vm shutdown {NAME}")
    await stage.asks(stage.bob, '/dbc vm restart "Ada\'s training run" force')
    assert len(questions(stage)) == 4


async def test_somebody_else_is_not_kept_by_a_question_that_was_left_unanswered(
    stage: Stage,
) -> None:
    rules(stage, CONFIRM)
    await stage.asks(stage.alice, RESTART)
    await stage.passes(60)
    await stage.asks(stage.bob, RESTART)
    mine = [m for m in questions(stage) if f"*Requested by*\n<@{stage.bob.id}>" in m.plain]
    await stage.bob.presses("Confirm", mine[0])
    await stage.quiet()
    assert stage.changes() == ["tasks.restart"]


async def test_what_is_over_can_be_requested_again_at_once(stage: Stage) -> None:
    card = await asked(stage)
    await stage.alice.presses("Withdraw", card)
    await stage.quiet()
    await stage.asks(stage.alice, DELETE)
    assert len(questions(stage)) == 1
    assert now(stage, card).buttons == []


async def test_what_runs_at_once_is_sent_once(stage: Stage) -> None:
    rules(stage, NO_REVIEW)
    off(stage)
    line = f"/dbc vm start {NAME}"
    await asyncio.gather(*(one.types(line, CHANNEL) for one in (stage.alice, stage.bob)))
    await stage.quiet()
    assert stage.changes() == ["tasks.start"]
    told = [m for p in (stage.alice, stage.bob) for m in p.messages(CHANNEL) if SECOND in m.buttons]
    assert len(told) == 1
    assert "It is in progress" in told[0].plain


async def test_who_needs_nobodys_approval_does_not_wait_for_who_does(stage: Stage) -> None:
    card = await asked(stage)
    rules(stage, NO_REVIEW)
    await stage.asks(stage.bob, DELETE)
    assert stage.changes() == ["tasks.delete"]
    await stage.ends(stage.bob, f"{NAME} is deleted")
    await stage.passes(5)
    assert now(stage, card).buttons == []


async def test_two_people_who_follow_one_machine_are_both_told(stage: Stage) -> None:
    off(stage)
    await stage.asks(stage.carol, f"/dbc vm start {NAME}")
    await stage.asks(stage.alice, f"/dbc watch vm {NAME}")
    await stage.asks(stage.bob, f"/dbc watch vm {NAME}")
    await stage.ends(stage.alice, NAME)
    await stage.ends(stage.bob, NAME)


async def test_broken_glass_does_not_wait_for_a_card(tmp_path: Path) -> None:
    glass = (
        '[[rule]]\nname = "glass"\nmatch = {}\nbreak_glass = { persons = ["U0BOB"] }\n'
    )  # fmt: skip
    async with site(tmp_path, glass) as stage:
        await asked(stage)
        await stage.asks(stage.bob, f'{DELETE} break_glass="It floods the switch"')
        assert stage.changes() == ["tasks.delete"]


REMOVE = "/dbc session remove gpu1"


async def shared(stage: Stage) -> bool:
    seen = await stage.asks(stage.bob, "/dbc session list")
    return "gpu1" in seen.plain


async def test_a_session_is_erased_only_once_that_is_confirmed(stage: Stage) -> None:
    await stage.asks(stage.alice, f"/dbc session share gpu1 with @{stage.bob.id}")
    await stage.asks(stage.alice, REMOVE)
    (card,) = questions(stage)
    assert "Erase the requester's session for gpu1?" in card.plain.replace("*", "")
    assert f"*Shared with*\n<@{stage.bob.id}>" in card.plain
    assert "I cannot show them again" in card.plain
    assert "gpu1" in (await stage.asks(stage.alice, "/dbc session list")).plain
    await stage.alice.presses("Withdraw", card)
    await stage.quiet()
    assert "gpu1" in (await stage.asks(stage.alice, "/dbc session list")).plain
    await stage.asks(stage.alice, REMOVE)
    (card,) = questions(stage)
    await stage.bob.presses("Confirm", stage.shown_to_all(card))
    await stage.quiet()
    assert "gpu1" in (await stage.asks(stage.alice, "/dbc session list")).plain
    await stage.alice.presses("Confirm", card)
    await stage.quiet()
    assert "no session yet" in (await stage.asks(stage.alice, "/dbc session list")).plain


async def test_a_session_shared_after_the_question_is_not_erased_unseen(stage: Stage) -> None:
    await stage.asks(stage.alice, REMOVE)
    (card,) = questions(stage)
    await stage.asks(stage.alice, f"/dbc session share gpu1 with @{stage.bob.id}")
    await stage.alice.presses("Confirm", card)
    await stage.quiet()
    assert "Changed since it was shown" in stage.alice.screen()
    assert "gpu1" in (await stage.asks(stage.alice, "/dbc session list")).plain


async def test_two_people_erase_each_their_own_session(stage: Stage) -> None:
    await stage.asks(stage.alice, REMOVE)
    await stage.asks(stage.bob, REMOVE)
    assert len(questions(stage)) == 2
    await stage.asks(stage.bob, REMOVE)
    (_, his, again) = questions(stage)
    assert again.buttons[:2] == his.buttons[:2]
    async with stage.bot.store.read() as tx:
        assert len(await tx.approvals.open()) == 2


async def test_where_there_is_no_session_nothing_is_asked(stage: Stage) -> None:
    seen = await stage.asks(stage.alice, "/dbc session remove gpu2")
    assert "You have no session for gpu2" in seen.plain
    assert questions(stage) == []


async def test_approvers_read_who_joined_and_why(stage: Stage) -> None:
    card = await asked(stage)
    await stage.asks(stage.bob, f'{DELETE} reason="the disk is full"')
    assert "and why" in told_apart(stage.bob).plain
    for person in (stage.alice, stage.carol):
        assert f"*Also requested by*\n<@{stage.bob.id}>: the disk is full" in now(stage, card).plain
        assert any("the disk is full" in m.plain for m in person.messages())
    await stage.asks(stage.carol, DELETE)
    await stage.asks(stage.bob, f'{DELETE} reason="the disk is full"')  # nothing new
    shown = now(stage, card).plain
    assert f"<@{stage.carol.id}>" in shown.partition("Also requested by")[2]
    assert shown.count("the disk is full") == 1
    joined = [(e.actor, e.reason) for e in await entries(stage) if str(e.kind) == "joined"]
    assert joined == [(stage.bob.id, "the disk is full"), (stage.carol.id, "")]
    await approves(stage, stage.carol, now(stage, card))
    await stage.ends(stage.alice, f"{NAME} is deleted")
    await stage.bob.presses(SECOND)
    await stage.bob.sees(f"The machine was deleted by <@{stage.alice.id}>")


async def test_a_reason_given_elsewhere_is_read_by_approvers_alone(stage: Stage) -> None:
    card = await asked(stage)
    for person, why in ((stage.bob, "a customer leaves"), (stage.alice, "they owe us")):
        await person.types(f'{DELETE} reason="{why}"', channel="@dbc")
        await person.sees("nly its approvers read", channel="@dbc")
    await stage.quiet()
    shown = now(stage, card).plain
    assert f"*Also requested by*\n<@{stage.bob.id}>" in shown
    assert "a customer leaves" not in shown
    assert "they owe us" not in shown
    (copy,) = (m.plain for m in stage.carol.messages("@dbc") if "Approve" in m.buttons)
    assert "*Reason*\nthey owe us" in copy
    assert f"<@{stage.bob.id}>: a customer leaves" in copy


async def test_ones_own_second_request_adds_only_a_new_reason(stage: Stage) -> None:
    card = await asked(stage)
    await stage.asks(stage.alice, DELETE)
    assert "Also requested by" not in now(stage, card).plain
    await stage.asks(stage.alice, f'{DELETE} reason="it is broken"')
    shown = now(stage, card).plain
    assert "*Reason*\nit is broken" in shown
    assert "Also requested by" not in shown


@pytest.mark.slow
async def test_whom_a_full_card_does_not_show_is_not_told_that_it_does(stage: Stage) -> None:
    card = await asked(stage)
    for number in range(MOST_JOINED):
        await stage.asks(stage.bob, f'{DELETE} reason="disk {number} is full"')
    await stage.asks(stage.bob, f'{DELETE} reason="disk 1 is full"')
    assert "and why" in told_apart(stage.bob).plain  # it is among those shown
    await stage.asks(stage.carol, f'{DELETE} reason="it is mine"')
    assert "Yours was not added" in told_apart(stage.carol).plain
    assert "it is mine" not in now(stage, card).plain
    joined = [(e.actor, e.reason) for e in await entries(stage) if str(e.kind) == "joined"]
    assert joined[MOST_JOINED:] == [(stage.carol.id, "it is mine")]
