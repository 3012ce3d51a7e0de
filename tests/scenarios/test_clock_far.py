"""The machine's clock is set by hours or days: nothing ends early or twice, durations are true."""

import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot.model import AuditKind
from sandbox.slack import SeenMessage
from tests.scenarios.images import PYTORCH
from tests.scenarios.site import approves, asked, entries, now, site, told
from tests.scenarios.stage import CHANNEL, Stage, is_card
from tests.scenarios.test_held import mended, refuse
from tests.scenarios.test_late import late, passes_slowly
from tests.scenarios.test_unknown import CREATE, strikes

HOUR = timedelta(hours=1)
STEPS = pytest.mark.parametrize(
    "step", [4 * HOUR, timedelta(days=30), -HOUR, timedelta(days=-2)], ids=str
)
FEWER = pytest.mark.parametrize("step", [4 * HOUR, timedelta(days=-2)], ids=str)
_DURATION = re.compile(r"\((?:(\d+) h )?(?:(\d+) min ?)?(?:(\d+) s)?\)")


def took(text: str) -> timedelta:
    """The duration that a sentence tells."""
    found = _DURATION.search(text)
    assert found is not None, text
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


def cards(stage: Stage) -> list[SeenMessage]:
    """The cards of changes in the channel."""
    return [one for one in stage.bob.messages(CHANNEL) if is_card(one.plain)]


async def ends_truly(stage: Stage, sentence: str, since: datetime, within: float = 400) -> None:
    """It ends once, and the duration told is the one that passed, to the bot's own rhythm."""
    end = await stage.ends(stage.alice, sentence, within=within)
    passed = stage.clock.now() - since
    assert timedelta() <= passed - took(end.plain) < timedelta(seconds=2)
    await stage.passes(60, times=5)
    assert len(stage.endings(stage.alice)) == 1


@STEPS
async def test_a_creation_is_followed_as_long_as_it_takes(
    one_stage: Stage, step: timedelta
) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu2")
    since = stage.clock.now()
    await stage.asks(stage.alice, CREATE)
    await stage.passes(3)
    stage.machine.step(step)
    await stage.passes()
    assert stage.endings(stage.alice) == []
    await ends_truly(stage, "t1 is running on gpu2", since)
    assert stage.changes() == ["tasks.create"]


@STEPS
async def test_a_transfer_keeps_its_pace_and_its_end(one_stage: Stage, step: timedelta) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    since = stage.clock.now()
    await stage.asks(stage.alice, f"/dbc image download {PYTORCH} on gpu1")
    await stage.passes(5, times=6)
    stage.machine.step(step)
    await stage.passes(5, times=4)
    [card] = told(stage.bob, "is being downloaded")
    left = re.search(r"about (\d) min(?: \d\d s)? left", card.plain)
    assert left is not None, card.plain
    assert int(left[1]) <= 3  # 18 GiB at 100 MiB/s take 3 min
    assert re.search(r"\b(9|10)\d MiB/s", card.plain)
    await ends_truly(stage, f"{PYTORCH} was downloaded to gpu1", since)


@pytest.mark.slow
@FEWER
async def test_a_late_look_goes_on_for_its_hour(one_stage: Stage, step: timedelta) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu2")
    strikes(stage, "reset_before", "/tasks/start")
    await stage.asks(stage.alice, CREATE)
    await stage.ends(stage.alice, "t1 on gpu2 does not exist so far", within=140)
    stage.machine.step(step)
    await passes_slowly(stage, 50)
    async with stage.bot.store.read() as tx:
        assert len(await tx.watches.open()) == 1
    await passes_slowly(stage, 15)
    async with stage.bot.store.read() as tx:
        assert await tx.watches.open() == []
    assert len(stage.endings(stage.alice)) == 1
    assert took(stage.endings(stage.alice)[0]) < timedelta(minutes=3)


@pytest.mark.slow
@FEWER
async def test_what_arrives_late_is_still_seen(one_stage: Stage, step: timedelta) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu2")
    late(stage, "/tasks/start", 1200)
    await stage.asks(stage.alice, CREATE)
    await stage.ends(stage.alice, "t1 on gpu2 does not exist so far", within=140)
    stage.machine.step(step)
    await stage.ends(stage.alice, "t1 is running on gpu2", within=1800)
    assert len(stage.endings(stage.alice)) == 2


@pytest.mark.slow
@FEWER
async def test_a_question_stays_open_and_reminds_as_often_as_ever(
    tmp_path: Path, step: timedelta
) -> None:
    async with site(tmp_path) as stage:
        question = await asked(stage)
        stage.machine.step(step)
        await stage.passes(60, times=50)
        reminders = told(stage.bob, "still waits for a decision")
        after = [float(one.ts) - float(question.ts) for one in reminders]
        assert [round(seconds / 60) for seconds in after] == [10, 30]
        await approves(stage, stage.bob, now(stage, question))
        await stage.ends(stage.alice, "inference is deleted")
        assert stage.changes() == ["tasks.delete"]


@STEPS
async def test_a_question_expires_when_its_time_has_passed(tmp_path: Path, step: timedelta) -> None:
    async with site(tmp_path) as stage:
        question = await asked(stage)
        await stage.passes(30 * 60)
        stage.machine.step(step)
        await stage.passes(29 * 60)
        assert "Approve" in now(stage, question).buttons
        await stage.passes(2 * 60)
        assert now(stage, question).buttons == []
        assert len(stage.endings(stage.alice)) == 1
        assert stage.changes() == []


@STEPS
async def test_what_was_held_is_told_once(one_stage: Stage, step: timedelta) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu2")
    await stage.asks(stage.alice, CREATE)
    refuse(stage, "token_revoked")
    await stage.passes(15, times=10)
    stage.machine.step(step)
    await stage.passes(15, times=10)
    await mended(stage, "token_revoked")
    await stage.passes(60, times=5)
    assert len(stage.endings(stage.alice)) == 1
    assert len(cards(stage)) == 1
    assert stage.changes() == ["tasks.create"]


@STEPS
async def test_a_message_that_slack_left_unanswered_is_found_and_not_doubled(
    one_stage: Stage, step: timedelta
) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu2")
    stage.machine.step(step)
    stage.ws.faults.add("reset", "chat.postMessage", after_effect=True)
    await stage.alice.types(CREATE, CHANNEL)
    await stage.quiet()
    stage.machine.step(-step)
    await stage.passes(15, times=20)
    assert len(cards(stage)) == 1
    assert len(stage.endings(stage.alice)) == 1


@STEPS
async def test_people_and_the_audit_are_told_the_machines_time(
    one_stage: Stage, step: timedelta
) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu2")
    stage.machine.step(step)
    await stage.asks(stage.alice, CREATE)
    [card] = cards(stage)
    written = str(int(stage.machine.now().timestamp()))
    assert written[:-3] in str(card.blocks)
    requested = [one for one in await entries(stage) if one.kind is AuditKind.REQUESTED]
    assert abs(requested[-1].at - stage.machine.now()) < timedelta(minutes=1)
    since = f"{stage.machine.now() - timedelta(minutes=5):%Y-%m-%dT%H:%M}+00:00"
    shown = await stage.asks(stage.alice, f"/dbc audit list since={since} --json")
    assert '"kind": "started"' in shown.plain


@STEPS
@pytest.mark.parametrize("after", [True, False], ids=["while it runs", "while it is down"])
async def test_no_duration_is_told_that_no_process_has_measured(
    one_stage: Stage, step: timedelta, after: bool
) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu2")
    await stage.asks(stage.alice, CREATE)
    await stage.passes(3)
    stage.machine.step(step)
    if after:
        await stage.passes(1)
    await stage.restart_bot()
    await stage.passes()
    assert stage.endings(stage.alice) == []
    end = await stage.ends(stage.alice, "t1 is running on gpu2")
    assert _DURATION.search(end.plain) is None
    assert len(stage.endings(stage.alice)) == 1
    assert stage.changes() == ["tasks.create"]


@pytest.mark.slow
@FEWER
async def test_a_late_look_is_not_closed_by_a_restart(one_stage: Stage, step: timedelta) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu2")
    late(stage, "/tasks/start", 1200)
    await stage.asks(stage.alice, CREATE)
    await stage.ends(stage.alice, "t1 on gpu2 does not exist so far", within=140)
    stage.machine.step(step)
    await stage.restart_bot()
    await stage.ends(stage.alice, "t1 is running on gpu2", within=1800)
    assert len(stage.endings(stage.alice)) == 2
