"""What is over with DBC's answer: the card and whoever asked learn the end, however it came."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.slack import SeenMessage
from tests.scenarios.site import approves, asked, dies_as_it_runs, now, rules, site, told
from tests.scenarios.stage import CHANNEL, Stage

DELETE_LAN = "/dbc lan delete team01 on gpu1"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with site(tmp_path) as one:
        await one.asks(one.bob, "/dbc lan create team01 192.168.66.0/24 on gpu1")
        yield one


def over(stage: Stage, question: SeenMessage) -> str:
    """What the question's card says in the end, when nothing on it can be pressed any more."""
    card = now(stage, question)
    assert card.buttons == []
    return card.plain


async def test_what_others_approved_is_told_to_who_asked_and_names_them(stage: Stage) -> None:
    question = await asked(stage, DELETE_LAN)
    await approves(stage, stage.bob, question)
    assert f"approved by <@{stage.bob.id}>" in over(stage, question)
    [end] = stage.endings(stage.alice)
    assert "The network team01 is deleted" in end


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("reset_before", "still has the network team01"),
        ("reset_after", "no longer has the network team01"),
        ("timeout_after_doing", "no longer has the network team01"),
    ],
)
async def test_an_answer_that_was_lost_ends_the_card_and_is_told(
    stage: Stage, fault: str, words: str
) -> None:
    question = await asked(stage, DELETE_LAN)
    stage.world.faults.on(fault, path="/lan/delete", count=1)
    await approves(stage, stage.bob, question)
    for _ in range(5):
        await stage.passes(30)
    assert words in over(stage, question).replace("*", "")
    [end] = stage.endings(stage.alice)
    assert words in end
    not_known = "The command got no clear answer." in end
    assert not_known == (fault == "reset_before")


_BARE = str.maketrans("", "", "`*")


async def test_a_private_answer_goes_to_who_asked_and_not_to_who_approved(stage: Stage) -> None:
    rules(stage, '[[rule]]\nname = "two"\nmatch = { command = "vm.passwd" }\napprovals = 1\n')
    await stage.alice.types("/dbc vm passwd inference", CHANNEL)
    await stage.alice.sees_modal("Set a password")
    await stage.alice.submits({"New password": "correct-horse-1"})
    await stage.quiet()
    question = next(m for m in stage.alice.messages(CHANNEL) if "Approve" in m.buttons)
    await approves(stage, stage.bob, question)
    assert told(stage.alice, "The password of")
    assert not told(stage.bob, "The password of")
    assert "“Set a password: inference on gpu1” is done" in over(stage, question).translate(_BARE)


async def test_after_a_crash_the_card_and_whoever_asked_learn_that_it_is_unknown(
    stage: Stage,
) -> None:
    question = await asked(stage, DELETE_LAN)
    await dies_as_it_runs(stage)
    stage.ws.faults.add("http_500", "chat.postEphemeral", times=None)
    await stage.restart_bot()
    await stage.passes(1)
    stage.ws.faults.clear()
    for _ in range(5):
        await stage.passes(60)
    assert "unknown end" in over(stage, question)
    assert len(stage.endings(stage.alice)) == 1
    assert stage.changes() == ["lan.create"]
