"""What was refused before it came to anything is in the audit as well."""

from pathlib import Path

import pytest

from bot.commands.audit import PAGE
from bot.model import AuditKind
from tests.scenarios.site import DELETE, NAME, asked, entries, refused_clicks, rules, site
from tests.scenarios.stage import CHANNEL


async def test_a_name_that_was_typed_wrongly_is_recorded(tmp_path: Path) -> None:
    typing = '[[rule]]\nname = "a"\nmatch = { command = "vm.delete" }\ntype_name = true\n'
    async with site(tmp_path, typing) as stage:
        question = await asked(stage)
        await stage.bob.presses("Approve", question)
        await stage.bob.sees_modal("Its description or id")
        await stage.bob.submits({"Its description or id": "hunter2"})
        await stage.quiet()
        assert await refused_clicks(stage) == [
            (stage.bob.id, "Approving takes typing what it is about, and something else was typed.")
        ]
        assert "hunter2" not in repr(await entries(stage))


@pytest.mark.parametrize("match", ['command = "vm.show"', 'node = "{node}"', 'effect = "read"'])
async def test_a_read_that_was_denied_is_recorded(tmp_path: Path, match: str) -> None:
    async with site(tmp_path) as stage:
        await stage.asks(stage.alice, "/dbc vm list")
        match = match.replace("{node}", stage.node("gpu1").node_id)
        rules(stage, f'[[rule]]\nname = "a"\nmatch = {{ {match} }}\ndeny = "Not yours."\n')
        await stage.asks(stage.alice, f"/dbc vm show {NAME}")
        [row] = [e for e in await entries(stage) if e.kind is AuditKind.READ_DENIED]
        assert (row.actor, row.command, row.reason) == (stage.alice.id, "vm.show", "Not yours.")
        assert row.place.channel == stage.ws.core.state.channel(CHANNEL).id
        assert row.arguments["vm"] == NAME
        rules(stage, "[defaults]\n")
        shown = await stage.asks(stage.alice, '/dbc audit list outcome="read denied"')
        assert "Not yours." in shown.plain


async def test_a_reload_that_was_refused_is_recorded_once(tmp_path: Path) -> None:
    async with site(tmp_path) as stage:
        rules(stage, '[[rule]]\nname = "a"\nmatch = { command = "vm.list" }\napprovals = 2\n')
        await stage.passes(2)
        await stage.passes(2)
        [row] = [e for e in await entries(stage) if e.kind is AuditKind.POLICY_FAULTY]
        assert "line 3: “vm.list” only reads" in row.details["faults"][0]
        loaded = [e for e in await entries(stage) if e.kind is AuditKind.POLICY_LOADED]
        rules(stage, '[[rule]]\nname = "b"\nmatch = { command = "vm.delete" }\ndeny = "No."\n')
        await stage.passes(2)
        assert len([e for e in await entries(stage) if e.kind is AuditKind.POLICY_LOADED]) == (
            len(loaded) + 1
        )
        assert "No." in (await stage.asks(stage.alice, DELETE)).plain


def test_the_docs_say_how_many_rows_and_which_kinds_there_are() -> None:
    docs = (Path(__file__).parents[2] / "docs" / "audit.md").read_text(encoding="utf-8")
    assert f"newest first, {PAGE} rows at a time" in docs
    assert [kind for kind in AuditKind if f"`{kind}`" not in docs] == []
