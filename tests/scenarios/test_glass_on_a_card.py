"""Glass broken on a card that asks: the request runs once, and nobody is asked of it any more."""

from pathlib import Path

import pytest

from bot.model import AuditKind
from sandbox.slack import Person, SeenMessage
from tests.scenarios.site import NAME, approves, asked, entries, now, site, told
from tests.scenarios.stage import CHANNEL, Stage

RULES = """
[defaults]
destroy = { approvals = 1 }
[[rule]]
name = "carol breaks the glass"
match = { command = "vm.*" }
break_glass = { persons = ["U0CAROL"] }
"""
RESET, RESTART = f"/dbc vm reset {NAME}", f"/dbc vm restart {NAME} force"


async def breaks_glass(stage: Stage, person: Person, question: SeenMessage) -> None:
    """`person` presses the button and says why it cannot wait."""
    await person.presses("Break glass …", question)
    form = await person.sees_modal("Break glass")
    assert "The power is cut: what is not on disk is lost." in form.plain
    await person.submits({"Why can it not wait?": "It burns"})
    await stage.quiet()


@pytest.mark.parametrize(
    ("line", "call"), [(RESET, "tasks.reset"), (RESTART, "tasks.restart")], ids=["reset", "restart"]
)
async def test_what_glass_was_broken_for_is_not_approved_as_well(
    tmp_path: Path, line: str, call: str
) -> None:
    async with site(tmp_path, RULES) as stage:
        question = await asked(stage, f'{line} reason="it hangs"')
        await breaks_glass(stage, stage.carol, question)
        loud = await stage.bob.sees("runs without approval", CHANNEL)
        assert f"*Reason*\nIt burns\n*Requested by*\n<@{stage.alice.id}>: it hangs" in loud.plain
        closed = now(stage, question)
        assert f"<@{stage.carol.id}> broke the glass for" in closed.plain
        assert closed.buttons == []
        await stage.passes(180)
        copy = await stage.bob.sees("broke the glass for", "@dbc")
        assert copy.buttons == []
        assert stage.changes() == [call]
        [voided] = [e for e in await entries(stage) if e.kind is AuditKind.VOIDED]
        assert voided.command == call.replace("tasks", "vm")


async def test_who_requested_and_approved_it_is_said_again_and_after_the_review(
    tmp_path: Path,
) -> None:
    async with site(tmp_path, RULES.replace("approvals = 1", "approvals = 2")) as stage:
        question = await asked(stage, f'{RESET} reason="it hangs"')
        await approves(stage, stage.bob, question)
        await breaks_glass(stage, stage.carol, question)
        loud = await stage.bob.sees("runs without approval", CHANNEL)
        first = f"*Requested by*\n<@{stage.alice.id}>: it hangs\n*Votes until then*\n"
        first += f"1 of 2 approvals: <@{stage.bob.id}>."
        assert f"*Reason*\nIt burns\n{first}" in loud.plain
        async with stage.bot.store.read() as tx:
            [glass] = await tx.approvals.open()
        again = await stage.asks(stage.bob, f"/dbc approval show {glass.id}")
        assert first in again.plain
        await stage.passes(25 * 3600)
        [reminder] = [
            m for m in stage.bob.messages(CHANNEL) if "still waits for a review" in m.plain
        ]
        assert reminder.buttons == ["I have reviewed it"]
        await stage.bob.presses("I have reviewed it", loud)
        await stage.quiet()
        assert first in now(stage, loud).plain
        assert now(stage, reminder).buttons == []
        assert f"reviewed by <@{stage.bob.id}>" in now(stage, reminder).plain
        assert not [m for m in stage.alice.messages() if "I have reviewed it" in m.buttons]


NOBODY = RULES.replace("approvals = 1", "approvals = 3")


async def test_a_refusal_for_too_few_approvers_offers_the_glass_to_who_may(tmp_path: Path) -> None:
    async with site(tmp_path, NOBODY) as stage:
        await stage.gives_session(stage.carol, "gpu1")
        refused = await stage.asks(stage.carol, RESET)
        assert "could give one" in refused.plain
        assert stage.changes() == []
        await breaks_glass(stage, stage.carol, refused)
        await stage.passes(180)
        assert stage.changes() == ["tasks.reset"]
        await stage.bob.sees("broke the glass", CHANNEL)
        refused = await stage.asks(stage.alice, RESET)
        assert "could give one" in refused.plain
        assert "Break glass …" not in refused.buttons


async def test_glass_typed_beside_a_question_keeps_it_from_running_again(tmp_path: Path) -> None:
    async with site(tmp_path, RULES) as stage:
        question = await asked(stage, RESET)
        await stage.asks(stage.carol, f'{RESET} break_glass="It burns"')
        for _ in range(18):
            await stage.passes(10)
        await approves(stage, stage.bob, now(stage, question))
        await stage.passes(5)
        assert stage.changes() == ["tasks.reset"]
        assert "The same request has been sent since this was shown" in now(stage, question).plain


async def test_glass_breaks_for_nothing_that_was_decided_meanwhile(tmp_path: Path) -> None:
    async with site(tmp_path, RULES) as stage:
        question = await asked(stage, RESET)
        await stage.carol.presses("Break glass …", question)
        await stage.carol.sees_modal("Break glass")
        await approves(stage, stage.bob, question)
        await stage.carol.submits({"Why can it not wait?": "It burns"})
        await stage.quiet()
        assert stage.changes() == ["tasks.reset"]
        assert told(stage.carol, "This has been decided already")


async def test_glass_broken_on_a_copy_is_told_and_ends_where_it_was_asked(tmp_path: Path) -> None:
    async with site(tmp_path, RULES) as stage:
        question = await asked(stage, RESET)
        await stage.passes(2)
        copy = await stage.carol.sees(f"Reset .{NAME}", "@dbc")
        await breaks_glass(stage, stage.carol, copy)
        await stage.passes(10)
        assert stage.changes() == ["tasks.reset"]
        for _ in range(30):
            await stage.passes(10)
        ends = [m.plain for m in stage.alice.messages(CHANNEL) if "has been reset" in m.plain]
        assert len(ends) == 1, stage.alice.screen()
        announced = await stage.alice.sees("broke the glass: ", CHANNEL)
        assert "It burns" in announced.plain
        assert announced.buttons == ["I have reviewed it"]
        assert f"<@{stage.carol.id}> broke the glass for" in now(stage, question).plain


@pytest.mark.parametrize("line", ["紧急放行", "break the glass on inference"])
async def test_whoever_types_that_is_offered_the_requests_that_wait(
    tmp_path: Path, line: str
) -> None:
    async with site(tmp_path, RULES) as stage:
        offered = await stage.asks(stage.carol, f"/dbc {line}")
        assert "No pending request lets you break the glass." in offered.plain
        assert offered.buttons == []
        await asked(stage, RESET)
        offered = await stage.asks(stage.bob, f"/dbc {line}")
        assert offered.buttons == []  # the rules do not let him
        offered = await stage.asks(stage.carol, f"/dbc {line}")
        assert f"Reset {NAME} on gpu1, requested by <@{stage.alice.id}>" in offered.plain.replace(
            "*", ""
        )
        assert offered.buttons == ["Break glass …", "Open"]
        await breaks_glass(stage, stage.carol, offered)
        await stage.bob.sees("runs without approval", CHANNEL)
        assert stage.changes() == ["tasks.reset"]
