"""What was requested and not done reaches its requester, whatever they chose to be told."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from sandbox.slack import Person
from tests.scenarios.changing import NO_REVIEW
from tests.scenarios.site import NAME, approves, denies, rules, told
from tests.scenarios.stage import Stage
from tests.scenarios.test_turns import GROW, GROWING, busy, card_of, later, stage

__all__ = ["stage"]  # fixture


def quiet_now(stage: Stage, person: Person) -> str:
    """The command that chooses quiet hours from an hour ago to far in the night."""
    here = ZoneInfo(person.member.tz)
    begin, over = (stage.clock.now() + timedelta(hours=h) for h in (-1, 22))
    span = f"{begin.astimezone(here):%H:%M}-{over.astimezone(here):%H:%M}"
    return f"/dbc settings quiet-hours {span}"


async def not_done(stage: Stage, how: str) -> None:
    """Bob's change is not done."""
    rules(stage, NO_REVIEW + GROWING.format("approvals = 1"))
    await stage.asks(stage.bob, GROW)
    question = card_of(stage, "Grow disk vdb")
    if how == "denied":
        await denies(stage, stage.carol, question, "not today")
    elif how == "expired":
        for _ in range(30):
            await stage.passes(1_800)
    else:
        await busy(stage)
        await approves(stage, stage.carol, question)
        stage.task(NAME).disks["vdb"].size *= 2  # somebody else has been at it
        await later(stage)


@pytest.mark.parametrize("how", ["denied", "expired", "not carried out"])
@pytest.mark.parametrize(
    "chosen", ["failures only", pytest.param("quiet hours", marks=pytest.mark.slow)]
)
async def test_what_was_not_done_mentions_its_requester_at_once(
    stage: Stage, how: str, chosen: str
) -> None:
    line = "/dbc settings notifications failures"
    await stage.asks(stage.bob, quiet_now(stage, stage.bob) if "quiet" in chosen else line)
    await not_done(stage, how)
    assert "disks.resize" not in stage.changes()
    [end] = stage.endings(stage.bob)
    assert how in end.lower()


async def test_what_was_not_done_mentions_nobody_who_wants_no_mentions(stage: Stage) -> None:
    await stage.asks(stage.bob, "/dbc settings notifications silent")
    await not_done(stage, "denied")
    assert [one for one in told(stage.bob, "not today") if one.thread_ts]
    assert stage.endings(stage.bob) == []
