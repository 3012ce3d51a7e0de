"""Requests whose subject is gone close by themselves, on every copy, and say why."""

from pathlib import Path

import pytest

from bot.model import AuditKind
from sandbox.slack import SeenMessage
from tests.scenarios.changing import BOBS_REVIEW, DEEDS, NO_REVIEW, does, prepared
from tests.scenarios.site import DELETE, NAME, asked, entries, now, rules, site, told
from tests.scenarios.stage import CHANNEL, Stage, card, is_card

GLASS = (
    '[[rule]]\nname = "glass"\nmatch = { command = "vm.delete" }\napprovals = 1\n'
    'break_glass = { persons = ["U0CAROL"] }\n'
)
BREAK = f'{DELETE} break_glass="It floods the switch"'


def everywhere(stage: Stage, question: SeenMessage) -> list[SeenMessage]:
    """The card and its copies in direct messages, as they stand now."""
    copies = [m for p in (stage.bob, stage.carol) for m in p.messages("@dbc")]
    return [now(stage, question), *(m for m in copies if is_card(m.plain))]


async def closed(stage: Stage, question: SeenMessage, why: str, *, copies: int = 2) -> None:
    """The request is over for this reason, wherever it is seen."""
    cards = everywhere(stage, question)
    assert len(cards) == 1 + copies
    for seen in cards:
        assert f"was not carried out. {why}" in seen.plain.replace("*", ""), seen.plain
        assert seen.buttons == []
    assert len([t for t in stage.endings(stage.alice) if why in t]) == 1
    async with stage.bot.store.read() as tx:
        assert [a for a in await tx.approvals.open() if a.id in str(question.blocks)] == []


@pytest.mark.parametrize("http", [False, True], ids=["socket", "http"])
async def test_broken_glass_closes_what_others_asked_about_the_machine(
    tmp_path: Path, *, http: bool
) -> None:
    async with site(tmp_path, GLASS, http=http) as stage:
        question = await asked(stage)
        await stage.carol.types(BREAK, channel=CHANNEL)
        await stage.quiet()
        await stage.ends(stage.carol, f"{NAME} is deleted")
        await stage.passes(5)
        why = f"The machine was deleted by <@{stage.carol.id}>."
        cards = [now(stage, question), *(m for m in stage.bob.messages("@dbc") if m.buttons == [])]
        assert [
            m for m in cards if f"was not carried out. {why}" in m.plain.replace("*", "")
        ] == cards
        assert len([t for t in stage.endings(stage.alice) if why in t]) == 1
        voided = [e for e in await entries(stage) if e.kind is AuditKind.VOIDED]
        assert len(voided) == 1
        announced = await stage.bob.sees("broke the glass", CHANNEL)
        assert now(stage, announced).buttons == ["I have reviewed it"]
        assert stage.changes() == ["tasks.delete"]


@pytest.mark.parametrize(
    "line", [f"vm shutdown {NAME}", f"vm restart {NAME} force", f"vm delete {NAME}"]
)
async def test_a_machine_deleted_by_an_approved_request_closes_the_others(
    tmp_path: Path, line: str
) -> None:
    async with site(tmp_path) as stage:
        await stage.carol.types(f"/dbc {line}", channel=CHANNEL)
        await stage.quiet()
        question = card(stage.alice)
        told_so = await stage.asks(stage.alice, DELETE)
        if "Request it a second time" in told_so.buttons:
            await stage.alice.presses("Request it a second time", told_so)
            await stage.quiet()
        mine = next(
            m
            for m in stage.alice.messages(CHANNEL)
            if m.buttons and not m.ephemeral and m.ts != question.ts
        )
        await stage.bob.presses("Approve", mine)
        await stage.quiet()
        await stage.ends(stage.alice, f"{NAME} is deleted")
        await stage.passes(5)
        seen = now(stage, question).plain.replace("*", "")
        assert f"was not carried out. The machine was deleted by <@{stage.alice.id}>." in seen
        assert now(stage, question).buttons == []
        assert stage.changes() == ["tasks.delete"]


async def test_a_machine_that_lists_do_not_have_any_more_closes_it(tmp_path: Path) -> None:
    async with site(tmp_path) as stage:
        question = await asked(stage)
        tasks = stage.node("gpu1").tasks
        del tasks[stage.task(NAME).task_id]
        await stage.passes(61)
        await stage.passes(5)
        await closed(stage, question, "The machine is no longer on its node.")
        assert stage.changes() == []


async def test_a_node_that_says_nothing_of_it_leaves_it_open(tmp_path: Path) -> None:
    async with site(tmp_path) as stage:
        question = await asked(stage)
        for fault in ("dead_node", "bad_json"):
            stage.world.faults.on(fault, path="/tasks")
            await stage.passes(61)
            await stage.passes(5)
            stage.world.faults.off()
        assert now(stage, question).buttons == ["Approve", "Deny", "Withdraw", "Show"]


async def test_a_list_that_is_short_for_a_moment_closes_nothing(tmp_path: Path) -> None:
    async with site(tmp_path) as stage:
        await stage.asks(stage.alice, "/dbc vm list")
        question = await asked(stage)
        for fault in ("empty_list", "short_list"):
            stage.world.faults.on(fault, path="/tasks")
            for _ in range(3):
                await stage.passes(61)
                await stage.passes(5)
            stage.world.faults.off()
        assert now(stage, question).buttons == ["Approve", "Deny", "Withdraw", "Show"]
        await stage.bob.presses("Approve", question)
        await stage.quiet()
        await stage.ends(stage.alice, f"{NAME} is deleted")


async def test_another_machines_end_and_a_creation_leave_it_open(tmp_path: Path) -> None:
    async with site(tmp_path, NO_REVIEW) as stage:
        await stage.asks(stage.alice, "/dbc vm list")
        rules(stage, BOBS_REVIEW)
        question = await asked(stage)
        await does(stage, DEEDS["vm.create"])
        rules(stage, NO_REVIEW)
        await stage.carol.types("/dbc vm delete Ada", channel=CHANNEL)
        await stage.quiet()
        await stage.ends(stage.carol, "Ada's training run is deleted")
        await stage.passes(61)
        await stage.passes(5)
        open_ones = [m for m in stage.alice.messages(CHANNEL) if "Approve" in m.buttons]
        assert len(open_ones) == 2
        assert question.ts in {m.ts for m in open_ones}


async def test_who_has_no_session_any_more_asks_for_nothing(tmp_path: Path) -> None:
    async with site(tmp_path) as stage:
        question = await asked(stage)
        await stage.erases_session(stage.alice, "gpu1")
        await stage.passes(5)
        await closed(stage, question, "The requester has no session for its node any more.")


@pytest.mark.parametrize("name", ["snapshot.delete", "image.delete", "lan.delete", "disk.delete"])
async def test_what_somebody_else_deleted_is_not_asked_about_any_more(
    tmp_path: Path, name: str
) -> None:
    async with site(tmp_path, NO_REVIEW, entitled="carol") as stage:
        deed = await prepared(stage, DEEDS[name])
        rules(stage, BOBS_REVIEW)
        await does(stage, deed)
        question = next(m for m in stage.alice.messages(CHANNEL) if "Approve" in m.buttons)
        rules(stage, NO_REVIEW)
        await stage.carol.types(f"/dbc {deed.line}", channel=CHANNEL)
        await stage.quiet()
        for _ in range(4):
            await stage.passes(15)
        seen = now(stage, question)
        assert f"It was deleted already by <@{stage.carol.id}>." in seen.plain
        assert seen.buttons == []
        assert len(stage.changes()) == 1


async def test_bare_metal_that_its_manager_forgot_closes_it(tmp_path: Path) -> None:
    async with site(tmp_path, NO_REVIEW, entitled="") as stage:
        deed = await prepared(stage, DEEDS["metal.remove"])
        rules(stage, BOBS_REVIEW)
        await does(stage, DEEDS["metal.power"])
        question = next(m for m in stage.alice.messages(CHANNEL) if "Approve" in m.buttons)
        rules(stage, NO_REVIEW)
        await does(stage, deed)
        await stage.passes(5)
        seen = now(stage, question)
        assert f"Its manager was told to forget it by <@{stage.alice.id}>." in seen.plain
        assert seen.buttons == []


async def test_a_confirmation_closes_too(tmp_path: Path) -> None:
    confirm = "[defaults]\ndestroy = { confirm = true }\n"
    async with site(tmp_path, confirm) as stage:
        question = await asked(stage)
        await stage.passes(31)
        await stage.carol.types(DELETE, channel=CHANNEL)
        await stage.quiet()
        theirs = stage.question(stage.carol)
        await stage.carol.presses("Confirm", theirs)
        await stage.quiet()
        await stage.ends(stage.carol, f"{NAME} is deleted")
        await stage.passes(5)
        assert "The machine was deleted by" in stage.alice.last("@dbc").plain
        await stage.alice.presses("Confirm", question)
        await stage.quiet()
        assert "Too late" in now(stage, question).plain
        assert now(stage, question).buttons == []


async def test_a_click_that_waited_for_slack_is_told_why_it_closed(tmp_path: Path) -> None:
    async with site(tmp_path) as stage:
        question = await asked(stage)
        stage.ws.faults.add("http_500", "users.info", times=None)
        await stage.bob.presses("Approve", question)
        await stage.quiet()
        tasks = stage.node("gpu1").tasks
        del tasks[stage.task(NAME).task_id]
        await stage.passes(61)
        await stage.passes(5)
        stage.ws.faults.clear()
        await stage.passes(30)
        await stage.quiet()
        assert "no longer on its node" in now(stage, question).plain
        assert told(stage.bob, "The machine is no longer on its node.")
        assert stage.changes() == []
