"""Two people make very many requests at once: nobody else waits, and Slack is not hammered."""

import re
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from tests.scenarios.site import NAME, site, told
from tests.scenarios.stage import CHANNEL, Stage, card

REVIEWED = '[[rule]]\nname = "names"\nmatch = { command = "vm.name" }\napprovals = 1\n'
CALLED = re.compile(r"\bcalled(\d+)\b")


def refused(stage: Stage) -> Counter[str]:
    """How many calls Slack has refused for its limits, by method."""
    return Counter(call.method for call in stage.ws.calls if call.error == "ratelimited")


def each(many: int) -> Counter[str]:
    """Each of so many, once."""
    return Counter(str(one) for one in range(many))


async def flood(stage: Stage, many: int) -> None:
    """Alice and Bob make so many requests in one channel within a moment."""
    await stage.passes(90)  # whatever came before, all windows are open
    stage.ws.limits.strict = True
    for one in range(many):
        person = stage.alice if one % 2 else stage.bob
        await person.types(f"/dbc vm name {NAME} called{one}", channel=CHANNEL)
    await stage.ws.idle()
    await stage.bot.edge._supervisor.drain(timedelta(seconds=100))


async def delivers(stage: Stage, seconds: int) -> None:
    """Let so many seconds pass, in each of which what is due is delivered."""
    for _ in range(seconds):
        stage.clock.advance(timedelta(seconds=1))
        await stage.bot._services.reviews.deliver()


@pytest.mark.slow
async def test_very_many_requests_keep_nobody_else_waiting(tmp_path: Path) -> None:
    many = 100
    async with site(tmp_path, REVIEWED, entitled="alice bob carol") as stage:
        stage.ws.add_channel("ml-team", "carol", "dbc")
        await flood(stage, many)
        assert len(told(stage.alice, "called")) < many / 2
        # What somebody else asks for elsewhere is there at once, no time has passed.
        await stage.carol.types(f"/dbc vm name {NAME} mine", channel="ml-team")
        await stage.carol.types(f"/dbc vm show {NAME}", channel="ml-team")
        await stage.quiet()
        here = [m.plain.replace("*", "") for m in stage.carol.messages("ml-team")]
        assert any("mine" in text and "Requested by" in text for text in here)
        assert any("running" in text for text in here)
        await delivers(stage, many + 10)
        cards = [m for m in stage.carol.messages(CHANNEL) if not m.ephemeral]
        asked = Counter(
            number
            for m in cards
            for number in set(CALLED.findall(re.sub("Also pending.*", "", m.plain)))
        )
        assert asked == each(many)
        assert refused(stage).total() <= 20, refused(stage)


async def test_of_many_requests_each_end_is_told_once_and_each_card_shows_it(
    tmp_path: Path,
) -> None:
    many = 24
    async with site(tmp_path, REVIEWED, entitled="alice bob") as stage:
        await flood(stage, many)
        await delivers(stage, many)
        asked = len(stage.ws.calls)
        stage.clock.advance(timedelta(hours=1))
        await stage.bot._services.reviews.expire()
        for _ in range(many):
            await delivers(stage, 2)
        cards, ends = told(stage.carol, "Requested by"), told(stage.carol, "nobody decided in time")
        assert Counter(n for m in cards for n in set(CALLED.findall(m.plain))) == each(many)
        assert all("nobody decided in time" in m.plain and not m.buttons for m in cards)
        told_to = [m for m in ends if m not in cards]
        assert Counter(n for m in told_to for n in set(CALLED.findall(m.plain))) == each(many)
        later = [call.error for call in stage.ws.calls[asked:]]
        assert later.count("ratelimited") <= 10


async def test_a_card_that_slack_puts_off_is_edited_once_to_its_newest_state(
    tmp_path: Path,
) -> None:
    async with site(tmp_path, REVIEWED, entitled="alice bob") as stage:
        await flood(stage, 1)
        first = card(stage.carol)
        copy = next(m for m in stage.alice.messages("@dbc") if m.buttons)
        stage.ws.faults.ratelimit("chat.update", times=None, retry_after=30)
        await stage.alice.presses("Approve", copy)
        await stage.quiet()
        before = len(stage.ws.calls_of("chat.update"))
        assert before <= 2  # of the card and its copy, at the same moment
        await delivers(stage, 29)
        assert len(stage.ws.calls_of("chat.update")) == before  # none while Slack takes none
        stage.ws.faults.clear()
        await delivers(stage, 10)
        shown = [c for c in stage.ws.calls_of("chat.update") if c.args["ts"] == first.ts and c.ok]
        assert len(shown) == 1
        assert "is now called" in str(shown[0].args["text"])


async def test_a_person_for_whom_several_wait_is_reminded_in_one_message(tmp_path: Path) -> None:
    async with site(tmp_path, REVIEWED, entitled="alice bob") as stage:
        for one in range(3):
            await stage.asks(stage.alice, f"/dbc vm name {NAME} called{one}")
        await stage.asks(stage.bob, f"/dbc vm name {NAME} other")
        await stage.passes(11 * 60)
        [reminder] = told(stage.bob, "still wait for your decision")
        assert reminder.channel == stage.bob.last("@dbc").channel
        text = reminder.plain.replace("*", "")
        assert "3 requests" in text
        assert all(f"called{one}" in text for one in range(3))
        assert f"machine `{stage.task(NAME).task_id[:8]}`" in text
        assert f"requested by <@{stage.alice.id}>" in text
        # Alice has one to decide, told in its thread; and nobody is told of one twice.
        [single] = told(stage.alice, "still waits for a decision")
        assert "other" in single.plain
        assert told(stage.bob, "still waits for a decision") == [single]
        await stage.passes(60)
        assert len(told(stage.bob, "still wait for your decision")) == 1
