"""Whatever others see of a change names who requested it and who approved it."""

import ast
from pathlib import Path

import pytest

from bot.model import ExecutionStatus
from sandbox.slack import SeenMessage
from tests.scenarios.changing import (
    BOBS_REVIEW,
    DEEDS,
    NO_REVIEW,
    UNREVIEWED,
    does,
    prepared,
    public,
    walk,
)
from tests.scenarios.site import approves, asked, rules, site
from tests.scenarios.stage import CHANNEL, Stage

ROOT = Path(__file__).parents[2]
# What a person asked for alone, reminders of one person and the audit's own message: no change that
# others see.
MAY_PUT = {
    "commands/freezing.py",  # to a channel that the rules name, with whoever froze
    "messages/alone.py",  # to the requester alone
    "messages/board.py",
    "messages/directly.py",
    "messages/gathering.py",  # ends as they were put, each with its mention
    "orders/budgets.py",  # what rentals cost: nobody requested it
    "orders/handlings.py",  # what was told of the chain, as it is read since
    "orders/over.py",  # of the chain: nobody requested it
    "orders/putting.py",
    "outages/telling.py",  # what nobody requested
    "pipeline/endings.py",
    "pipeline/reminders.py",
    "reviews/audit.py",
    "services/access.py",  # who asks for access and who answers, in their direct messages
}

ANSWERED = {"session.ask"}  # what others see is a question to them, whoever let it be put


@pytest.mark.slow
def test_messages_are_put_up_in_one_place_that_names_people() -> None:
    putting = set()
    for path in (ROOT / "bot").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and ast.unparse(node).endswith(".messages.put"):
                putting.add(path.relative_to(ROOT / "bot").as_posix())
    assert putting == MAY_PUT


def named(stage: Stage, since: set[str], *people: str) -> list[SeenMessage]:
    """The public messages since then; each names all these people."""
    seen = [m for m in public(stage) if m.ts not in since]
    for message in seen:
        for person in people:
            assert f"<@{person}>" in message.plain, message.plain
    return seen


async def open_things(stage: Stage) -> int:
    async with stage.bot.store.read() as tx:
        recent = await tx.executions.recent(limit=100)
    return sum(not one.status.is_end for one in recent)


async def over(stage: Stage) -> None:
    """Whatever was begun has ended and was told."""
    for turn in range(60):
        await stage.passes(15 if turn < 40 else 180)  # a stopped transfer is looked at for long
        if not await open_things(stage):
            break
    await stage.quiet()


@pytest.mark.parametrize("name", walk((name,) for name in sorted(DEEDS)))
async def test_a_change_that_runs_at_once_names_its_requester(tmp_path: Path, name: str) -> None:
    async with site(tmp_path, NO_REVIEW, entitled="") as stage:
        deed = await prepared(stage, DEEDS[name])
        since = {m.ts for m in public(stage)}
        await does(stage, deed)
        named(stage, since, stage.alice.id)
        await over(stage)
        named(stage, since, stage.alice.id)


@pytest.mark.parametrize(
    "name", walk((name,) for name in sorted(set(DEEDS) - UNREVIEWED - ANSWERED))
)
async def test_an_approved_change_names_its_approver_too(tmp_path: Path, name: str) -> None:
    async with site(tmp_path, NO_REVIEW, entitled="") as stage:
        deed = await prepared(stage, DEEDS[name])
        rules(stage, BOBS_REVIEW)
        since = {m.ts for m in public(stage)}
        await does(stage, deed)
        [question] = [m for m in named(stage, since, stage.alice.id) if m.channel == "C0GPUOPS"]
        assert question.buttons[:3] == ["Approve", "Deny", "Withdraw"]
        assert question.buttons[3:] in ([], ["Show"])  # where it is about a machine
        await approves(stage, stage.bob, question)
        assert named(stage, since, stage.alice.id, stage.bob.id)
        await over(stage)
        ends = named(stage, since, stage.alice.id, stage.bob.id)
        assert [m for m in ends if m.channel == "C0GPUOPS" and m.ts != question.ts]


async def test_a_mention_that_changes_something_at_once_names_who_wrote_it(tmp_path: Path) -> None:
    async with site(tmp_path, NO_REVIEW, entitled="alice") as stage:
        since = {m.ts for m in public(stage)}
        await stage.asks(stage.alice, "@dbc vm modify inference mem=128")
        [seen] = named(stage, since, stage.alice.id)
        assert "memory 64 → 128 GiB" in seen.plain


@pytest.mark.parametrize("fault", ["reset_after", "reset_before", "html_body"])
async def test_an_approved_change_that_fails_names_both(tmp_path: Path, fault: str) -> None:
    async with site(tmp_path) as stage:
        since = {m.ts for m in public(stage)}
        question = await asked(stage)
        stage.world.faults.on(fault, path="/tasks/delete")
        await approves(stage, stage.bob, question)
        await over(stage)
        assert len(named(stage, since, stage.alice.id, stage.bob.id)) >= 2


async def test_a_reminder_names_who_asked(tmp_path: Path) -> None:
    async with site(tmp_path) as stage:
        since = {m.ts for m in public(stage)}
        await asked(stage)
        await stage.passes(11 * 60)
        assert [m for m in named(stage, since, stage.alice.id) if "still waits" in m.plain]


async def test_broken_glass_names_who_broke_it_and_who_reviewed_it(tmp_path: Path) -> None:
    rule = (
        '[[rule]]\nname = "glass"\nmatch = { command = "vm.delete" }\napprovals = 1\n'
        'break_glass = { persons = ["U0ALICE"] }\n'
    )
    async with site(tmp_path, rule) as stage:
        since = {m.ts for m in public(stage)}
        await stage.asks(stage.alice, '/dbc vm delete inference break_glass="It floods us"')
        await over(stage)
        named(stage, since, stage.alice.id)
        broken = await stage.bob.sees("broke the glass", CHANNEL)
        await stage.bob.presses("I have reviewed it", broken)
        await stage.quiet()
        seen = [m for m in public(stage) if "without approval" in m.plain.lower()]
        assert seen
        for message in seen:
            assert f"reviewed by <@{stage.bob.id}>" in message.plain


async def test_what_only_the_requester_is_told_afterwards_names_the_approver(
    tmp_path: Path,
) -> None:
    async with site(tmp_path, NO_REVIEW, entitled="") as stage:
        deed = await prepared(stage, DEEDS["vm.passwd"])
        rules(stage, BOBS_REVIEW)
        await does(stage, deed)
        stage.ws.faults.add("http_500", "chat.postEphemeral", times=9)
        question = await stage.bob.sees("Requested by", CHANNEL)
        await approves(stage, stage.bob, question)
        await stage.passes(90)
        told = [m for m in stage.alice.messages("@dbc") if "You requested" in m.plain]
        assert len(told) == 1
        assert f"approved by <@{stage.bob.id}>" in told[0].plain
        async with stage.bot.store.read() as tx:
            [last] = [e for e in await tx.executions.recent(limit=9) if e.command == "vm.passwd"]
        assert last.status is ExecutionStatus.DONE
