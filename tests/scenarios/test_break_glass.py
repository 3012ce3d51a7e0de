"""The way past approval at night: at once, loudly, and open until somebody else has looked."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.model import AuditKind
from bot.pipeline.reminders import Reminders
from sandbox.slack import SeenMessage
from tests.scenarios.site import DELETE, NAME, asked, entries, is_http, now, rules, site, told
from tests.scenarios.stage import CHANNEL, CONFIRM_ONLY, Stage, card
from tests.scenarios.test_broken_database import broken

RULE = (
    '[[rule]]\nname = "glass"\nmatch = { command = "vm.delete" }\napprovals = 2\n'
    'reason = "^OPS-"\nbreak_glass = { persons = ["U0CAROL"] }\n'
)
BREAK = f'{DELETE} break_glass="It floods the switch"'


@pytest.fixture
async def stage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stage]:
    async with site(tmp_path, RULE, http=is_http(request)) as one:
        yield one


def ran(stage: Stage) -> SeenMessage:
    """The card of what ran."""
    return card(stage.alice, "Ran without approval")


async def test_it_runs_at_once_and_everybody_hears_of_it(stage: Stage) -> None:
    await stage.carol.types(BREAK, channel=CHANNEL)
    await stage.ends(stage.carol, f"{NAME} is deleted")
    assert stage.changes() == ["tasks.delete"]
    assert f"still to be reviewed by <@{stage.alice.id}>, <@{stage.bob.id}>." in ran(stage).plain
    told_all = await stage.alice.sees("broke the glass", CHANNEL)
    assert "It floods the switch" in told_all.plain
    for what in ("Present state", "running", "vda 350G"):
        assert what in told_all.plain
    [broke] = [e for e in await entries(stage) if e.kind is AuditKind.BROKE_GLASS]
    assert broke.details["shown"]["state"] == "running"
    assert set(told_all.pings) >= {stage.alice.id, stage.bob.id}
    for person in (stage.alice, stage.bob):
        copy = await person.sees("broke the glass", "@dbc")
        assert copy.buttons == ["I have reviewed it"]
    assert not [m for m in stage.carol.messages("@dbc") if "broke the glass" in m.plain]
    assert "broke_glass" in [str(entry.kind) for entry in await entries(stage)]


async def test_a_suggestion_breaks_no_glass(stage: Stage) -> None:
    await stage.passes(1)  # what there is has been looked at
    misspelled = DELETE.replace("delete", "delte") + ' break_glass="It floods the switch"'
    offer = await stage.asks(stage.carol, misspelled)
    assert offer.buttons == ["Show a machine", "More …"]
    assert stage.changes() == []


async def test_what_expired_is_requested_again_without_breaking_the_glass(stage: Stage) -> None:
    rules(stage, CONFIRM_ONLY)
    question = await asked(stage, BREAK, stage.carol)
    assert "Confirm" in question.buttons
    stage.clock.advance(timedelta(minutes=61))
    await stage.passes(1)
    rules(stage, RULE.replace("reason", "# reason"))
    expired = [m for m in stage.carol.messages() if "Request it again" in m.buttons][-1]
    await stage.carol.presses("Request it again", expired)
    await stage.quiet()
    assert stage.changes() == []
    again = await stage.alice.sees("Needs 2 approvals", CHANNEL)
    assert "It floods the switch" not in again.plain


async def test_the_card_that_waits_has_a_button_for_it(stage: Stage) -> None:
    await stage.alice.types(f'{DELETE} reason="OPS-1"', channel=CHANNEL)
    question = await stage.alice.sees("Needs 2 approvals", CHANNEL)
    await stage.carol.presses("Break glass …", question)
    await stage.carol.sees_modal("without approval")
    await stage.carol.submits({"Why can it not wait?": "It floods the switch"})
    await stage.ends(stage.carol, f"{NAME} is deleted")
    assert stage.changes() == ["tasks.delete"]
    told_all = await stage.alice.sees("broke the glass", CHANNEL)
    assert "It floods the switch" in told_all.plain
    closed = now(stage, question)  # at once, not once the machine is missed
    assert closed.buttons == []
    assert f"<@{stage.carol.id}> broke the glass for" in closed.plain


async def test_who_may_not_break_the_glass_is_told_who_may(stage: Stage) -> None:
    await stage.alice.types(f'{DELETE} reason="OPS-1"', channel=CHANNEL)
    question = await stage.alice.sees("Needs 2 approvals", CHANNEL)
    await stage.bob.presses("Break glass …", question)
    await stage.quiet()
    refused = await stage.bob.sees("The rules do not let you break the glass for this")
    assert f"<@{stage.carol.id}> may." in refused.plain
    assert stage.bob.modal is None
    assert stage.changes() == []


async def test_it_is_listed_and_reminded_of_until_somebody_else_reviewed_it(stage: Stage) -> None:
    await stage.carol.types(BREAK, channel=CHANNEL)
    await stage.ends(stage.carol, f"{NAME} is deleted")
    announced = await stage.alice.sees("broke the glass", CHANNEL)
    copy = await stage.bob.sees("broke the glass", "@dbc")
    for person in (stage.alice, stage.bob, stage.carol):
        listed = await stage.asks(person, "/dbc approval list")
        assert "Break-glass changes to review" in listed.plain
    await stage.passes(11 * 60)
    await stage.bob.sees("still waits for a review", CHANNEL, thread_ts=announced.ts)
    await stage.carol.presses("I have reviewed it", announced)
    await stage.quiet()
    assert told(stage.carol, "You requested this yourself")
    await stage.alice.opens_home()
    assert "broke the glass" in (await stage.alice.sees_home("Waiting for you")).plain
    await stage.bob.presses("I have reviewed it", copy)
    await stage.quiet()
    for message in (announced, copy):
        seen = now(stage, message)
        assert f"reviewed by <@{stage.bob.id}>" in seen.plain
        assert seen.buttons == []
    assert f"Ran without approval; reviewed by <@{stage.bob.id}>." in ran(stage).plain
    assert "still to be reviewed" not in ran(stage).plain
    assert "No pending approvals" in (await stage.asks(stage.carol, "/dbc approval list")).plain
    reviewed = [e for e in await entries(stage) if str(e.kind) == "reviewed"]
    audit = (await stage.asks(stage.carol, "/dbc audit list")).plain.replace("`", "")
    broke = rf"\*broke glass\* vm delete {NAME} on gpu1\n\d+ .*: It floods the switch"
    assert re.search(broke, audit), audit
    assert [entry.actor for entry in reviewed] == [stage.bob.id]
    assert stage.changes() == ["tasks.delete"]


async def test_of_two_who_review_it_at_once_the_later_is_told_who_reviewed_it(stage: Stage) -> None:
    await stage.carol.types(BREAK, channel=CHANNEL)
    announced = await stage.alice.sees("broke the glass", CHANNEL)
    people = (stage.alice, stage.bob)
    await asyncio.gather(*(one.presses("I have reviewed it", announced) for one in people))
    await stage.quiet()
    [(first, later)] = [
        (one, other)
        for one, other in (people, people[::-1])
        if told(one, "You are recorded as the reviewer")
    ]
    assert told(later, f"Too late: <@{first.id}> reviewed this.")


async def test_who_broke_the_glass_cannot_cancel_its_review(stage: Stage) -> None:
    await stage.carol.types(BREAK, channel=CHANNEL)
    await stage.ends(stage.carol, f"{NAME} is deleted")
    number = (await stage.asks(stage.carol, "/dbc approval list")).plain.split("`")[1]
    await stage.asks(stage.carol, f"/dbc approval cancel {number}")
    assert told(stage.carol, "This question is not known any more")
    listed = await stage.asks(stage.bob, "/dbc approval list")
    assert "Break-glass changes to review" in listed.plain


async def test_who_is_not_named_cannot(stage: Stage) -> None:
    await stage.alice.types(BREAK.replace("It", "OPS-1: it") + ' reason="OPS-1"', channel=CHANNEL)
    await stage.alice.sees("The rules do not let you break the glass for this", CHANNEL)
    await stage.quiet()
    assert stage.changes() == []
    assert not told(stage.bob, "broke the glass")


async def test_glass_is_not_broken_without_a_reason(stage: Stage) -> None:
    await stage.carol.types(f"{DELETE} --break-glass", channel=CHANNEL)
    await stage.quiet()
    assert stage.changes() == []
    assert not told(stage.bob, "broke the glass")


async def test_where_nothing_has_to_be_approved_nothing_is_broken(stage: Stage) -> None:
    rules(stage, "[defaults]\ndestroy = { confirm = true }\n")
    await stage.carol.types(BREAK, channel=CHANNEL)
    question = await stage.carol.sees(f"Delete .{NAME}", CHANNEL)
    assert question.buttons == ["Confirm", "Withdraw", "Show"]
    assert not told(stage.bob, "broke the glass")


@pytest.mark.parametrize("needs", ["confirm = true", "approvals = 1"])
async def test_glass_gets_past_whatever_stands_in_the_way(stage: Stage, needs: str) -> None:
    glass = 'break_glass = { persons = ["U0CAROL"] }'
    match = 'match = { command = "vm.delete" }\nreason = "^OPS-"'
    default = f"[defaults]\ndestroy = {{ {needs} }}\n"
    rules(stage, f'{default}[[rule]]\nname = "glass"\n{match}\n{glass}\n')
    dry = await stage.asks(stage.carol, f"{BREAK} --dry-run")
    assert "It would run at once, be announced, and wait for a review afterwards." in dry.plain
    await stage.carol.types(BREAK, channel=CHANNEL)
    await stage.ends(stage.carol, f"{NAME} is deleted")
    await stage.bob.sees("broke the glass", "@dbc")


async def test_a_crash_after_it_was_announced_does_not_announce_it_twice(stage: Stage) -> None:
    stage.ws.faults.add("http_500", "chat.postMessage", times=2, after_effect=True)
    await stage.carol.types(BREAK, channel=CHANNEL)
    await stage.quiet()
    await stage.passes(120)
    await stage.ends(stage.carol, f"{NAME} is deleted")
    announced = [m for m in stage.alice.messages(CHANNEL) if "broke the glass" in m.plain]
    assert len(announced) == 1
    assert stage.changes() == ["tasks.delete"]


async def test_a_review_counts_together_with_what_is_told_of_it(stage: Stage) -> None:
    await stage.carol.types(BREAK, channel=CHANNEL)
    await stage.ends(stage.carol, f"{NAME} is deleted")
    announced = await stage.alice.sees("broke the glass", CHANNEL)
    copy = await stage.bob.sees("broke the glass", "@dbc")
    with broken(stage, "UPDATE ON messages"):
        await stage.bob.presses("I have reviewed it", copy)
        await stage.quiet()
    await stage.passes(30)
    await stage.passes(30)
    for message in (announced, copy):
        seen = now(stage, message)
        assert f"reviewed by <@{stage.bob.id}>" in seen.plain
        assert seen.buttons == []
    assert f"Ran without approval; reviewed by <@{stage.bob.id}>." in ran(stage).plain
    assert len([e for e in await entries(stage) if str(e.kind) == "reviewed"]) == 1


@pytest.mark.slow
async def test_it_is_reminded_of_once_a_day_for_as_long_as_nobody_reviews_it(stage: Stage) -> None:
    await stage.carol.types(BREAK, channel=CHANNEL)
    await stage.ends(stage.carol, f"{NAME} is deleted")
    announced = await stage.alice.sees("broke the glass", CHANNEL)

    def reminders() -> int:
        seen = stage.bob.messages(CHANNEL, thread_ts=announced.ts)
        return len([m for m in seen if "still waits for a review" in m.plain])

    services = stage.bot._services
    due = Reminders(services.store, services.reviews, services.reviews.deliver, services.clock)
    for _ in range(70):
        stage.clock.advance(timedelta(days=1))
        await due.remind()
    await stage.quiet()
    assert reminders() == 70


async def test_who_is_alone_and_breaks_the_glass_is_told_who_could_review_it(
    tmp_path: Path,
) -> None:
    alone = 'match = { command = "vm.delete" }\nbreak_glass = { persons = ["U0ALICE"] }\n'
    async with site(tmp_path, f'[[rule]]\nname = "a"\n{alone}', entitled="alice") as stage:
        await stage.alice.types(f'{DELETE} break_glass="It floods the switch"', channel=CHANNEL)
        await stage.ends(stage.alice, f"{NAME} is deleted")
        announced = await stage.alice.sees("broke the glass", CHANNEL)
        assert "Nobody else has a session for gpu1, so nobody can review it yet" in announced.plain
        assert "a rule names `approvers`" in announced.plain
        await stage.passes(11 * 60)
        [reminder] = told(stage.alice, "still waits for a review")
        assert "nobody can review it yet" in reminder.plain
        await stage.gives_session(stage.bob, "gpu1")
        await stage.passes(21 * 60)
        reminder = told(stage.alice, "still waits for a review")[-1]
        assert f"For review by <@{stage.bob.id}>" in reminder.plain


async def test_whoever_is_named_and_missing_is_said(tmp_path: Path) -> None:
    alone = 'match = { command = "vm.delete" }\nbreak_glass = { persons = ["U0ALICE"] }\n'
    alone += 'approvers = { persons = ["U0ALICE"] }\n'
    async with site(tmp_path, f'[[rule]]\nname = "a"\n{alone}', entitled="alice bob") as stage:
        await stage.alice.types(f'{DELETE} break_glass="It floods the switch"', channel=CHANNEL)
        await stage.ends(stage.alice, f"{NAME} is deleted")
        announced = await stage.alice.sees("broke the glass", CHANNEL)
        assert "Nobody named by the rules can review it now" in announced.plain


async def test_whoever_broke_the_glass_is_not_asked_to_review_it_where_they_read_alone(
    stage: Stage,
) -> None:
    await stage.carol.types(BREAK, channel="@dbc")
    await stage.ends(stage.carol, f"{NAME} is deleted")
    await stage.passes(11 * 60)
    offered = [one for message in stage.carol.messages("@dbc") for one in message.buttons]
    assert "I have reviewed it" not in offered
    copy = await stage.bob.sees("broke the glass", "@dbc")
    assert copy.buttons == ["I have reviewed it"]


async def test_the_glass_is_broken_on_the_home_tab_for_ones_own_request(stage: Stage) -> None:
    carol = stage.carol
    await stage.asks(carol, f'{DELETE} reason="OPS-1"')
    await carol.opens_home()
    mine = await carol.sees_home("Your requests, waiting for others")
    assert [one for one in mine.buttons if one in {"Approve", "Deny"}] == []
    assert {"Withdraw", "Show", "Break glass …"} <= set(mine.buttons)
    await carol.presses("Break glass …", on_home=True)
    await carol.sees_modal("Break glass")
    await carol.submits({"Why can it not wait?": "It floods the switch"})
    await stage.ends(carol, f"{NAME} is deleted")
    await stage.alice.sees("broke the glass", CHANNEL)
