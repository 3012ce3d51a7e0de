"""However a command ends, what is kept of it and shown later is a finished sentence."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from bot.commands.rows import command_table
from bot.model import AuditEntry, AuditKind, Effect
from bot.reply import plain
from tests.scenarios.changing import DEEDS, UNREVIEWED, does, prepared, walk
from tests.scenarios.site import entries
from tests.scenarios.stage import Stage, is_unfinished, names_command, staged

_DATE = re.compile(r"<!date\^[^>]*>|\{\}")  # as Slack takes moments; nothing, in JSON
# What happens to every change: nothing, a refusal, or nobody knows whether it was carried out.
FAULTS = ("", "unknown_node", "soft_failure", "reset_after")
_NEVER_CONFIRMED = "metal.boot"  # the node's answer is an error whatever it did (docs/dbc-api.md)
# They take a question that somebody has put.
_WITHDRAWN = frozenset({"approval.cancel", "approval.withdraw"})
_REFUSED = UNREVIEWED  # to who is not named for it


def walked() -> list[tuple[str, str]]:
    """Every command that changes something, with what may happen to what it sends."""
    effects = {c.id: max(c.worst_effect, c.effect_of({"command": "on"})) for c in command_table()}
    changing = [name for name, effect in effects.items() if effect is not Effect.READ]
    deeds = [(name, DEEDS[name]) for name in changing if name not in _WITHDRAWN | _REFUSED]
    return [(name, fault) for name, deed in deeds for fault in (FAULTS if deed.sends else ("",))]


async def ended(stage: Stage, name: str) -> AuditEntry | None:
    """How the audit says that the command ended."""
    found = [e for e in await entries(stage) if e.kind is AuditKind.ENDED and e.command == name]
    return found[-1] if found else None


async def carried_out(stage: Stage, name: str, fault: str) -> None:
    """Alice does it, confirms it, and it comes to its end."""
    deed = await prepared(stage, DEEDS[name])
    if fault:
        stage.world.faults.on(fault, path=deed.sends.removesuffix("/"))
    await does(stage, deed)
    asked = [m for m in stage.alice.messages() if "Confirm" in m.buttons]
    for card in asked:
        await stage.alice.presses("Confirm", card)
        await stage.quiet()
    stage.world.faults.off()
    for seconds in (*[30] * 6, *[1200] * 3):  # a stop waits for what may still arrive
        if await ended(stage, name) is not None:
            break
        await stage.passes(seconds)


@pytest.mark.parametrize(("name", "fault"), walk(walked()))
async def test_every_end_is_kept_and_shown_as_a_finished_sentence(
    tmp_path: Path, name: str, fault: str
) -> None:
    async with staged(tmp_path) as stage:
        await carried_out(stage, name, fault)
        end = await ended(stage, name)
        assert end is not None, stage.alice.screen()
        assert end.outcome in {"done", "failed", "unknown", "refused"}
        assert end.outcome == "done" or fault or name == _NEVER_CONFIRMED, end.reason
        assert end.reason
        async with stage.bot.store.read() as tx:
            ledger = [plain(e.outcome) for e in await tx.executions.recent(limit=99)]
        stage.clock.advance(timedelta(seconds=4000))
        await stage.passes()
        said = [m.plain for m in stage.alice.messages()]
        assert [text for text in said if not names_command(text)] == []
        said += [
            (await stage.asks(stage.alice, f"/dbc {asked}")).plain
            for asked in ("audit list", "audit list --json", "watch list", "approval list")
        ]
        shown = [_DATE.sub("", told) for told in (*ledger, *said)]
        assert [told for told in shown if is_unfinished(told)] == []
