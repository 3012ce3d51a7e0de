"""What ended long ago leaves little behind; what is open, recorded or decided stays."""

import sqlite3
from pathlib import Path

import pytest

from bot.model import AuditQuery
from tests.scenarios.site import DELETE, NAME, approves, asked, denies, entries, site
from tests.scenarios.stage import CHANNEL, Stage
from tests.scenarios.test_broken_database import broken

DAY = 24 * 60 * 60.0
GLASS = (
    '[[rule]]\nname = "glass"\nmatch = { command = "vm.poweroff" }\napprovals = 1\n'
    'break_glass = { persons = ["U0CAROL"] }\n'
)


def kept(stage: Stage) -> dict[str, int]:
    """How many rows there are of what may be forgotten, and of what never is."""
    database = sqlite3.connect(f"file:{stage.data}/bot.db?mode=ro", uri=True)
    tables = ("messages", "votes", "watches", "executions", "approvals")
    query = "SELECT count(*) FROM {}"
    counts = {name: database.execute(query.format(name)).fetchone()[0] for name in tables}
    database.close()
    return counts


async def test_what_ended_long_ago_is_forgotten_but_not_the_ledger(tmp_path: Path) -> None:
    async with site(tmp_path) as stage:
        await approves(stage, stage.bob, await asked(stage))
        await stage.ends(stage.alice, f"{NAME} is deleted")
        before, written = kept(stage), len(await entries(stage))
        assert before["messages"]
        assert before["votes"] == before["watches"] == 1
        await stage.passes(89 * DAY)
        assert kept(stage)["messages"] >= before["messages"]
        await stage.passes(2 * DAY)
        after = kept(stage)
        assert (after["votes"], after["watches"]) == (1, 0)
        assert after["messages"] < before["messages"]
        assert after["executions"] == before["executions"]
        assert after["approvals"] == before["approvals"]
        assert len(await entries(stage)) >= written
        shown = await stage.asks(stage.alice, "/dbc audit list since=2020-01-01 outcome=done")
        assert f"{NAME} on gpu1" in shown.plain


async def test_who_decided_and_where_the_card_stands_stays_for_ever(tmp_path: Path) -> None:
    async with site(tmp_path) as stage:
        card = await asked(stage)
        await approves(stage, stage.alice, card)  # does not count: she has asked for it
        await denies(stage, stage.bob, card, "not today")
        [number] = {entry.approval for entry in await entries(stage) if entry.approval}
        before = kept(stage)
        assert before["votes"] == 2
        await stage.passes(91 * DAY)
        after = kept(stage)
        assert after["votes"] == 1
        assert after["messages"] < before["messages"]
        for person, place in ((stage.alice, CHANNEL), (stage.bob, "@dbc")):
            shown = await stage.asks(person, f"/dbc approval show {number}", place)
            assert f"<@{stage.bob.id}> denied “" in shown.plain
            assert "“not today”" in shown.plain
        async with stage.bot.store.read() as tx:
            rows = await tx.audit.page(AuditQuery(command="vm.delete"), before=None, limit=50)
        assert {row.ref and row.ref.ts for row in rows} == {card.ts}


async def test_a_failing_database_puts_the_tidying_off_for_an_hour_only(tmp_path: Path) -> None:
    async with site(tmp_path) as stage:
        await approves(stage, stage.bob, await asked(stage))
        await stage.ends(stage.alice, f"{NAME} is deleted")
        with broken(stage, "DELETE ON watches"):
            await stage.passes(91 * DAY)
        assert kept(stage)["watches"] == 1
        await stage.passes(60 * 60)
        assert kept(stage)["watches"] == 0


async def test_what_still_waits_for_a_review_is_not_forgotten(tmp_path: Path) -> None:
    async with site(tmp_path, GLASS) as stage:
        await stage.carol.types(f'/dbc vm poweroff {NAME} break_glass="smoke"', channel=CHANNEL)
        await stage.ends(stage.carol, f"{NAME} is off")
        copy = await stage.bob.sees("broke the glass", "@dbc")
        await stage.passes(100 * DAY)
        await stage.passes(2 * DAY)
        await stage.bob.presses("I have reviewed it", copy)
        await stage.quiet()
        seen = next(m for m in stage.bob.messages("@dbc") if m.ts == copy.ts)
        assert f"reviewed by <@{stage.bob.id}>" in seen.plain


@pytest.mark.slow
async def test_what_could_not_be_said_yet_is_not_forgotten(tmp_path: Path) -> None:
    async with site(tmp_path) as stage:
        for person in (stage.alice, stage.bob):  # whose ends are told, and ended long ago
            await stage.adds_session(person, "gpu1")
        question = await asked(stage)
        await stage.quiet()
        before = kept(stage)["messages"]
        stage.ws.faults.add("http_500", "chat.update", times=None)
        stage.ws.faults.add("http_500", "chat.postMessage", times=None)
        await stage.passes(2 * 60 * 60)
        await stage.passes(100 * DAY)
        assert kept(stage)["messages"] < before
        stage.ws.faults.clear()
        for _ in range(3):
            await stage.passes(2 * 60 * 60)
        ended = next(m for m in stage.alice.messages(CHANNEL) if m.ts == question.ts)
        assert "nobody decided in time" in ended.plain


async def test_asking_again_after_all_is_forgotten_works(tmp_path: Path) -> None:
    async with site(tmp_path) as stage:
        for person in (stage.alice, stage.bob):  # whose ends are told, and ended long ago
            await stage.adds_session(person, "gpu1")
        await stage.asks(stage.alice, DELETE)
        before = kept(stage)["messages"]
        await stage.passes(100 * DAY)
        await stage.passes(2 * DAY)
        assert kept(stage)["messages"] < before
        await stage.alice.types(DELETE, channel=CHANNEL)
        await stage.quiet()
        waiting = [m for m in stage.alice.messages(CHANNEL) if "Approve" in m.buttons]
        await approves(stage, stage.bob, waiting[-1])
        await stage.ends(stage.alice, f"{NAME} is deleted")
